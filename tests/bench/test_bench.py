"""The benchmark in its smallest form: every measure runs, checks its own results, and writes what it says it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.speed.goals import GOALS, Goal
from bench.speed.pages import COLUMNS, PAGE_ROWS, row, write_pages
from bench.speed.timing import in_turn, ratio

from bench import run
from rebuttal.settings import PROJECT_ROOT

SMALL = {
    "ingest": 1200,
    "validate": 3000,
    "validate_large": 3000,
    "validate_postgres": 3000,
    "merge": 10_000,
    "growth": 20_000,
    "refresh": 5000,
    "attribution": 2000,
    "identity": 9000,
    "classify": 4,
    "digest": 60,
    "receiver": 1,
    "dashboards": 2000,
    "fastway": 2,
}
RATIOS = {
    "ingest": {
        "ingest_vs_dlt_default",
        "ingest_vs_dlt_tuned",
        "ingest_vs_bare_spool",
        "ingest_cpu_vs_bare_spool",
        "ingest_peak_mb_ours",
        "ingest_peak_mb_ours_tenfold",
        "ingest_postgres_vs_bare_copy",
    },
    "validate": {
        "validate_checks_vs_sql",
        "validate_gate_vs_sql",
        "validate_gate_vs_answers",
        "validate_checks_vs_sql_cpu",
        "validate_gate_vs_sql_cpu",
        "validate_gate_vs_answers_cpu",
        "validate_tags_vs_sql",
        "validate_admit_vs_sql",
        "validate_suite_vs_counting",
        "validate_peak_mb",
    },
    "validate_large": {
        "validate_large_checks_vs_sql",
        "validate_large_gate_vs_sql",
        "validate_large_gate_vs_answers",
        "validate_large_checks_vs_sql_cpu",
        "validate_large_gate_vs_sql_cpu",
        "validate_large_gate_vs_answers_cpu",
        "validate_large_admit_peak_mb",
        "validate_large_peak_mb",
    },
    "validate_postgres": {"validate_postgres_checks_vs_sql", "validate_postgres_gate_vs_sql"},
    "merge": {"merge_vs_dbt", "merge_vs_bare", "merge_postgres_vs_bare"},
    "growth": {"merge_growth_exponent"},
    "refresh": {
        "refresh_vs_whole",
        "refresh_cpu_vs_whole",
        "refresh_restated_vs_whole",
        "refresh_restated_cpu_vs_whole",
        "refresh_peak_mb",
    },
    "identity": {
        f"identity_{name}{size}"
        for name in ("vs_splink", "cpu_vs_splink", "delta_vs_full", "delta_cpu_vs_full", "peak_mb")
        for size in ("", "_5x")
    },
    "attribution": {
        "attribution_vs_join",
        "attribution_cpu_vs_join",
        "attribution_vs_channel_attribution",
        "attribution_same_models_vs_channel_attribution",
        "attribution_paths_vs_join",
        "attribution_peak_mb",
    },
    "classify": {
        "classify_vs_embedding",
        "classify_vs_every_sentence",
        "classify_vs_every_distinct_sentence",
        "classify_macro_f1_loss",
        "classify_peak_mb",
    },
    "receiver": {"receiver_none_per_s", "receiver_lost"}
    | {
        f"receiver_{engine}_{name}"
        for engine in ("sqlite", "postgres")
        for name in (
            *("vs_none", "vs_each", "p99_vs_none", "cpu_vs_none", "per_s", "p99_ms"),
            *(f"{phase}_{figure}" for phase in ("steady", "burst") for figure in ("kept_share", "p99_ms")),
        )
    },
    "digest": {"digest_vs_reading", "digest_seconds"},
    "dashboards": {"dashboards_slowest_cpu_seconds"},
    "fastway": {"fastway_webhook_to_task_p50_s", "fastway_webhook_to_task_p95_s"},
}
# Minutes of an Airflow of its own: run by hand, its arithmetic is tested in test_fastway.py.
BY_HAND = ("fastway",)


@pytest.mark.parametrize("name", [name for name in run.MEASURES if name not in BY_HAND])
def test_a_measure_gives_its_ratios(name: str) -> None:
    found = run.run_measure(name, SMALL[name], 1)
    assert "unmeasured" not in found, found
    assert RATIOS[name] <= found.keys()
    assert all(
        value > 0
        for measure, value in found.items()
        if not measure.endswith(("exponent", "loss", "changed_persons", "over_a_second", "_lost"))
    )


def test_every_goal_is_measured() -> None:
    assert set(GOALS) == set.union(*RATIOS.values())
    assert set(RATIOS) == set(SMALL) == set(run.SIZES) == set(run.MEASURES)


def test_the_command_writes_figures_with_their_context(tmp_path: Path) -> None:
    out = tmp_path / "build" / "bench.json"
    command = [sys.executable, "-m", "bench.run", "digest", "--rounds", "1", "--out", str(out)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "digest_vs_reading" in done.stdout
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["digest_vs_reading"] > 0
    assert written["context"]["sizes"] == {"digest": "600 objections"}
    assert written["context"]["cores"] >= 1
    assert "duckdb" in written["context"]["versions"]


def test_an_unknown_measure_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["ingets"])
    assert "there are ingest, validate" in capsys.readouterr().err


def test_a_failing_measure_is_told_and_not_hidden(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    # No page holds less than nothing: the measure stops at its first check.
    assert run.main(["merge", "--rows", "4", "--rounds", "1", "--out", str(out)]) == 1
    written = json.loads(out.read_text(encoding="utf-8"))
    assert list(written) == ["context"]
    assert written["context"]["left_out"]["merge"].startswith("failed: ")


def test_ratios_are_taken_round_by_round() -> None:
    # The third round was slow for both: their ratio is as ever.
    assert ratio([2.0, 2.0, 40.0], [1.0, 1.0, 20.0]) == 2.0
    order: list[str] = []
    took = in_turn(2, {"a": lambda: order.append("a") or 1.0, "b": lambda: order.append("b") or 2.0})  # type: ignore[func-returns-value]
    assert order == ["a", "b", "b", "a"]
    assert took == {"a": [1.0, 1.0], "b": [2.0, 2.0]}


def test_goals_know_their_side() -> None:
    least, most = Goal("rows", 15, at_least=True), Goal("time", 2)
    assert (least.is_met(16), least.is_met(14)) == (True, False)
    assert (most.is_met(1.9), most.is_met(2.1)) == (True, False)
    assert Goal("watched").is_met(1) is None


def test_pages_hold_every_row_once(tmp_path: Path) -> None:
    assert write_pages(tmp_path, PAGE_ROWS + 5) == 2
    pages = [json.loads((tmp_path / f"orders-{n}").read_text(encoding="utf-8")) for n in range(2)]
    assert [page["next"] for page in pages] == ["1", None]
    rows = [found for page in pages for found in page["rows"]]
    assert rows == [row(n) for n in range(PAGE_ROWS + 5)]
    assert all(tuple(found) == COLUMNS for found in rows)
    assert len(COLUMNS) == 14
