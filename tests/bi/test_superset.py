"""A real Superset, looked at in Chromium: what is provisioned, what people see, what a partner does not."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.bi.conftest import ROOT, Superset

from bi.declarations import load_dashboards

SLUGS = [board.slug for board in load_dashboards()]
pytestmark = pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs Chromium: apt install chromium")


@dataclass(frozen=True)
class Looked:
    """What a reader saw, all in one log-in: every dashboard, one of them narrowed, and all of an empty world."""

    full: list[Any]
    narrowed: Any
    empty: list[Any]


@pytest.fixture(scope="module")
def looked(superset: Superset, sample: Path) -> Looked:
    boards = [{"open": slug} for slug in SLUGS]
    narrow = {"filter": "channels", "name": "Channel", "choose": "E-mail"}
    gone = {"take away": str(superset.home / "published.duckdb")}
    answers = superset.browse("reader", *boards, narrow, gone, *boards)
    superset.publish(sample)
    count = len(boards)
    return Looked(answers[:count], answers[count], answers[count + 2 :])


@pytest.mark.parametrize("marts", ["rows", "no file"])
def test_every_dashboard_opens_without_an_error(looked: Looked, marts: str) -> None:
    answers = looked.full if marts == "rows" else looked.empty
    for board, seen in zip(load_dashboards(), answers, strict=True):
        assert seen["holders"] == len(board.charts), board.slug
        assert len(seen["charts"]) == len(board.charts), (board.slug, seen["alerts"])
        assert seen["alerts"] == [], board.slug
        assert [found["error"] for found in seen["charts"].values() if found["error"]] == [], board.slug
        assert seen["described"] == len(board.charts), board.slug
        if marts == "rows":
            assert all(found["rows"] for found in seen["charts"].values()), board.slug
        elif not board.is_for_partners:
            assert "Nothing is published yet" in seen["body"]


def test_a_filter_changes_the_numbers(looked: Looked) -> None:
    before, after = looked.full[SLUGS.index("channels")], looked.narrowed
    channels = [
        {row["Channel"] for found in seen["charts"].values() for row in found["rows"] if "Channel" in row}
        for seen in (before, after)
    ]
    assert channels[0] == {"Brand search", "Organic search", "E-mail"}
    assert channels[1] == {"E-mail"}


def test_a_partner_sees_its_own_rows_and_is_refused_elsewhere(superset: Superset) -> None:
    numbers = superset.datasets()
    own, foreign = numbers["partner_booking"], numbers["kpi_weekly"]

    def query(dataset: int, **more: object) -> dict[str, object]:
        asked = {"columns": ["partner"], "metrics": [], "row_limit": 100, **more}
        return {
            "post": "/api/v1/chart/data",
            "json": {"datasource": {"id": dataset, "type": "table"}, "queries": [asked], "result_type": "full"},
        }

    count = {"expressionType": "SQL", "label": "n", "sqlExpression": "(select count(*) from kpi_weekly)"}
    board, boards, mine, widened, counted, weekly, lab, week, export = superset.browse(
        "salon-01",
        {"open": "partner"},
        {"get": "/api/v1/dashboard/"},
        query(own),
        query(own, extras={"where": "1 = 1) OR (1 = 1"}),
        query(own, metrics=[count]),
        query(foreign, columns=["week_start"]),
        {"post": "/api/v1/sqllab/execute/", "json": {"database_id": 1, "sql": "select * from marts.kpi_weekly"}},
        {"get": "/api/v1/dashboard/week"},
        {"get": f"/api/v1/dataset/{foreign}"},
    )
    rows = [row for found in board["charts"].values() for row in found["rows"]]
    assert {row["partner"] for row in rows if "partner" in row} == {"salon-01"}
    assert "salon-02" not in json.dumps(board)
    assert [row["slug"] for row in json.loads(boards["body"])["result"]] == ["partner"]
    assert {row["partner"] for row in json.loads(mine["body"])["result"][0]["data"]} == {"salon-01"}
    assert "salon-02" not in widened["body"]
    assert counted["status"] >= 400
    for refused in (weekly, lab, week, export):
        assert refused["status"] in (401, 403, 404), refused
        assert "week_start" not in refused["body"]


def test_a_second_time_changes_nothing_and_what_is_not_declared_goes(superset: Superset, tmp_path: Path) -> None:
    """The last test of the file: the second time a chart is gone, so its dashboard changes, and nothing else does."""
    assert superset.first_counts["new"] > 400
    include = tmp_path / "include"
    shutil.copytree(ROOT / "include" / "bi", include / "bi")
    journal = include / "bi" / "dashboards" / "8-journal.yml"
    kept = [line for line in journal.read_text(encoding="utf-8").splitlines() if "id: kinds" not in line]
    journal.write_text("\n".join(kept) + "\n", encoding="utf-8")
    less = superset.provision(include)
    assert (less["new"], less["changed"], less["removed"]) == (0, 1, 1)
    assert less["unchanged"] > 400
