"""The canonical entities, named once: what `core` holds, by which key, and which events count as the same one.

The merge, the gate, the staging SQL and the tests read these declarations.
All times are UTC and time-zone aware, money is numeric with its currency beside it, ids are text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Numeric, Text
from sqlalchemy.types import TypeEngine

TEXT, INT, BOOL, DATE = Text(), BigInteger(), Boolean(), Date()
REAL: Double[float] = Double()
TIME = DateTime(timezone=True)
MONEY = Numeric(18, 6)

# The vendor's own version of a row; a row never replaces one of a newer version. Others go by the order of batches.
VERSION_COLUMN = "updated_at"


@dataclass(frozen=True)
class SameEvent:
    """When two rows of different keys are one event that was told twice.

    They agree in all of `columns`, have one of `known` (an event of nobody is never folded), and the copy is at most
    `seconds` after the earliest (the smallest key breaks a tie). Windows start at that earliest row and never chain.
    """

    columns: tuple[str, ...]
    known: tuple[str, ...]
    at: str
    seconds: int
    kind: str


@dataclass(frozen=True)
class Entity:
    """One canonical entity: `core.<name>`, one row per `key` (always led by source and account_id)."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, TypeEngine[Any]]
    same_event: SameEvent | None = None

    @property
    def full_key(self) -> tuple[str, ...]:
        """The whole natural key."""
        return ("source", "account_id", *self.key)

    @property
    def version(self) -> str | None:
        """The column that holds the vendor's version of a row, or None where there is none."""
        return VERSION_COLUMN if VERSION_COLUMN in self.columns else None


_UTM = {f"utm_{part}": TEXT for part in ("source", "medium", "campaign", "content", "term")}
# What the UTM audit fills in after staging.
UTM_FOUND = (*(f"{name}_norm" for name in _UTM), "utm_status", "utm_detail")
_UTM_NORM = {f"{name}_norm": TEXT for name in _UTM}

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        # One row per advertisement and account-local day. Cost in `currency`; platform claims are kept apart from
        # sales.
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
        # One row per click that a platform names: whose campaign a click id belongs to.
        Entity(
            "ad_click",
            ("click_id",),
            {
                "click_id": TEXT,
                "report_date": DATE,
                "campaign_id": TEXT,
                "ad_group_id": TEXT,
                "ad_id": TEXT,
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
                "is_estimated": BOOL,
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
                "click_campaign_id": TEXT,
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
            SameEvent(
                # A copy came by the same way: a person who returns to a page within the second came from another.
                ("client_id", "url", "referrer", "is_page_view", "goal_ids"),
                ("client_id",),
                "occurred_at",
                2,
                "same_event",
            ),
        ),
        # People in the CRM. E-mail and phone exist only as keyed hashes; *_kind is personal, role, shared, test,
        # invalid.
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
        # One row per move of a contact to a lifecycle stage.
        Entity(
            "lifecycle_change",
            ("contact_id", "changed_at", "lifecycle_stage"),
            {
                "contact_id": TEXT,
                "changed_at": TIME,
                "lifecycle_stage": TEXT,
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
            SameEvent(
                (
                    "form_id",
                    "nps_score",
                    "reason_choice",
                    "comment",
                    "self_reported_source",
                    "email_hash",
                    "client_id",
                    "deal_id",
                ),
                # Nobody else writes the same comment within the minute; a bare score of a stranger proves nothing.
                ("email_hash", "client_id", "comment"),
                "submitted_at",
                60,
                "resubmitted",
            ),
        ),
        # One row per booking as one system tells it; the same booking in two systems is in ops.same_booking. `status`
        # is the partner's own word: what it means is agreed with each partner.
        Entity(
            "booking",
            ("booking_id",),
            {
                "booking_id": TEXT,
                "partner_id": TEXT,
                "service": TEXT,
                "specialist": TEXT,
                "starts_at": TIME,
                "created_at": TIME,
                "updated_at": TIME,
                "status": TEXT,
                "email_hash": TEXT,
                "email_kind": TEXT,
                "phone_hash": TEXT,
                "phone_kind": TEXT,
                "amount": MONEY,
                "currency": TEXT,
                "is_deleted": BOOL,
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
