"""Kill -9 at every failpoint that a turn passes, one run after the other: the last one ends as if nobody had disturbed.

The list is read from the source. `make faults KILLS=20` dies at each by itself, on Postgres too, and at random moments.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bench.company import ROOT, company
from bench.kills import die_and_run_again
from bench.prepared import Prepared
from tests.loop.conftest import WORLD, FirstTurn

from bench import failpoints


@pytest.fixture(scope="module")
def prepared(first_turn: FirstTurn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("kills")
    with company(first_turn.copy(folder / "company"), WORLD) as place:
        yield Prepared.make(place, folder)


def test_every_failpoint_is_killed_at_somewhere() -> None:
    found = failpoints.names()
    assert len(found) >= 50
    of_turn = {name for names in failpoints.OF_TURN.values() for name in names}
    assert len(of_turn) >= 25
    assert of_turn <= found.keys()
    for name in found.keys() - of_turn:
        group = name.partition(".")[0]
        test = (ROOT / failpoints.ELSEWHERE[group]).read_text(encoding="utf-8")
        assert name in test or "def failpoints()" in test, name  # named there, or listed from the source there too


@pytest.mark.long_form(
    "each fault of a killed stage is proved where it has its subject; this goes through a whole turn"
)
@pytest.mark.parametrize("stage", failpoints.OF_TURN)
def test_killed_everywhere_a_stage_ends_like_an_undisturbed_one(prepared: Prepared, stage: str) -> None:
    assert die_and_run_again(prepared, stage, failpoints.OF_TURN[stage]) == []


def test_a_run_that_left_something_out_would_be_seen(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.kills.run_again", lambda *_: None)
    assert die_and_run_again(prepared, "listen", ["listen.before_commit"]) != []
