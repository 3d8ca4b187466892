"""Money at risk of a theme in its places: the objections as `rebuttal report` lists them, dashboard, digest and task.

What is expected is reckoned here, from the listed rows alone: amounts of open and lost deals, a deal once; unknown when
none is known of those that did not buy; 0 when all bought.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bi.declarations import load_datasets
from rebuttal.configuration import Vocabulary, load_vocabulary
from rebuttal.content.rules import load_rules
from rebuttal.context import Context
from rebuttal.reports import preview
from rebuttal.reports.language import words_of
from rebuttal.reports.people import Person
from rebuttal.reports.week import week_of
from rebuttal.warehouse import open_published
from rebuttal.warehouse.theme_names import theme_names

Row = Mapping[str, Any]
_HALF_A_CENT = 0.005 + 1e-9
_READER = Person(id="reader", name="", email="reader@example.com", role="lead", language="en", time_zone="UTC")
# What a dashboard's tables show of a theme's rows in a week, as somebody adds it up who reads them.
_SHOWN = """
SELECT
    CASE
        WHEN count(CASE WHEN outcome = 'won' THEN 1 END) = count(*) THEN 0
        ELSE sum(CASE WHEN outcome <> 'won' THEN money_at_risk_base END)
    END
FROM ({source}) AS source
WHERE category = :category AND theme = :theme AND week_start = :week
"""


def money_at_risk(rows: Iterable[Row]) -> float | None:
    """Of rows of `marts.objection`, in base currency."""
    unsold = [row for row in rows if row["outcome"] != "won"]
    known = {
        row["subject_id"]: float(row["money_at_risk_base"]) for row in unsold if row["money_at_risk_base"] is not None
    }
    return sum(known.values()) if known or not unsold else None


def money_figures(context: Context, objections: list[Row], summaries: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows as `same_numbers.compare` gives them: the digest's week by theme and in all, every doubt on the dashboard,
    and the tasks proposed at this hour; `summaries` are the tracker's titles by task key.
    """
    heard = [row for row in objections if row["category"] != "none"]
    yield from _digest(context, heard)
    yield from _doubts(context, heard)
    yield from _tasks(context, heard, summaries)


def _digest(context: Context, heard: list[Row]) -> Iterator[dict[str, Any]]:
    week = week_of(context.clock.now(), ZoneInfo("UTC"), "last")
    words = words_of("en")
    told = [row for row in heard if row["week_start"] == week.monday.isoformat()]
    lines = [line.strip() for line in preview(context, _READER)[1].splitlines() if line.strip()]
    total = money_at_risk(told)
    label = words("numbers.money")
    yield _figure(
        week.iso, told, total, total, words.money(total, "EUR"),
        next(line.removesuffix(label).strip() for line in lines if line.endswith(label)),
    )  # fmt: skip
    source = load_datasets()["objection"].sql
    with open_published(context.settings) as engine:
        vocabulary = load_vocabulary(context.settings.config).renamed(theme_names(engine))
    for category, theme in sorted({(row["category"], row["theme"]) for row in told}):
        name = _name(vocabulary, category, theme)
        card = [after for line, after in pairwise(lines) if line.split(" [")[0] == f"* {name}"]
        card = [line for line in card if " · " in line]
        if not card:
            continue  # a digest shows the first themes only
        rows = [row for row in told if (row["category"], row["theme"]) == (category, theme)]
        value = money_at_risk(rows)
        shown = _ask(context, _SHOWN.format(source=source), category=category, theme=theme, week=week.monday)
        unknown = words("theme_money_unknown")
        expected = unknown if value is None else words("theme_money", money=words.money(value, "EUR"))
        yield _figure(f"{week.iso} {category}/{theme}", rows, value, shown, expected, card[0].rsplit(" · ", 1)[1])


def _doubts(context: Context, heard: list[Row]) -> Iterator[dict[str, Any]]:
    found = load_datasets()["objection"]
    measure = found.measures["money_at_risk"].sql
    query = f"SELECT {measure} FROM ({found.sql}) AS source WHERE category = :category AND money_of_doubt IS NOT NULL"
    for category in sorted({row["category"] for row in heard}):
        rows = [row for row in heard if row["category"] == category]
        # A doubt whose deals all bought is not on the chart.
        value = money_at_risk([row for row in rows if row["outcome"] != "won"]) or None
        yield _figure(f"all {category}", rows, value, _ask(context, query, category=category) or None, "", "")


def _tasks(context: Context, heard: list[Row], summaries: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    now = context.clock.now()
    since = now - timedelta(weeks=load_rules(context.settings.config).choose.lookback_weeks)
    query = "SELECT theme, task_key, money_at_risk_base FROM content_task WHERE created_at = :now ORDER BY theme"
    with open_published(context.settings) as engine, engine.connect() as connection:
        connection.execute(text("SET search_path = 'marts,ops'"))
        tasks = connection.execute(text(query), {"now": now}).all()
    for key, task_key, money in tasks:
        rows = [
            row
            for row in heard
            if f"{row['category']}/{row['theme']}" == key
            and row["last_voiced_at"] is not None
            and since <= datetime.fromisoformat(row["last_voiced_at"]) < now
        ]
        value = money_at_risk(rows)
        expected = "" if value is None else f"{value:,.0f} EUR at stake"
        said = summaries[task_key].rsplit("(", 1)[1].removesuffix(")").split(" weeks", 1)[1].removeprefix(", ")
        kept = None if money is None else float(money)
        if value is not None and kept is not None and abs(value - kept) <= _HALF_A_CENT:
            value = kept  # the ledger keeps whole cents, and which way a half goes depends on the order of adding
        yield _figure(f"task {key}", rows, value, kept, expected, said)


def _name(vocabulary: Vocabulary, category: str, theme: str) -> str:
    name = vocabulary.theme_name(category, theme, "en")
    shown = vocabulary.category_name(category, "en")
    return f"{shown}: {name}" if name else shown


def _ask(context: Context, query: str, **values: Any) -> float | None:
    with open_published(context.settings) as engine, engine.connect() as connection:
        connection.execute(text("SET search_path = 'marts,ops'"))
        value = connection.execute(text(query), values).scalar()
    return None if value is None else float(value)


def _figure(
    period: str, rows: list[Row], report: float | None, bi: float | None, expected: str, mail: str
) -> dict[str, Any]:
    return {
        "metric": "money_at_risk", "period": period, "rows": len(rows), "report": report, "expected": expected,
        "bi": bi, "mail": mail,
    }  # fmt: skip
