"""The gate's promises against the truth of a small world with every kind of bad row in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.judges import Measures, judge_gate
from bench.judges.tags import DETERMINISTIC
from sqlalchemy import create_engine

from sandbox.bad_rows import KINDS

if TYPE_CHECKING:
    from conftest import Admitted

# What no batch and no world may ever show.
NEVER = (
    "bad_rows_admitted_lower_is_better",
    "good_rows_quarantined_lower_is_better",
    "visits_lost_lower_is_better",
    "true_rows_folded_lower_is_better",
    "raw_tags_changed_lower_is_better",
    "wrong_merges_applied_lower_is_better",
    "suggestions_between_near_twins_lower_is_better",
    "batches_not_adding_up_lower_is_better",
    "batches_held_lower_is_better",
)


@pytest.fixture(scope="module")
def measures(admitted: Admitted) -> Measures:
    engine = create_engine(f"duckdb:///{admitted.warehouse}", connect_args={"read_only": True})
    with engine.connect() as connection:
        found = judge_gate(connection, admitted.truth)
    engine.dispose()
    return found


@pytest.mark.parametrize("name", NEVER)
def test_it_never_happens(measures: Measures, name: str) -> None:
    assert measures[name] == 0


def test_every_kind_of_bad_row_ends_where_it_should(measures: Measures) -> None:
    ended = {name: value for name, value in measures.items() if name.startswith("bad_row_")}
    assert len(ended) > 0.9 * len(KINDS)
    assert {name: value for name, value in ended.items() if value != 1} == {}


def test_copies_are_found_and_nothing_else(measures: Measures) -> None:
    found = {name: value for name, value in measures.items() if name.startswith("duplicate_") and value is not None}
    assert len(found) >= 6
    assert {name: value for name, value in found.items() if value < 0.99} == {}


@pytest.mark.parametrize("kind", DETERMINISTIC)
def test_tag_mismatches_are_found_and_nothing_else(measures: Measures, kind: str) -> None:
    if kind == "contradicts_referrer" and measures[f"tags_{kind}_recall"] is None:
        pytest.skip("nobody in this small world shared a mail's link in a messenger")
    for side in ("recall", "precision"):
        assert (measures[f"tags_{kind}_{side}"] or 0) >= 0.99, side


def test_suggestions_are_right(measures: Measures) -> None:
    assert (measures["suggestion_precision"] or 0) >= 0.95
    assert (measures["suggestion_recall"] or 0) >= 0.95
    assert measures["wrong_merges_if_all_accepted_lower_is_better"] == 0


def test_rows_landed_are_the_rows_sent_and_all_are_accounted_for(measures: Measures, admitted: Admitted) -> None:
    for stream in ("visits", "hits", "responses"):
        assert measures[f"rows_landed_vs_sent_{stream}"] == 1
    assert admitted.accounts.returncode == 0, admitted.accounts.stderr
    rows = admitted.accounted()
    assert len(rows) >= 10
    outcomes = ("new", "changed", "unchanged", "deduplicated", "quarantined", "suppressed")
    assert [row for row in rows if row["landed"] != sum(row[name] for name in outcomes)] == []
    bad = [row for row in admitted.truth["bad_rows"] if row["end"] == "quarantined"]
    assert 0.9 * len(bad) < sum(row["quarantined"] for row in rows) <= len(bad)
