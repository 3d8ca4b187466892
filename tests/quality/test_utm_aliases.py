"""Spelling variants: suggested with evidence, decided by a person, kept once, and followed by history."""

from __future__ import annotations

from typing import Any

import pytest
from landed import context, land, read, row
from sqlalchemy import select

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality.utm_aliases import decide, registry, suggestions
from rebuttal.quality.utm_suggestions import Suggestion, alias_id
from rebuttal.settings import Settings
from rebuttal.state import Decision, TagAlias, open_state

STREAM = "yandex_metrica.visits"
BRAND = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand_us_q1"}
GCLID = "https://b.example/?gclid=AbC"


@pytest.fixture
def visited(any_settings: Settings) -> Settings:
    """A warehouse with three kinds of misspelt visits, a near-twin and good ones, admitted."""
    rows = [
        row(STREAM, visit_id="1", **BRAND),
        row(STREAM, visit_id="2", **{**BRAND, "utm_source": "gogle"}, start_url=GCLID + "&gad_campaignid=20110001",
            date_time_utc="2026-11-01 13:00:00"),
        row(STREAM, visit_id="3", **{**BRAND, "utm_source": "Gogle "}, date_time_utc="2026-11-03 13:00:00"),
        row(STREAM, visit_id="4", **{**BRAND, "utm_campaign": "brnad_us_q1"}, start_url=GCLID + "&utm_id=99"),
        row(STREAM, visit_id="5", **{**BRAND, "utm_campaign": "brand_us_q3"}),
        row(STREAM, visit_id="6", **{**BRAND, "utm_content": "rsaa1"}),
        row(STREAM, visit_id="7"),
    ]  # fmt: skip
    land(any_settings, STREAM, rows)
    quality.run(context(any_settings))
    return any_settings


def found(settings: Settings) -> dict[tuple[str, str], Suggestion]:
    return {(one.written, one.registered): one for one in suggestions(context(settings))}


def visits(settings: Settings) -> dict[str, dict[str, Any]]:
    return {one["visit_id"]: one for one in read(settings, "select * from core.visit")}


def whole(settings: Settings) -> dict[str, list[str]]:
    """Every table of the warehouse, so that 'nothing else changed' can be said."""
    names = read(
        settings,
        "select table_schema as s, table_name as t from information_schema.tables"
        " where table_schema in ('core', 'ops', 'landing', 'gate')",
    )
    return {f"{n['s']}.{n['t']}": sorted(map(repr, read(settings, f"select * from {n['s']}.{n['t']}"))) for n in names}


def test_a_variant_is_suggested_with_its_evidence(visited: Settings) -> None:
    one = found(visited)["gogle", "google"]
    assert one.is_open
    assert (one.field, one.visits) == ("utm_source", 2)
    assert (one.first_seen_at.day, one.last_seen_at.day) == (1, 3)
    assert (one.click_id_share, one.campaign_id_share) == (0.5, 1.0)
    other = found(visited)["brnad_us_q1", "brand_us_q1"]
    assert (other.click_id_share, other.campaign_id_share) == (1.0, 0.0)


def test_near_twins_are_refused_and_say_why(visited: Settings) -> None:
    everything = found(visited)
    assert [one for one in everything.values() if one.is_open and "q3" in one.written] == []
    for twin in ("brand_us_q1", "brand_us_q2"):
        assert everything["brand_us_q3", twin].refused == "their numbers differ"
    with pytest.raises(ConfigError, match="No variant"):
        decide(context(visited), everything["brand_us_q3", "brand_us_q1"].suggestion_id, "accepted", "Olena")


def test_nothing_changes_until_a_person_accepts(visited: Settings) -> None:
    before = whole(visited)
    suggestions(context(visited))
    assert quality.run(context(visited)).changed is False
    assert whole(visited) == before
    assert visits(visited)["2"]["utm_source_norm"] == "gogle"


def test_an_accepted_alias_is_followed_by_history_and_by_what_comes(visited: Settings) -> None:
    before, raw = whole(visited), visits(visited)
    variant = found(visited)["gogle", "google"].suggestion_id
    assert decide(context(visited), variant, "accepted", "Olena", "typed by hand").is_new
    assert whole(visited) == before  # a decision alone touches no figure
    report = quality.run(context(visited))
    assert (report.changed, report.counts) == (True, {"visits_judged_again": 2})
    after, now = whole(visited), visits(visited)
    assert {name for name in after if after[name] != before[name]} == {
        "core.visit", "ops.rule_version", "ops.audit_run",
    }  # fmt: skip
    assert {key for key in now if now[key] != raw[key]} == {"2", "3"}
    for key in ("2", "3"):
        assert (now[key]["utm_status"], now[key]["utm_source_norm"]) == ("alias", "google")
        assert now[key]["utm_source"] == raw[key]["utm_source"]
        assert now[key]["gclid"] == raw[key]["gclid"]
    assert now["2"]["utm_detail"] == "accepted: utm_source=gogle means google"
    assert quality.run(context(visited)).changed is False
    assert whole(visited) == after
    land(visited, STREAM, [row(STREAM, visit_id="8", **{**BRAND, "utm_source": "GOGLE"})])
    quality.run(context(visited))
    assert visits(visited)["8"]["utm_status"] == "alias"
    assert ("gogle", "google") not in found(visited)


def test_a_rejected_variant_is_never_suggested_again(visited: Settings) -> None:
    variant = found(visited)["gogle", "google"].suggestion_id
    decide(context(visited), variant, "rejected", "Olena")
    assert not any(one.written == "gogle" and one.is_open for one in suggestions(context(visited)))
    quality.run(context(visited))
    assert visits(visited)["2"]["utm_status"] == "unregistered"
    assert not any(one.written == "gogle" for one in suggestions(context(visited)))


def test_a_decision_is_kept_once_and_may_be_taken_back(visited: Settings) -> None:
    variant = found(visited)["gogle", "google"].suggestion_id
    for decision, by, is_new in [
        ("accepted", "Olena", True),
        ("accepted", "Ivan", False),
        ("rejected", "Ivan", True),
        ("rejected", "Ivan", False),
        ("accepted", "Olena", True),
    ]:
        assert decide(context(visited), variant, decision, by).is_new is is_new
        quality.run(context(visited))
    assert visits(visited)["2"]["utm_source_norm"] == "google"
    with open_state(visited) as sessions, sessions() as session:
        alias = session.scalars(select(TagAlias)).one()
        journal = session.scalars(select(Decision).where(Decision.kind == "tag_alias")).all()
    assert (alias.decision, alias.revision, alias.decided_by) == ("accepted", 3, "Olena")
    assert sorted(entry.decision for entry in journal) == ["accepted", "accepted (decision 3)", "rejected (decision 2)"]
    assert {entry.subject for entry in journal} == {"utm_source: gogle -> google"}
    assert journal[0].evidence["visits"] == 2


def test_rejecting_an_accepted_alias_puts_history_back(visited: Settings) -> None:
    before = visits(visited)
    variant = found(visited)["gogle", "google"].suggestion_id
    decide(context(visited), variant, "accepted", "Olena")
    quality.run(context(visited))
    decide(context(visited), variant, "rejected", "Olena")
    quality.run(context(visited))
    now = visits(visited)
    assert {key for key in now if now[key] != before[key]} == {"2", "3"}
    assert now["2"]["utm_source_norm"] == "gogle"


def test_nobody_and_nothing_are_refused(visited: Settings) -> None:
    variant = found(visited)["gogle", "google"].suggestion_id
    with pytest.raises(ConfigError, match="named person"):
        decide(context(visited), variant, "accepted", "  ")
    with pytest.raises(ConfigError, match="No variant ffff"):
        decide(context(visited), "ffff", "accepted", "Olena")
    assert registry(visited).aliases == {}


def test_a_changed_registry_judges_history_again(visited: Settings, tmp_path: Any) -> None:
    (tmp_path / "utm.yml").write_text(
        "links:\n  - {utm_source: gogle, utm_medium: cpc, utm_campaign: brand_us_q1, channel: x}\n"
    )
    changed = Settings(visited.home, tmp_path, visited.sandbox_url, visited.warehouse_url, visited.state_url)
    assert quality.run(context(changed)).counts["visits_judged_again"] >= 3
    now = visits(changed)
    assert (now["2"]["utm_status"], now["1"]["utm_status"]) == ("contradicts_click_id", "spelling_variant")
    assert quality.run(context(changed)).changed is False


def test_history_is_what_it_would_be_if_the_rule_had_always_been_there(visited: Settings) -> None:
    decide(context(visited), found(visited)["gogle", "google"].suggestion_id, "accepted", "Olena")
    quality.run(context(visited))
    judged = visits(visited)
    land(visited, STREAM, [row(STREAM, visit_id="3", **{**BRAND, "utm_source": "Gogle "},
                               date_time_utc="2026-11-03 13:00:00")])  # fmt: skip
    assert quality.run(context(visited)).counts["unchanged"] == 1
    assert visits(visited) == judged


def test_an_id_names_the_pair_whatever_its_case() -> None:
    assert alias_id("utm_source", "Gogle ", "google") == alias_id("utm_source", "gogle", "Google")
    assert alias_id("utm_source", "gogle", "google") != alias_id("utm_medium", "gogle", "google")
