"""`rebuttal journal`: what was decided, by whom or which rule, on what evidence, and when to look again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rebuttal.commands.shown import DAY, JSON, context_until
from rebuttal.context import Context
from rebuttal.display import as_json_text, print_table
from rebuttal.errors import ConfigError
from rebuttal.outgoing import spreadsheet_cell

_COLUMNS = ("decision_id", "decided_at", "kind", "subject", "decision", "decided_by", "review_at", "reviewed_at")
_EXPORTED = (*_COLUMNS, "evidence")
_LEAST_ID = 6


@click.group()
def journal() -> None:
    """The decision journal: entries are added, never changed."""


@journal.command("list")
@click.option("--kind", help="Only of this kind: task, verdict, content, tag_alias, hold, note, ...")
@click.option("--last", default=50, show_default=True, help="How many of the newest.")
@JSON
def journal_list(kind: str | None, last: int, as_json: bool) -> None:
    """The newest entries, the newest last."""
    rows = [row for row in _rows(context_until()) if kind in (None, row["kind"])]
    _show(rows[-last:] if last > 0 else rows, as_json, "Nothing has been decided yet.")


@journal.command("search")
@click.argument("words", nargs=-1, required=True)
@JSON
def journal_search(words: tuple[str, ...], as_json: bool) -> None:
    """Entries in which each of WORDS stands, in any column, the evidence included; case does not matter."""
    wanted = [word.casefold() for word in words]

    def told(row: dict[str, Any]) -> str:
        return " ".join(str(row[name]) for name in _EXPORTED).casefold()

    _show(
        [row for row in _rows(context_until()) if all(word in told(row) for word in wanted)], as_json, "Nothing found."
    )


@journal.command("show")
@click.argument("entry")
@JSON
def journal_show(entry: str, as_json: bool) -> None:
    """ENTRY (its id or the beginning of it) with its evidence, and everything else about the same subject."""
    rows = _rows(context_until())
    found = _find(rows, entry)
    family = [row for row in rows if row["subject"] == found["subject"] and row is not found]
    if as_json:
        told = {**found, "evidence": json.loads(found["evidence"])}
        click.echo(as_json_text({"entry": told, "same_subject": [{n: row[n] for n in _COLUMNS} for row in family]}))
        return
    for name in _COLUMNS:
        if found[name] is not None:
            click.echo(f"{name:<12} {_plain(found[name])}")
    click.echo("evidence")
    click.echo(json.dumps(json.loads(found["evidence"]), ensure_ascii=False, indent=2))
    if family:
        click.echo("Also about this subject:")
        _print(family)


@journal.command("due")
@click.option("--until", type=DAY, help="Look as of the end of this day (UTC); default: now.")
@JSON
def journal_due(until: datetime | None, as_json: bool) -> None:
    """What was to be looked at again by now and was not, the most overdue first."""
    from rebuttal.state import due_rows, open_state

    context = context_until(until)
    with open_state(context.settings) as sessions, sessions() as session:
        rows = due_rows(session, context.clock.now())
    _show(rows, as_json, "Nothing waits to be looked at again.")


@journal.command("add")
@click.argument("subject")
@click.argument("decision")
@click.option("--by", required=True, help="Who decides.")
@click.option("--reason", help="Why, and on what evidence.")
@click.option("--kind", default="note", show_default=True, help="budget, reversal, note, ...")
@click.option("--look-again", type=DAY, help="When to look again (day, UTC).")
@click.option("--answers", help="The entry (its id) that this one looked at again; its subject is taken over.")
@JSON
def journal_add(
    subject: str, decision: str, by: str, reason: str | None, kind: str, look_again: datetime | None,
    answers: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write down DECISION about SUBJECT: a budget move, a reversal, what a review found. Twice the same is once."""
    context = context_until()
    entry = add(context, subject, decision, by=by, reason=reason, kind=kind, look_again=look_again, answers=answers)
    if as_json:
        click.echo(as_json_text(entry))
    elif entry["is_new"]:
        click.echo(f"Written as {entry['decision_id']}.")
    else:
        click.echo(f"It stands already as {entry['decision_id']}; nothing changed.")


@journal.command("export")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def journal_export(target: Path) -> None:
    """The whole journal into TARGET: a .csv that spreadsheets open safely, or a .json."""
    rows = [{name: row[name] for name in _EXPORTED} for row in _rows(context_until())]
    if target.suffix.lower() == ".csv":
        text = as_csv(rows)
    elif target.suffix.lower() == ".json":
        text = as_json_text([{**row, "evidence": json.loads(row["evidence"])} for row in rows]) + "\n"
    else:
        raise click.UsageError("The name must end in .csv or .json")
    new = target.with_name(f".{target.name}.new")
    try:
        new.write_text(text, encoding="utf-8-sig" if target.suffix.lower() == ".csv" else "utf-8", newline="")
        new.replace(target)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}", next_step="Name another place") from None
    click.echo(f"{len(rows)} entries written to {target}")


def add(
    context: Context, subject: str, decision: str, *, by: str, reason: str | None = None, kind: str = "note",
    look_again: datetime | None = None, answers: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Append an entry in a person's name. Returns `decision_id` and `is_new`.

    Raises ConfigError when a part is empty, holds personal data, or speaks for the pipeline (kinds that rules write
    about their own subjects).
    """
    from rebuttal.outgoing import is_safe, plain_line
    from rebuttal.state import decision_id, open_state, record_decision

    subject, decision, by, kind = (plain_line(text) for text in (subject, decision, by, kind))
    if not (subject and decision and by and kind):
        raise ConfigError("A decision needs a subject, words and a name", next_step="Say what, about what, and who")
    if by.startswith("rule:") or kind in ("task", "verdict", "content", "tag_alias", "hold"):
        raise ConfigError(
            f"{kind!r} by {by!r} is written by the pipeline itself", next_step="Use another kind, and a person's name"
        )
    if not all(is_safe(text) for text in (subject, decision, reason or "")):
        raise ConfigError(
            "The journal is kept for ever and holds no e-mail address or phone number", next_step="Leave it out"
        )
    evidence: dict[str, Any] = {"reason": plain_line(reason, 4000) if reason else None}
    if answers is not None:
        answered = _find(_rows(context), answers)
        subject, evidence["answers"] = answered["subject"], answered["decision_id"]
        decision = f"{decision} (of {answered['decision_id'][:12]})"  # the next review may find the same
    review_at = look_again.replace(tzinfo=UTC) if look_again else None
    # The same words about the same subject with another look-again date are another decision.
    words = decision if review_at is None else f"{decision} (look again {review_at:%Y-%m-%d})"
    with open_state(context.settings) as sessions, sessions.begin() as session:
        is_new = record_decision(
            session, kind=kind, subject=subject, decision=words, evidence=evidence, decided_by=by,
            decided_at=context.clock.now(), review_at=review_at,
        )  # fmt: skip
    return {"decision_id": decision_id(kind, subject, words), "is_new": is_new}


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as RFC 4180 CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe instead."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_EXPORTED)
    writer.writerows([_cell(row[name]) for name in _EXPORTED] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> str:
    return "" if value is None else spreadsheet_cell(_plain(value))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rows(context: Context) -> list[dict[str, Any]]:
    from rebuttal.state import journal_rows, open_state

    with open_state(context.settings) as sessions, sessions() as session:
        return journal_rows(session)


def _find(rows: Sequence[dict[str, Any]], asked: str) -> dict[str, Any]:
    found = [row for row in rows if len(asked) >= _LEAST_ID and row["decision_id"].startswith(asked)]
    if len(found) != 1:
        raise ConfigError(
            f"There {'is no entry' if not found else 'are several entries'} {asked!r} in the journal",
            next_step="See `rebuttal journal list`",
        )
    return found[0]


def _show(rows: Sequence[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        click.echo(as_json_text([{**row, "evidence": json.loads(row["evidence"])} for row in rows]))
    elif rows:
        _print(rows)
    else:
        click.echo(nothing)


def _print(rows: Sequence[dict[str, Any]]) -> None:
    columns = ["id", "decided", "kind", "subject", "about", "decision", "by", "look again"]
    print_table(
        columns,
        [
            [row["decision_id"][:12], f"{row['decided_at']:%Y-%m-%d %H:%M}", row["kind"], row["subject"][:60],
             _about(row), row["decision"], row["decided_by"],
             None if row["review_at"] is None else f"{row['review_at']:%Y-%m-%d}"]
            for row in rows
        ],
    )  # fmt: skip


def _about(row: dict[str, Any]) -> str | None:
    """What a reader knows the subject by, where that is an id."""
    evidence = json.loads(row["evidence"])
    return next((str(evidence[name]) for name in ("theme", "title") if evidence.get(name)), None)
