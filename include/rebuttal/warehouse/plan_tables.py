"""The company's plan as loaded from plan.yml, where the marts can join it. PLAN writes it; empty without a plan."""

from __future__ import annotations

from sqlalchemy import Column, Numeric, Table

from rebuttal.warehouse.tables import DATE, INT, OPS, REAL, TEXT, metadata

# At most one row: how the plan is judged. `pacing` is even or weekday; `tolerance` a share of budget or target.
plan_rule = Table(
    "plan_rule",
    metadata,
    Column("pacing", TEXT, primary_key=True),
    Column("tolerance", REAL, nullable=False),
    Column("currency", TEXT, nullable=False),
    schema=OPS,
)

# One row per budget line and month (its first day), in the base currency.
plan_budget = Table(
    "plan_budget",
    metadata,
    Column("line_id", TEXT, primary_key=True),
    Column("month_start", DATE, primary_key=True),
    Column("channel", TEXT, nullable=False),
    Column("block", TEXT, nullable=False),  # active | experiments
    Column("amount", Numeric(18, 6), nullable=False),
    schema=OPS,
)

# One row per goal. `counted` and `divided_by` (NULL for a plain sum) are what marts.goal_progress adds up by day;
# `families` are the kinds of sources (of marts.source_window) that must be known for it, one after the other.
plan_goal = Table(
    "plan_goal",
    metadata,
    Column("goal_id", TEXT, primary_key=True),
    Column("metric", TEXT, nullable=False),
    Column("first_date", DATE, nullable=False),
    Column("last_date", DATE, nullable=False),
    Column("target", Numeric(18, 6), nullable=False),
    Column("direction", TEXT, nullable=False),  # at_least | at_most
    Column("owner", TEXT, nullable=False),
    Column("counted", TEXT, nullable=False),
    Column("divided_by", TEXT),
    Column("families", TEXT, nullable=False),
    Column("family_count", INT, nullable=False),
    schema=OPS,
)
