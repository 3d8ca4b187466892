"""Where money and tagged visits do not meet: spend without tagged visits, and tagged visits without spend."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, text

from rebuttal.quality.checks import Check
from rebuttal.quality.utm_registry import FIELDS, Registry, folded
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.replace import replace_rows
from rebuttal.warehouse.tables import campaign_gap

SPEND, VISITS = "spend_without_tagged_visits", "tagged_visits_without_spend"
_LINK = ("platform", "campaign_id", "source", "medium", "campaign")
_TOLD = {
    SPEND: (
        "ad_performance",
        "A campaign spends money, and none of its clicks came with its tags",
        "Look at the final addresses of its advertisements and at redirects; if its link is missing in utm.yml, add it"
        " with the campaign's id",
    ),
    VISITS: (
        "visit",
        "Visits carry the tags of a paid campaign that spends nothing",
        "Look for old links in posts and partners' pages; if the campaign runs under another id, correct campaign_id in"
        " utm.yml; if its account is not pulled, add the source",
    ),
}


@dataclass(frozen=True)
class Gap:
    """One campaign of one kind. `cost` in `currency` (both empty for visits without spend), dates of the ad account."""

    kind: str
    platform: str
    campaign_id: str
    campaign_name: str
    currency: str
    cost: Decimal
    clicks: int
    tagged_visits: int
    first_date: date
    last_date: date

    def told(self) -> str:
        """The campaign and its size in one line."""
        name = f"{self.platform or 'unknown platform'} {self.campaign_name} {self.campaign_id}".rstrip()
        if self.kind == SPEND:
            return f"{name}: {self.cost:.2f} {self.currency}, {self.clicks} clicks"
        return f"{name}: {self.tagged_visits} visits"


def campaign_gaps(connection: Connection, registry: Registry) -> list[Gap]:
    """All gaps as the warehouse stands now, largest first within each kind. Reads `core` only.

    Windows and minimums are the registry's `audit`. Without spend or without visits there is nothing to compare.
    """
    links = [
        {"platform": link.platform, "campaign_id": link.campaign_id}
        | {name.removeprefix("utm_"): folded(tag) for name, tag in zip(FIELDS, link.tags, strict=True)}
        for link in registry.links
    ]
    audit = registry.audit
    result = sql.run_file(
        connection,
        "campaign_gaps.sql",
        {"links": json.dumps(links)},
        links=dialect_of(connection).records(":links", _LINK),
        days=audit.days,
        minimum_clicks=audit.minimum_clicks,
        minimum_visits=audit.minimum_visits,
    )
    return [Gap(**row) for row in result.mappings()]


def record_gaps(connection: Connection, gaps: Iterable[Gap]) -> int:
    """Make `ops.campaign_gap` hold exactly these gaps; the number of rows written, 0 when nothing is new."""
    return replace_rows(connection, campaign_gap, [asdict(gap) for gap in gaps])


def spend_checks(connection: Connection, gaps: list[Gap]) -> list[Check]:
    """The two directions as checks over `core`, each with up to three examples. `gaps` are those of `campaign_gaps`.

    The query finds the campaigns in `ops.campaign_gap`, once they are recorded there.
    """
    counted = {
        SPEND: "select count(*) from (select distinct source, campaign_id from core.ad_performance) as campaigns",
        VISITS: "select count(*) from (select distinct utm_source, utm_medium, utm_campaign from core.visit"
        " where utm_campaign is not null) as combinations",
    }
    checks = []
    for kind, (_, description, next_step) in _TOLD.items():
        found = [gap for gap in gaps if gap.kind == kind]
        check = Check(
            name=kind,
            severity="alarm" if kind == SPEND else "warning",
            description=description,
            next_step=next_step,
            row_count=int(connection.execute(text(counted[kind])).scalar_one()),
            failed_count=len(found),
            query=f"select * from ops.campaign_gap where kind = '{kind}' order by cost desc, tagged_visits desc",
        )
        checks.append(check.with_examples(gap.told() for gap in found))
    return checks


def entity_of(check: Check) -> str:
    """The entity of `core` that a check of this module is about."""
    return _TOLD[check.name][0]
