"""What people see of the gate: which check fails since when, how it moves, and that it is fresh after an admission."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from landed import context, land, row
from sqlalchemy import insert, text

from rebuttal import quality
from rebuttal.errors import StoreError
from rebuttal.quality import quarantine
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published, open_warehouse
from rebuttal.warehouse.publish import publish, publish_quality
from rebuttal.warehouse.reports import report
from rebuttal.warehouse.tables import audit_result, batch, check_result

START = datetime(2026, 11, 1, tzinfo=UTC)


def told(settings: Settings, name: str = "quality") -> list[dict[str, Any]]:
    """The rows of a report, as published."""
    columns, rows = report(settings, name)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def marts(settings: Settings, query: str) -> list[dict[str, Any]]:
    with open_published(settings) as engine, engine.connect() as connection:
        return [dict(found) for found in connection.execute(text(query)).mappings()]


def version(settings: Settings) -> int:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return int(connection.execute(text("select coalesce(max(version), 0) from ops.publication")).scalar_one())


def result(failed: int, rows: int, severity: str = "quarantine") -> dict[str, Any]:
    return {
        "entity": "visit",
        "check_name": "start_url",
        "severity": severity,
        "description": "A visit has an address",
        "next_step": "Look at the counter",
        "is_passed": failed == 0,
        "row_count": rows,
        "failed_count": failed,
        "examples": json.dumps([f"{failed} of them"]) if failed else None,
        "query": "select 1" if failed else None,
    }


def record(settings: Settings, history: Iterable[tuple[int, int]], severity: str = "quarantine") -> None:
    """One batch a day with so many (failed, looked at) rows; then the marts are published."""
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            for number, (failed, rows) in enumerate(history, 1):
                connection.execute(
                    insert(batch).values(
                        batch_id=f"b{number}",
                        sequence=number,
                        source="ym",
                        stream="visits",
                        entity="visit",
                        account_id="a",
                        kind="live",
                        row_count=rows,
                        content_hash="h",
                        landed_at=START + timedelta(days=number),
                        status="held" if failed and severity == "hold" else "admitted",
                    )
                )
                connection.execute(insert(check_result).values(batch_id=f"b{number}", **result(failed, rows, severity)))
        publish_quality(settings, engine)


@pytest.mark.parametrize(
    ("history", "trend", "since", "why"),
    [
        ([(0, 100), (3, 100)], "new", 2, "the batch before passed"),
        ([(3, 100)], "new", 1, "there is no batch before"),
        ([(10, 100), (10, 100), (20, 100)], "rising", 1, "twice the share of the batches before"),
        ([(10, 100), (20, 200)], "steady", 1, "more rows, the same share"),
        ([(10, 100), (10, 100), (5, 100)], "falling", 1, "half the share"),
        ([(90, 100), (0, 100), (10, 100), (10, 100)], "steady", 3, "a failure that was over is not compared with"),
        ([(5, 100), (6, 100), (0, 100)], "healed", 1, "the newest batch is clean; it told of its last time"),
    ],
)
def test_a_failure_has_a_beginning_and_a_trend(
    any_settings: Settings, history: list[tuple[int, int]], trend: str, since: int, why: str
) -> None:
    record(any_settings, history)
    [found] = told(any_settings)
    assert found["trend"] == trend, why
    assert found["since_at"] == START + timedelta(days=since)
    failing = [number for number, (failed, _) in enumerate(history, 1) if failed]
    assert found["last_seen_at"] == START + timedelta(days=failing[-1])
    assert found["checked_at"] == START + timedelta(days=len(history))
    assert (found["failed_row_count_latest"], found["row_count_latest"]) == history[-1]
    assert found["failed_row_count"] == sum(failed for failed, _ in history)
    assert found["row_count"] == sum(rows for _, rows in history)
    assert (found["batch_count"], found["failed_batch_count"]) == (len(history), len(failing))
    assert found["failed_share_latest"] == pytest.approx(history[-1][0] / history[-1][1])
    assert json.loads(found["examples"]) == [f"{history[failing[-1] - 1][0]} of them"]
    assert (found["query"], found["next_step"], found["is_failing"]) == (
        "select 1", "Look at the counter", history[-1][0] > 0,
    )  # fmt: skip


def test_what_never_failed_is_in_the_mart_and_not_in_the_report(any_settings: Settings) -> None:
    record(any_settings, [(0, 100)])
    assert told(any_settings) == []
    assert marts(any_settings, "select trend, since_at from marts.quality_check") == [
        {"trend": "passing", "since_at": None}
    ]


def test_a_hold_has_no_share_of_rows_and_names_its_batch(any_settings: Settings) -> None:
    record(any_settings, [(0, 100), (1, 100), (3, 100)], "hold")
    [found] = told(any_settings)
    assert (found["severity"], found["trend"], found["held_batch_count"]) == ("hold", "steady", 2)
    assert (found["batch_id"], found["batch_status"]) == ("b3", "held")
    held = told(any_settings, "quality_held")
    assert [(one["batch_id"], one["row_count"], one["next_step"]) for one in held] == [
        ("b2", 100, "Look at the counter"), ("b3", 100, "Look at the counter"),
    ]  # fmt: skip
    [stream] = told(any_settings, "quality_stream")
    assert (stream["landed_row_count"], stream["held_row_count"], stream["held_batch_count"]) == (300, 200, 2)


def test_a_check_over_core_as_a_whole_has_a_row_of_its_own(any_settings: Settings) -> None:
    record(any_settings, [(0, 100), (2, 100)])
    with open_warehouse(any_settings) as engine:
        with engine.begin() as connection:
            for sequence, failed in ((1, 0), (2, 7)):
                values = {**result(failed, 50, "alarm"), "check_name": "spend_without_visits", "sequence": sequence}
                connection.execute(insert(audit_result).values(values))
        publish_quality(any_settings, engine)
    found = told(any_settings)
    assert [(one["check_name"], one["severity"]) for one in found] == [
        ("spend_without_visits", "alarm"), ("start_url", "quarantine"),
    ]  # fmt: skip
    assert (found[0]["kind"], found[0]["stream"], found[0]["trend"]) == ("audit", "", "new")
    assert found[0]["since_at"] == START + timedelta(days=2)


def test_it_is_fresh_after_an_admission_that_merged_nothing(any_settings: Settings) -> None:
    land(any_settings, "hubspot.deals", [row("hubspot.deals")], row_count=3)
    report_of_run = quality.run(context(any_settings))
    assert report_of_run.counts["batches_held"] == 1
    [found] = told(any_settings)
    assert (found["check_name"], found["trend"], found["severity"]) == ("landed_whole", "new", "hold")
    [held] = told(any_settings, "quality_held")
    assert "1 of 3 rows" in held["reason"]


def test_only_what_is_new_makes_a_new_version(any_settings: Settings) -> None:
    land(any_settings, "hubspot.deals", [row("hubspot.deals"), row("hubspot.deals", deal_id="8", amount="much")])
    quality.run(context(any_settings))
    first = version(any_settings)
    assert first == 1
    quality.run(context(any_settings))
    assert version(any_settings) == first
    land(any_settings, "hubspot.deals", [row("hubspot.deals", deal_id="9", currency="XXX")])
    quality.run(context(any_settings))
    assert version(any_settings) == first + 1


def test_the_marts_of_the_last_build_stay_as_they_were_published(any_settings: Settings) -> None:
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("create table marts.kpi_weekly (roas bigint)"))
        connection.execute(text("insert into marts.kpi_weekly values (1)"))
    publish(context(any_settings))
    land(any_settings, "hubspot.deals", [row("hubspot.deals")])
    quality.run(context(any_settings))
    assert marts(any_settings, "select roas from marts.kpi_weekly") == [{"roas": 1}]
    assert len(marts(any_settings, "select * from marts.quality_stream")) == 1
    if any_settings.warehouse_url.startswith("duckdb"):
        # What readers take from ops belongs to the marts of that build: it comes with the next one.
        assert marts(any_settings, "select * from ops.batch") == []
    after = version(any_settings)
    publish(context(any_settings))
    publish(context(any_settings))
    expected = after + 1  # the batch, once
    assert version(any_settings) == expected
    assert len(marts(any_settings, "select * from ops.batch")) == 1


def test_a_lost_copy_is_made_whole_again(settings: Settings) -> None:
    with open_warehouse(settings) as engine, engine.begin() as connection:
        connection.execute(text("create table marts.kpi_weekly (roas bigint)"))
    publish(context(settings))
    settings.published_path.write_bytes(b"cut")
    land(settings, "hubspot.deals", [row("hubspot.deals")])
    quality.run(context(settings))
    assert marts(settings, "select roas from marts.kpi_weekly") == []
    assert len(marts(settings, "select * from marts.quality_stream")) == 1


def test_rows_kept_out_are_told_by_reason_until_they_are_let_in(any_settings: Settings) -> None:
    bad = [row("hubspot.deals", deal_id=str(number), amount="-1") for number in range(3)]
    batch_id = land(any_settings, "hubspot.deals", [row("hubspot.deals"), *bad])
    quality.run(context(any_settings))
    [found] = told(any_settings, "quality_quarantine")
    assert (found["check_name"], found["quarantined_row_count"], found["released_row_count"]) == (
        "amount_not_negative", 3, 0,
    )  # fmt: skip
    assert found["next_step"].startswith("Look at the raw row")
    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("update landing.hubspot__deals set amount = '1' where deal_id = '2'"))
    quarantine.release(context(any_settings), batch_id, by="Olena", reason="mended")
    [found] = told(any_settings, "quality_quarantine")
    assert (found["quarantined_row_count"], found["released_row_count"]) == (2, 1)
    [stream] = told(any_settings, "quality_stream")
    assert (stream["landed_row_count"], stream["quarantined_row_count"], stream["unaccounted_row_count"]) == (4, 2, 0)


def test_duplicates_are_told_by_kind(any_settings: Settings) -> None:
    land(any_settings, "hubspot.deals", [row("hubspot.deals"), row("hubspot.deals", updated_at="2026-11-02T09:00:00Z")])
    quality.run(context(any_settings))
    [found] = told(any_settings, "quality_duplicate")
    assert (found["entity"], found["kind"], found["folded_row_count"], found["undone_row_count"]) == (
        "deal", "same_key", 1, 0,
    )  # fmt: skip


def test_what_was_written_lately_may_not_reach_that_far(any_settings: Settings) -> None:
    land(any_settings, "ga4.traffic", [row("ga4.traffic")], days=1)
    quality.run(context(any_settings))
    [stream] = told(any_settings, "quality_stream")
    assert stream["covered_until"] == datetime(2026, 11, 2, tzinfo=UTC)
    assert stream["last_landed_at"] == datetime(2026, 11, 10, tzinfo=UTC)


def test_an_empty_warehouse_says_so(any_settings: Settings) -> None:
    quality.run(context(any_settings))
    with pytest.raises(StoreError, match=r"Nothing has been published yet|no batch has come to the gate"):
        report(any_settings, "quality")
    assert version(any_settings) == 0
