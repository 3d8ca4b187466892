"""A published copy in which every mart has a few rows: made from marts.yml, with words where a chart asks for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bi.declarations import load_marts
from bi.marts_connection import TYPES

FIRST = date(2026, 8, 3)
ROWS = 12
# By column, or by mart.column where one word serves two purposes.
WORDS: dict[str, tuple[Any, ...]] = {
    "channel": ("search_brand", "organic", "email"),
    "next_step": ("direct", "conversion", "none"),
    "category": ("price", "trust"),
    "theme": ("too_high", "reviews"),
    "conversion_type": ("won", "booking_served", "lead"),
    "attribution.conversion_type": ("won",),
    "channel_removal.conversion_type": ("won",),
    "channel_detour.conversion_type": ("won",),
    "period_kind": ("all",),
    "dimension": ("channel",),
    "attribution.name": ("search_brand", "organic", "email"),
    "model": ("first", "last", "linear", "markov"),
    "partner": ("salon-01", "salon-02"),
    "partner_id": ("salon-01", "salon-02", None),
    "attribution_credit.conversion_type": ("booking_served",),
    "attribution_credit.position": (1, None),
    "stage": ("visit", "lead", "mql", "sql", "proposal", "won"),
    "question": ("what", "for_me", "trust"),
    "item_kind": ("all", "page"),
    "step": ("lead_to_sql", "sql_to_won"),
    "segment": ("all",),
    "family": ("crm", "visits", "ads"),
    "source_window.first_date": (FIRST,),
    "source_window.until_date": (FIRST + timedelta(days=7 * (ROWS - 1) + 1),),
    "kind": ("visit", "task"),
    "outcome": ("won", "lost", "open"),
    "product": ("laser", "academy"),
    "severity": ("warning", "alarm"),
    "source": ("hubspot", "ga4"),
    "entity": ("booking", "deal"),
    "verdict": ("confirmed", "not_enough_data"),
    "payback_status": ("paid_back", "not_yet"),
    "is_failing": (True, False),
    "is_rate_missing": (False,),
    "reviewed_at": (None,),
    "is_measured": (True,),
    "plan_pace.month_start": (FIRST, FIRST, FIRST, FIRST + timedelta(days=35)),
    "plan_pace.state": ("over", "on", "under", "no_data_yet"),
    "plan_pace.measured_until": (FIRST, FIRST, FIRST, None),
    "goal_progress.metric": ("orders", "cpa"),
    "goal_progress.direction": ("at_least", "at_most"),
    "goal_progress.state": ("on_track", "behind", "incomplete"),
}


def write_marts(path: Path) -> None:
    """Make the file anew; columns that are not declared are as good as absent."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA ops")
        for mart, columns in load_marts().items():
            table = f'{"ops" if mart == "publication" else "marts"}."{mart}"'
            listed = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in columns.items())
            connection.execute(f"CREATE TABLE {table} ({listed})")
            count = 3 if mart == "source_window" else ROWS
            for index in range(count):
                values = [_value(mart, name, kind, index) for name, kind in columns.items()]
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def _value(mart: str, name: str, kind: str, index: int) -> Any:
    for key in (f"{mart}.{name}", name):
        if key in WORDS:
            return WORDS[key][index % len(WORDS[key])]
    day = FIRST + timedelta(days=7 * index)
    return {
        "text": f"{name} {index}",
        "int": index + 1,
        "real": (index + 1) / (2.0 * ROWS),
        "money": 100 + index,
        "date": day,
        "time": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "bool": True,
    }[kind]
