"""Hand-made core rows: a test names only the columns it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from tests.journeys.people_warehouse import KEPT, MEMORY, People
from tests.journeys.refresh_company import built, built_company, copied  # noqa: F401  (fixtures)

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.tables import metadata

SOURCES = {
    "visit": "yandex_metrica",
    "hit": "yandex_metrica",
    "survey_response": "typeform",
    "ad_performance": "google_ads",
}


def at(text: str) -> datetime:
    """`2026-01-05 10:00` as an instant, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def insert_core(engine: Engine, entity: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows into core.<entity>; times and dates may be text, what a row leaves out is NULL."""
    table = metadata.tables[f"core.{entity}"]
    given = []
    for number, row in enumerate(rows):
        full: dict[str, Any] = {column.name: None for column in table.columns}
        full |= {"source": SOURCES.get(entity, "hubspot"), "account_id": "a1", "batch_id": "b1"}
        full |= {"row_hash": f"{entity}{number}", "row_number": number}
        full |= row
        for name, value in full.items():
            if isinstance(value, str) and name.endswith("_at"):
                full[name] = at(value)
            elif isinstance(value, str) and name.endswith("_date"):
                full[name] = date.fromisoformat(value)
            elif name in ("amount", "cost") and value is not None:
                full[name] = Decimal(str(value))
        given.append(full)
    with engine.begin() as connection:
        connection.execute(insert(table), given)


STAGES = [
    {"pipeline_id": "p", "stage_id": s, "stage_label": s.title(), "display_order": i, "is_closed": c, "probability": p}
    for i, (s, c, p) in enumerate(
        [("new", False, 0.1), ("qualified", False, 0.3), ("offer", False, 0.7), ("won", True, 1.0), ("lost", True, 0.0)]
    )
]

# Weeks of Monday 2026-01-05 and 2026-01-12. Anna comes by an ad, then directly, and buys. Boris asks and refuses. Vera
# only looks. Dina was told by a friend and never visited. A deal in a currency without a rate. A test record.
COMPANY: dict[str, list[dict[str, Any]]] = {
    "pipeline_stage": STAGES,
    "visit": [
        {"visit_id": "1", "client_id": "c1", "started_at": "2026-01-05 09:00", "gclid": "G1",
         "utm_source_norm": "google", "utm_medium_norm": "cpc", "utm_campaign_norm": "brand_ua",
         "landing_url": "https://brand.example/?gclid=G1", "traffic_source": "ad"},
        {"visit_id": "2", "client_id": "c1", "started_at": "2026-01-06 09:00", "traffic_source": "direct"},
        {"visit_id": "3", "client_id": "c1", "started_at": "2026-01-12 00:00", "traffic_source": "internal",
         "referrer": "https://brand.example/x", "landing_url": "https://www.brand.example/y"},
        {"visit_id": "4", "client_id": "c2", "started_at": "2026-01-05 10:00",
         "referrer": "https://chatgpt.com/", "traffic_source": "referral"},
        {"visit_id": "5", "client_id": "c2", "started_at": "2026-01-07 10:00",
         "utm_source_norm": "instagram", "utm_medium_norm": "social"},
        {"visit_id": "6", "client_id": "c2", "started_at": "2026-01-08 10:00",
         "referrer": "https://www.google.com/", "traffic_source": "organic"},
        {"visit_id": "7", "client_id": "c3", "started_at": "2026-01-18 23:59", "yclid": "Y1", "traffic_source": "ad"},
        {"visit_id": "8", "client_id": None, "started_at": "2026-01-13 10:00", "traffic_source": "direct"},
    ],
    "contact": [
        {"contact_id": "101", "created_at": "2026-01-06 09:30", "email_hash": "anna", "email_kind": "personal",
         "phone_hash": "pa", "phone_kind": "personal", "gclid": "G1", "lifecycle_stage": "customer",
         "segment": "salon_owner", "language": "uk", "is_deleted": False},
        {"contact_id": "102", "created_at": "2026-01-08 12:00", "email_hash": "boris", "email_kind": "personal",
         "client_id": "c2", "lifecycle_stage": "marketingqualifiedlead", "segment": "chain_manager",
         "language": "ru", "is_deleted": False},
        {"contact_id": "103", "created_at": "2026-01-14 12:00", "email_hash": "dina", "email_kind": "personal",
         "lifecycle_stage": "lead", "self_reported_source": "Порадила подруга", "is_deleted": False},
        {"contact_id": "104", "created_at": "2026-01-14 12:00", "email_hash": "test", "email_kind": "test",
         "lifecycle_stage": "customer", "is_deleted": False},
        {"contact_id": "105", "created_at": "2026-01-09 12:00", "email_hash": "anna", "email_kind": "personal",
         "lifecycle_stage": "lead", "is_deleted": False},
    ],
    "deal": [
        {"deal_id": "d1", "created_at": "2026-01-07 10:00", "closed_at": "2026-01-13 10:00", "pipeline_id": "p",
         "stage_id": "won", "is_closed": True, "is_won": True, "amount": 1000, "currency": "UAH",
         "contact_id": "101", "product": "Course"},
        {"deal_id": "d2", "created_at": "2026-01-08 13:00", "closed_at": "2026-01-15 10:00", "pipeline_id": "p",
         "stage_id": "lost", "is_closed": True, "is_won": False, "amount": 500, "currency": "EUR",
         "contact_id": "102", "lost_reason": "price"},
        {"deal_id": "d3", "created_at": "2026-01-15 10:00", "closed_at": "2026-01-20 10:00", "pipeline_id": "p",
         "stage_id": "won", "is_closed": True, "is_won": True, "amount": 100, "currency": "XXX",
         "contact_id": "101"},
        {"deal_id": "d4", "created_at": "2026-01-15 10:00", "closed_at": "2026-02-20 10:00", "pipeline_id": "p",
         "stage_id": "new", "is_closed": False, "is_won": False, "amount": 100, "currency": "EUR"},
        {"deal_id": "d5", "created_at": "2026-01-15 10:00", "pipeline_id": "p", "stage_id": "new", "is_closed": False,
         "is_won": False, "amount": 100, "currency": "EUR", "is_deleted": True},
    ],
    "stage_change": [
        {"deal_id": "d1", "stage_id": "new", "changed_at": "2026-01-07 10:00"},
        {"deal_id": "d1", "stage_id": "offer", "changed_at": "2026-01-09 10:00"},
        {"deal_id": "d1", "stage_id": "won", "changed_at": "2026-01-13 10:00"},
        {"deal_id": "d2", "stage_id": "new", "changed_at": "2026-01-08 13:00"},
        {"deal_id": "d2", "stage_id": "qualified", "changed_at": "2026-01-12 13:00"},
        {"deal_id": "d2", "stage_id": "lost", "changed_at": "2026-01-15 10:00"},
    ],
    "conversation": [
        {"conversation_id": "n1", "kind": "note", "occurred_at": "2026-01-07 11:00", "contact_id": "101",
         "deal_id": "d1", "body": "she thinks", "is_deleted": False},
        {"conversation_id": "k1", "kind": "call", "occurred_at": "2026-01-09 11:00", "deal_id": "d2",
         "is_deleted": False},
    ],
    "survey_response": [
        {"form_id": "f", "response_id": "r1", "form_kind": "nps", "submitted_at": "2026-01-14 10:00", "nps_score": 10,
         "email_hash": "anna", "email_kind": "personal", "client_id": "c9", "self_reported_source": "Instagram"},
        {"form_id": "f", "response_id": "r2", "form_kind": "nps", "submitted_at": "2026-01-14 11:00", "nps_score": 3},
        {"form_id": "f", "response_id": "r3", "form_kind": "nps", "submitted_at": "2026-01-14 12:00", "nps_score": 8},
    ],
    "ad_performance": [
        {"report_date": "2026-01-05", "ad_id": "x", "campaign_id": "20110003", "campaign_name": "Brand UA",
         "currency": "EUR", "impressions": 100, "clicks": 4, "cost": 12},
        {"report_date": "2026-01-18", "ad_id": "x", "campaign_id": "20110003", "campaign_name": "Brand UA",
         "currency": "EUR", "impressions": 0, "clicks": 0, "cost": 0},
        {"source": "yandex_direct", "report_date": "2026-01-18", "ad_id": "y", "campaign_id": "zz",
         "campaign_name": "Видео курс", "currency": "XXX", "impressions": 10, "clicks": 1, "cost": 5},
    ],
}  # fmt: skip


def _context_of(settings: Settings) -> Context:
    def resolve(connection_id: str) -> Connection:
        raise AssertionError(f"the model stage asked for connection {connection_id}")

    return Context(settings, Clock.until(date(2026, 1, 21)), resolve, b"a key of sixteen")


def _fill(settings: Settings, **entities: list[dict[str, Any]]) -> None:
    with open_warehouse(settings) as engine:
        for entity, rows in entities.items():
            insert_core(engine, entity, rows)


@dataclass(frozen=True)
class Parts:
    """What module-wide fixtures need of the fixtures below."""

    context_of: Callable[[Settings], Context]
    fill: Callable[..., None]
    company: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def conftest_parts() -> Parts:
    return Parts(_context_of, _fill, COMPANY)


@pytest.fixture
def context_of() -> Callable[[Settings], Context]:
    """A context over given settings that stands at the end of 2026-01-21 (a Wednesday) and reaches nothing outside."""
    return _context_of


@pytest.fixture
def fill() -> Callable[..., None]:
    """fill(settings, visit=[...], contact=[...]): insert core rows."""
    return _fill


@pytest.fixture
def company() -> dict[str, list[dict[str, Any]]]:
    """A small company, see COMPANY."""
    return COMPANY


@pytest.fixture(scope="module")
def people_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home: Path = tmp_path_factory.mktemp("people")
    settings = Settings(home, home, "", f"duckdb:///{home / 'warehouse.duckdb'}", "sqlite://")
    with open_warehouse(settings) as engine:
        yield engine


@pytest.fixture
def people(people_engine: Engine) -> People:
    people = People(people_engine, insert_core)
    people.forget(*KEPT, *MEMORY)
    return people


@pytest.fixture(params=["duckdb", "postgres"])
def people_of_any(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[People]:
    settings = Settings(tmp_path, tmp_path, "", f"duckdb:///{tmp_path / 'warehouse.duckdb'}", "sqlite://")
    if request.param == "postgres":
        settings = replace(settings, warehouse_url=request.getfixturevalue("postgres_url")())
    with open_warehouse(settings) as engine:
        yield People(engine, insert_core)
