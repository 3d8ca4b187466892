"""The world is the same for the same arguments, has the size it should have, and keeps its past when it moves on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from worlds import UNTIL, world

from sandbox.recorded import (
    AD_COLUMNS,
    CLICK_COLUMNS,
    CRM_PROPERTIES,
    FORMS,
    HIT_COLUMNS,
    SESSION_COLUMNS,
    VISIT_COLUMNS,
    Recorded,
    TaskCard,
)
from sandbox.world import build
from sandbox.world.links import registry_text

FRAMES = ("visits", "hits", "sessions", "clicks")
SMALL = 0.1


def frames(recorded: Recorded) -> dict[str, pd.DataFrame]:
    return {**{name: getattr(recorded, name) for name in FRAMES}, **recorded.ads}


def assert_same(one: Recorded, other: Recorded) -> None:
    for name, frame in frames(one).items():
        assert len(frame) > 20, name
        pd.testing.assert_frame_equal(frame, frames(other)[name], obj=name)
    assert one.crm == other.crm
    assert one.responses == other.responses
    assert one.owners == other.owners


def test_same_seed_same_world() -> None:
    assert_same(build(5, 6, UNTIL, SMALL).recorded(), build(5, 6, UNTIL, SMALL).recorded())


def test_other_seed_other_world() -> None:
    one, other = build(5, 4, UNTIL, SMALL).recorded(), build(6, 4, UNTIL, SMALL).recorded()
    assert not set(one.visits["visit_id"]) & set(other.visits["visit_id"])
    assert not {c.properties["email"] for c in one.crm["contacts"]} & {
        c.properties["email"] for c in other.crm["contacts"] if c.properties["email"]
    }


def test_size_is_as_promised() -> None:
    recorded = world().recorded()
    crm = {name: len(objects) for name, objects in recorded.crm.items()}
    assert 5_000 <= len(recorded.visits) <= 9_000
    assert 13_000 <= len(recorded.hits) <= 21_000
    assert 700 <= crm["contacts"] <= 1_200
    assert 250 <= crm["deals"] <= 450
    assert 700 <= crm["notes"] + crm["calls"] <= 1_200
    assert 130 <= len(recorded.responses) <= 280
    closed = [d.properties["hs_is_closed_won"] for d in recorded.crm["deals"] if d.properties["hs_is_closed"] == "true"]
    assert 0.2 <= closed.count("true") / len(closed) <= 0.5
    assert 300 <= len(build(1, 12, UNTIL, SMALL).recorded().visits) <= 1_200


def test_frames_have_the_columns_that_faces_rely_on() -> None:
    recorded = world().recorded()
    assert tuple(recorded.visits.columns) == VISIT_COLUMNS
    assert tuple(recorded.hits.columns) == HIT_COLUMNS
    assert tuple(recorded.sessions.columns) == SESSION_COLUMNS
    assert tuple(recorded.clicks.columns) == CLICK_COLUMNS
    for frame in recorded.ads.values():
        assert tuple(frame.columns) == AD_COLUMNS
        assert (frame["impressions"] > 0).all()
        assert (frame["clicks"] <= frame["impressions"]).all()
        assert (frame["cost_micros"] >= 0).all()
        assert not frame.duplicated(["date", "ad_id"]).any()
    assert recorded.visits["started_at"].is_monotonic_increasing
    assert recorded.hits["at"].is_monotonic_increasing
    assert (recorded.visits["closed_at"] <= pd.Timestamp(recorded.now)).all()
    assert recorded.visits["utm_source"].isna().any()
    assert {type(value) for value in recorded.visits["utm_source"]} == {str, type(None)}


def test_crm_objects_have_known_properties_and_living_neighbours() -> None:
    crm = world().recorded().crm
    extra = {"hs_object_id", "createdate", "hs_lastmodifieddate", "lastmodifieddate"}
    ids = {name: {one.id for one in objects} for name, objects in crm.items()}
    for name, objects in crm.items():
        assert len(ids[name]) == len(objects) > 0
        for one in objects:
            assert set(one.properties) <= {*CRM_PROPERTIES[name], *extra}
            assert one.created_at <= one.updated_at < world().now
            for kind, neighbours in one.associations.items():
                assert set(neighbours) <= ids[kind]
    assert all(one.associations["contacts"] for one in crm["notes"])
    assert sum(bool(one.associations["deals"]) for one in crm["notes"]) > 100


def test_responses_are_in_order_and_of_known_forms() -> None:
    responses = world().recorded().responses
    assert {one.form for one in responses} == set(FORMS)
    times = [one.submitted_at for one in responses]
    assert times == sorted(times)
    assert all(0 <= one.answers["nps"] <= 10 for one in responses if FORMS[one.form] == "nps")


@pytest.mark.parametrize("days", [7, 2.5])
def test_moving_on_keeps_the_past(days: float) -> None:
    moved = build(3, 6, UNTIL, 0.3)
    before = moved.recorded()
    moved.advance(days, [])
    after = moved.recorded()
    assert moved.now == before.now + timedelta(days=days)
    for name, key, at in (("visits", "visit_id", "closed_at"), ("clicks", "gclid", "at")):
        old, new = getattr(before, name), getattr(after, name)
        past = new[new[at] < pd.Timestamp(before.now)].reset_index(drop=True)
        pd.testing.assert_frame_equal(old[old[at] < pd.Timestamp(before.now)].reset_index(drop=True), past)
        assert len(new) > len(old) > 0
        assert set(old[key]) <= set(new[key])
    assert after.hits[after.hits["visit_id"].isin(before.visits["visit_id"])].reset_index(drop=True).equals(before.hits)
    assert after.responses[: len(before.responses)] == before.responses
    for name in ("notes", "calls", "companies"):
        now = {one.id: one for one in after.crm[name]}
        assert all(now[one.id] == one for one in before.crm[name])


def test_a_longer_world_is_the_shorter_one_moved_on() -> None:
    moved = build(4, 5, UNTIL - timedelta(days=7), SMALL)
    moved.recorded()
    moved.advance(7, [])
    assert_same(build(4, 6, UNTIL, SMALL).recorded(), moved.recorded())


def test_history_of_deals_only_grows() -> None:
    moved = build(3, 6, UNTIL, 0.3)
    before = {one.id: one for one in moved.recorded().crm["deals"]}
    moved.advance(14, [])
    after = {one.id: one for one in moved.recorded().crm["deals"]}
    assert set(before) < set(after)
    changed = 0
    for key, old in before.items():
        for name, versions in old.history.items():
            assert after[key].history[name][-len(versions) :] == versions
            times = [version["timestamp"] for version in after[key].history[name]]
            assert times == sorted(times, reverse=True)
        assert after[key].updated_at >= old.updated_at
        if after[key] != old:
            changed += 1
            assert after[key].updated_at > old.updated_at or after[key].is_archived
    assert changed > 0


def test_ads_settle_and_are_restated() -> None:
    moved = build(3, 6, UNTIL, 1.0)
    before = moved.recorded().ads["google-ads"].set_index(["date", "ad_id"])
    moved.advance(7, [])
    after = moved.recorded().ads["google-ads"].set_index(["date", "ad_id"])
    both = before.add_suffix("_old").join(after.add_suffix("_new"), how="inner")
    assert len(both) > 300
    days = both.index.get_level_values("date")
    recent, old = both[days >= UNTIL - timedelta(days=1)], both[days < UNTIL - timedelta(days=14)]
    assert recent["cost_micros_new"].sum() > recent["cost_micros_old"].sum()
    assert (old["cost_micros_new"] == old["cost_micros_old"]).all()
    assert (both["conversions_new"] >= both["conversions_old"]).all()
    assert both["conversions_new"].sum() > both["conversions_old"].sum()
    assert (both["cost_micros_new"] < both["cost_micros_old"]).any(), "no invalid-click credit in sight"


def test_bad_arguments_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="weeks must be at least 1"):
        build(1, 0, UNTIL)
    with pytest.raises(ValueError, match="scale must be above 0"):
        build(1, 1, UNTIL, 0)
    with pytest.raises(ValueError, match="forward"):
        build(1, 1, UNTIL, 0.01).advance(-1, [])


def test_the_shipped_registry_is_the_worlds() -> None:
    import yaml

    from rebuttal.settings import PROJECT_ROOT

    shipped = yaml.safe_load((PROJECT_ROOT / "include" / "config" / "utm.yml").read_text(encoding="utf-8"))
    world = yaml.safe_load(registry_text())
    assert len(world["links"]) > 10
    assert shipped["links"] == world["links"]


def card(key: str, code: str, **changes: Any) -> TaskCard:
    created = build(1, 1, UNTIL, 0.01).now
    values = {"summary": f"Answer the doubt {key}", "description": "", "status": "To Do"} | changes
    return TaskCard(key=key, created_at=created, labels=("rebuttal", f"objection-{code}"), **values)


def test_seven_days_at_once_are_seven_single_days() -> None:
    cards = [
        card(f"MKT-{n}", code)
        for n, code in enumerate(("price", "trust", "terms", "timing", "service", "value_roi"), 1)
    ]
    whole, steps = build(3, 4, UNTIL, SMALL), build(3, 4, UNTIL, SMALL)
    actions = whole.advance(12, cards)
    single = [action for _ in range(12) for action in steps.advance(1, cards)]
    assert actions == single
    assert [action for action in actions if action.url]
    assert_same(whole.recorded(), steps.recorded())


def test_until_may_be_any_day() -> None:
    leap = build(1, 2, date(2028, 2, 29), 0.3)
    assert leap.now.date() == date(2028, 3, 1)
    assert len(leap.recorded().visits) > 50
