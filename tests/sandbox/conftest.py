"""A sandbox over the small world, served on a free port for each test that asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # tests here share small_world and serving

from serving import Serve, Served, start


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves a world (see `serving.start`) until the end of the test."""
    running: list[Served] = []

    def start_one(*args: Any, **kwargs: Any) -> Served:
        running.append(start(*args, **kwargs))
        return running[-1]

    yield start_one
    for served in running:
        served.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """One small world for all tests of a module that only read."""
    served = start()
    yield served
    served.stop()


@pytest.fixture
def served(serve: Serve) -> Served:
    """The small world, without limits and faults."""
    return serve()
