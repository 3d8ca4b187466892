"""Landing, core, quarantine and evidence after an erasure: nothing of the person is left, and every batch adds up."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from admitted import everything, outcome, outcomes
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from landed import context, land, read, row
from sqlalchemy import text
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import fault

from rebuttal import quality
from rebuttal.erasure import erase, keep_erased
from rebuttal.erasure.run import list_erasures
from rebuttal.erasure.work import STORES, Work
from rebuttal.errors import ConfigError
from rebuttal.inbox import Arrival, receive
from rebuttal.personal import email_identity, phone_identity
from rebuttal.quality.replay import replay
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import InboxEvent, failpoint, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import recount
from rebuttal.warehouse.published_file import previous_path

MAIL, PHONE, KEY = "Anna.Kovalenko@salon.ua", "+380501234567", b"test-identity-key"
ANNA = str(email_identity(MAIL, KEY)[0])
NUMBER = str(phone_identity(PHONE, KEY, ())[0])


def land_anna(settings: Settings) -> dict[str, str]:
    """Anna under two contacts that were merged, with everything that can name her; Boris beside her."""
    contact = {"email_kind": "personal", "phone_kind": "personal"}
    batches = {
        "contacts": land(settings, "hubspot.contacts", [
            row("hubspot.contacts", contact_id="90110077", email_hash=ANNA, phone_hash=NUMBER, client_id="771177",
                merged_ids="90220088", **contact),
            row("hubspot.contacts", contact_id="90220088", email_hash="oldanna", client_id=None, **contact),
            row("hubspot.contacts", contact_id="8001", email_hash="boris", client_id="100", **contact),
        ]),
        "again": land(settings, "hubspot.contacts", [
            row("hubspot.contacts", contact_id="90110077", email_hash=ANNA, phone_hash=NUMBER, client_id="771177",
                merged_ids="90220088", **contact, lifecycle_stage="customer", updated_at="2026-11-02T09:00:00Z"),
            row("hubspot.contacts", contact_id="90220088", email_hash=ANNA, updated_at="broken", **contact),
        ]),
        "deals": land(settings, "hubspot.deals", [
            row("hubspot.deals", deal_id="66001100", contact_ids='["90220088"]', lost_reason="Анна злякалась"),
            row("hubspot.deals", deal_id="512", contact_ids='["8001","90110077"]'),
        ]),
        "stages": land(settings, "hubspot.deal_stage_changes", [
            row("hubspot.deal_stage_changes", deal_id="66001100"), row("hubspot.deal_stage_changes"),
        ]),
        "notes": land(settings, "hubspot.notes", [
            row("hubspot.notes", conversation_id="n1", contact_ids='["90110077"]', body="Ганна боїться за волосся"),
            row("hubspot.notes", conversation_id="n2", contact_ids='["8001"]', deal_ids="[]",
                body=f"Boris: ask anna.kovalenko@SALON.ua or {PHONE}, he said"),
            row("hubspot.notes", conversation_id="n3", contact_ids="[]", deal_ids='["66001100"]',
                body="Про фарбу для Анни"),
        ]),
        "visits": land(settings, "yandex_metrica.visits", [
            row("yandex_metrica.visits", visit_id="55501", client_id="771177"),
            row("yandex_metrica.visits", visit_id="2"),
        ]),
        "hits": land(settings, "yandex_metrica.hits", [
            row("yandex_metrica.hits", watch_id="1", client_id="771177"),
            row("yandex_metrica.hits", watch_id="2", client_id="771177", date_time="2026-11-01 13:00:01"),
            row("yandex_metrica.hits", watch_id="3"),
        ]),
        "answers": land(settings, "typeform.responses", [
            row("typeform.responses", response_id="r1", email_hash=None, email_kind=None, comment="Анна: дорого",
                hidden='{"client_id":"771177"}'),
            row("typeform.responses", response_id="r2", email_hash=None, email_kind=None, comment="Анна: страшно",
                hidden='{"deal_id":"66001100"}'),
        ]),
        "bookings": land(settings, "yclients.bookings", [
            row("yclients.bookings", booking_id="b1", phone_hash=NUMBER), row("yclients.bookings", booking_id="b2"),
        ]),
    }  # fmt: skip
    quality.run(context(settings))
    return batches


# Whatever names her: raw, normalised, as a hash, in the words of others, and the words that are hers.
TRACES = (MAIL, MAIL.lower(), "anna.kovalenko", PHONE, "380501234567", "90110077", "90220088", "771177", "66001100",
          "55501", "Анн", "Ганна")  # fmt: skip


def left(settings: Settings, traces: tuple[str, ...] = TRACES) -> set[tuple[str, str]]:
    """(table, trace) of everything that still names her, in every table of warehouse and state."""
    found = set()
    with open_warehouse(settings) as engine, engine.connect() as connection:
        tables = connection.execute(
            text("select table_schema, table_name from information_schema.tables where table_schema not in"
                 " ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'")
        ).all()  # fmt: skip
        assert len(tables) > 40
        for schema, name in tables:
            said = repr(connection.execute(text(f'select * from "{schema}"."{name}"')).all())
            found |= {(f"{schema}.{name}", trace) for trace in traces if trace in said}
    with open_state(settings) as sessions, sessions() as session:
        for table in ("suppression", "erasure", "erasure_receipt", "decision"):
            said = repr(session.execute(text(f"select * from {table}")).all())
            found |= {(table, trace) for trace in traces if trace in said}
    return found


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Anna and Boris admitted, once: the folder to copy, and the batches."""
    home = tmp_path_factory.mktemp("landed")
    config = PROJECT_ROOT / "include" / "config"
    place = Settings(
        home, config, "http://127.0.0.1:1", f"duckdb:///{home}/warehouse.duckdb", f"sqlite:///{home}/state.sqlite"
    )
    return home, land_anna(place)


@pytest.fixture
def anna(landed: tuple[Path, dict[str, str]], settings: Settings) -> tuple[Settings, dict[str, str]]:
    """A copy of it of one's own."""
    shutil.copytree(landed[0], settings.home, dirs_exist_ok=True)
    return settings, landed[1]


Landed = tuple[Settings, dict[str, str]]


def test_webhooks_that_told_of_the_person_are_forgotten_and_others_stay(anna: Landed) -> None:
    settings, _ = anna
    bodies = {
        "contact": ("contact", "90110077", b"{}"),
        "deal": ("deal", "66001100", b"{}"),
        "answer": ("form_response", "r9", json.dumps({"answers": [{"email": MAIL.upper()}]}).encode()),
        "booking": ("record", "b9", json.dumps({"client": {"phone": "+380 50 123-45-67"}}).encode()),
        "other": ("contact", "8001", json.dumps({"email": "boris@salon.ua"}).encode()),
    }
    arrivals = [
        Arrival("hubspot", name, "changed", body, body, kind, one) for name, (kind, one, body) in bodies.items()
    ]
    with open_state(settings) as sessions:
        assert receive(sessions, arrivals) == ["stored"] * len(bodies)
        report = erase(context(settings), MAIL, "olena")
        assert {line["store"]: line["removed"] for line in report.details}["inbox"] == 4
        assert receive(sessions, arrivals) == ["repeated"] * len(bodies)
        with sessions() as session:
            kept = {event.state: event.body for event in session.query(InboxEvent) if event.body is not None}
            rest = [repr(vars(event)) for event in session.query(InboxEvent) if event.body is None]
    assert kept == {"new": bodies["other"][2]}
    assert len(rest) == 4
    assert [(text, trace) for text in rest for trace in TRACES if trace in text] == []


@fault(134, "contacts that the CRM merged", "store", "all aliases are erased, whichever one was named")
@fault(137, "ways to write an address or a number", "store", "the same keyed hash; nothing is hashed without the key")
@pytest.mark.parametrize("subject", [f" {MAIL.upper()} ", "+380 (50) 123-45-67", "hubspot:90220088"])
def test_nothing_names_an_erased_person_and_every_batch_still_adds_up(anna: Landed, subject: str) -> None:
    settings, batches = anna
    assert {table for table, _ in left(settings)} >= {"landing.hubspot__contacts", "core.contact", "ops.quarantine"}
    report = erase(context(settings), subject, "olena")
    assert left(settings) == set()
    assert report.changed
    # The last two name her too, as keyed hashes: in the list of the suppressed, and nowhere else.
    assert {table for table, _ in left(settings, (ANNA, NUMBER))} == {"ops.suppression", "suppression"}
    assert outcomes(settings, [batches[name] for name in ("contacts", "again", "notes", "hits")]) == [
        {"new": 1, "suppressed": 2},
        {"suppressed": 2},
        {"new": 1, "suppressed": 2},
        {"new": 1, "suppressed": 2},
    ]
    assert read(settings, "select contact_ids from core.deal") == [{"contact_ids": '["8001"]'}]
    assert read(settings, "select body from core.conversation") == [
        {"body": "Boris: ask [erased] or [erased], he said"}
    ]
    assert [one["contact_id"] for one in read(settings, "select contact_id from core.contact")] == ["8001"]


@fault(133, "bytes on free pages, in what a killed pull left, in copies", "store", "no file holds a trace")
def test_no_file_of_the_installation_holds_a_trace(anna: Landed) -> None:
    settings, _ = anna
    (settings.home / "spool" / "pull-4194305-x").mkdir(parents=True)
    (settings.home / "spool" / "pull-4194305-x" / "page").write_text(f"{MAIL} cut off")
    with open_warehouse(settings) as engine:
        engine.dispose()
    assert found_in_files(settings.home, "Ганна боїться за волосся")
    erase(context(settings), MAIL, "olena")
    assert found_in_files(settings.home, "Boris")  # the search finds what is there
    for trace in TRACES:
        if len(trace) > 5:  # shorter ones are in any file by chance
            assert found_in_files(settings.home, trace) == [], trace


@fault(133, "a version kept by who published during the erasure", "store", "no file holds a trace")
def test_a_version_that_was_published_meanwhile_is_not_kept(anna: Landed) -> None:
    settings, _ = anna
    erase(context(settings), MAIL, "olena")
    previous = previous_path(settings)
    with duckdb.connect(str(previous)) as connection:
        connection.execute(f"CREATE TABLE told AS SELECT '{MAIL}' AS mail")
    assert found_in_files(settings.home, MAIL) == [previous.name]
    STORES.known["files"](Work(context(settings), ()))
    assert found_in_files(settings.home, MAIL) == []


def found_in_files(home: Path, trace: str) -> list[str]:
    return [path.name for path in home.rglob("*") if path.is_file() and trace.encode() in path.read_bytes()]


@fault(133, "a batch that lands after the erasure", "store", "suppressed and counted; nothing comes back")
@fault(135, "the same erasure twice", "store", "one erasure, no error, no table changed")
@SECOND_ENGINE
def test_what_comes_again_is_suppressed_whatever_it_looks_like(any_settings: Settings) -> None:
    batches = land_anna(any_settings)
    erase(context(any_settings), MAIL, "olena")
    assert left(any_settings) == set()
    assert outcome(any_settings, batches["contacts"]) == {"new": 1, "suppressed": 2}
    before = everything(any_settings)
    assert not erase(context(any_settings), MAIL, "olena").changed
    assert everything(any_settings) == before
    batch = land(any_settings, "hubspot.contacts", [
        row("hubspot.contacts", contact_id="90110077", email_hash="hernewone", updated_at="2026-11-09T09:00:00Z"),
        row("hubspot.contacts", contact_id="99990099", email_hash=ANNA),
        row("hubspot.contacts", contact_id="8002", email_hash="vera"),
    ])  # fmt: skip
    notes = land(
        any_settings, "hubspot.notes", [row("hubspot.notes", conversation_id="n9", contact_ids='["90220088"]')]
    )
    quality.run(context(any_settings))
    assert outcomes(any_settings, [batch, notes]) == [{"new": 1, "suppressed": 2}, {"suppressed": 1}]
    assert left(any_settings, (*TRACES, "hernewone", "99990099")) == set()


@fault(133, "a replay after the erasure", "store", "nobody comes back, the counts are the same")
def test_a_replay_brings_nobody_back_and_counts_the_same(anna: Landed) -> None:
    settings, batches = anna
    erase(context(settings), MAIL, "olena")
    before = outcomes(settings, batches.values())
    for stream in ("hubspot.contacts", "hubspot.deals", "hubspot.notes", "yandex_metrica.hits"):
        replay(context(settings), stream)
    assert left(settings) == set()
    assert outcomes(settings, batches.values()) == before


def test_a_deal_that_was_given_to_somebody_else_stays_theirs(any_settings: Settings) -> None:
    first = land(any_settings, "hubspot.deals", [row("hubspot.deals", deal_id="7", contact_ids='["90110077"]')])
    land(any_settings, "hubspot.contacts", [row("hubspot.contacts", contact_id="90110077", email_hash=ANNA)])
    second = land(any_settings, "hubspot.deals", [
        row("hubspot.deals", deal_id="7", contact_ids='["8001"]', updated_at="2026-11-05T09:00:00Z")
    ])  # fmt: skip
    quality.run(context(any_settings))
    erase(context(any_settings), MAIL, "olena")
    assert read(any_settings, "select contact_id from core.deal") == [{"contact_id": "8001"}]
    assert left(any_settings, ("90110077", ANNA)) == {("ops.suppression", ANNA), ("suppression", ANNA)}
    assert outcomes(any_settings, [second, first]) == [{"changed": 1}, {"new": 1}]


def test_a_subject_that_is_no_single_person_is_refused_and_not_repeated(anna: Landed) -> None:
    settings, _ = anna
    before = everything(settings)
    for subject in ("nobody", "12", "", "info@salon.ua", "amocrm:5", "hubspot:"):
        with pytest.raises(ConfigError) as told:
            erase(context(settings), subject, "olena")
        assert "salon.ua" not in str(told.value)
    assert everything(settings) == before


@fault(133, "stopped after each step", "store", "suppressed at once; the same command goes on to the end")
def test_an_erasure_that_is_stopped_anywhere_goes_on(anna: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = anna
    stores = len(STORES.known)
    places = ["erase.after_suppression", "erase.after_mirror", "erase.before_rename", "erase.after_finish"]
    places[2:2] = [f"erase.after_store@{number}" for number in range(1, stores + 1)]
    for place in places:
        name, _, nth = place.partition("@")
        monkeypatch.setenv("FAILPOINT", f"{name}:raise" + (f"@{nth}" if nth else ""))
        monkeypatch.setattr(failpoint, "_passed", {})
        with pytest.raises(failpoint.FailpointReached):
            erase(context(settings), MAIL, "olena")
    assert [one["finished_at"] for one in list_erasures(context(settings))] != [None]
    monkeypatch.delenv("FAILPOINT")
    receipt = erase(context(settings), MAIL, "olena").details
    assert [line["store"] for line in receipt] == list(STORES.known)
    assert left(settings) == set()
    with open_warehouse(settings) as engine:
        assert recount(engine) == []


@fault(136, "a backup from before the erasure", "store", "forgotten again before any stage runs")
def test_a_restored_warehouse_forgets_again_before_a_stage_runs(anna: Landed) -> None:
    settings, _ = anna
    backup = (settings.home / "warehouse.duckdb").read_bytes()
    erase(context(settings), MAIL, "olena")
    assert not keep_erased(context(settings))
    (settings.home / "warehouse.duckdb").write_bytes(backup)
    assert left(settings) != set()
    assert keep_erased(context(settings))
    assert left(settings) == set()
    assert not keep_erased(context(settings))


ROW = st.tuples(st.sampled_from("12345"), st.sampled_from(["a", "b", ""]), st.integers(1, 4))


@effort(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(ROW, min_size=1, max_size=7), min_size=1, max_size=3))
def test_whatever_landed_and_was_erased_the_recount_agrees(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings, arrivals: list[list[tuple[str, str, int]]]
) -> None:
    """Keys, owners, versions, bad rows and repeats in any mixture: person `a` goes, and all else adds up."""
    home = tmp_path_factory.mktemp("home")
    mine = replace(settings, home=home, warehouse_url=f"duckdb:///{home / 'w.duckdb'}",
                   state_url=f"sqlite:///{home / 's.sqlite'}")  # fmt: skip
    land(mine, "hubspot.contacts", [row("hubspot.contacts", contact_id="90110077", email_hash=ANNA)])
    for rows in arrivals:
        land(mine, "hubspot.deals", [
            row("hubspot.deals", deal_id=key, contact_ids=json.dumps([{"a": "90110077", "b": "8001", "": "x"}[owner]]),
                updated_at=f"2026-11-0{day}T09:00:00Z", currency="EUR" if owner else "XBT")
            for key, owner, day in rows
        ])  # fmt: skip
    quality.run(context(mine))
    erase(context(mine), MAIL, "olena")
    with open_warehouse(mine) as engine:
        assert recount(engine) == []
    assert "90110077" not in repr(read(mine, "select * from landing.hubspot__deals"))
