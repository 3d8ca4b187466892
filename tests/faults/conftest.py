"""Fixtures of the fault table: a vendor on the wire whose rows go through landing and gate, on both engines."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.content.conftest import company, jira, new_company  # noqa: F401 - a Jira that refuses as it is told
from tests.faults.desks import Desk, desk_of
from tests.sources.conftest import Setup, setup_of

from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.sources import hubspot_reading

sys.path.append(str(Path(__file__).parents[1] / "quality"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each fault with its outcome, where FAULT_TABLE asks for it."""
    if not os.environ.get("FAULT_TABLE"):
        return
    from tests.faults.table import whole_table

    ended: dict[str, set[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            ended.setdefault(report.nodeid.partition("[")[0], set()).add(outcome)
    counted: Counter[str] = Counter()
    for entry in sorted(whole_table(), key=lambda entry: entry.number):
        here = ended.get(entry.test or "", set()) - {"skipped"}
        said = "not ours" if entry.pending else "BREACH" if here - {"passed"} else "as told" if here else "not run here"
        counted[said] += 1
        shown = f"{said}: {entry.test}" if said in ("BREACH", "not run here") else said
        terminalreporter.write_line(f"{entry.number:>4}  {entry.injected}: {entry.outcome} [{shown}]")
    told = ", ".join(f"{counted[said]} {said}" for said in ("as told", "not run here", "not ours"))
    terminalreporter.write_line(f"{counted.total()} faults: {told}; {counted['BREACH']} breaches")


@pytest.fixture
def vendor(any_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Setup]]:
    """vendor(source, **config) sets one source up against its fake; the gate has its usual configuration."""
    monkeypatch.setattr(hubspot_reading, "SECONDS_BETWEEN_SEARCHES", 0.0)
    made: list[Any] = []

    def make(source: str, **config: Any) -> Setup:
        made.append(setup_of(any_settings, tmp_path, source, **config))
        setup = next(made[-1])
        for name in ("utm.yml", "quality.yml"):
            shutil.copy(PROJECT_ROOT / "include" / "config" / name, setup.context.settings.config)
        return setup

    yield make
    for one in made:
        one.close()


@pytest.fixture
def make_setup(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Setup]]:
    """The same on DuckDB only, without a gate."""
    made: list[Any] = []

    def make(source: str, **config: Any) -> Setup:
        made.append(setup_of(settings, tmp_path, source, **config))
        return next(made[-1])  # type: ignore[no-any-return]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=["jira", "trello"])
def desk(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    """Both trackers in turn."""
    with desk_of(request.param, settings, tmp_path) as made:
        yield made
