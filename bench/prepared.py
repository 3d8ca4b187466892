"""A small company in its second week, with a copy of everything before each stage of that week's turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import apart
from bench.company import Company
from bench.compare import fingerprints
from rebuttal.loop import STAGES

SCHEMAS = ("core", "marts", "ops")
Copy = Callable[[str], str]  # a database's URL -> the URL of a copy


def fingerprint(env: dict[str, str], home: Path, stage: str) -> dict[str, Any]:
    """All tables that `stage` may have written, and where the copy that readers have is a file, those in it."""
    schemas = ("landing", "ops") if stage == "pull" else SCHEMAS
    found: dict[str, Any] = dict(fingerprints(warehouse_of(env, home), schemas))
    if stage != "pull" and (published := home / "published.duckdb").exists():
        found |= {f"published {name}": one for name, one in fingerprints(f"duckdb:///{published}", ("marts",)).items()}
    return found


def warehouse_of(env: dict[str, str], home: Path) -> str:
    """The URL of the warehouse of a company in `home`."""
    return env.get("REBUTTAL_WAREHOUSE_URL") or f"duckdb:///{home / 'warehouse.duckdb'}"


@dataclass
class Prepared:
    """The company as it was before each stage, and what each stage made of it undisturbed."""

    place: Company
    folder: Path
    until: str
    copy_database: Copy | None = None  # for stores on a server
    before: dict[str, dict[str, str]] = field(default_factory=dict)
    after: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def make(cls, place: Company, folder: Path, copy_database: Copy | None = None) -> Prepared:
        """Let a week pass after the first turn, and run the second one stage by stage. Raises RuntimeError."""
        place.advance(7)
        until = (date.fromisoformat(place.world.until) + timedelta(days=7)).isoformat()
        made = cls(place, folder, until, copy_database)
        for stage in STAGES:
            made.before[stage] = made._copy(place.env, place.home, folder / f"before-{stage}")
            code = apart.run(stage, until, place.env, folder / "log")
            if code:
                raise RuntimeError(f"{stage} ended with {code}:\n{(folder / 'log').read_text()[-3000:]}")
            made.after[stage] = fingerprint(place.env, place.home, stage)
        return made

    def again(self, stage: str, name: str) -> tuple[dict[str, str], Path]:
        """The company as it was before `stage`, in a folder of its own: its environment and its home."""
        env = self.before[stage]
        home = self.folder / name
        return self._copy(env, Path(env["REBUTTAL_HOME"]), home), home

    def _copy(self, env: dict[str, str], home: Path, target: Path) -> dict[str, str]:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(home, target, ignore=shutil.ignore_patterns("sandbox", "mails", "*.log", "spool"))
        found = {**env, "REBUTTAL_HOME": str(target)}
        for name in ("REBUTTAL_WAREHOUSE_URL", "REBUTTAL_STATE_URL"):
            if self.copy_database and name in env:
                found[name] = self.copy_database(env[name])
        return found
