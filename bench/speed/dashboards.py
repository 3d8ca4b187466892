"""BI: every chart's query on published marts of the size that SIZE touchpoints make, one after another.

The marts are made by SQL from marts.yml: their columns, values that differ by row, and the words that charts ask for.
Rows follow the touchpoints where they grow with them (credits, objections, deals), the years and channels where not.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import duckdb

from bench.speed.chart_queries import query_of
from bench.speed.timing import Figures
from bi.declarations import Chart, load_dashboards, load_marts
from bi.marts_connection import TYPES

_NAMES = "list_value({words})[1 + CAST(hash(n, '{column}') % {count} AS INT)]"
# Rows of a mart as a share of the touchpoints; a fixed number where they do not grow with them.
SHARES = {"touchpoint": 1.0, "attribution_credit": 0.5, "journey": 0.2, "objection": 0.05, "deal": 0.05}
FIXED = {
    "attribution": 300_000, "channel_performance": 260 * 15, "unit_economics": 60 * 15, "kpi_weekly": 260,
    "kpi_daily": 1826, "funnel_weekly": 260 * 6, "cohort": 1830, "decision": 20_000, "content_task": 2_000,
    "effect": 500, "content_coverage": 5_000, "theme_trend": 260 * 150, "plan_pace": 60 * 15,
    "source_window": 3, "publication": 1, "theme": 6 * 25,
    "quality_check": 2_000, "quality_held": 50, "quality_quarantine": 500, "quality_stream": 100,
}  # fmt: skip
OTHERS = 500
CHANNELS = ("search_brand", "search_generic", "social", "video", "display", "email", "organic", "direct", "unknown")
WORDS: dict[str, tuple[str, ...]] = {
    "channel": CHANNELS, "next_step": (*CHANNELS, "none"), "attribution.name": CHANNELS,
    "conversion_type": ("lead", "lead", "lead", "won", "booking_served"),
    "period_kind": ("all", "month", "week", "week"), "dimension": ("channel", "campaign", "source", "content", "page"),
    "model": ("first", "last", "last_non_direct", "linear", "time_decay", "position_based", "markov", "shapley"),
    "category": ("price", "trust", "terms", "timing", "value_roi", "competitor"),
    "stage": ("visit", "lead", "mql", "sql", "proposal", "won"), "question": ("what", "for_me", "trust", "worth"),
    "item_kind": ("all", "page"), "family": ("crm", "visits", "ads"), "segment": ("all", "salon_owner"),
    "outcome": ("won", "lost", "open"), "status": ("open", "published", "awaiting_approval"),
    "theme": tuple(f"theme_{number}" for number in range(25)), "partner": tuple(f"salon-{n:02}" for n in range(40)),
}  # fmt: skip
# Columns that queries join by, or that say which row is the first of several.
EXACT = {
    ("attribution_credit", "conversion_id"): "CAST(n // 5 AS VARCHAR)",
    ("attribution_credit", "position"): "1 + n % 5",
    ("source_window", "first_date"): "DATE '2021-11-15'",
    ("theme", "category"): f"list_value{WORDS['category']}[1 + n % 6]",
    ("theme", "theme"): "'theme_' || n // 6",
}


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """Wall and CPU seconds of the slowest chart and of the median one, and how many take longer than a second."""
    path = folder / "published.duckdb"
    rows = _publish(path, size)
    charts = [chart for board in load_dashboards() for chart in board.charts]
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET search_path = 'marts,ops'")
        took = {chart.slug: _seconds(connection, chart, rounds) for chart in charts}
    slowest = sorted(took, key=lambda slug: -took[slug][0])
    walls = [wall for wall, _ in took.values()]
    return {
        "dashboards_rows": float(rows),
        "dashboards_charts": float(len(charts)),
        "dashboards_over_a_second": float(sum(wall > 1 for wall in walls)),
        "dashboards_slowest_seconds": took[slowest[0]][0],
        "dashboards_slowest_cpu_seconds": max(cpu for _, cpu in took.values()),
        "dashboards_median_seconds": median(walls),
        **{f"dashboards_{slug}_seconds": took[slug][0] for slug in slowest[:5]},
    }


def _seconds(connection: duckdb.DuckDBPyConnection, chart: Chart, rounds: int) -> tuple[float, float]:
    found = []
    for _ in range(max(rounds, 1)):
        begun, cpu = time.perf_counter(), time.process_time()
        answer = connection.execute(query_of(chart)).fetchall()
        found.append((time.perf_counter() - begun, time.process_time() - cpu))
        if chart.kind == "number" and len(answer) != 1:
            raise AssertionError(f"{chart.slug} gave {len(answer)} rows")
    return median(wall for wall, _ in found), median(cpu for _, cpu in found)


def _publish(path: Path, size: int) -> int:
    """Write every mart; returns the rows of all together."""
    total = 0
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE SCHEMA ops")
        for mart, columns in load_marts().items():
            count = int(size * SHARES[mart]) if mart in SHARES else FIXED.get(mart, OTHERS)
            schema = "ops" if mart == "publication" else "marts"
            values = ", ".join(f'{_value(mart, name, kind)} AS "{name}"' for name, kind in columns.items())
            connection.execute(f'CREATE TABLE {schema}."{mart}" AS SELECT {values} FROM range({count}) AS made (n)')
            total += count
    return total


def _value(mart: str, name: str, kind: str) -> str:
    """SQL over `n` for one column of a row."""
    if (mart, name) in EXACT:
        return EXACT[mart, name]
    words = WORDS.get(f"{mart}.{name}") or WORDS.get(name)
    if words and kind == "text":
        listed = ", ".join(f"'{word}'" for word in words)
        return _NAMES.format(words=listed, column=name, count=len(words))
    shown = {
        "text": f"'{name} ' || (hash(n, '{name}') % 100000)",
        "int": f"CAST(hash(n, '{name}') % 500 AS BIGINT)",
        "real": f"(hash(n, '{name}') % 1000) / 1000.0",
        "money": f"(hash(n, '{name}') % 100000) / 100.0",
        "date": "DATE '2021-11-15' + CAST(7 * (hash(n) % 260) AS INT)",
        "time": "TIMESTAMPTZ '2021-11-15 00:00:00+00' + INTERVAL 1 MINUTE * (hash(n) % 2600000)",
        "bool": f"hash(n, '{name}') % 4 > 0",
    }[kind]
    return f"CAST({shown} AS {TYPES[kind]})"
