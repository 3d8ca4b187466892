"""What every DAG has in common: owner, retries, time limits, and the line that says what failed and where to look."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

log = logging.getLogger("rebuttal.notify")

# DuckDB allows one writing process: a stage that writes the warehouse takes the one slot of this pool. Earlier stages
# go first, so that a later one waits for all that is on its way and runs once instead of once per source. Pulls stay
# outside: they wait for vendors, and hold the file only for the moment of landing.
WAREHOUSE_POOL = "warehouse"
PRIORITY = {
    "inbox": 90,
    "pull": 70,
    "admit": 60,
    "model": 50,
    "listen": 40,
    "answer": 30,
    "prove": 20,
    "tell": 10,
    "review": 5,
    "upkeep": 1,
}


def on_failure(context: dict[str, Any]) -> None:
    """One line per failed task, for whoever collects logs; the exception's own text says what to do."""
    task = context["task_instance"]
    log.error(
        "FAILED dag=%s task=%s run=%s try=%s: %s",
        task.dag_id, task.task_id, task.run_id, task.try_number, context.get("exception"),
    )  # fmt: skip


def default_args(stage: str) -> dict[str, Any]:
    """`default_args` of the DAG of a stage."""
    return {
        "owner": "data-engineering",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=20),
        "execution_timeout": timedelta(hours=1),
        "priority_weight": PRIORITY[stage],
        "weight_rule": "absolute",
        "pool": "default_pool" if stage == "pull" else WAREHOUSE_POOL,
        "on_failure_callback": on_failure,
    }
