"""What is kept of the journeys of a build, in words that two builds can be compared by."""

from __future__ import annotations

from typing import Any

from rebuttal.context import Context
from rebuttal.journeys.configuration import load_model_config
from rebuttal.journeys.counted import Counted, Counts, MadeOf, kept_counts
from rebuttal.journeys.journeys import channels
from rebuttal.journeys.model import variables_of
from rebuttal.warehouse import open_warehouse


def of_last_build(built: Context) -> MadeOf:
    """What the counts of the last build are made of, by the clock and the configuration."""
    variables = variables_of(load_model_config(built.settings.config), built)
    with open_warehouse(built.settings) as engine, engine.connect() as connection:
        return MadeOf(channels(connection), variables["lookback_days"], variables["running_week_start"])


def kept(built: Context) -> Counts:
    """The counts that the last build has kept."""
    made_of = of_last_build(built)
    with open_warehouse(built.settings) as engine, engine.connect() as connection:
        found = kept_counts(connection, made_of)
    assert found is not None
    return found


def said(found: Counted) -> list[Any]:
    """All that the counts say, in an order; what was counted no times says nothing."""
    walks = [
        sorted(row for row in zip(*(getattr(one, name).tolist() for name in names), strict=True) if row[3])
        for one, names in ((order, ("group", "state", "next", "times", "value")) for order in found.steps)
    ]
    sets = found.sets
    rows = zip(
        *(column.tolist() for column in (found.of_sets, sets.members, sets.conversions, sets.values, sets.nulls)),
        strict=True,
    )
    return [walks, list(rows)]  # sets are in an order: their values are added up as money, which is no whole number
