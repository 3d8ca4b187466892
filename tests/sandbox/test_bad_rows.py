"""Bad rows are where the truth says, break nothing else, and are the same ones each time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import pytest
from worlds import world

from sandbox.bad_rows import ADMITTED, KINDS, MOST, QUARANTINED, ROWS
from sandbox.recorded import Recorded
from sandbox.spoil import spoil

ALL = frozenset(KINDS)
KEYS = {"visits": "visit_id", "hits": "watch_id"}


@pytest.fixture(scope="module")
def spoilt() -> tuple[Recorded, list[dict[str, Any]]]:
    return spoil(world(1, 8, 0.5).recorded(), ALL)


def shown(recorded: Recorded, row: dict[str, Any]) -> list[Any]:
    """The values that stand in the bad row's column, for every row of its id."""
    stream, column = row["stream"], row["column"]
    if stream in KEYS:
        frame: pd.DataFrame = getattr(recorded, stream)
        return frame.loc[frame[KEYS[stream]] == row["id"], column].tolist()
    if stream in recorded.ads:
        ads = recorded.ads[stream]
        day, _, ad = row["id"].partition("/")
        return ads.loc[(ads["date"].astype(str) == day) & (ads["ad_id"] == ad), column].tolist()
    if stream == "responses":
        return [one.answers[column] for one in recorded.responses if one.token == row["id"]]
    return [one.properties[column] for one in recorded.crm[stream] if one.id == row["id"]]


def test_every_kind_strikes_and_stands_where_it_is_told(spoilt: tuple[Recorded, list[dict[str, Any]]]) -> None:
    recorded, told = spoilt
    struck = Counter((row["stream"], row["kind"]) for row in told)
    assert {kind for _, kind in struck} == set(KINDS)
    assert set(struck.values()) <= set(range(1, ROWS + 1))
    deals = sum(not one.is_archived for one in recorded.crm["deals"])
    assert sum(count for (stream, _), count in struck.items() if stream == "deals") <= MOST * deals
    for row in told:
        values = shown(recorded, row)
        assert values, row
        assert set(map(str, values)) == {str(row["value"])}, row
    assert {row["end"] for row in told} == {QUARANTINED, ADMITTED}


def test_nothing_but_the_told_rows_changes(spoilt: tuple[Recorded, list[dict[str, Any]]]) -> None:
    true, (recorded, told) = world(1, 8, 0.5).recorded(), spoilt
    struck = {(row["stream"], row["true_id"]) for row in told}
    assert len(struck) == len(told), "a row was struck twice"
    for stream, key in KEYS.items():
        before, after = getattr(true, stream), getattr(recorded, stream)
        differs = (before.map(str) != after.map(str)).any(axis=1)
        assert {(stream, id_) for id_ in before.loc[differs, key]} == {one for one in struck if one[0] == stream}
    for stream, objects in true.crm.items():
        changed = {(stream, a.id) for a, b in zip(objects, recorded.crm[stream], strict=True) if a != b}
        assert changed == {one for one in struck if one[0] == stream}
    changed = {("responses", a.token) for a, b in zip(true.responses, recorded.responses, strict=True) if a != b}
    assert changed == {one for one in struck if one[0] == "responses"}
    for account, frame in true.ads.items():
        assert (frame.map(str) != recorded.ads[account].map(str)).any(axis=1).sum() == 3 * ROWS


def test_the_same_rows_each_time(spoilt: tuple[Recorded, list[dict[str, Any]]]) -> None:
    true = world(1, 8, 0.5).recorded()
    assert spoil(true, ALL)[1] == spoilt[1]
    alone = spoil(true, frozenset({"negative_visit"}))[1]
    assert {row["true_id"] for row in alone} == {row["true_id"] for row in spoilt[1] if row["kind"] == "negative_visit"}


def test_the_default_world_breaks_no_row_rule() -> None:
    """What no switch put there must be good, or "no good row in quarantine" could not be judged."""
    recorded = world(1, 8, 0.5).recorded()
    for frame in recorded.ads.values():
        assert len(frame) > 100
        assert (frame["clicks"] <= frame["impressions"]).all()
        assert (frame[["clicks", "impressions", "cost_micros"]] >= 0).all().all()
    assert recorded.visits["duration_s"].between(0, 86_400).all()
    assert (recorded.visits["page_views"] >= 0).all()
    assert recorded.visits["visit_id"].str.fullmatch(r"\d+").all()
    assert recorded.hits["watch_id"].str.fullmatch(r"\d+").all()
    amounts = [one.properties["amount"] for one in recorded.crm["deals"] if one.properties["amount"]]
    assert len(amounts) > 20
    assert all(float(amount) >= 0 for amount in amounts)
    scores = [one.answers["nps"] for one in recorded.responses if "nps" in one.answers]
    assert scores
    assert all(isinstance(score, int) and 0 <= score <= 10 for score in scores)
