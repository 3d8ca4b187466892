"""Visits: a bad tag never keeps a visit out (see `rebuttal.quality.utm`); an impossible visit does."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import (
    ExpectNoRowWhere,
    known_word,
    not_impossible,
    not_negative,
    present,
    rows_as_promised,
    rule,
)
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `visit`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["visit"].key),
        present("started_at"),
        not_impossible("started_at", latest),
        *not_negative("duration_seconds", "page_view_count"),
        rule(
            "duration_sane",
            "duration_seconds > 86400",
            "A visit ends within a day",
            "Look for a kiosk, a monitoring robot or a clock that jumped; the visit is admitted",
            value="cast(duration_seconds as text)",
            severity="warning",
        ),
        rule(
            "pages_take_time",
            "duration_seconds = 0 and page_view_count >= 5",
            "A visit of five pages or more lasts longer than a moment",
            "A machine, or a counter that lost the times of its hits; the visit is admitted",
            value="cast(page_view_count as text) || ' pages in 0 seconds'",
            severity="warning",
        ),
        rule(
            "client_known",
            "client_id is null",
            "The visit carries the browser's id",
            "Check the consent banner and the counter's set-up; such visits belong to nobody",
            severity="warning",
        ),
        *known_word("traffic_source", "device"),
    ]
