"""Answers to surveys."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, known_word, not_impossible, rows_as_promised, rule
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `survey_response`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["survey_response"].key),
        not_impossible("submitted_at", latest),
        not_impossible("landed_at", latest),
        rule(
            "has_time",
            "submitted_at is null and landed_at is null",
            "The response has a time",
            "Look at the raw row; the survey tool always sends one",
        ),
        rule(
            "nps_in_range",
            "nps_score < 0 or nps_score > 10",
            "The score is between 0 and 10",
            "Check the scale of the question in the survey tool",
            value="cast(nps_score as text)",
        ),
        *known_word("form_kind"),
    ]
