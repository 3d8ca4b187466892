"""Bookings at partners' salons."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.currencies import currency_known
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
    """Rules for `booking`; nothing but the appointment itself may lie after `latest` (UTC)."""
    return [
        *rows_as_promised(ENTITIES["booking"].key),
        present("partner_id"),
        present("starts_at"),
        present("updated_at"),
        not_impossible("starts_at", latest, may_be_planned=True),
        not_impossible("created_at", latest),
        not_impossible("updated_at", latest),
        *not_negative("amount"),
        currency_known("amount"),
        rule(
            "hash_not_address",
            "email_hash like '%@%'",
            "Addresses of people never arrive readable",
            "Stop: the extraction no longer hashes e-mail addresses. Mend it, then erase the landed batch",
        ),
        rule(
            "status_present",
            "status is null",
            "The booking has a status",
            "Ask the partner how such bookings are marked; until then nobody knows whether the client came",
            severity="warning",
        ),
        rule(
            "customer_known",
            "email_hash is null and phone_hash is null and not coalesce(is_deleted, false)",
            "The booking says who comes",
            "Ask the partner to note phone or e-mail; such bookings join no journey and match no other system",
            severity="warning",
        ),
        *known_word("email_kind", "phone_kind"),
    ]
