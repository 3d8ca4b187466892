"""Every table of `core` and `ops`. Marts are named in dbt; landing tables follow the streams.

`gate` holds scratch tables of a running admission only; it is empty between runs.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, Table

from rebuttal.warehouse.entities import (
    BOOL,
    DATE,
    ENTITIES,
    INT,
    MONEY,
    REAL,
    TEXT,
    TIME,
    VERSION_COLUMN,
    Entity,
    SameEvent,
)

__all__ = ["BOOL", "DATE", "ENTITIES", "INT", "MONEY", "REAL", "TEXT", "TIME", "VERSION_COLUMN", "Entity", "SameEvent"]

metadata = MetaData()

LANDING, GATE, CORE, MARTS_BUILD, MARTS, OPS = "landing", "gate", "core", "marts_build", "marts", "ops"
SCHEMAS = (LANDING, GATE, CORE, MARTS_BUILD, MARTS, OPS)


def _core_table(entity: Entity, name: str) -> Table:
    table = Table(
        name,
        metadata,
        Column("source", TEXT, nullable=False),
        Column("account_id", TEXT, nullable=False),
        *(Column(column, kind, nullable=column not in entity.key) for column, kind in entity.columns.items()),
        Column("batch_id", TEXT, nullable=False),  # with row_number: the landed row that this one was last made of
        Column("row_number", INT, nullable=False),
        Column("row_hash", TEXT, nullable=False),
        schema=CORE,
    )
    # DuckDB pays more for an index than it gives; there the merge alone keeps keys unique and the tests prove it.
    Index(f"{name}_key", *(table.c[column] for column in entity.full_key), unique=True).ddl_if(dialect="postgresql")
    return table


for _entity in ENTITIES.values():
    _core_table(_entity, _entity.name)
    if _entity.same_event:
        # Rows folded into another one: kept whole, because a late original may set one free again.
        _core_table(_entity, f"{_entity.name}_copy")

# One row per batch that was landed. `status`: see batches.py. `sequence` orders them as they came.
batch = Table(
    "batch",
    metadata,
    Column("batch_id", TEXT, primary_key=True),
    Column("sequence", INT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("stream", TEXT, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("account_id", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),  # live | backfill
    Column("window_from", TIME),
    Column("window_to", TIME),
    Column("cursor_before", TEXT),
    Column("cursor_after", TEXT),
    Column("row_count", INT, nullable=False),
    Column("content_hash", TEXT, nullable=False),
    Column("landed_at", TIME, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("status_reason", TEXT),
    schema=OPS,
)

# One row per admitted batch: where each landed row ended. Written in the transaction of the merge.
batch_outcome = Table(
    "batch_outcome",
    metadata,
    Column("batch_id", TEXT, primary_key=True),
    Column("landed", INT, nullable=False),
    *(
        Column(name, INT, nullable=False)
        for name in ("new", "changed", "unchanged", "deduplicated", "quarantined", "suppressed")
    ),
    schema=OPS,
)

# One row per expectation and batch.
check_result = Table(
    "check_result",
    metadata,
    Column("batch_id", TEXT, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("check_name", TEXT, nullable=False),
    Column("severity", TEXT, nullable=False),  # quarantine | hold | warning
    Column("description", TEXT, nullable=False),
    Column("next_step", TEXT, nullable=False),
    Column("is_passed", BOOL, nullable=False),
    Column("row_count", INT, nullable=False),
    Column("failed_count", INT, nullable=False),
    Column("examples", TEXT),  # JSON list, at most three, no personal data
    Column("query", TEXT),
    schema=OPS,
)

# One row per check over core as a whole (it looks across batches and entities) and per state of core that gave another
# answer than the one before: `sequence` is the newest admitted batch by then.
audit_result = Table(
    "audit_result",
    metadata,
    Column("check_name", TEXT, primary_key=True),
    Column("sequence", INT, primary_key=True),
    Column("entity", TEXT, nullable=False),
    Column("severity", TEXT, nullable=False),  # warning | alarm
    Column("description", TEXT, nullable=False),
    Column("next_step", TEXT, nullable=False),
    Column("is_passed", BOOL, nullable=False),
    Column("row_count", INT, nullable=False),
    Column("failed_count", INT, nullable=False),
    Column("examples", TEXT),  # JSON list, at most three, no personal data
    Column("query", TEXT),
    schema=OPS,
)

# One row per quarantined landed row. `raw` is the landed row as JSON, or hash and head when it is too large.
quarantine = Table(
    "quarantine",
    metadata,
    Column("batch_id", TEXT, nullable=False),
    Column("row_number", INT, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("stream", TEXT, nullable=False),
    Column("natural_key", TEXT),
    Column("reason", TEXT, nullable=False),
    Column("check_name", TEXT, nullable=False),
    Column("value", TEXT),
    Column("reasons", TEXT, nullable=False),  # JSON list of all: check_name, reason, value
    Column("raw", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),  # quarantined | released
    Column("released_batch_id", TEXT),
    schema=OPS,
)

# The evidence of every fold: which landed row was a copy of which surviving key, and by which rule. The batch that made
# the fold may be a later one (the original arrived after its copy), and a still later one may undo it.
duplicate = Table(
    "duplicate",
    metadata,
    Column("batch_id", TEXT, nullable=False),
    Column("row_number", INT, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("natural_key", TEXT, nullable=False),
    Column("survivor_key", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),  # same_key | same_event | resubmitted
    Column("folded_by_batch_id", TEXT, nullable=False),
    Column("undone_by_batch_id", TEXT),
    schema=OPS,
)

# Keyed hashes (and vendor ids) of people who were erased: rows that carry one are never admitted again.
suppression = Table(
    "suppression",
    metadata,
    Column("identifier", TEXT, primary_key=True),
    schema=OPS,
)

# One row per published version of the marts.
publication = Table(
    "publication",
    metadata,
    Column("version", INT, primary_key=True),
    Column("fingerprint", TEXT, nullable=False),
    Column("published_at", TIME, nullable=False),
    schema=OPS,
)
