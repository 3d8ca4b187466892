"""The short form of `make faults`: quicker, and no fault is without a proof in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.faults.long_form import leaving, place_of, unproved
from tests.faults.table import AGAIN, proofs

from rebuttal.settings import PROJECT_ROOT

pytestmark = pytest.mark.long_form("proves no fault: what the forms are made by; the last of it would be a circle")
pytest_plugins = ["pytester"]
MARKED = """
import pytest

@pytest.fixture(params=["duckdb", "postgres"])
def engine(request):
    pass

@pytest.mark.long_form("the same statements on a server", engine="postgres")
@pytest.mark.parametrize("kind", ["a", "b"])
def test_of_two_engines(engine, kind):
    pass

@pytest.mark.long_form("other kinds of the same", kind={"b", "c"})
@pytest.mark.parametrize("kind", ["a", "b", "c"])
def test_of_kinds(kind):
    pass

@pytest.mark.long_form("a second witness of the same")
def test_whole():
    pass

def test_unmarked():
    pass
"""


def names(items: list[pytest.Item]) -> list[str]:
    return [item.nodeid.partition("::")[2] for item in items]


def test_what_is_marked_is_left(pytester: pytest.Pytester) -> None:
    items = pytester.getitems(MARKED)
    assert names([item for item in items if not leaving(item)]) == [
        *("test_of_two_engines[duckdb-a]", "test_of_two_engines[duckdb-b]", "test_of_kinds[a]", "test_unmarked"),
    ]
    assert unproved(items, {}) == []


def test_of_what_proves_a_fault_a_case_like_it_stays(pytester: pytest.Pytester) -> None:
    items = pytester.getitems(MARKED)
    two, kinds, whole = (place_of(items[number]) for number in (0, 4, 7))
    assert unproved(items, {two: ("",), kinds: ("a",)}) == []
    assert unproved(items, {whole: ("",)}) == [f"{whole} proves a fault, and no case like it is in the short form"]
    assert len(unproved(items, {kinds: ("", "a")})) == 0
    assert unproved(items, {kinds: ("a", "b")}) == [f"{kinds} proves a fault by b, which is not in the short form"]
    fewer = [item for item in items if "duckdb-b" not in item.nodeid]
    assert unproved(fewer, {two: ("",)}) == [
        f"{two}[postgres-b] proves a fault, and no case like it is in the short form",
    ]


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ('"the same statements on a server", engine="oracle"', " leaves nothing by engine='oracle'"),
        ('"the same statements on a server", engine={"oracle", "postgres"}', " leaves nothing by engine='oracle'"),
        ('"the same statements on a server", motor="postgres"', " leaves nothing by motor='postgres'"),
        ('engine="postgres"', " does not say why"),
        ('"slow", engine="postgres"', " does not say why"),
    ],
)
def test_a_mark_leaves_something_and_says_why(pytester: pytest.Pytester, mark: str, told: str) -> None:
    items = pytester.getitems(MARKED.replace('"the same statements on a server", engine="postgres"', mark))
    assert [line.endswith(told) for line in unproved(items, {})] == [True]


def test_every_fault_has_a_proof_in_the_short_form() -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/faults"],
        env={**outside, "FAULT_TABLE": "short"},
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    run = {line.partition("[")[0] for line in done.stdout.splitlines() if line.startswith("tests/")}
    assert len(proofs()) > 70
    assert proofs().keys() - run == set()
    assert set(AGAIN) & run == set()
    for test in AGAIN:
        path, _, function = test.partition("::")
        assert f"def {function}(" in (PROJECT_ROOT / path).read_text(encoding="utf-8"), test
