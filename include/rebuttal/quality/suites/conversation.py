"""What was said: notes and calls."""

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
    """Rules for `conversation`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["conversation"].key),
        present("updated_at"),
        not_impossible("updated_at", latest),
        present("occurred_at"),
        # A call may be planned ahead; it is said when it happens.
        not_impossible("occurred_at", latest, may_be_planned=True),
        *not_negative("duration_seconds"),
        rule(
            "about_somebody",
            "contact_id is null and deal_id is null and not coalesce(is_deleted, false)",
            "The talk belongs to a contact or a deal",
            "Ask sales to attach it in the CRM; the text is heard all the same",
            severity="warning",
        ),
        *known_word("direction"),
    ]
