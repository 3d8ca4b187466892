"""Every table of `core` and `ops`. Marts are named in dbt; landing tables follow the streams.

`gate` holds scratch tables of a running admission only; it is empty between runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, Column, Index, MetaData, Table, event

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
MARTS_PREVIOUS = "marts_previous"
SCHEMAS = (LANDING, GATE, CORE, MARTS_BUILD, MARTS, MARTS_PREVIOUS, OPS)


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


def _found() -> list[Column[Any]]:
    """What a check found, whatever it looked at."""
    return [
        Column("description", TEXT, nullable=False),
        Column("next_step", TEXT, nullable=False),
        Column("is_passed", BOOL, nullable=False),
        Column("row_count", INT, nullable=False),
        Column("failed_count", INT, nullable=False),
        Column("examples", TEXT),  # JSON list, at most three, no personal data
        Column("query", TEXT),
    ]


# One row per expectation and batch.
check_result = Table(
    "check_result",
    metadata,
    Column("batch_id", TEXT, nullable=False),
    Column("entity", TEXT, nullable=False),
    Column("check_name", TEXT, nullable=False),
    Column("severity", TEXT, nullable=False),  # quarantine | hold | warning
    *_found(),
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
    Column("severity", TEXT, nullable=False),  # notice | warning | alarm
    *_found(),
    schema=OPS,
)

# One row per state of core that was audited: the newest admitted batch by then, a hash of the rules, and what had been
# admitted of each entity (JSON: entity -> counts). A rule is asked again when it or an entity that it reads differs.
audit_run = Table(
    "audit_run",
    metadata,
    Column("sequence", INT, primary_key=True),
    Column("rules", TEXT, nullable=False),
    Column("entities", TEXT, nullable=False),
    schema=OPS,
)

# The vendor's own totals of what a batch holds, where a vendor gives them: one row per batch and measure (a column of
# the batch's entity, or `records` for how many different ones there are). Written with the batch by whoever lands it.
vendor_total = Table(
    "vendor_total",
    metadata,
    Column("batch_id", TEXT, primary_key=True),
    Column("measure", TEXT, primary_key=True),
    Column("total", MONEY, nullable=False),
    schema=OPS,
)

# What a batch changed of days that were told of before, where figures add up over days: one row per batch, week (its
# Monday), currency (NULL where the rows are in none) and measure. Sums over the replaced rows. Written with the merge.
restatement = Table(
    "restatement",
    metadata,
    Column("batch_id", TEXT, nullable=False),
    Column("week_start", DATE, nullable=False),
    Column("currency", TEXT),
    Column("measure", TEXT, nullable=False),
    Column("row_count", INT, nullable=False),
    Column("before", REAL, nullable=False),
    Column("after", REAL, nullable=False),
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

# Records that the vendor itself merged into another one (kind `merged_by_vendor`): `survivor_id` is where the chain of
# merges ends, `via` the records that name it as swallowed. Evidence beside the row accounting, not a part of it: these
# rows were admitted as they came. A mirror of what core says now; what the vendor undoes disappears.
merged_record = Table(
    "merged_record",
    metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("entity", "source", "account_id", "record_id")),
    Column("survivor_id", TEXT, nullable=False),
    Column("via", TEXT, nullable=False),
    schema=OPS,
)

# One booking told by two systems: which record is told again by which better one. Both stay in core.booking; models
# read core.booking_once, which leaves these out. A mirror of what core and the rule say now.
same_booking = Table(
    "same_booking",
    metadata,
    *(Column(name, TEXT, primary_key=True) for name in ("source", "account_id", "booking_id")),
    *(
        Column(name, TEXT, nullable=False)
        for name in ("survivor_source", "survivor_account_id", "survivor_booking_id", "matched_by")
    ),
    schema=OPS,
)
same_booking.add_is_dependent_on(metadata.tables[f"{CORE}.booking"])
# The view names all columns of core.booking: it is made again when that table gets one.
BOOKING_ONCE = (
    "create view core.booking_once as select booking.* from core.booking as booking where not exists ("
    " select 1 from ops.same_booking as same where same.source = booking.source"
    " and same.account_id = booking.account_id and same.booking_id = booking.booking_id)"
)
event.listen(same_booking, "after_create", DDL(BOOKING_ONCE))  # type: ignore[no-untyped-call]

# Keyed hashes (and vendor ids) of people who were erased: rows that carry one are never admitted again.
suppression = Table(
    "suppression",
    metadata,
    Column("identifier", TEXT, primary_key=True),
    schema=OPS,
)

# By which rules the stored rows were judged; other rules than these mean that history has to be judged again.
rule_version = Table(
    "rule_version",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("fingerprint", TEXT, nullable=False),
    schema=OPS,
)

# One row per campaign where money and tagged visits do not meet, within the audit's window (days of the ad account).
# kind: spend_without_tagged_visits | tagged_visits_without_spend. The second kind has no cost, hence no currency.
campaign_gap = Table(
    "campaign_gap",
    metadata,
    Column("kind", TEXT, primary_key=True),
    Column("platform", TEXT, primary_key=True),
    Column("campaign_id", TEXT, primary_key=True),  # empty where nobody told it
    Column("campaign_name", TEXT, primary_key=True),  # as the platform calls it now, else as it stands in the tags
    Column("currency", TEXT, primary_key=True),
    Column("cost", MONEY, nullable=False),
    Column("clicks", INT, nullable=False),
    Column("tagged_visits", INT, nullable=False),
    Column("first_date", DATE, nullable=False),
    Column("last_date", DATE, nullable=False),
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

# What the last version is made of: one row per published table. It tells which of them a next version must replace.
published_table = Table(
    "published_table",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("fingerprint", TEXT, nullable=False),
    schema=OPS,
)
