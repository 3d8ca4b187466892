"""Audits of visits and hits: clocks, zones, lengths, machines."""

from __future__ import annotations

from rebuttal.quality.audits.limits import AuditLimits
from rebuttal.quality.audits.queries import render, rows_of
from rebuttal.quality.expectations import (
    ExpectClocksAligned,
    ExpectEventsInsideSession,
    ExpectGoalsWithPageViews,
    ExpectHoursAligned,
    ExpectNoBurst,
    ExpectNoRowsFrom,
    ExpectVisitsUncut,
    across,
)


def sessions(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """Rules about how visits and their hits fit together."""
    visits, hits = rows_of("visit", "started_at", limits), rows_of("hit", "occurred_at", limits)
    both = ("visit", "hit")
    return [
        across(
            ExpectClocksAligned,
            "clocks_aligned",
            "visit",
            render("clocks_aligned", limits),
            visits,
            f"The hits of a visit begin when it begins, within {limits.tolerance_seconds} seconds",
            "The clocks of these devices are wrong: take the visit's own times, and leave the times of its hits out of"
            " anything measured in minutes",
            reads=both,
        ),
        across(
            ExpectHoursAligned,
            "hours_aligned",
            "visit",
            render("hours_aligned", limits),
            visits,
            "Visits and hits are told in one time zone: they do not differ by whole hours in many visits at once",
            "Somebody changed the counter's time zone, or the hour in which clocks change is read wrongly: compare the"
            " zone in the counter's settings with the staging file of the stream, mend it, and replay those days",
            reads=both,
            severity="alarm",
        ),
        across(
            ExpectEventsInsideSession,
            "events_inside_session",
            "hit",
            render("events_inside_session", limits),
            hits,
            f"No hit lies outside its visit by more than {limits.tolerance_seconds} seconds",
            "Look whether server events carry the id of an old visit; such hits are kept, their visit is doubtful",
            reads=both,
        ),
        across(
            ExpectNoBurst,
            "no_burst",
            "visit",
            render("no_burst", limits),
            hits,
            f"Nobody looks at {limits.burst_page_views} pages within {limits.burst_seconds} seconds",
            "Machines: switch on the counter's robot filter, and leave these visits out when you compare traffic",
            reads=("hit",),
        ),
        across(
            ExpectGoalsWithPageViews,
            "goals_with_page_views",
            "hit",
            render("goals_with_page_views", limits),
            hits,
            "A visit that reached a goal has looked at a page",
            "The goal fires without its page: check the tag's trigger, and whether a consent banner stops page views",
            reads=("hit",),
        ),
        across(
            ExpectVisitsUncut,
            "visits_uncut",
            "visit",
            render("visits_uncut", limits),
            visits,
            "A visit goes on over midnight",
            "Nothing to do: the counter cuts visits where its day ends; both parts are of one person",
            reads=("visit",),
            severity="notice",
        ),
    ]
