"""Themes within the stage: every voice gets its theme; the marts of themes are written where they differ."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Table, select, text

from rebuttal.objections.gathering import Gathered, Text, Verdict, subject_of
from rebuttal.objections.taxonomy import LANGUAGES, Taxonomy
from rebuttal.objections.themes import ACTIVE, CONFIG, Grouping, Known, Remembered, Said, group, quote_hash
from rebuttal.objections.themes_model import ThemeModel
from rebuttal.objections.themes_store import keep_proposals, known_themes
from rebuttal.objections.themes_tables import metadata, theme_quote
from rebuttal.objections.themes_trend import complete_weeks, trends
from rebuttal.state import Sessions

Heard = Sequence[tuple[Text, Verdict]]


@dataclass(frozen=True)
class Themed:
    """What was heard with themes, and what is known of them now."""

    heard: list[tuple[Text, Verdict]]
    grouping: Grouping
    known: list[Known]


def give_themes(
    connection: Connection,
    sessions: Sessions,
    heard: Heard,
    deals: Mapping[str, Mapping[str, Any]],
    taxonomy: Taxonomy,
    model: ThemeModel | None,
    now: datetime,
) -> Themed:
    """Find the theme of every voice; new themes are stored before anything refers to them."""
    metadata.create_all(connection, checkfirst=True)
    remembered = _remembered(connection, model.name) if model is not None else {}
    grouping = group(_said(heard, deals), taxonomy, model, known_themes(sessions), remembered)
    keep_proposals(sessions, grouping.proposals, now)
    themed = [(one, _with_themes(verdict, grouping)) for one, verdict in heard]
    return Themed(themed, grouping, known_themes(sessions))


def theme_rows(
    connection: Connection, themed: Themed, gathered: Gathered, taxonomy: Taxonomy, model: ThemeModel | None
) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables of themes by table name."""
    weekly, found = _measured(gathered, _deals_by_week(connection))
    rows = {
        "theme": _named(themed.known, gathered, taxonomy),
        "theme_weekly": weekly,
        "theme_trend": found,
    }
    if model is not None:  # without embeddings the memory is left for the next run that has them
        rows["theme_quote"] = [
            {
                "category": category,
                "quote_hash": digest,
                "version": model.name,
                "theme": one.theme,
                "vector": base64.b64encode(one.packed).decode(),
            }
            for (category, digest), one in sorted(themed.grouping.remembered.items())
        ]
    return rows


def theme_tables() -> list[tuple[Table, tuple[str, ...]]]:
    """Each table of themes and its key, in the order of writing."""
    keys = {
        "theme_quote": ("category", "quote_hash"),
        "theme": ("theme_id",),
        "theme_weekly": ("week_start", "category", "theme"),
        "theme_trend": ("week_start", "category", "theme"),
    }
    return [(table, keys[table.name]) for table in metadata.sorted_tables]


def _remembered(connection: Connection, version: str) -> dict[tuple[str, str], Remembered]:
    rows = connection.execute(select(theme_quote).where(theme_quote.c.version == version)).mappings()
    return {
        (row["category"], row["quote_hash"]): Remembered(row["theme"], base64.b64decode(row["vector"])) for row in rows
    }


def _said(heard: Heard, deals: Mapping[str, Mapping[str, Any]]) -> list[Said]:
    subjects: dict[tuple[str, str], set[str]] = defaultdict(set)
    times: dict[tuple[str, str], datetime] = {}
    languages: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one, verdict in heard:
        subject = "|".join(subject_of(one, one.person_id or deals.get(one.deal_id or "", {}).get("person_id")))
        for voice in verdict.voices:
            key = (voice.category, voice.quote)
            subjects[key].add(subject)
            languages[key][verdict.language] += 1
            if one.occurred_at is not None:
                times[key] = max(one.occurred_at, times.get(key, one.occurred_at))
    return [
        Said(category, quote, frozenset(who), times.get((category, quote)), _commonest(languages[category, quote]))
        for (category, quote), who in subjects.items()
    ]


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _with_themes(verdict: Verdict, grouping: Grouping) -> Verdict:
    voices = tuple(
        replace(voice, theme=grouping.themes[voice.category, quote_hash(voice.quote)]) for voice in verdict.voices
    )
    return replace(verdict, voices=voices)


def _named(known: Iterable[Known], gathered: Gathered, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Every theme there is, with its names and how often it was heard."""
    themes: dict[tuple[str, str], Known] = {}
    for category in taxonomy.categories.values():
        for theme in category.themes:
            themes[category.code, theme.code] = Known(category.code, theme.code, CONFIG, ACTIVE, theme.name)
    heard: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in gathered.objections:
        heard[row["category"], row["theme"]].append(row)
    for code, told in heard:
        themes.setdefault((code, told), Known(code, told, CONFIG, ACTIVE, taxonomy.categories[code].name))
    for one in known:
        configured = themes.get((one.category, one.code))
        names = {**(configured.names if configured else taxonomy.categories[one.category].name), **one.names}
        themes[one.category, one.code] = replace(one, names=names)
    return [_theme_row(one, heard.get(key, [])) for key, one in sorted(themes.items())]


def _theme_row(one: Known, objections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = [row["first_voiced_at"] for row in objections if row["first_voiced_at"]]
    best = min(objections, key=lambda row: (-row["confidence"], row["objection_id"]), default=None)
    return {
        "theme_id": f"{one.category}/{one.code}",
        "category": one.category,
        "theme": one.code,
        **{f"name_{language}": one.names[language] for language in LANGUAGES},
        "origin": one.origin,
        "status": one.status,
        "merged_into": one.merged_into,
        "split_from": one.split_from,
        "first_voiced_at": min(times, default=None),
        "subject_count": len(objections),
        "quote": best["quote"] if best else None,
    }


def _measured(gathered: Gathered, deals: Mapping[date, int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `theme_weekly` and `theme_trend`; weeks that data do not wholly cover yet are left out."""
    voiced: dict[tuple[str, str], Counter[date]] = defaultdict(Counter)
    for row in gathered.objections:
        if row["week_start"] is not None:
            voiced[row["category"], row["theme"]][row["week_start"]] += 1
    times = [row["occurred_at"] for row in gathered.text_labels if row["occurred_at"] is not None]
    if not voiced or not times:
        return [], []
    first = min(week for counts in voiced.values() for week in counts)
    weeks = complete_weeks(first, max(times).astimezone(UTC).date())
    weekly = [
        {
            "week_start": week,
            "category": category,
            "theme": theme,
            "subject_count": counts[week],
            "deal_created_count": deals.get(week, 0),
            "rate": round(counts[week] / deals[week], 6) if deals.get(week) else None,
        }
        for (category, theme), counts in sorted(voiced.items())
        for week in weeks
    ]
    return weekly, [vars(one) for one in trends(weeks, voiced, deals)]


def _deals_by_week(connection: Connection) -> dict[date, int]:
    query = files("rebuttal.objections").joinpath("sql", "theme_deals.sql").read_text(encoding="utf-8")
    rows = connection.execute(text(query)).mappings()
    return {row["week_start"]: int(row["deal_count"]) for row in rows}
