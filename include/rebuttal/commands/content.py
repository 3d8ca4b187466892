"""`rebuttal content`: the inventory of what is published, and people's word on which doubts a piece answers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table
from rebuttal.settings import Settings

BY = click.option("--by", required=True, help="Who says so; the name goes into the journal.")


@click.group()
def content() -> None:
    """What is already published: import it, say which doubts it answers."""


@content.command("import")
@click.argument("source")
@click.option("--by", default="", help="Who says what the column `answers` of a CSV says.")
@click.option("--labels/--no-labels", default=True, help="Let the classifier propose what a new piece answers.")
@JSON
def content_import(source: str, by: str, labels: bool, as_json: bool) -> None:
    """Take over SOURCE: a sitemap.xml, an RSS or Atom feed (file or address), or a CSV.

    Columns of a CSV: url, and if you like title, id, kind, published_at, role, answers (categories or category/theme,
    parted by `;`), share (of the doubt that it takes of its reader, 0 to 1).
    """
    from rebuttal.configuration import load_vocabulary
    from rebuttal.content.inventory_fetch import fetcher
    from rebuttal.content.inventory_sources import read_listing
    from rebuttal.content.inventory_store import import_items, propose_answers
    from rebuttal.state import open_state

    context = context_until()
    fetch = fetcher(source)
    listing = read_listing(source, fetch(source), load_vocabulary(context.settings.config), fetch)
    if any(one.answers for one in listing.found) and not by.strip():
        raise click.UsageError("The file says what pieces answer: name who says so with --by")
    now, is_sitemap = context.clock.now(), listing.kind == "sitemap"
    with open_state(context.settings) as sessions:
        # A sitemap of which a part was refused may well hold what seems to be gone.
        is_whole = is_sitemap and bool(listing.found) and not listing.refused
        done = import_items(sessions, listing.found, listing.kind, by.strip(), now, is_whole=is_whole)
        proposed = 0
        if labels and done.unanswered:
            proposals, model = _classified(context.settings, done.unanswered)
            proposed = propose_answers(sessions, proposals, model, now)
    counts = {
        **{name: len(getattr(done, name)) for name in ("new", "changed", "unchanged", "gone")},
        "proposed_answers": proposed,
        "refused": len(listing.refused),
    }
    if as_json:
        refused = [{"place": one.place, "reason": one.reason} for one in listing.refused]
        click.echo(as_json_text({"kind": listing.kind, **counts, "refused_rows": refused}))
    else:
        click.echo(f"{listing.kind}: " + ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items()))
        for one in listing.refused[:20]:
            click.echo(f"  refused {one.place}: {one.reason}")
        if proposed:
            click.echo("Proposals count once a person confirms them: see `rebuttal content list --proposed`.")
    if listing.refused:
        click.echo(f"problem: {counts['refused']} rows were not taken over", err=True)
        raise SystemExit(1)


@content.command("list")
@click.option("--proposed", is_flag=True, help="Only answers that the classifier proposes and nobody has judged.")
@JSON
def content_list(proposed: bool, as_json: bool) -> None:
    """Every piece with what it answers, who says so, and how much of the doubt it takes of a reader."""
    from rebuttal.content.inventory_store import gather
    from rebuttal.content.rules import load_rules
    from rebuttal.state import open_state

    context = context_until()
    with open_state(context.settings) as sessions:
        pieces = gather(sessions, load_rules(context.settings.config))
    rows: list[dict[str, Any]] = []
    for piece in pieces:
        told = {name: getattr(piece, name) for name in ("item_id", "title", "url", "source", "role")}
        answers = [one for one in piece.answers if not proposed or one.status == "proposed"]
        rows += [
            {**told, "answer": one.key, "status": one.status, "share": one.share, "confidence": one.confidence}
            for one in answers
        ]
        if not piece.answers and not proposed:
            rows.append({**told, "answer": None, "status": None, "share": None, "confidence": None})
    if as_json:
        click.echo(as_json_text(rows))
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo(
            "Nothing waits to be confirmed." if proposed else "The inventory is empty: `rebuttal content import`."
        )


@content.command("confirm")
@click.argument("item")
@click.argument("answer")
@click.option("--share", type=float, help="Of the doubt that it takes of its reader, 0 to 1.")
@BY
def content_confirm(item: str, answer: str, share: float | None, by: str) -> None:
    """ITEM does answer ANSWER (a category, or category/theme), whether that was proposed or not."""
    _judge(item, answer, "confirmed", by, share)


@content.command("reject")
@click.argument("item")
@click.argument("answer")
@BY
def content_reject(item: str, answer: str, by: str) -> None:
    """ITEM does not answer ANSWER; it is never proposed again."""
    _judge(item, answer, "rejected", by, None)


def _judge(item: str, answer: str, verdict: str, by: str, share: float | None) -> None:
    from rebuttal.configuration import load_vocabulary
    from rebuttal.content.inventory_rows import known_answer
    from rebuttal.content.inventory_store import judge
    from rebuttal.state import open_state

    context = context_until()
    key = known_answer(answer, load_vocabulary(context.settings.config))
    with open_state(context.settings) as sessions:
        is_new = judge(sessions, item, key, verdict, by, context.clock.now(), share)
    click.echo(f"{item} answers {key}: {verdict}." if is_new else "That stands already; nothing changed.")


def _classified(settings: Settings, titles: Mapping[str, str]) -> tuple[dict[str, list[tuple[str, float]]], str]:
    """What the classifier takes titles for, by id with confidence, and its name. What it is unsure of is left out."""
    from rebuttal.objections import classify_file

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        lines = [json.dumps({"id": item_id, "text": title}) for item_id, title in sorted(titles.items())]
        source.write_text("\n".join(lines), encoding="utf-8")
        classify_file(source, target, settings=settings)
        read = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    sure = [row for row in read if not row["abstain"] and row["labels"] != ["none"]]
    return (
        {row["id"]: [(label, float(row["confidence"])) for label in row["labels"]] for row in sure},
        str(read[0]["model"]),
    )
