"""Advertising days: what an advertisement cost and brought, as the platform tells it."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.currencies import currency_known
from rebuttal.quality.expectations import (
    ExpectNoRowWhere,
    not_above,
    not_impossible,
    not_negative,
    present,
    rows_as_promised,
)
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `ad_performance`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["ad_performance"].key),
        not_impossible("report_date", latest),
        present("impressions"),
        present("clicks"),
        present("cost"),
        *not_negative("impressions", "clicks", "cost", "platform_conversions"),
        not_above("clicks", "impressions"),
        currency_known("cost"),
    ]
