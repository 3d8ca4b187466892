"""`rebuttal objections`: what people say about the classifier's labels, and what the classifier is worth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rebuttal.commands.shown import JSON, context_until, print_report
from rebuttal.display import as_json_text, print_table

_SHOWN = 160


@click.group()
def objections() -> None:
    """Labels of texts: review the doubtful ones, correct them, measure the classifier."""


@objections.command("review")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many texts.")
@click.option("--sheet", "to_sheet", type=click.Path(dir_okay=False, path_type=Path), help="Write a CSV to fill in.")
@JSON
def review(limit: int, to_sheet: Path | None, as_json: bool) -> None:
    """The texts that are most worth a person's label: unclear ones first, then the least certain. Redacted."""
    from rebuttal.objections.corrections_file import sheet
    from rebuttal.objections.corrections_review import questions

    asked = questions(context_until(), limit)
    if to_sheet:
        to_sheet.write_text(sheet(asked), encoding="utf-8-sig")
        click.echo(f"{len(asked)} texts in {to_sheet}: fill in `labels` and `by`, then")
        click.echo(f"  rebuttal objections corrections import {to_sheet}")
    elif as_json:
        click.echo(as_json_text([asdict(one) for one in asked]))
    elif not asked:
        click.echo("Nothing waits for a label.")
    else:
        for one in asked:
            sure = "unclear" if one.is_unclear else f"{one.confidence:.0%} sure"
            times = f", said {one.told_count} times" if one.told_count > 1 else ""
            click.echo(f"{one.text_hash}  {one.source_kind}, {one.language}{times}: {' '.join(one.labels)}? ({sure})")
            click.echo(f"    {one.text[:_SHOWN]}{'...' if len(one.text) > _SHOWN else ''}")
        click.echo("Say what it means with `rebuttal objections correct HASH LABEL [LABEL ...] --by NAME`.")


@objections.command("correct")
@click.argument("text_hash")
@click.argument("labels", nargs=-1, required=True)
@click.option("--primary", help="The decisive label; default: the first.")
@click.option("--by", required=True, help="Who says so; the name goes into the journal.")
@click.option("--reason", help="Why, for those who read the journal.")
def correct(text_hash: str, labels: tuple[str, ...], primary: str | None, by: str, reason: str | None) -> None:
    """The text of this hash (or of the key SOURCE_KIND/SOURCE/ACCOUNT/ID) means these labels."""
    from rebuttal.objections.corrections import Answer, Outcome
    from rebuttal.objections.corrections import correct as keep

    where = {"key": _key(text_hash)} if "/" in text_hash else {"text_hash": text_hash}
    [outcome] = keep(context_until(), [Answer.of(labels, by, primary=primary, reason=reason, **where)])
    if not isinstance(outcome, Outcome):
        raise outcome
    told = {"same": "was said before; nothing changed", "older": "is older than the answer that holds"}
    learned = "" if outcome.is_trained_on else " It is too long to train on."
    done = f"is kept; the next `rebuttal listen` trains with it and obeys it.{learned}"
    click.echo(f"{outcome.text_hash}: {' '.join(outcome.labels)} {told.get(outcome.outcome, done)}")


@objections.group("corrections")
def corrections() -> None:
    """What people said about texts: import a sheet, list what holds."""


@corrections.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", help="Who says so, for rows without a name.")
@JSON
def corrections_import(file: Path, by: str | None, as_json: bool) -> None:
    """Keep the corrections of FILE (CSV). Rows that are wrong are told by line and refused; the others are kept."""
    from rebuttal.objections.corrections_file import REFUSED, import_corrections

    rows = import_corrections(context_until(), file, by)
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in sorted({row.outcome for row in rows})}
    if as_json:
        click.echo(as_json_text({"rows": [asdict(row) for row in rows], **counts}))
    else:
        refused = [row for row in rows if row.outcome == REFUSED]
        if refused:
            print_table(["line", "text", "why"], [[row.line, row.text_hash, row.told] for row in refused])
        click.echo(", ".join(f"{outcome} {count}" for outcome, count in counts.items()) or "The file has no rows.")
    if counts.get(REFUSED):
        click.echo(f"problem: {counts[REFUSED]} rows are refused; mend them and import again", err=True)
        raise SystemExit(1)


@corrections.command("list")
@JSON
def corrections_list(as_json: bool) -> None:
    """The corrections that hold, with their redacted texts."""
    from rebuttal.objections.corrections import load_corrections

    held = sorted(load_corrections(context_until().settings).by_hash.values(), key=lambda one: (one.at, one.text_hash))
    if as_json:
        click.echo(as_json_text([asdict(one) for one in held]))
    elif not held:
        click.echo("Nobody has corrected a label.")
    else:
        columns = ["text", "labels", "by", "at", "words"]
        rows = [[o.text_hash, " ".join(o.labels), o.by, f"{o.at:%Y-%m-%d}", (o.text or "")[:_SHOWN]] for o in held]
        print_table(columns, rows)


@objections.command("evaluate")
@JSON
def evaluate(as_json: bool) -> None:
    """Measure the classifier of today by cross-validation, once a version (minutes); see `report classifier`."""
    from rebuttal.objections.model_evaluation import evaluate as measure

    report = measure(context_until())
    if as_json:
        click.echo(as_json_text(report.as_dict()))
        return
    print_report(report)
    for name, value in report.details[0].items():
        click.echo(f"  {name}: {value}")


def _key(written: str) -> tuple[str, str, str, str]:
    kind, _, rest = written.partition("/")
    source, _, rest = rest.partition("/")
    account, _, identifier = rest.partition("/")
    return kind, source, account, identifier
