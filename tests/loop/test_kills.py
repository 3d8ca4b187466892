"""A short form of `make faults`: a loop killed early, in the middle and late ends like one that nobody disturbed."""

from __future__ import annotations

from pathlib import Path

from bench.company import World, free_port
from bench.compare import differences
from bench.kills import trial

WORLD = World(seed=31, weeks=6, scale=0.1)


def test_a_killed_loop_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    ports = (free_port(), free_port(), free_port())
    expected, seconds, mails = trial(WORLD, tmp_path / "undisturbed", ports, None)
    assert len(expected["tracker"]) >= 1
    assert mails >= 1
    for share in (0.2, 0.6, 0.9):
        got, _, got_mails = trial(WORLD, tmp_path / f"kill{share}", ports, seconds * share)
        assert differences(expected, got) == []
        assert got_mails <= mails
