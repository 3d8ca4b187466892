"""What a reader must know of the data, in sentences: the same in every mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from rebuttal.reports.figures import Health, Restated
from rebuttal.reports.language import Words


def health_lines(words: Words, health: Health, whole: str) -> list[str]:
    """What is late (sources that end alike together), held, restated, kept out or not understood.

    `whole` is said when nothing is late or held.
    """
    ends: dict[date | None, list[str]] = {}
    for source, until in health.late:
        ends.setdefault(until, []).append(_source(words, source))
    lines = [
        words("health.late", source=", ".join(sources), date=words.day(until))
        if until
        else words("health.never", source=", ".join(sources))
        for until, sources in ends.items()
    ]
    lines += [
        words("health.held", source=_source(words, source), batches=words.count("batches", count))
        for source, count in health.held
    ]
    if not lines:
        lines.append(whole)
    lines += [_restated(words, [*rows]) for _, rows in groupby(health.restated, key=lambda one: one.source)]
    if health.quarantined:
        lines.append(words("health.quarantined", n=words.number(health.quarantined)))
    if health.text_count and health.unclear_count:
        n, unclear = words.number(health.text_count), words.number(health.unclear_count)
        lines.append(words("health.unclear", n=n, unclear=unclear))
    return lines


def _restated(words: Words, rows: Sequence[Restated]) -> str:
    changes = [words("health.change", what=words(f"health.measures.{one.measure}"), by=_by(words, one)) for one in rows]
    since = words.day(min(one.since for one in rows))
    return words("health.restated", source=_source(words, rows[0].source), date=since, changes=", ".join(changes))


def _source(words: Words, source: str) -> str:
    key = f"sources.{source}"
    return words(key) if words.has(key) else source


def _by(words: Words, one: Restated) -> str:
    sign, size = "−" if one.delta < 0 else "+", abs(one.delta)
    if one.currency and one.measure in ("cost", "platform_value"):
        return sign + words.money(size, one.currency)
    return sign + words.number(size, 0 if size >= 10 or size == int(size) else 1)
