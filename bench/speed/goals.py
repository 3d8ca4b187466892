"""What each ratio means and what we aim at: ratios of one run on one machine, and times only where people wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`limit` is the least (`at_least`) or the most that we aim at; None: no goal yet, the figure is watched."""

    meaning: str
    limit: float | None = None
    at_least: bool = False

    def told(self) -> str:
        """`>= 15`, `<= 2`, or nothing."""
        return "" if self.limit is None else f"{'>=' if self.at_least else '<='} {self.limit:g}"

    def is_met(self, value: float) -> bool | None:
        """None where there is no goal."""
        if self.limit is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


GOALS: dict[str, Goal] = {
    "ingest_vs_dlt_default": Goal("rows/s of our pull over those of a dlt resource of dicts", 15, at_least=True),
    "ingest_vs_dlt_tuned": Goal("the same, dlt with Parquet and two workers", 2, at_least=True),
    "ingest_vs_bare_spool": Goal("the same, pages to files and one bulk read", 0.5, at_least=True),
    "ingest_cpu_vs_bare_spool": Goal("the same in CPU time of the two processes", 0.5, at_least=True),
    "ingest_peak_mb_ours": Goal("peak memory of our pull, MB, whatever the rows", 300),
    "ingest_peak_mb_ours_tenfold": Goal("the same, ten times the rows", 300),
    "ingest_postgres_vs_bare_copy": Goal("rows/s of our pull into Postgres over pages copied in and unpacked there"),
    "validate_checks_vs_sql": Goal("time to type and check a batch over one hand-written pass", 2),
    "validate_gate_vs_sql": Goal("time of the gate (suite, quarantine, accounting) over the same pass", 3),
    "validate_gate_vs_answers": Goal("the same over hand-written SQL that gives all the gate's answers", 3),
    "validate_checks_vs_sql_cpu": Goal("CPU time to type and check a batch over that of the hand-written pass", 2),
    "validate_gate_vs_sql_cpu": Goal("CPU time of the gate over that of the hand-written pass", 3),
    "validate_gate_vs_answers_cpu": Goal("CPU time of the gate over that of the hand-written answers", 3),
    "validate_large_checks_vs_sql": Goal("as validate_checks_vs_sql, at ten million visits", 2),
    "validate_large_gate_vs_sql": Goal("as validate_gate_vs_sql, at ten million visits", 3),
    "validate_large_gate_vs_answers": Goal("as validate_gate_vs_answers, at ten million visits", 3),
    "validate_large_checks_vs_sql_cpu": Goal("the same in CPU time", 2),
    "validate_large_gate_vs_sql_cpu": Goal("the same in CPU time", 3),
    "validate_large_gate_vs_answers_cpu": Goal("the same in CPU time", 3),
    "validate_large_admit_peak_mb": Goal(
        "peak memory of admitting ten million visits, in batches as pulls land them, MB", 2048
    ),
    "validate_large_peak_mb": Goal("peak memory of the gate and the hand's passes at ten million visits, MB", 2048),
    "validate_postgres_checks_vs_sql": Goal("time to type and check a batch over one hand-written pass, on Postgres"),
    "validate_postgres_gate_vs_sql": Goal("time of the gate over the same pass, on Postgres"),
    "validate_tags_vs_sql": Goal("time to judge the tags of the batch over the same pass"),
    "validate_admit_vs_sql": Goal("time of the whole admission, core written, over the same pass"),
    "validate_peak_mb": Goal("peak memory of all of these, MB", 2048),
    "validate_suite_vs_counting": Goal("time of the suite over a bare count of its own conditions"),
    "merge_vs_dbt": Goal("time of our merge over that of dbt's delete+insert model, commits included", 0.5),
    "merge_growth_exponent": Goal("of the time of a merge over the rows that are there already", 0.3),
    "merge_vs_bare": Goal("time of our merge over DELETE and INSERT, DuckDB, commit included"),
    "merge_postgres_vs_bare": Goal("the same on Postgres, without the commit"),
    "refresh_vs_whole": Goal("time of a refresh after 1 % new data over a whole build, dbt's start left out", 0.1),
    "refresh_cpu_vs_whole": Goal("the same in CPU time", 0.1),
    "refresh_restated_vs_whole": Goal("the same with, beside it, a hundredth of the deals of all months restated", 0.1),
    "refresh_restated_cpu_vs_whole": Goal("the same in CPU time", 0.1),
    "refresh_peak_mb": Goal("peak memory of both, dbt or our own process, MB", 4096),
    "identity_vs_splink": Goal("time of splink's clustering of the same graph over all of ours", 2.5, at_least=True),
    "identity_vs_splink_5x": Goal("the same with five times the edges", 2.5, at_least=True),
    "identity_cpu_vs_splink": Goal("the same in CPU time", 2.5, at_least=True),
    "identity_cpu_vs_splink_5x": Goal("the same with five times the edges", 2.5, at_least=True),
    "identity_delta_vs_full": Goal("time of an update after 1 % changed and came over the first", 0.1),
    "identity_delta_vs_full_5x": Goal("the same with five times the edges", 0.1),
    "identity_delta_cpu_vs_full": Goal("the same in CPU time", 0.1),
    "identity_delta_cpu_vs_full_5x": Goal("the same with five times the edges", 0.1),
    "identity_peak_mb": Goal("peak memory of ours, MB", 4096),
    "identity_peak_mb_5x": Goal("the same with five times the edges", 4096),
    "attribution_vs_join": Goal("time of all attribution models by five dimensions over one join and group", 10),
    "attribution_cpu_vs_join": Goal("the same in CPU time", 10),
    "attribution_vs_channel_attribution": Goal("time of ChannelAttribution over that of ours", 5, at_least=True),
    "attribution_same_models_vs_channel_attribution": Goal(
        "the same, ours for the same models by channel only", 5, at_least=True
    ),
    "attribution_paths_vs_join": Goal("time of all models over a path table, made in SQL, over the join", 10),
    "attribution_peak_mb": Goal("peak memory of dbt's process and of the joint models, MB", 4096),
    "classify_vs_embedding": Goal("texts/s of the classifier over embedding each text as a whole", 5, at_least=True),
    "classify_vs_every_sentence": Goal(
        "texts/s over the same classifier without its cheap stage, every sentence of every text embedded",
        5,
        at_least=True,
    ),
    "classify_vs_every_distinct_sentence": Goal("the same, a sentence that comes again embedded once, as in ours"),
    "classify_macro_f1_loss": Goal("macro-F1 that the cheap stage costs", 0.01),
    "classify_peak_mb": Goal("peak memory of all of these, MB", 1024),
    "fastway_webhook_to_task_p50_s": Goal("seconds from a webhook to its task, on two otherwise idle cores", 5),
    "fastway_webhook_to_task_p95_s": Goal("the same, 95 of 100", 10),
    "digest_vs_reading": Goal("time of a digest over reading its tables whole"),
    **{
        f"receiver_{engine}_{name}": goal
        for engine in ("sqlite", "postgres")
        for name, goal in {
            "vs_none": Goal(
                "deliveries/s, each on disk before its answer, over the same application without a store",
                0.6,
                at_least=True,
            ),
            "vs_each": Goal("the same over a transaction per request", 1.5, at_least=True),
            "p99_vs_none": Goal("99th percentile of the latency over that without a store", 3),
            "cpu_vs_none": Goal("CPU time of the receiver over that without a store"),
            "per_s": Goal("deliveries/s on 32 connections"),
            "p99_ms": Goal("99th percentile of the latency on 32 connections, ms"),
            "steady_kept_share": Goal("share of 500 deliveries a second that is acknowledged", 1, at_least=True),
            "steady_p99_ms": Goal("99th percentile of their latency from when they were due, ms"),
            "burst_kept_share": Goal("share of 1,500 a second that is acknowledged; others are told to come again"),
            "burst_p99_ms": Goal("99th percentile of their latency from when they were due, ms"),
        }.items()
    },
    "receiver_none_per_s": Goal("deliveries/s of the application without a store"),
    "receiver_lost": Goal("acknowledged deliveries that are not in the inbox", 0),
    "digest_seconds": Goal("a digest after imports, seconds: people wait for it in a preview", 5),
    "dashboards_slowest_cpu_seconds": Goal("CPU seconds of the slowest chart's query at ten million touchpoints", 1),
}
