"""What the command line does with themes: shows them as last heard, and takes a person's decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect, select

from rebuttal.context import Context
from rebuttal.errors import ConfigError, StoreError
from rebuttal.objections.tables import objection
from rebuttal.objections.taxonomy import load_taxonomy
from rebuttal.objections.themes_store import Decisions
from rebuttal.objections.themes_tables import theme, theme_trend
from rebuttal.state import open_state
from rebuttal.warehouse import open_warehouse

_QUOTES = 10


@contextmanager
def decisions(context: Context, by: str, reason: str = "") -> Iterator[Decisions]:
    """Decisions in the name of `by`; the next `rebuttal listen` follows them."""
    taxonomy = load_taxonomy(context.settings.config)
    with open_state(context.settings) as sessions:
        yield Decisions(sessions, taxonomy, by, context.clock.now(), reason)


def list_themes(context: Context, *, every: bool = False) -> list[dict[str, Any]]:
    """Themes as last heard with their newest trend: proposed ones first, then the most heard.

    Only what is heard or proposed, unless `every`. Raises StoreError before the first `rebuttal listen`.
    """
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        rows = _themes(connection)
        newest = select(theme_trend).order_by(theme_trend.c.week_start)
        trends = {(row["category"], row["theme"]): row["trend"] for row in connection.execute(newest).mappings()}
    for row in rows:
        row["trend"] = trends.get((row["category"], row["theme"]))
    shown = [row for row in rows if every or row["subject_count"] or row["status"] == "proposed"]
    return sorted(shown, key=lambda row: (row["status"] != "proposed", -row["subject_count"], row["theme_id"]))


def show_theme(context: Context, theme_id: str) -> dict[str, Any]:
    """One theme with its weeks' trends and its surest quotes. Raises ConfigError when there is none of this id."""
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        found = next((row for row in _themes(connection) if row["theme_id"] == theme_id), None)
        if found is None:
            raise ConfigError(f"There is no theme {theme_id!r}", next_step="See `rebuttal themes list --all`")
        here = (theme_trend.c.category == found["category"]) & (theme_trend.c.theme == found["theme"])
        weeks = connection.execute(select(theme_trend).where(here).order_by(theme_trend.c.week_start.desc())).mappings()
        said = (
            select(objection.c.quote, objection.c.language)
            .where((objection.c.category == found["category"]) & (objection.c.theme == found["theme"]))
            .order_by(objection.c.confidence.desc(), objection.c.quote)
        )
        quotes = list(dict.fromkeys(row["quote"] for row in connection.execute(said).mappings()))[:_QUOTES]
        return {**found, "weeks": [dict(row) for row in weeks], "quotes": quotes}


def _themes(connection: Connection) -> list[dict[str, Any]]:
    if not inspect(connection).has_table(theme.name, schema=theme.schema):
        raise StoreError("Nothing has been listened to yet", next_step="Run `rebuttal listen` first")
    return [dict(row) for row in connection.execute(select(theme)).mappings()]
