"""Clicks that an advertising platform names one by one."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, not_impossible, present, rows_as_promised
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `ad_click`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["ad_click"].key),
        not_impossible("report_date", latest),
        present("campaign_id"),
    ]
