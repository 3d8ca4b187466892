"""PLAN: goals, budgets and their pace, fed by plan.yml in the configuration."""

from __future__ import annotations

from rebuttal.context import Context
from rebuttal.records import Report

__all__ = ["run"]


def run(context: Context) -> Report:
    """Load the plan; see `rebuttal.planning.stage`. The import stands here, as in the other stages."""
    from rebuttal.planning.stage import run as run_plan

    return run_plan(context)
