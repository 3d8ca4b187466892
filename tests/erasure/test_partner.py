"""A partner that leaves: everything for it stops, it takes its bookings along, and nothing of its customers is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from admitted import everything, outcome
from click.testing import CliRunner
from landed import context, land, read, row
from sqlalchemy import select
from tests.erasure.test_forget import left
from tests.faults.table import fault

from rebuttal import quality
from rebuttal.commands.partner import partner as command
from rebuttal.erasure import end_partner, unfinished
from rebuttal.erasure.partner import list_ended
from rebuttal.errors import ConfigError
from rebuttal.inbox import Arrival, receive
from rebuttal.partners import still_named
from rebuttal.settings import Settings
from rebuttal.state import EndedPartner, InboxEvent, failpoint, open_state

TRACES = ("salon-77", "8807001", "8807002", "8807003", "mirashash", "Corner stool")
PLACES = ("end_partner.after_stop", "end_partner.after_export", "end_partner.after_mirror", "erase.after_store")


def land_salons(settings: Settings) -> str:
    """Bookings of the salon that leaves in two systems, one of them quarantined; one of another salon: its batch."""
    mine = {"partner_id": "salon-77", "email_hash": "mirashash", "service": "Corner stool"}
    batch = land(settings, "yclients.bookings", [
        row("yclients.bookings", booking_id="8807001", **mine),
        row("yclients.bookings", booking_id="8807002", **{**mine, "currency": "XBT"}),
        row("yclients.bookings", booking_id="9900001", partner_id="salon-78", email_hash="other"),
    ])  # fmt: skip
    land(settings, "forms.bookings", [row("forms.bookings", booking_id="8807003", **mine)])
    quality.run(context(settings))
    assert read(settings, "select count(*) as count from core.booking") == [{"count": 3}]
    assert {table for table, _ in left(settings, TRACES)} >= {"landing.yclients__bookings", "ops.quarantine"}
    return batch


@fault(147, "a partner leaves", "store", "its bookings are handed out, then gone; what still comes is suppressed")
def test_a_partner_that_leaves_takes_its_bookings_and_nothing_is_left(any_settings: Settings, tmp_path: Path) -> None:
    batch, export = land_salons(any_settings), tmp_path / "salon-77.jsonl"
    bodies = {"salon-77": b'{"client": {"name": "Mira"}}', "salon-78": b'{"client": {}}'}
    with open_state(any_settings) as sessions:
        receive(
            sessions, [Arrival("yclients", name, "record", body, body, partner=name) for name, body in bodies.items()]
        )
    report = end_partner(context(any_settings), "salon-77", "olena", export)
    rows = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]
    assert [(one["source"], one["booking_id"], one["service"]) for one in rows] == [
        ("forms", "8807003", "Corner stool"), ("yclients", "8807001", "Corner stool")
    ]  # fmt: skip
    assert "mirashash" not in export.read_text(encoding="utf-8")
    assert report.counts["exported"] == 2
    assert left(any_settings, TRACES) == {("decision", "salon-77")}  # that it left, and by whom it was decided
    assert read(any_settings, "select booking_id, partner_id from core.booking") == [
        {"booking_id": "9900001", "partner_id": "salon-78"}
    ]
    assert outcome(any_settings, batch) == {"new": 1, "suppressed": 2}
    with open_state(any_settings) as sessions, sessions() as session:
        events = {one.partner: (one.state, one.body) for one in session.scalars(select(InboxEvent))}
    assert events == {"salon-77": ("done", None), "salon-78": ("new", bodies["salon-78"])}

    before, files = everything(any_settings), export.read_bytes()
    again = end_partner(context(any_settings), "salon-77", "boris", export)
    assert (again.changed, again.counts["removed"], again.details) == (False, 0, report.details)
    assert (everything(any_settings), export.read_bytes()) == (before, files)
    assert [(one["partner"], one["ended_by"]) for one in list_ended(context(any_settings))] == [("salon-77", "olena")]

    late = land(any_settings, "yclients.bookings", [
        row("yclients.bookings", booking_id="8807001", partner_id="salon-77", updated_at="2026-11-09T09:00:00Z"),
        row("yclients.bookings", booking_id="9900002", partner_id="salon-78"),
    ])  # fmt: skip
    quality.run(context(any_settings))
    assert outcome(any_settings, late) == {"new": 1, "suppressed": 1}
    assert left(any_settings, TRACES) == {("decision", "salon-77")}


@fault(147, "the command is killed on the way", "process", "the partner is stopped at once; the same command goes on")
def test_an_ending_that_is_stopped_anywhere_goes_on(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_salons(settings)
    export = tmp_path / "salon-77.jsonl"
    for place in PLACES:
        monkeypatch.setenv("FAILPOINT", f"{place}:raise")
        monkeypatch.setattr(failpoint, "_passed", {})
        with pytest.raises(failpoint.FailpointReached):
            end_partner(context(settings), "salon-77", "olena", export)
        assert len(list_ended(context(settings))) == 1
    assert "rebuttal partner end" in str(unfinished(context(settings), after=-context(settings).clock.now().resolution))
    monkeypatch.delenv("FAILPOINT")
    assert end_partner(context(settings), "salon-77", "olena", export).changed
    assert len(export.read_text(encoding="utf-8").splitlines()) == 2
    assert left(settings, TRACES) == {("decision", "salon-77")}
    assert unfinished(context(settings), after=-context(settings).clock.now().resolution) == []


def test_a_name_that_nobody_knows_and_a_file_that_is_there_end_nothing(settings: Settings, tmp_path: Path) -> None:
    land_salons(settings)
    before = everything(settings)
    with pytest.raises(ConfigError, match="salon-78"):
        end_partner(context(settings), "salon-7", "olena", None)
    assert list_ended(context(settings)) == []
    (tmp_path / "taken").write_text("another thing")
    with pytest.raises(ConfigError, match="there already"):
        end_partner(context(settings), "salon-77", "olena", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "another thing"
    assert everything(settings) == before  # stopped, and nothing is forgotten before it was handed out
    assert [one["partner"] for one in list_ended(context(settings))] == ["salon-77"]


def test_the_command_says_where_the_configuration_still_names_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yml").write_text("sources: {yclients: {options: {branches: {'1': salon-77, '2': salon-78}}}}")
    (config / "people.yml").write_text("people: [{id: olena}, {id: mira, partner: salon-77}]")
    (config / "bi.yml").write_text("partners: [salon-78, salon-77]")
    mine = replace(settings, config=config)
    places = [
        "sources.yml: sources.yclients.options.branches.1",
        "people.yml: people[mira].partner",
        "bi.yml: partners[1]",
    ]
    assert still_named(config, "salon-77") == places
    (config / "sources.yml").write_text(
        "sources: {yclients: {options: {branches: {'1': salon-77}, currencies: {'1': UAH}}}}"
    )
    monkeypatch.setattr("rebuttal.commands.partner.context_until", lambda: context(mine))
    ended = CliRunner().invoke(command, ["end", "salon-77", "--by", "olena", "--without-export", "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["still_named"] == places
    assert "salon-77" in CliRunner().invoke(command, ["list"]).output
    assert CliRunner().invoke(command, ["end", "salon-77", "--by", "olena"]).exit_code == 2
    with open_state(mine) as sessions, sessions() as session:
        assert session.get_one(EndedPartner, "salon-77").ended_by == "olena"
