"""One small company with every kind of bad row, pulled and admitted once; its warehouse may be copied and spoilt."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench.company import World, company
from bench.truth import pull_and_admit
from tests.made_once import made_once


@dataclass(frozen=True)
class Admitted:
    """A warehouse after `pull` and `admit`, the truth beside it, and what `rebuttal account` says of it."""

    warehouse: Path
    truth: dict[str, Any]
    accounts: subprocess.CompletedProcess[str]

    def accounted(self) -> list[dict[str, Any]]:
        """The rows of `rebuttal account --json`."""
        rows: list[dict[str, Any]] = json.loads(self.accounts.stdout)["batches"]
        return rows


@pytest.fixture(scope="session")
def admitted(tmp_path_factory: pytest.TempPathFactory) -> Admitted:
    """Seed 110, five weeks; made once, whichever workers ask for it."""

    def make(home: Path) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
        with company(home, World(110, weeks=5, scale=0.25, faults="bad_rows")) as place:
            pull_and_admit(place)
            return place.truth(), place.run("account", "--json", check=False)

    home, (truth, accounts) = made_once(tmp_path_factory, "gate", make)
    return Admitted(home / "warehouse.duckdb", truth, accounts)
