"""The analytical store: tables, merge with row accounting, batches, the dbt runner and publishing."""

from rebuttal.warehouse.engine import create_tables, duckdb_path, is_duckdb, open_published, open_warehouse
from rebuttal.warehouse.tables import ENTITIES, Entity

__all__ = ["ENTITIES", "Entity", "create_tables", "duckdb_path", "is_duckdb", "open_published", "open_warehouse"]
