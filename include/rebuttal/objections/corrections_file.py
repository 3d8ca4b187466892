"""Corrections in a sheet: written for people to fill in, read back row by row; a wrong row is told by its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.objections.corrections import Answer, Outcome, correct
from rebuttal.objections.corrections_lookup import TextKey
from rebuttal.objections.corrections_review import Question
from rebuttal.outgoing import spreadsheet_cell

KEY = ("source_kind", "source", "account_id", "source_id")
COLUMNS = ("text_hash", *KEY, "text", "labels", "primary", "by", "at", "reason")
REFUSED, UNANSWERED = "refused", "unanswered"
_MODEL_SAYS = ("model_says", "confidence", "told")  # in a sheet of ours, for people only


@dataclass(frozen=True)
class Row:
    """What became of one row: `new`, `changed`, `same`, `older`, `refused` (with the reason) or `unanswered`."""

    line: int
    outcome: str
    text_hash: str
    told: str


def import_corrections(context: Context, path: Path, by: str | None = None) -> list[Row]:
    """Keep the corrections of a CSV file (UTF-8, with a header; comma or semicolon).

    A row names its text by `text_hash`, by the four parts of the key, or by `text` alone (the very words as stored);
    `labels` are separated by spaces, commas, semicolons or bars; `primary` is the first when empty; `by` is needed
    unless given here; `at` is an ISO time with its zone. A row without labels is unanswered. Right rows are kept even
    when others are refused, and importing a file twice is importing it once. Raises ConfigError when the file cannot be
    read or a column is missing or unknown.
    """
    found: dict[int, Row] = {}
    answers: list[tuple[int, Answer]] = []
    for line, row in _rows(path):
        if not row.get("labels", "").strip():
            found[line] = Row(line, UNANSWERED, row.get("text_hash", ""), "")
            continue
        try:
            answers.append((line, _answer(row, by)))
        except ConfigError as error:
            found[line] = Row(line, REFUSED, row.get("text_hash", ""), str(error))
    outcomes = correct(context, [answer for _, answer in answers])
    for (line, answer), outcome in zip(answers, outcomes, strict=True):
        if isinstance(outcome, Outcome):
            found[line] = Row(line, outcome.outcome, outcome.text_hash, " ".join(outcome.labels))
        else:
            found[line] = Row(line, REFUSED, answer.text_hash or "", str(outcome))
    return [found[line] for line in sorted(found)]


def sheet(asked: Sequence[Question]) -> str:
    """The questions as CSV with empty columns to fill in; what spreadsheets take for a formula is no formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # a bare CR inside a text is quoted then
    writer.writerow(["text_hash", "text", *_MODEL_SAYS, "labels", "primary", "by", "reason"])
    for one in asked:
        labels = " ".join(one.labels)
        writer.writerow(
            [one.text_hash, spreadsheet_cell(one.text), labels, f"{one.confidence:.2f}", one.told_count, "", "", "", ""]
        )
    return out.getvalue()


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", next_step="Save the file as CSV in UTF-8") from None
    header = content.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, restkey="", restval="")
    names = [name.strip().lower() for name in reader.fieldnames or []]
    unknown = [name for name in names if name not in (*COLUMNS, *_MODEL_SAYS)]
    if "labels" not in names or unknown:
        what = f"the column {unknown[0]!r} is not known" if unknown else "the column 'labels' is missing"
        raise ConfigError(f"{path}: {what}", next_step=f"Use {', '.join(COLUMNS)}")
    reader.fieldnames = names
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for row in reader:
            # A cell too many stands under ""; a missing one is empty.
            rows.append((reader.line_num, {name: value for name, value in row.items() if name}))
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num} is not CSV: {error}", next_step="Check the quotes") from None
    return rows


def _answer(row: dict[str, str], by: str | None) -> Answer:
    key = _key(row)
    text_hash = row.get("text_hash", "").strip().lower() or None
    return Answer.of(
        re.split(r"[\s,;|]+", row["labels"].strip().lower()),
        row.get("by", "").strip() or by or "",
        primary=row.get("primary", "").strip().lower() or None,
        reason=row.get("reason", "").strip() or None,
        at=_time(row.get("at", "").strip()),
        text_hash=text_hash,
        key=key,
        # Beside a hash or a key the words are for people, and are not the stored ones but redacted.
        text=None if text_hash or key else row.get("text") or None,
    )


def _key(row: dict[str, str]) -> TextKey | None:
    kind, source, account, identifier = (row.get(name, "").strip() for name in KEY)
    if not any((kind, source, account, identifier)):
        return None
    if not all((kind, source, account, identifier)):
        raise ConfigError("A part of the text's key is missing", next_step=f"Fill in {', '.join(KEY)}")
    return kind, source, account, identifier


def _time(written: str) -> datetime | None:
    if not written:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        raise ConfigError(f"{written!r} is no time", next_step="Write 2026-03-04T10:00:00Z") from None
