"""What may happen to the small company of conftest.py between two builds, and reading its marts row by row."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

BY_PERSON = ("touchpoint", "person", "deal", "journey")
MARTS = (*BY_PERSON, "attribution", "kpi_weekly", "funnel_weekly", "channel_performance")
# Models that follow what changed and are no marts, and what is made of them.
FOLLOWING = ("int_daily_visit", "int_person_place", "int_channel_place", "kpi_daily", "channel_role")
Rows = dict[str, list[tuple[Any, ...]]]
NUMBERS = itertools.count(1)


def read(settings: Settings, schema: str = "marts", names: tuple[str, ...] = MARTS) -> Rows:
    """Every row of every mart, in a stable order."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT * FROM {schema}.{name}")).all() for name in names}
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}


def run_sql(settings: Settings, *statements: str) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def persons_of(settings: Settings, **contact_of: str) -> dict[str, str]:
    """Name -> person id, by contact id."""
    with open_warehouse(settings) as engine, engine.connect() as connection:
        query = text("SELECT identifier, person_id FROM core.person_identifier WHERE identifier_kind = 'contact_id'")
        by_contact = {str(contact): str(person) for contact, person in connection.execute(query)}
    return {name: by_contact[contact] for name, contact in contact_of.items()}


def differing_persons(settings: Settings, before: Rows, after: Rows) -> dict[str, set[str | None]]:
    """Mart -> the persons of rows that came or went, of marts that go by person."""
    found = {}
    with open_warehouse(settings) as engine, engine.connect() as connection:
        for name in BY_PERSON:
            place = list(connection.execute(text(f"SELECT * FROM marts.{name} LIMIT 0")).keys()).index("person_id")
            found[name] = {row[place] for row in set(before[name]) ^ set(after[name])}
    return found


def turned(context: Context, *changes: str) -> Rows:
    """The marts after these changes, numbered from 1 on, and a build."""
    for number, change in enumerate(changes, 1):
        run_sql(context.settings, *CHANGES[change](number))
    journeys.run(context)
    return read(context.settings)


# What may happen to the company; every change is what a merge, a replay or a new rule leaves in core.
def _visit(number: int, client: str, at: str, **more: str) -> str:
    columns = {"source": "yandex_metrica", "account_id": "a1", "visit_id": f"v{number}", "client_id": client}
    columns |= {"started_at": f"{at}:00+00", "batch_id": f"late{number}", "row_hash": f"h{number}"} | more
    values = ", ".join(f"'{value}'" for value in columns.values())
    return f"INSERT INTO core.visit (row_number, {', '.join(columns)}) VALUES (1, {values})"


CHANGES: dict[str, Callable[[int], list[str]]] = {
    "late visit": lambda n: [_visit(n, "c2", "2026-01-04 08:00", utm_source_norm="instagram")],
    "visit of somebody new": lambda n: [_visit(n, f"x{n}", "2026-01-09 08:00", referrer="https://www.google.com/")],
    "visit of nobody": lambda n: [_visit(n, "", "2026-01-09 08:00")],
    "visit went to another device": lambda n: [
        f"UPDATE core.visit SET client_id = 'c3', batch_id = 'moved{n}' WHERE visit_id = '2'"
    ],
    "visit came back": lambda n: ["UPDATE core.visit SET client_id = 'c1' WHERE visit_id = '2'"],
    "visit vanished": lambda n: ["DELETE FROM core.visit WHERE visit_id = '6'"],
    "tags judged again": lambda n: ["UPDATE core.visit SET utm_source_norm = 'facebook' WHERE visit_id = '5'"],
    "visit of nobody judged again": lambda n: [
        "UPDATE core.visit SET utm_source_norm = 'instagram' WHERE visit_id = '8'"
    ],
    "cost restated": lambda n: [f"UPDATE core.ad_performance SET cost = {n} + 1, batch_id = 'ad{n}' WHERE ad_id = 'x'"],
    "contacts merged": lambda n: [
        "UPDATE core.contact SET merged_ids = '[\"103\"]' WHERE contact_id = '102'",
        "UPDATE core.contact SET is_deleted = TRUE WHERE contact_id = '103'",
    ],
    "contacts parted": lambda n: [
        "UPDATE core.contact SET merged_ids = NULL WHERE contact_id = '102'",
        "UPDATE core.contact SET is_deleted = FALSE WHERE contact_id = '103'",
    ],
    "deal deleted": lambda n: ["UPDATE core.deal SET is_deleted = TRUE WHERE deal_id = 'd1'"],
    "deal restored": lambda n: ["UPDATE core.deal SET is_deleted = FALSE WHERE deal_id IN ('d1', 'd5')"],
    "deal changed hands": lambda n: ["UPDATE core.deal SET contact_id = '103' WHERE deal_id = 'd2'"],
    "deal found its person": lambda n: ["UPDATE core.deal SET contact_id = '102' WHERE deal_id = 'd4'"],
    "deal of nobody changed": lambda n: [f"UPDATE core.deal SET amount = 100 + {n} WHERE deal_id IN ('d3', 'd4')"],
    "note on a deal of nobody": lambda n: [
        "INSERT INTO core.conversation (source, account_id, conversation_id, kind, occurred_at, deal_id, is_deleted,"
        f" batch_id, row_number, row_hash) VALUES ('hubspot', 'a1', 'm{n}', 'note', '2026-01-16 10:00:00+00', 'd4',"
        f" FALSE, 'note{n}', 1, 'h{n}')"
    ],
    "stage entered": lambda n: [
        "INSERT INTO core.stage_change (source, account_id, deal_id, stage_id, changed_at, batch_id, row_number,"
        f" row_hash) VALUES ('hubspot', 'a1', 'd2', 'offer', '2026-01-12 14:{n % 60:02}:00+00', 's{n}', 1, 'h')"
    ],
    "platform named the click": lambda n: [
        "DELETE FROM core.ad_click WHERE click_id = 'G1'",
        "INSERT INTO core.ad_click (source, account_id, click_id, report_date, campaign_id, batch_id, row_number,"
        f" row_hash) VALUES ('google_ads', 'a1', 'G1', '2026-01-05', '{(20110008, 20110004)[n % 2]}', 'click{n}', 1,"
        f" 'h{n}')",
    ],
    "lifecycle told": lambda n: [
        "INSERT INTO core.lifecycle_change (source, account_id, contact_id, changed_at, lifecycle_stage, batch_id,"
        f" row_number, row_hash) VALUES ('hubspot', 'a1', '102', '2026-01-09 10:{n % 60:02}:00+00',"
        f" 'marketingqualifiedlead', 'l{n}', 1, 'h')"
    ],
    "answer changed": lambda n: [
        "UPDATE core.survey_response SET email_hash = 'boris', self_reported_source = 'GPT' WHERE response_id = 'r1'"
    ],
    "score changed": lambda n: [f"UPDATE core.survey_response SET nps_score = {n % 11} WHERE response_id = 'r2'"],
    "rate published": lambda n: [
        "DELETE FROM ops.reference_rate WHERE rate_date = '2026-01-17'",
        f"INSERT INTO ops.reference_rate VALUES ('ecb', '2026-01-17', 'XXX', {n} + 1, '2026-01-21 00:00:00+00')",
    ],
    "advertising is known less far": lambda n: ["DELETE FROM core.ad_performance WHERE report_date > '2026-01-14'"],
    "page renamed": lambda n: [
        f"UPDATE core.visit SET landing_url = 'https://www.brand.example/new/{n}' WHERE visit_id = '3'"
    ],
    "answer in the CRM changed": lambda n: [
        "UPDATE core.contact SET self_reported_source = 'Instagram' WHERE contact_id = '103'"
    ],
}  # fmt: skip


def histories() -> list[list[list[str]]]:
    """Two random histories of two turns each; every change stands in one of them, and some come twice."""
    chance = random.Random(7)
    names = list(CHANGES)
    chance.shuffle(names)
    half, quarter = len(names) // 2, len(names) // 4
    found = [[names[:quarter], names[quarter:half]], [names[half : half + quarter], names[half + quarter :]]]
    for history in found:
        history[1] += [chance.choice(names) for _ in range(4)]
    assert {name for history in found for turn in history for name in turn} == set(CHANGES)
    return found
