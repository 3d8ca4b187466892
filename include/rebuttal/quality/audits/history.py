"""Audits of streams against their own history and against one another."""

from __future__ import annotations

from rebuttal.quality.audits.limits import AuditLimits
from rebuttal.quality.audits.queries import render
from rebuttal.quality.expectations import (
    ExpectDaysComplete,
    ExpectNoRowsFrom,
    ExpectStreamsFresh,
    ExpectTotalsAgree,
    ExpectVolumeUsual,
    across,
)
from rebuttal.warehouse.entities import ENTITIES


def _utc(column: str) -> str:
    return f"cast({column} at time zone 'UTC' as date)"


# entity, its day, what is added up
STREAMS = (
    ("ad_performance", "report_date", "rows"),
    ("ad_performance", "report_date", "impressions"),
    ("traffic", "report_date", "rows"),
    ("traffic", "report_date", "sessions"),
    ("visit", _utc("started_at"), "rows"),
    ("hit", _utc("occurred_at"), "rows"),
    ("contact", _utc("created_at"), "rows"),
    ("deal", _utc("created_at"), "rows"),
    ("stage_change", _utc("changed_at"), "rows"),
    ("lifecycle_change", _utc("changed_at"), "rows"),
    ("conversation", _utc("occurred_at"), "rows"),
    ("survey_response", _utc("coalesce(submitted_at, landed_at)"), "rows"),
    ("booking", _utc("created_at"), "rows"),
)


def history(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """Days that are missing, too old, or far from usual."""
    reads = tuple(ENTITIES)  # any landing moves the day until which streams are expected
    names = {"streams": STREAMS}
    landed = "select count(*) from ops.batch where status = 'admitted'"
    return [
        across(
            ExpectDaysComplete,
            "days_complete",
            "batch",
            render("days_complete", limits, **names),
            landed,
            "A stream that usually has rows on a weekday has some",
            "Pull those days again (`rebuttal pull SOURCE --from --to`); if they stay empty, ask the vendor",
            reads=reads,
            severity="alarm",
        ),
        across(
            ExpectStreamsFresh,
            "streams_fresh",
            "batch",
            render("streams_fresh", limits, **names),
            landed,
            "The newest day of a stream is not older than its usual pauses explain",
            "Look at the pull of this source and at held batches; numbers of these days are missing, not zero",
            reads=reads,
            severity="alarm",
        ),
        across(
            ExpectVolumeUsual,
            "volume_usual_for_weekday",
            "batch",
            render("volume_usual", limits, **names),
            landed,
            "A day has about as much as the same weekday usually has",
            "Ask what happened that day (a campaign, a holiday, a broken tag) before comparing it with others",
            reads=reads,
        ),
    ]


def totals(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """Two vendors' tellings of the same thing."""
    return [
        across(
            ExpectTotalsAgree,
            "sessions_agree",
            "traffic",
            render("sessions_agree", limits),
            "select count(distinct report_date) from core.traffic",
            f"Sessions and visits keep their usual proportion, within {limits.totals_band:g} times",
            "One of the two counters lost its tag, or counts twice: compare them on the page that changed last",
            reads=("traffic", "visit"),
        ),
        across(
            ExpectTotalsAgree,
            "clicks_arrive",
            "ad_performance",
            render("clicks_arrive", limits),
            "select count(distinct (source, date_trunc('week', report_date))) from core.ad_performance",
            f"Of the clicks that a platform charges for, the usual share arrives, within {limits.totals_band:g} times",
            "A redirect or a new landing page loses the click id, or the platform counts clicks that never come",
            reads=("ad_performance", "visit"),
        ),
    ]
