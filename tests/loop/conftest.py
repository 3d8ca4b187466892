"""A company that has turned once, made once for all files of this folder, whichever workers run them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from bench.company import World, company
from tests.made_once import made_once

WORLD = World(seed=23, weeks=6, scale=0.2)


@dataclass(frozen=True)
class FirstTurn:
    """The company's folder after the turn, its sandbox and mails included.

    `said`: all that the turn said; `asked`: how often it asked the sandbox for what, "GET /path" -> count.
    """

    home: Path
    said: str
    asked: dict[str, int]

    def copy(self, target: Path) -> Path:
        """A company of one's own that goes on from there: give the folder to `company`."""
        shutil.copytree(self.home, target)
        return target


@pytest.fixture(scope="session")
def first_turn(tmp_path_factory: pytest.TempPathFactory) -> FirstTurn:
    """Of `WORLD`, on DuckDB. Copy it: it is everybody's."""

    def make(home: Path) -> tuple[str, dict[str, int]]:
        with company(home, WORLD) as place:
            done = place.run("loop", "--until", WORLD.until, "--json")
            asked = requests.get(f"{place.sandbox_url}/_sandbox/requests", timeout=30).json()
            return done.stdout + done.stderr, asked

    home, (said, asked) = made_once(tmp_path_factory, "first-turn", make)
    return FirstTurn(home, said, asked)
