"""What a data-quality alert tells: pure functions from the published marts to a message in one language."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, select_autoescape

from rebuttal.outgoing import is_safe, plain_line
from rebuttal.reports.check_words import Part, told
from rebuttal.reports.compose import Digest
from rebuttal.reports.language import Words, words_of
from rebuttal.reports.pace import pace_line
from rebuttal.reports.people import Language
from rebuttal.warehouse.reports import Quality

_SHOWN = 5  # of each section; the rest is counted
_TAG_AUDITS = ("spend_without_tagged_visits", "tagged_visits_without_spend")
_UNKNOWN = "unknown:"  # how admission writes a word that has no meaning yet
Row = dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """Rows of the data-quality marts by section, the gravest first; empty sections are left out."""

    sections: dict[str, list[Row]]

    @property
    def is_empty(self) -> bool:
        """There is nothing to tell."""
        return not self.sections


def gather(
    quality: Quality,
    told_until: datetime | None,
    late: Sequence[Row] = (),
    undelivered: Sequence[Row] = (),
    pace: Sequence[Row] = (),
) -> Findings:
    """What is worth an alert to somebody who knows everything that had landed by `told_until` (None: nothing).

    Late sources, held batches and alarms are told as long as they stand. The rest is told when it is news: a check that
    fails since then, a share that has grown, rows kept out since then, mails that did not arrive (`undelivered`).
    Budgets off their pace (`pace`) have a cool-down of their own, see `rebuttal.reports.pace`.
    """

    def is_later(moment: datetime | None) -> bool:
        return moment is not None and (told_until is None or moment > told_until)

    def is_news(check: Row) -> bool:
        return is_later(check["since_at"]) or (check["trend"] == "rising" and is_later(check["last_seen_at"]))

    alarms = [check for check in quality.failing if check["severity"] == "alarm"]
    warnings = [check for check in quality.failing if check["severity"] == "warning" and is_news(check)]
    tags = [check for check in warnings if check["check_name"] in _TAG_AUDITS]
    unmapped = [check for check in warnings if _UNKNOWN in (check["examples"] or "")]
    found = {
        "late": list(late),
        "held": quality.held,
        "alarms": alarms,
        "kept_out": [row for row in quality.kept_out if row["quarantined_row_count"] and is_later(row["last_seen_at"])],
        "unmapped": unmapped,
        "tags": tags,
        "checks": [check for check in warnings if check not in tags and check not in unmapped],
        "pace": list(pace),
        "deliveries": [row for row in undelivered if is_later(row["finished_at"])],
    }
    return Findings({name: rows for name, rows in found.items() if rows})


def compose_alert(
    findings: Findings, language: Language, day: str, page: str | None, name: str = "", unsubscribe: str = ""
) -> Digest:
    """The message. Examples that look like an address or a number of a person are left out. Pure."""
    words = words_of(language)
    view = {
        "language": language,
        "words": words,
        "greeting": words("alert.greeting", name=name) if name else "",
        "title": words("review.plan.section" if set(findings.sections) == {"pace"} else "alert.title"),
        "sections": told_sections(words, findings, _SHOWN),
        "page": page,
        "unsubscribe": unsubscribe,
    }
    html, plain = _template("alert.html.j2").render(view), _template("alert.txt.j2").render(view)
    subject = words("alert.subject", about=view["title"], title=_title(words, findings), day=day)
    return Digest(subject, html, plain.strip() + "\n", {})


def told_sections(words: Words, findings: Findings, shown: int | None = None) -> list[dict[str, Any]]:
    """Each section with its name, its title, `lines` (what, where, facts, since, examples, step, next) and `more`.

    At most `shown` lines of each, the rest counted in `more`; all of them without.
    """
    return [
        _section(words, name, rows, len(rows) if shown is None else shown) for name, rows in findings.sections.items()
    ]


def _title(words: Words, findings: Findings) -> str:
    held = len(findings.sections.get("held", ()))
    others = sum(len(rows) for section, rows in findings.sections.items() if section != "held")
    told = [words.count(f"alert.{what}", count) for what, count in (("batches", held), ("problems", others)) if count]
    return ", ".join(told)


def _section(words: Words, section: str, rows: Sequence[Row], shown: int) -> dict[str, Any]:
    lines: dict[str, Callable[[Words, Row], dict[str, Any]]] = {
        "late": _late,
        "held": _held,
        "kept_out": _kept_out,
        "pace": pace_line,
        "deliveries": _delivery,
    }
    line = lines.get(section, _check)
    more = len(rows) - shown
    return {
        "name": section,
        "title": words("review.plan.off_pace" if section == "pace" else f"alert.section.{section}"),
        "lines": _without_echoes([_with_facts(words, line(words, row)) for row in rows[:shown]]),
        "more": words("alert.more", n=more) if more > 0 else "",
    }


def _without_echoes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What to do stands once, at the last of the lines that follow each other and ask for the same."""
    following = [*(line["next"] for line in lines[1:]), ""]
    return [
        {**line, "next": "" if line["next"] == after else line["next"]}
        for line, after in zip(lines, following, strict=True)
    ]


def _with_facts(words: Words, line: dict[str, Any]) -> dict[str, Any]:
    since = words("alert.since", day=words.day(line["since"].date())) if line["since"] else ""
    facts = ", ".join(part for part in (line["count"], since) if part)
    return {**line, "facts": facts, "next": words("alert.next", step=line["step"]) if line["step"] else ""}


def late_sources(quality: Quality, expected: Sequence[str], now: datetime, late_after_hours: float) -> list[Row]:
    """Sources whose data end more than `late_after_hours` before `now`, and `expected` ones that never brought any.

    A source ends where the slowest of its streams does. Rows: source, until_at (UTC; None: never), next_step.
    """
    ends: dict[str, datetime | None] = dict.fromkeys(expected)
    for stream in quality.streams:
        until, known = stream["covered_until"], ends.get(stream["source"])
        if until is not None:
            ends[stream["source"]] = until if known is None else min(known, until)
    limit = now - timedelta(hours=late_after_hours)
    return [
        {"source": source, "until_at": until}
        for source, until in sorted(ends.items())
        if until is None or until < limit
    ]


def _late(words: Words, row: Row) -> dict[str, Any]:
    until = row["until_at"]
    return {
        "what": words("alert.late", day=words.day(until.date())) if until else words("alert.never"),
        "where": words(key) if words.has(key := f"sources.{row['source']}") else row["source"],
        "count": "",
        "since": None,
        "examples": "",
        "step": words("alert.late_next", source=row["source"]),
    }


def _delivery(words: Words, row: Row) -> dict[str, Any]:
    return {
        "what": words(f"alert.delivery.{row['state']}"),
        "where": row["reader"],
        "count": f"{row['kind']} {row['period']}",
        "since": None,
        "examples": "",
        "step": words("alert.delivery_next"),
    }


def _held(words: Words, row: Row) -> dict[str, Any]:
    count = words.count("alert.rows", row["row_count"])
    return _line(words, row, count, row["landed_at"], [])


def _kept_out(words: Words, row: Row) -> dict[str, Any]:
    return _line(words, row, words.count("alert.rows", row["quarantined_row_count"]), row["since_at"], [])


def _check(words: Words, row: Row) -> dict[str, Any]:
    found = words.number(row["failed_row_count_latest"])
    count = words("alert.of", found=found, rows=words.number(row["row_count_latest"]))
    return _line(words, row, count, row["since_at"], json.loads(row["examples"] or "[]"))


def _sentence(language: Language, row: Row, part: Part, stored: str) -> str:
    """What the check of a row says; of a held batch, all the checks that hold it."""
    names = (row["check_names"] or "").split("; ") if "check_names" in row else [row["check_name"]]
    sentences = stored.split("; ") if len(names) > 1 else [stored]
    # Sentences that have a semicolon of their own cannot be told apart: only those without numbers are translated then.
    each = sentences if len(sentences) == len(names) else [""] * len(names)
    found = [told(language, name, part, sentence) for name, sentence in zip(names, each, strict=True)]
    return "; ".join(found) if all(found) else stored


def _line(words: Words, row: Row, count: str, since: datetime | None, examples: Sequence[str]) -> dict[str, Any]:
    safe = [plain_line(example, 120) for example in examples if is_safe(example)][:3]
    where = f"{row['source']}.{row['stream']}" if row["stream"] else words("alert.everywhere")
    what = _sentence(words.language, row, "what", row["description"] or "")
    step = _sentence(words.language, row, "do", row["next_step"] or "")
    return {
        "what": plain_line(what, 300),
        "where": where,
        "count": count,
        "since": since,
        "examples": words("alert.examples", examples="; ".join(safe)) if safe else "",
        "step": plain_line(step, 300),
    }


@cache
def _template(name: str) -> Template:
    def read(file: str) -> str:
        return (files("rebuttal.reports") / "templates" / file).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
