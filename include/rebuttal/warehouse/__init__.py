"""The analytical store: tables, merge with row accounting, batches, the dbt runner and publishing."""

from rebuttal.warehouse.engine import create_tables, duckdb_path, is_duckdb, open_published, open_warehouse
from rebuttal.warehouse.model_tables import identity_refusal, person_identifier
from rebuttal.warehouse.plan_tables import plan_budget, plan_goal, plan_rule
from rebuttal.warehouse.tables import ENTITIES, Entity

__all__ = [
    "ENTITIES",
    "Entity",
    "create_tables",
    "duckdb_path",
    "identity_refusal",
    "is_duckdb",
    "open_published",
    "open_warehouse",
    "person_identifier",
    "plan_budget",
    "plan_goal",
    "plan_rule",
]
