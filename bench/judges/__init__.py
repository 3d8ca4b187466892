"""Judges: our stored numbers beside the world's hidden truth, as measures (name -> value). They read, never change.

Higher is better unless a name says otherwise. A measure that has nothing to measure is None, never 0 or 1.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from bench.judges.attribution import attribution
from bench.judges.audits import audits
from bench.judges.bookings import bookings
from bench.judges.duplicates import duplicates, merged_records
from bench.judges.identity import identity
from bench.judges.journeys import journeys
from bench.judges.lifecycle import lifecycle
from bench.judges.measure import Measures, Truth, query_of
from bench.judges.money import money
from bench.judges.objections import objections
from bench.judges.rows import accounting, bad_rows, losses
from bench.judges.tags import tags

__all__ = ["Measures", "Truth", "judge", "judge_gate", "judge_model"]

GATE = (duplicates, losses, bad_rows, accounting, tags, audits)
MODEL = (identity, journeys, lifecycle, money, attribution, bookings)
LOOP = (*GATE, merged_records, objections, *MODEL)


def judge(connection: Connection, truth: Truth) -> Measures:
    """All measures of one world after a turn of the loop."""
    return _judged(LOOP, connection, truth)


def judge_gate(connection: Connection, truth: Truth) -> Measures:
    """The measures of the gate: of what `pull` and `admit` leave behind."""
    return _judged(GATE, connection, truth)


def judge_model(connection: Connection, truth: Truth) -> Measures:
    """The measures of the model: of who is who, the journeys, the money and what brought it."""
    return _judged(MODEL, connection, truth)


def _judged(parts: tuple[Any, ...], connection: Connection, truth: Truth) -> Measures:
    query = query_of(connection)
    measures: Measures = {}
    for part in parts:
        measures.update(part(query, truth))
    return measures
