"""Sessions by source as the second analytics tool adds them up."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import (
    ExpectNoRowWhere,
    not_above,
    not_impossible,
    not_negative,
    rows_as_promised,
    rule,
)
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `traffic`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["traffic"].key),
        not_impossible("report_date", latest),
        *not_negative("sessions", "engaged_sessions", "users", "key_events"),
        not_above("engaged_sessions", "sessions"),
        rule(
            "counted_in_full",
            "is_estimated",
            "The tool counted every session: nothing sampled, withheld or folded into `(other)`",
            "Say so beside these numbers; pull shorter windows, or ask the tool for fewer dimensions",
            value="cast(report_date as text)",
            severity="warning",
        ),
    ]
