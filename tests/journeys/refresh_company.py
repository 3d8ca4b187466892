"""A company built once, and copies of it for every case of an incremental build."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from rebuttal import journeys
from rebuttal.context import Context
from rebuttal.settings import PROJECT_ROOT, Settings


@dataclass(frozen=True)
class Company:
    """A company that is built once for each engine; every case works on a copy of it."""

    settings: Settings
    copies: Callable[[Path], Settings]


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def built_company(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, conftest_parts: Any
) -> Company:
    home = tmp_path_factory.mktemp(request.param) / "home"
    config = PROJECT_ROOT / "include" / "config"
    copy_url: Callable[[str], str] | None = None
    url = f"duckdb:///{home / 'warehouse.duckdb'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")()
        copy_url = request.getfixturevalue("postgres_copy")
    settings = Settings(home, config, "http://x", url, "sqlite://")
    home.mkdir()
    conftest_parts.fill(settings, **conftest_parts.company)
    context = conftest_parts.context_of(settings)
    journeys.run(context)

    def copies(place: Path) -> Settings:
        new = f"duckdb:///{place / 'warehouse.duckdb'}" if copy_url is None else copy_url(url)
        shutil.copytree(home, place)
        return Settings(place, config, "http://x", new, "sqlite://")

    return Company(settings, copies)


@pytest.fixture
def copied(built_company: Company, tmp_path: Path, context_of: Any) -> Iterator[Callable[[str], Context]]:
    """A function that gives a copy of the built company, in a folder of that name."""
    made = []

    def copy(name: str) -> Context:
        made.append(built_company.copies(tmp_path / name))
        return cast(Context, context_of(made[-1]))

    yield copy
    for settings in made:  # what dbt compiled for one case is right for the next
        if (kept := settings.home / "dbt" / "refresh.json").is_file():
            shutil.copy(kept, built_company.settings.home / "dbt" / "refresh.json")


@pytest.fixture
def built(copied: Callable[[str], Context]) -> Context:
    return copied("built")
