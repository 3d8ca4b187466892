"""Lands hand-written rows in the agreed shape, as the pull would: vendor values as text, and a row in `ops.batch`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, insert, inspect, select, text

from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.tables import batch as batch_table

NOW = datetime(2026, 11, 10, tzinfo=UTC)
ACCOUNTS = {
    "google_ads": "1234567890",
    "yandex_direct": "beauty-brand",
    "yandex_metrica": "24601337",
    "ga4": "314159265",
    "hubspot": "8675309",
    "typeform": "default",
    "bookings": "salons",
    "forms": "site",
    "yclients": "chain",
}
# stream, entity, key columns, then all vendor columns of its landing table
_DECLARED = """
google_ads.ad_performance ad_performance date,ad_id
    date customer_id time_zone currency campaign_id campaign_name campaign_status ad_group_id ad_group_name ad_id
    final_url final_url_suffix tracking_url_template impressions clicks cost_micros conversions conversions_value
google_ads.clicks ad_click gclid
    date customer_id gclid campaign_id ad_group_id ad
yandex_direct.ad_performance ad_performance date,ad_id
    date client_login time_zone currency campaign_id campaign_name ad_group_id ad_group_name ad_id impressions clicks
    cost_micros conversions revenue_micros
ga4.traffic traffic date,session_source,session_medium,session_campaign,device
    date property time_zone currency session_source session_medium session_campaign device sessions engaged_sessions
    total_users key_events is_estimated
yandex_metrica.visits visit visit_id
    visit_id counter_id client_id date_time_utc is_new_user start_url end_url page_views visit_duration bounce goals_id
    traffic_source direct_campaign_id utm_source utm_medium utm_campaign utm_content utm_term referer device watch_ids
yandex_metrica.hits hit watch_id
    watch_id visit_id counter_id client_id date_time time_zone url referer is_page_view goals_id title
hubspot.contacts contact contact_id
    contact_id created_at updated_at archived email_hash email_kind phone_hash phone_kind lifecycle_stage owner_id
    language gclid yclid client_id original_source merged_ids segment self_reported_source company_id
hubspot.companies company company_id
    company_id created_at updated_at archived name domain type city country
hubspot.deals deal deal_id
    deal_id created_at updated_at archived closed_at pipeline stage_id amount currency is_closed is_won lost_reason
    deal_type product owner_id contact_ids company_ids
hubspot.contact_stage_changes lifecycle_change contact_id,changed_at,lifecycle_stage
    contact_id lifecycle_stage changed_at source_type
hubspot.deal_stage_changes stage_change deal_id,changed_at,stage_id
    deal_id stage_id changed_at source_type
hubspot.notes conversation conversation_id
    conversation_id updated_at created_at archived occurred_at body direction duration_ms disposition status owner_id
    contact_ids deal_ids
hubspot.calls conversation conversation_id
    conversation_id updated_at created_at archived occurred_at body direction duration_ms disposition status owner_id
    contact_ids deal_ids
hubspot.owners owner owner_id
    owner_id team archived updated_at
hubspot.pipelines pipeline_stage pipeline_id,stage_id
    pipeline_id pipeline_label stage_id stage_label display_order is_closed probability
typeform.responses survey_response form_id,response_id
    form_id form_kind response_id landed_at submitted_at nps reason comment source_answer email_hash email_kind hidden
bookings.bookings booking booking_id
    booking_id partner_id service specialist starts_at created_at updated_at status email_hash email_kind phone_hash
    phone_kind amount currency archived
forms.bookings booking booking_id
    booking_id partner_id service specialist starts_at created_at updated_at status email_hash email_kind phone_hash
    phone_kind amount currency archived
yclients.bookings booking booking_id
    booking_id partner_id service specialist starts_at created_at updated_at status email_hash email_kind phone_hash
    phone_kind amount currency archived
"""


def _declared() -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    streams: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {}
    for line in _DECLARED.strip().splitlines():
        words = tuple(line.split())
        if line[0] != " ":
            stream, entity, key = words
            streams[stream] = (entity, tuple(key.split(",")), ())
        else:
            entity, parts, columns = streams[stream]
            streams[stream] = (entity, parts, columns + words)
    return streams


# stream -> (entity, key columns, vendor columns)
STREAMS = _declared()
_USUAL: dict[str, dict[str, str | None]] = {
    "google_ads.ad_performance": {
        "date": "2026-11-01",
        "customer_id": "1234567890",
        "time_zone": "Europe/Kyiv",
        "currency": "EUR",
        "campaign_id": "20110001",
        "campaign_name": "Brand",
        "ad_group_id": "1",
        "ad_group_name": "Group",
        "ad_id": "a1",
        "final_url": "https://brand.example/?utm_source=google&utm_medium=cpc&utm_campaign=brand_us_q1",
        "impressions": "100",
        "clicks": "7",
        "cost_micros": "1234567",
        "conversions": "0.5",
        "conversions_value": "10",
    },
    "yandex_direct.ad_performance": {
        "date": "2026-11-01",
        "client_login": "beauty-brand",
        "currency": "RUB",
        "ad_id": "y1",
        "campaign_id": "81210001",
        "impressions": "10",
        "clicks": "1",
        "cost_micros": "5000000",
        "conversions": "0",
        "revenue_micros": "0",
    },
    "ga4.traffic": {
        "date": "20261101",
        "property": "properties/314159265",
        "session_source": "google",
        "session_medium": "cpc",
        "session_campaign": "brand_us_q1",
        "device": "mobile",
        "sessions": "10",
        "engaged_sessions": "5",
        "total_users": "9",
        "key_events": "1.0",
    },
    "yandex_metrica.visits": {
        "visit_id": "1",
        "counter_id": "24601337",
        "client_id": "100",
        "date_time_utc": "2026-11-01 13:00:00",
        "is_new_user": "1",
        "start_url": "https://brand.example/",
        "end_url": "https://brand.example/",
        "page_views": "2",
        "visit_duration": "60",
        "bounce": "0",
        "goals_id": "[]",
        "traffic_source": "direct",
        "device": "mobile",
        "watch_ids": "[1]",
    },
    "yandex_metrica.hits": {
        "watch_id": "1",
        "visit_id": "1",
        "counter_id": "24601337",
        "client_id": "100",
        "date_time": "2026-11-01 13:00:00",
        "url": "https://brand.example/price?x=1",
        "is_page_view": "1",
        "goals_id": "[]",
    },
    "hubspot.contacts": {
        "contact_id": "901",
        "created_at": "2026-10-01T09:00:00.123Z",
        "updated_at": "2026-11-01T09:00:00Z",
        "archived": "false",
        "email_hash": "aa11",
        "email_kind": "personal",
        "lifecycle_stage": "lead",
        "segment": "salon_owner",
    },
    "hubspot.companies": {
        "company_id": "77",
        "created_at": "2026-10-01T09:00:00Z",
        "updated_at": "2026-11-01T09:00:00Z",
        "archived": "false",
        "name": "Salon",
        "type": "salon",
    },
    "hubspot.deals": {
        "deal_id": "512",
        "created_at": "2026-10-01T09:00:00Z",
        "updated_at": "2026-11-01T09:00:00Z",
        "archived": "false",
        "closed_at": "2026-12-20T00:00:00Z",
        "pipeline": "default",
        "stage_id": "sql",
        "amount": "1200.50",
        "currency": "EUR",
        "is_closed": "false",
        "is_won": "false",
        "contact_ids": '["901","902"]',
        "company_ids": "[]",
    },
    "google_ads.clicks": {
        "date": "2026-11-01",
        "customer_id": "1234567890",
        "gclid": "Cj0KCQiA_one",
        "campaign_id": "20110001",
        "ad_group_id": "1",
        "ad": "a1",
    },
    "hubspot.contact_stage_changes": {
        "contact_id": "901",
        "lifecycle_stage": "lead",
        "changed_at": "2026-10-02T09:00:00Z",
    },
    "hubspot.deal_stage_changes": {"deal_id": "512", "stage_id": "sql", "changed_at": "2026-10-02T09:00:00Z"},
    **{
        f"hubspot.{kind}": {
            "conversation_id": "n1",
            "created_at": "2026-10-02T09:00:00Z",
            "updated_at": "2026-10-02T09:00:00Z",
            "archived": "false",
            "occurred_at": "2026-10-02T09:00:00Z",
            "body": "Дорого",
            "duration_ms": "61500" if kind == "calls" else None,
            "contact_ids": '["901"]',
            "deal_ids": '["512"]',
        }
        for kind in ("notes", "calls")
    },
    "hubspot.owners": {"owner_id": "7", "team": "Kyiv", "archived": "false", "updated_at": "2026-10-02T09:00:00Z"},
    "hubspot.pipelines": {
        "pipeline_id": "default",
        "pipeline_label": "Sales",
        "stage_id": "sql",
        "stage_label": "SQL",
        "display_order": "2",
        "is_closed": "false",
        "probability": "0.4",
    },
    "typeform.responses": {
        "form_id": "nps7Qx",
        "form_kind": "nps",
        "response_id": "t1",
        "landed_at": "2026-10-02T09:00:00Z",
        "submitted_at": "2026-10-02T09:02:00Z",
        "nps": "9",
        "comment": "Супер",
        "email_hash": "aa11",
        "email_kind": "personal",
        "hidden": '{"client_id":"100","utm_source":"google"}',
    },
    **{
        f"{system}.bookings": {
            "booking_id": "b1",
            "partner_id": "salon-07",
            "service": "Balayage",
            "specialist": "Olena",
            "starts_at": "2026-11-20T12:00:00Z",
            "created_at": "2026-11-01T09:00:00Z",
            "updated_at": "2026-11-01T09:00:00Z",
            "status": "confirmed",
            "phone_hash": "ff22",
            "phone_kind": "personal",
            "amount": "120",
            "currency": "EUR",
            "archived": "false",
        }
        for system in ("bookings", "forms", "yclients")
    },
}
_META = {
    "_batch_id": "text",
    "_row": "bigint",
    "_key": "text",
    "_row_hash": "text",
    "_defect": "text",
    "_extra": "text",
}


def row(stream: str, **changed: str | None) -> dict[str, str | None]:
    """A good row of the stream with some values changed."""
    return {**_USUAL[stream], **changed}


def context(settings: Settings, now: datetime = NOW) -> Context:
    """A context that reaches no vendor."""

    def nobody(connection_id: str) -> Any:
        raise AssertionError(f"no connection is needed, asked for {connection_id}")

    return Context(settings, Clock(now), nobody, b"test-identity-key")


def land(
    settings: Settings,
    stream: str,
    rows: Iterable[Mapping[str, str | None]],
    *,
    account: str | None = None,
    columns: tuple[str, ...] | None = None,
    repeat: int = 1,
    days: int | None = None,
    row_count: int | None = None,
) -> str:
    """Land one batch and return its id. `repeat` lands the rows again, as a crashed load does; `columns` is what the
    vendor's answer had; a key `_defect` or `_extra` in a row is taken as such."""
    with open_warehouse(settings) as engine:
        return land_in(engine, stream, rows, account, columns, repeat, days, row_count)


def land_in(
    engine: Engine,
    stream: str,
    rows: Iterable[Mapping[str, str | None]],
    account: str | None = None,
    columns: tuple[str, ...] | None = None,
    repeat: int = 1,
    days: int | None = None,
    row_count: int | None = None,
) -> str:
    """The same in an open warehouse."""
    source, _, name = stream.partition(".")
    entity, key, declared = STREAMS[stream]
    columns = declared if columns is None else columns
    table = f"{source}__{name}"
    rows = list(rows)
    with engine.begin() as connection:
        if not inspect(connection).has_table(table, schema="landing"):
            listed = ", ".join([*(f"{column} text" for column in columns), *(f"{n} {k}" for n, k in _META.items())])
            connection.execute(text(f"create table landing.{table} ({listed})"))
        have = {column["name"] for column in inspect(connection).get_columns(table, schema="landing")}
        for column in columns:
            if column not in have:
                connection.execute(text(f"alter table landing.{table} add column {column} text"))
        sequence = int(connection.execute(select(func.coalesce(func.max(batch_table.c.sequence), 0))).scalar_one()) + 1
        batch_id = f"{table}__{sequence:04d}"
        names = [*columns, *_META]
        landed = [
            {
                **{column: values.get(column) for column in columns},
                "_batch_id": batch_id,
                "_row": number,
                "_key": "\x1f".join(values.get(part) or "" for part in key),
                "_row_hash": hashlib.md5(json.dumps(dict(values), sort_keys=True).encode()).hexdigest(),
                "_defect": values.get("_defect"),
                "_extra": values.get("_extra"),
            }
            for number, values in enumerate(rows)
        ]
        found = dialect_of(connection).records(":rows", tuple(names))
        listed = ", ".join("cast(_row as bigint)" if name == "_row" else name for name in names)
        statement = text(f"insert into landing.{table} ({', '.join(names)}) select {listed} from {found} as found")
        for _ in range(repeat):
            connection.execute(statement, {"rows": json.dumps(landed)})
        connection.execute(
            insert(batch_table).values(
                batch_id=batch_id,
                sequence=sequence,
                source=source,
                stream=name,
                entity=entity,
                account_id=account or ACCOUNTS[source],
                kind="live",
                window_from=None if days is None else datetime(2026, 11, 1, tzinfo=UTC),
                window_to=None if days is None else datetime(2026, 11, 1 + days, tzinfo=UTC),
                row_count=len(rows) if row_count is None else row_count,
                content_hash=batch_id,
                landed_at=NOW,
                status="landed",
            )
        )
    return batch_id


def read(settings: Settings, query: str, **given: Any) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return [dict(found) for found in connection.execute(text(query), given).mappings()]
