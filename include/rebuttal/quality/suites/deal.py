"""Deals: the money that everything else is measured by."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.currencies import currency_known
from rebuttal.quality.expectations import (
    ExpectNoRowWhere,
    not_impossible,
    not_negative,
    present,
    rows_as_promised,
    rule,
)
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `deal`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["deal"].key),
        present("updated_at"),
        not_impossible("updated_at", latest),
        not_impossible("created_at", latest),
        not_impossible("closed_at", latest, may_be_planned=True),
        *not_negative("amount"),
        currency_known("amount"),
        rule(
            "won_is_closed",
            "is_won and not is_closed",
            "A won deal is closed",
            "Look at the deal's stage in the CRM; the deal is admitted as it stands",
            severity="warning",
        ),
        rule(
            "closed_after_created",
            "is_closed and closed_at < created_at",
            "A deal closes after it was created",
            "Dates were edited by hand in the CRM; cycle times of this deal are not trustworthy",
            value="cast(closed_at as text) || ' before ' || cast(created_at as text)",
            severity="warning",
        ),
    ]
