"""Bookings: every record of the salons' books is in core, in its own word, with its money and its partner."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from bench.judges.measure import Measures, Query, Truth, has_table, ratio


def bookings(query: Query, truth: Truth) -> Measures:
    """`lost` counts records that were landed and are not in core; `told_right` is the share of those in core whose
    partner, start, word and amount are what the book says; `served_knowable` the share of the truly served bookings of
    the online salons that their books show as served (more, no reader of the books can know)."""
    if not has_table(query, "landing", "yclients__bookings"):
        return {"bookings_lost_lower_is_better": None, "bookings_told_right": None, "bookings_served_knowable": None}
    landed = {row[0] for row in query("SELECT booking_id FROM landing.yclients__bookings")}
    core = {
        row[0]: row[1:]
        for row in query(
            "SELECT booking_id, partner_id, epoch(starts_at), status, amount, currency FROM core.booking "
            "WHERE source = 'yclients'"
        )
    }
    recorded = {row["booking_id"]: row for row in truth["bookings"] if row["is_recorded"]}
    right = sum(_is_right(core[key], row) for key, row in recorded.items() if key in core)
    words = {row["key"]: row["words"] for row in truth["partners"]}
    served = [row for row in recorded.values() if any(one["step"] == "served" for one in row["lifecycle"])]
    shown = [row for row in served if row["attendance"] == 1 or _means_served(row, words[row["partner"]])]
    return {
        "bookings_lost_lower_is_better": float(len((landed & recorded.keys()) - core.keys())),
        "bookings_told_right": ratio(right, len(core)),
        "bookings_served_knowable": ratio(len(shown), len(served)),
    }


def _is_right(ours: tuple[Any, ...], row: dict[str, Any]) -> bool:
    partner, starts, status, amount, currency = ours
    is_word = status == row["label"] if row["label"] and not row["is_deleted"] else status in _words(row)
    return (
        partner == row["partner"]
        and round(starts) == round(datetime.fromisoformat(row["starts_at"]).timestamp())
        and Decimal(str(amount)) == Decimal(row["amount"])
        and currency == row["currency"]
        and is_word
    )


def _words(row: dict[str, Any]) -> tuple[str, ...]:
    """What the vendor's own fields may be called where the salon wrote no word of its own."""
    if row["is_deleted"]:
        return ("deleted",)
    return {
        1: ("came", "paid"), -1: ("no_show",), 2: ("confirmed_by_client",), 0: ("awaited", "confirmed"),
    }[row["attendance"]]  # fmt: skip


def _means_served(row: dict[str, Any], words: dict[str, str]) -> bool:
    return row["label"] in (words["served"], words["paid"])
