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
from tests.faults.long_form import COLLECTED, leaving, unproved
from tests.faults.table import AGAIN, proofs, whole_table
from tests.sources.conftest import Setup, no_polite_gaps, setup_of  # noqa: F401 - none here either

from rebuttal.settings import PROJECT_ROOT, Settings

sys.path.append(str(Path(__file__).parents[1] / "quality"))


FORM = os.environ.get("FAULT_TABLE")  # of `make faults`: short or long; none: another run
LEFT = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """`make faults` names this folder; what proves faults elsewhere is run with it, in every worker."""
    if FORM:
        config.args.extend(sorted(test for test in {*proofs(), *AGAIN} if not test.startswith("tests/faults/")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to the long form what is marked so."""
    config.stash[COLLECTED] = list(items)
    if FORM != "short":
        return
    # A worker's error would hide what is wrong: there test_table says it.
    if not hasattr(config, "workerinput") and (wrong := unproved(items, proofs())):
        raise pytest.UsageError(*wrong)
    left = [item for item in items if leaving(item)]
    config.stash[LEFT] = len(left)
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not leaving(item)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left"] = session.config.stash.get(LEFT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects all, so that each of them knows the number."""
    node.config.stash[LEFT] = getattr(node, "workeroutput", {}).get("left", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each fault with its outcome, where FAULT_TABLE asks for it."""
    if not FORM or terminalreporter.config.option.collectonly:
        return
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
    if left := terminalreporter.config.stash.get(LEFT, 0):
        terminalreporter.write_line(f"{left} further cases are left to the long form: make faults LONG=1, make test")


@pytest.fixture
def vendor(any_settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Setup]]:
    """vendor(source, **config) sets one source up against its fake; the gate has its usual configuration."""
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


@pytest.fixture(scope="session")
def are_stores_made() -> bool:
    """How they are made is not what these tests are about."""
    return True
