"""Fixtures of the fault table: a vendor on the wire whose rows go through landing and gate, on both engines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.content.conftest import company, jira, new_company  # noqa: F401 - a Jira that refuses as it is told
from tests.sources.conftest import Setup, setup_of

from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.sources import hubspot_reading

sys.path.append(str(Path(__file__).parents[1] / "quality"))


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
