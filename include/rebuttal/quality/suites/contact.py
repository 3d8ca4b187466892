"""People in the CRM."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, known_word, not_impossible, present, rows_as_promised, rule
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:
    """Rules for `contact`; nothing may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["contact"].key),
        present("updated_at"),
        not_impossible("updated_at", latest),
        not_impossible("created_at", latest),
        rule(
            "hash_not_address",
            "email_hash like '%@%'",
            "Addresses of people never arrive readable",
            "Stop: the extraction no longer hashes e-mail addresses. Mend it, then erase the landed batch",
        ),
        *known_word("lifecycle_stage", "segment", "email_kind", "phone_kind"),
    ]
