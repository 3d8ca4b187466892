"""Every table of `core` and `ops`, named once. Marts are named in dbt; landing tables follow the streams.

An entity is declared by its key and its columns; the merge, the gate and the tests read this declaration.
All times are UTC and time-zone aware, money is numeric with its currency beside it, ids are text.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

LANDING, CORE, MARTS_BUILD, MARTS, OPS = "landing", "core", "marts_build", "marts", "ops"
SCHEMAS = (LANDING, CORE, MARTS_BUILD, MARTS, OPS)

TEXT, INT, REAL, BOOL, DATE = Text(), BigInteger(), Double(), Boolean(), Date()
TIME = DateTime(timezone=True)
MONEY = Numeric(18, 6)


@dataclass(frozen=True)
class Entity:
    """One canonical entity: `core.<name>`, one row per `key` (always led by source and account_id)."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, TypeEngine]

    @property
    def full_key(self) -> tuple[str, ...]:
        """The whole natural key."""
        return ("source", "account_id", *self.key)

    @property
    def table(self) -> Table:
        """The SQLAlchemy table `core.<name>`."""
        return metadata.tables[f"{CORE}.{self.name}"]


_UTM = {f"utm_{part}": TEXT for part in ("source", "medium", "campaign", "content", "term")}
_UTM_NORM = {f"{name}_norm": TEXT for name in _UTM}

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        # One row per advertisement and account-local day. Cost in `currency`; platform claims are kept apart from sales.
        Entity(
            "ad_performance",
            ("report_date", "ad_id"),
            {
                "report_date": DATE,
                "time_zone": TEXT,
                "currency": TEXT,
                "campaign_id": TEXT,
                "campaign_name": TEXT,
                "ad_group_id": TEXT,
                "ad_group_name": TEXT,
                "ad_id": TEXT,
                "final_url": TEXT,
                **_UTM,
                "impressions": INT,
                "clicks": INT,
                "cost": MONEY,
                "platform_conversions": REAL,
                "platform_value": REAL,
            },
        ),
        # One row per property-local day and session source, as the analytics tool added it up. Users never add up.
        Entity(
            "traffic",
            ("report_date", "session_source", "session_medium", "session_campaign", "device"),
            {
                "report_date": DATE,
                "time_zone": TEXT,
                "session_source": TEXT,
                "session_medium": TEXT,
                "session_campaign": TEXT,
                "device": TEXT,
                "sessions": INT,
                "engaged_sessions": INT,
                "users": INT,
                "key_events": REAL,
            },
        ),
        # One row per visit. utm_* are raw; *_norm is what they mean; utm_status says what the gate found.
        Entity(
            "visit",
            ("visit_id",),
            {
                "visit_id": TEXT,
                "client_id": TEXT,
                "started_at": TIME,
                "duration_seconds": INT,
                "page_view_count": INT,
                "is_new_user": BOOL,
                "is_bounce": BOOL,
                "device": TEXT,
                "landing_url": TEXT,
                "exit_url": TEXT,
                "referrer": TEXT,
                "traffic_source": TEXT,
                **_UTM,
                **_UTM_NORM,
                "utm_status": TEXT,
                "utm_detail": TEXT,
                "gclid": TEXT,
                "yclid": TEXT,
                "goal_ids": TEXT,
            },
        ),
        # One row per hit that really happened: copies are folded into the earliest (see ops.duplicate).
        Entity(
            "hit",
            ("hit_id",),
            {
                "hit_id": TEXT,
                "visit_id": TEXT,
                "client_id": TEXT,
                "occurred_at": TIME,
                "url": TEXT,
                "page_path": TEXT,
                "referrer": TEXT,
                "is_page_view": BOOL,
                "goal_ids": TEXT,
            },
        ),
        # People in the CRM. E-mail and phone exist only as keyed hashes; *_kind is personal, role, shared, test, invalid.
        Entity(
            "contact",
            ("contact_id",),
            {
                "contact_id": TEXT,
                "created_at": TIME,
                "updated_at": TIME,
                "email_hash": TEXT,
                "email_kind": TEXT,
                "phone_hash": TEXT,
                "phone_kind": TEXT,
                "client_id": TEXT,
                "gclid": TEXT,
                "yclid": TEXT,
                "lifecycle_stage": TEXT,
                "segment": TEXT,
                "language": TEXT,
                "original_source": TEXT,
                "self_reported_source": TEXT,
                "company_id": TEXT,
                "owner_id": TEXT,
                "merged_ids": TEXT,
                "is_deleted": BOOL,
            },
        ),
        Entity(
            "company",
            ("company_id",),
            {
                "company_id": TEXT,
                "created_at": TIME,
                "updated_at": TIME,
                "name": TEXT,
                "domain": TEXT,
                "segment": TEXT,
                "city": TEXT,
                "country": TEXT,
                "is_deleted": BOOL,
            },
        ),
        Entity(
            "deal",
            ("deal_id",),
            {
                "deal_id": TEXT,
                "created_at": TIME,
                "updated_at": TIME,
                "closed_at": TIME,
                "pipeline_id": TEXT,
                "stage_id": TEXT,
                "amount": MONEY,
                "currency": TEXT,
                "is_closed": BOOL,
                "is_won": BOOL,
                "lost_reason": TEXT,
                "deal_type": TEXT,
                "product": TEXT,
                "owner_id": TEXT,
                "contact_id": TEXT,
                "contact_ids": TEXT,
                "company_id": TEXT,
                "is_deleted": BOOL,
            },
        ),
        # One row per entry of a deal into a stage.
        Entity(
            "stage_change",
            ("deal_id", "changed_at", "stage_id"),
            {
                "deal_id": TEXT,
                "changed_at": TIME,
                "stage_id": TEXT,
                "changed_by_kind": TEXT,
            },
        ),
        # Everything said: notes and calls now; chats, e-mails, cancellations later. `body` is as the vendor keeps it.
        Entity(
            "conversation",
            ("kind", "conversation_id"),
            {
                "conversation_id": TEXT,
                "kind": TEXT,
                "occurred_at": TIME,
                "updated_at": TIME,
                "body": TEXT,
                "direction": TEXT,
                "disposition": TEXT,
                "duration_seconds": INT,
                "owner_id": TEXT,
                "contact_id": TEXT,
                "deal_id": TEXT,
                "is_deleted": BOOL,
            },
        ),
        # One row per submitted response; `form_kind` is nps, lost_deal or exit.
        Entity(
            "survey_response",
            ("form_id", "response_id"),
            {
                "form_id": TEXT,
                "response_id": TEXT,
                "form_kind": TEXT,
                "landed_at": TIME,
                "submitted_at": TIME,
                "nps_score": INT,
                "reason_choice": TEXT,
                "comment": TEXT,
                "self_reported_source": TEXT,
                "email_hash": TEXT,
                "email_kind": TEXT,
                "client_id": TEXT,
                "deal_id": TEXT,
                "language": TEXT,
                **_UTM,
            },
        ),
        Entity("owner", ("owner_id",), {"owner_id": TEXT, "team": TEXT, "is_active": BOOL, "updated_at": TIME}),
        Entity(
            "pipeline_stage",
            ("pipeline_id", "stage_id"),
            {
                "pipeline_id": TEXT,
                "pipeline_label": TEXT,
                "stage_id": TEXT,
                "stage_label": TEXT,
                "display_order": INT,
                "is_closed": BOOL,
                "probability": REAL,
            },
        ),
    )
}

# The vendor's own version of a row; a row never replaces one of a newer version. Others go by the order of batches.
VERSION_COLUMN = "updated_at"

for _entity in ENTITIES.values():
    Table(
        _entity.name,
        metadata,
        Column("source", TEXT, nullable=False),
        Column("account_id", TEXT, nullable=False),
        *(Column(name, kind, nullable=name not in _entity.key) for name, kind in _entity.columns.items()),
        Column("batch_id", TEXT, nullable=False),
        Column("row_hash", TEXT, nullable=False),
        schema=CORE,
    )

# One row per batch that was landed. status: landed -> admitted | held. `sequence` orders batches as they came.
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
    Column("raw", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),  # quarantined | released
    Column("released_batch_id", TEXT),
    schema=OPS,
)

# The evidence of every fold: which landed row was a copy of which surviving key, and by which rule.
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
