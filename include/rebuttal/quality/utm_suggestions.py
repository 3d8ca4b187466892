"""Which tags in `core.visit` may be slips of registered ones: with the evidence for it, or the reason against it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from rebuttal.quality.spelling import is_slip, refusal
from rebuttal.quality.utm import Tags, suggested
from rebuttal.quality.utm_registry import NAMED, Link, Registry, folded
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of

PLATFORM_OF_CLICK = {"has_gclid": "google-ads", "has_yclid": "yandex-direct"}
_CAMPAIGN_PARAMETERS = ("gad_campaignid", "utm_id", "campaign_id")
# A bot's random tags are no misspelt campaigns: of what looks like nothing only the most frequent values are looked at.
_LOOKED_AT = 500


@dataclass(frozen=True)
class Suggestion:
    """One written value that may mean one registered value; `refused` says why it is not even suggested.

    Shares are between 0 and 1 and None where they say nothing: `click_id_share` of all visits (paid links only),
    `campaign_id_share` of those visits whose address names a campaign. Times are UTC.
    """

    suggestion_id: str
    field: str
    written: str
    registered: str
    visits: int
    first_seen_at: datetime
    last_seen_at: datetime
    click_id_share: float | None
    campaign_id_share: float | None
    refused: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether a person is asked."""
        return self.refused is None

    def evidence(self) -> dict[str, Any]:
        """What a decision is based on, as plain data for the journal."""
        return {
            "visits": self.visits,
            "first_seen_at": self.first_seen_at.isoformat(),
            "last_seen_at": self.last_seen_at.isoformat(),
            "click_id_share": self.click_id_share,
            "campaign_id_share": self.campaign_id_share,
        }


@dataclass
class _Evidence:
    """The visits of one pair of values, added up."""

    written: str
    registered: str
    visits: int = 0
    first: datetime | None = None
    last: datetime | None = None
    paid: int = 0
    clicked: int = 0
    told: int = 0
    matched: int = 0

    def add(self, row: RowMapping, link: Link | None) -> None:
        count = int(row["visits"])
        self.visits += count
        self.first = min(self.first or row["first_seen_at"], row["first_seen_at"])
        self.last = max(self.last or row["last_seen_at"], row["last_seen_at"])
        if link is None or not link.platform:
            return
        self.paid += count
        self.clicked += count if link.platform in _clicks(row) else 0
        if row["told_campaign_id"] and link.campaign_id:
            self.told += count
            self.matched += count if row["told_campaign_id"] == link.campaign_id else 0

    def as_suggestion(self, field: str, refused: str | None = None) -> Suggestion:
        assert self.first is not None
        assert self.last is not None
        return Suggestion(
            alias_id(field, self.written, self.registered),
            field,
            self.written,
            self.registered,
            self.visits,
            self.first,
            self.last,
            _share(self.clicked, self.paid),
            _share(self.matched, self.told),
            refused,
        )


def alias_id(field: str, written: str, registered: str) -> str:
    """The id of a variant: the same for the same tag and values, whatever their case."""
    return hashlib.sha256("\x1f".join((field, folded(written), folded(registered))).encode()).hexdigest()[:10]


def find_suggestions(connection: Connection, registry: Registry) -> list[Suggestion]:
    """Open suggestions, most visits first, then what looks alike and is refused. Reads `core.visit` only."""
    rows = _combinations(connection)
    found: dict[tuple[str, str, str], _Evidence] = {}
    unknown: dict[tuple[str, str], list[RowMapping]] = {}
    for row in rows:
        tags = Tags(
            row["utm_source"],
            row["utm_medium"],
            row["utm_campaign"],
            row["utm_content"],
            None,
            _clicks(row),
            row["host"],
        )
        link, changes = suggested(tags, registry) or (None, {})
        for field in NAMED:
            written = getattr(tags, field)
            if not written or folded(written) in registry.spelled[field] or registry.accepted(field, written):
                continue
            if field in changes:
                meant = changes[field]
                key = (field, folded(written), folded(meant))
                found.setdefault(key, _Evidence(folded(written), meant)).add(row, link)
            else:
                unknown.setdefault((field, folded(written)), []).append(row)
    told = sorted((one.as_suggestion(key[0]) for key, one in found.items()), key=_order)
    suggested_values = {(field, written) for field, written, _ in found}
    return told + sorted(_refused(unknown, suggested_values, registry), key=_order)


def _refused(
    unknown: dict[tuple[str, str], list[RowMapping]], known: set[tuple[str, str]], registry: Registry
) -> Iterable[Suggestion]:
    counted = sorted(unknown, key=lambda key: (-sum(int(row["visits"]) for row in unknown[key]), key))
    for field, written in [key for key in counted if key not in known][:_LOOKED_AT]:
        values = registry.spelled[field]
        slips = [candidate for candidate in values if is_slip(written, candidate)]
        for candidate in values:
            if (field, written, candidate) in registry.rejected:
                continue
            if candidate in slips:
                others = ", ".join(values[one] for one in sorted(slips) if one != candidate)
                why = f"{others} is as close" if others else "the other tags are of no link together with it"
            else:
                why = refusal(written, candidate) or ""
            if why:
                evidence = _Evidence(written, values[candidate])
                for row in unknown[field, written]:
                    evidence.add(row, None)
                yield evidence.as_suggestion(field, why)


def _combinations(connection: Connection) -> list[RowMapping]:
    dialect = dialect_of(connection)
    result = sql.run_file(
        connection,
        "tag_variants.sql",
        referrer_host=dialect.found("referrer", "^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]*)"),
        campaign_parameters=[dialect.found("landing_url", f"[?&]{name}=([0-9]+)") for name in _CAMPAIGN_PARAMETERS],
    )
    return list(result.mappings())


def _clicks(row: RowMapping) -> frozenset[str]:
    return frozenset(platform for name, platform in PLATFORM_OF_CLICK.items() if row[name])


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _order(one: Suggestion) -> tuple[int, str, str, str]:
    return -one.visits, one.field, one.written, one.registered
