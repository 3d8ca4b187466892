"""PLAN: what plan.yml says, put where the marts can join it. The marts `plan_pace` and `goal_progress` say the rest."""

from __future__ import annotations

from typing import Any

from rebuttal.context import Context
from rebuttal.planning.plan import MEASURED, Goal, Plan, load_plan
from rebuttal.records import Report
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.plan_tables import plan_budget, plan_goal, plan_rule
from rebuttal.warehouse.replace import replace_rows


def run(context: Context) -> Report:
    """Write `ops.plan_rule`, `ops.plan_budget` and `ops.plan_goal`; nothing is written when the plan is as it was.

    Counts: plan_lines (budget lines by month, and goals). Without plan.yml the tables are empty. Raises ConfigError for
    a wrong plan.yml, and then writes nothing.
    """
    plan = load_plan(context.settings.config)
    tables = (
        (plan_rule, rules_of(plan)),
        (plan_budget, budgets_of(plan)),
        (plan_goal, [_goal(goal) for goal in plan.goals] if plan else []),
    )
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        written = [replace_rows(connection, table, rows) for table, rows in tables]
    count = len(tables[1][1]) + len(tables[2][1])
    return Report("plan", counts={"plan_lines": count}, changed=any(written))


def rules_of(plan: Plan | None) -> list[dict[str, Any]]:
    """Rows of ops.plan_rule."""
    return [{"pacing": plan.pacing, "tolerance": plan.tolerance, "currency": plan.currency}] if plan else []


def budgets_of(plan: Plan | None) -> list[dict[str, Any]]:
    """Rows of ops.plan_budget: each line in each of its months."""
    return [
        {
            "line_id": line.id,
            "month_start": month,
            "channel": line.channel,
            "block": line.block,
            "amount": line.monthly,
        }
        for line in (plan.budgets if plan else ())
        for month in line.months
    ]


def _goal(goal: Goal) -> dict[str, Any]:
    measured = MEASURED[goal.metric]
    return {
        "goal_id": goal.id,
        "metric": goal.metric,
        "first_date": goal.first_date,
        "last_date": goal.last_date,
        "target": goal.target,
        "direction": goal.direction or measured.direction,
        "owner": goal.owner,
        "counted": measured.counted,
        "divided_by": measured.divided_by,
        "families": " ".join(measured.families),
        "family_count": len(measured.families),
    }
