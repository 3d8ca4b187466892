"""What the tools of the company have recorded: the only thing the vendor faces know of the world.

The world (`sandbox.world`) makes a `Recorded` as of an instant; the faces (`sandbox.faces`) put it on the wire in each
vendor's own words. All instants are UTC and aware; faces turn them into account time. Amounts are in account currency.
Rows are already wrong as the tools are wrong (copies, lost tags, skewed clocks): faces add no such errors, they
only throttle, page and fail as the vendor does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

# What the sandbox company has at each vendor. Dummy values; `python -m sandbox credentials --json` prints them.
ACCOUNTS: dict[str, dict[str, str]] = {
    "google-ads": {
        "access_token": "sandbox-google-ads-token",
        "customer_id": "1234567890",
        "version": "v26",
        "currency": "EUR",
        "time_zone": "Europe/Kyiv",
    },
    "yandex-direct": {
        "access_token": "sandbox-yandex-direct-token",
        "client_login": "beauty-brand",
        "currency": "RUB",
        "time_zone": "Europe/Moscow",
    },
    "yandex-metrica": {
        "access_token": "sandbox-yandex-metrica-token",
        "counter": "24601337",
        "time_zone": "Europe/Moscow",
    },
    "ga4": {
        "access_token": "sandbox-ga4-token",
        "property": "314159265",
        "currency": "EUR",
        "time_zone": "Europe/Kyiv",
    },
    "hubspot": {"access_token": "sandbox-hubspot-token", "portal": "8675309", "currency": "EUR", "time_zone": "UTC"},
    "typeform": {"access_token": "sandbox-typeform-token", "form": "nps7Qx"},
    "yclients": {
        "partner_token": "sandbox-yclients-partner",
        "user_token": "sandbox-yclients-user",
        "time_zone": "UTC",
    },
    "jira": {"email": "loop@example.com", "api_token": "sandbox-jira-token", "project": "MKT"},
    "trello": {
        "api_key": "sandbox-trello-key",
        "access_token": "sandbox-trello-token",
        "board": "5f5f5f5f0000000000000001",
        "list": "To Do",
    },
}
# Three forms: NPS after training, why a deal was lost, and leaving the site. The first is
# `ACCOUNTS["typeform"]["form"]`.
FORMS: dict[str, str] = {"nps7Qx": "nps", "lost3Kd": "lost_deal", "exitZ9m": "exit"}

AD_COLUMNS = (
    "date",
    "campaign_id",
    "campaign_name",
    "campaign_status",
    "ad_group_id",
    "ad_group_name",
    "ad_id",
    "final_url",
    "impressions",
    "clicks",
    "cost_micros",
    "conversions",
    "conversions_value",
)
# date: datetime.date in the account's zone; ids str; one row a date and ad with impressions > 0; as known at the
# instant.

VISIT_COLUMNS = (
    "visit_id",
    "client_id",
    "started_at",
    "closed_at",
    "duration_s",
    "page_views",
    "is_new",
    "is_bounce",
    "landing_url",
    "exit_url",
    "referrer",
    "traffic_source",
    "direct_campaign_id",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "device",
    "goal_ids",
    "goal_times",
    "watch_ids",
)
# visit_id, client_id, watch_ids: decimal text (uint64). traffic_source is Metrica's word (ad, organic, direct,
# referral,
# social, messenger, email, recommend, internal). A re-sent row simply stands twice. The *_url carry gclid / yclid.

HIT_COLUMNS = ("watch_id", "visit_id", "client_id", "at", "url", "referrer", "is_page_view", "goal_ids", "title")

SESSION_COLUMNS = (
    "session_id",
    "started_at",
    "source",
    "medium",
    "campaign",
    "landing_path",
    "device",
    "is_engaged",
    "key_events",
    "user_pseudo_id",
)
# GA4's own view of the same people: only those who consented, "(direct)" / "(none)" / "(not set)" as GA4 says them.

CLICK_COLUMNS = ("gclid", "at", "campaign_id", "ad_group_id", "ad_id")


@dataclass(frozen=True)
class CrmObject:
    """One HubSpot object as of the instant. Property values are text or None, times in them ISO 8601 with Z."""

    id: str
    created_at: datetime
    updated_at: datetime
    properties: Mapping[str, str | None]
    # property -> versions, newest first: {"value", "timestamp" (ISO Z), "sourceType", "sourceId"}
    history: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)
    is_archived: bool = False
    archived_at: datetime | None = None
    # to-type ("contacts", "companies", "deals") -> ids
    associations: Mapping[str, list[str]] = field(default_factory=dict)


# Properties that the faces and the pipeline rely on, beside HubSpot's own hs_object_id, createdate, hs_lastmodifieddate
# (contacts: lastmodifieddate):
CRM_PROPERTIES: dict[str, tuple[str, ...]] = {
    "contacts": (
        "email",
        "phone",
        "firstname",
        "lastname",
        "lifecyclestage",
        "hubspot_owner_id",
        "hs_language",
        "hs_google_click_id",
        "hs_analytics_source",
        "hs_merged_object_ids",
        "segment",
        "ym_client_id",
        "yclid",
        "self_reported_source",
        "associatedcompanyid",
    ),
    "companies": ("name", "domain", "type", "city", "country"),
    "deals": (
        "dealname",
        "amount",
        "deal_currency_code",
        "dealstage",
        "pipeline",
        "closedate",
        "dealtype",
        "closed_lost_reason",
        "hs_is_closed",
        "hs_is_closed_won",
        "hubspot_owner_id",
        "product",
    ),
    "notes": ("hs_note_body", "hs_timestamp", "hubspot_owner_id"),
    "calls": (
        "hs_call_body",
        "hs_call_title",
        "hs_call_direction",
        "hs_call_duration",
        "hs_call_disposition",
        "hs_call_status",
        "hs_timestamp",
        "hubspot_owner_id",
    ),
}
# segment: salon_owner, chain_manager, freelance_master, salon_client. hs_merged_object_ids: "101;102".


@dataclass(frozen=True)
class Response:
    """One survey response. answers: question ref -> value; refs: nps (int), reason (choice label), comment (text),
    source (text: how did you hear of us), email (text). Unanswered refs are absent."""

    form: str
    token: str
    landed_at: datetime
    submitted_at: datetime | None
    hidden: Mapping[str, str]  # client_id, deal_id, utm_source ... where known
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class Branch:
    """A partner's salon in the booking system. staff: (id, name)."""

    company_id: int
    title: str
    time_zone: str
    currency: str
    staff: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Booking:
    """One line of a salon's book. attendance: 2 confirmed by the client, 1 came, 0 awaited, -1 did not come.

    service: (id, title, cents of the branch's currency); client: (id, name, phone, email) or None where nobody wrote it
    down; label: the salon's own word, or empty.
    """

    id: int
    company_id: int
    staff: tuple[int, str]
    service: tuple[int, str, int]
    client: tuple[int, str, str, str] | None
    starts_at: datetime
    minutes: int
    created_at: datetime
    changed_at: datetime
    attendance: int
    is_confirmed: bool
    is_deleted: bool
    is_paid: bool
    is_online: bool
    label: str


@dataclass(frozen=True)
class Recorded:
    """Everything the tools show at `now`."""

    now: datetime
    ads: Mapping[str, pd.DataFrame]  # "google-ads", "yandex-direct" -> AD_COLUMNS
    visits: pd.DataFrame  # VISIT_COLUMNS, sorted by started_at
    hits: pd.DataFrame  # HIT_COLUMNS, sorted by at
    sessions: pd.DataFrame  # SESSION_COLUMNS
    clicks: pd.DataFrame  # CLICK_COLUMNS
    crm: Mapping[str, list[CrmObject]]  # contacts, companies, deals, notes, calls (archived ones included)
    owners: list[
        dict[str, Any]
    ]  # HubSpot owner objects: id, email, firstName, lastName, userId, archived, createdAt ...
    pipelines: list[dict[str, Any]]  # HubSpot pipeline objects for deals, stages included
    responses: list[Response]  # sorted by submitted_at
    branches: list[Branch] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)  # sorted by company and id


@dataclass(frozen=True)
class TaskCard:
    """A tracker task as the content team sees it."""

    key: str
    created_at: datetime
    summary: str
    description: str  # plain text of the description
    labels: tuple[str, ...]  # a task of the loop carries "objection-<taxonomy code>"
    status: str  # To Do | In Progress | In Review | Published | Won't do | Archived
    url: str | None = None  # set once published


# The content team's people by short name, as trackers show them: one writes it with an apostrophe and a comma.
COLLEAGUES: dict[str, str] = {"iryna": "Iryna D'Arc, editor", "daryna": "Дарина Вишняк", "gareth": "Gareth Pryce"}


@dataclass(frozen=True)
class TeamAction:
    """What the content team did with a task. kind: status | summary | comment | assignee; `text` is the new value: of
    an assignee the short name among COLLEAGUES.
    """

    key: str
    at: datetime
    kind: str
    text: str
    url: str | None = None  # with status Published: the address of what was published


@dataclass(frozen=True)
class Article:
    """A text on the brand's site: what its feed tells."""

    url: str
    title: str
    published_at: datetime


class World(Protocol):
    """The simulation behind the faces. Deterministic by (seed, weeks, until, scale) and the tasks it was shown."""

    @property
    def now(self) -> datetime:
        """The instant the world has reached (the end of its `until` day, UTC, until advanced)."""

    def recorded(self) -> Recorded:
        """What the tools show at `now`; cached until the world moves."""

    def truth(self, counterfactuals: bool = True) -> dict[str, Any]:
        """The hidden truth, JSON-ready, for judges only; without `counterfactuals` the costly what-ifs are left out."""

    def articles(self) -> list[Article]:
        """The texts on the site at `now`, the oldest first."""

    def advance(self, days: float, tasks: list[TaskCard]) -> list[TeamAction]:
        """Move on by `days`; the content team works `tasks` meanwhile. Returns what it did, in time order."""
