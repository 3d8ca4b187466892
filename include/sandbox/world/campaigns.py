"""The truth of campaigns: what each cost, how many visits it brought, and how many of them had tags."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox.world.links import LINKS, OLD_LINK
from sandbox.world.outages import outages
from sandbox.world.recording import Recording
from sandbox.world.streams import iso

if TYPE_CHECKING:
    from sandbox.world.simulation import Simulation

_TAGS = ("utm_source", "utm_medium", "utm_campaign")


def campaigns(world: Simulation, look: Recording) -> list[dict[str, Any]]:
    """One row per campaign that is paid for at a platform, and the old one whose links outlived it.

    `recorded_visits` are those that the counter saw, `tagged_visits` those of them that arrived with this campaign's
    tags (whatever their case), whoever sent them.
    """
    spend: Counter[str] = Counter()
    for row in look.media.spend:
        spend[row["campaign_id"]] += row["cost_micros"]
    recorded: Counter[str] = Counter()
    tagged: Counter[tuple[str, ...]] = Counter()
    for row in look.counted.visit_truth:
        recorded[row["campaign_id"]] += 1
        tagged[
            tuple(row["arrived"].get(name, "").casefold() for name in ("utm_source", "utm_medium", "utm_campaign"))
        ] += 1
    return [
        {
            "campaign_id": link.campaign_id,
            "name": link.name,
            "platform": link.platform,
            "utm_source": link.utm_source,
            "utm_medium": link.utm_medium,
            "utm_campaign": link.utm_campaign,
            "is_registered": link.is_registered,
            "is_tagged": link.is_tagged,
            "cost_micros": spend[link.campaign_id],
            "recorded_visits": recorded[link.campaign_id],
            "tagged_visits": tagged[link.utm_source, link.utm_medium, link.utm_campaign],
            "outages": [
                {"first": iso(one.first), "until": iso(one.until)}
                for one in outages(world.seed, link, world.start, world.now_seconds, world.parameters.tags)
            ],
        }
        for link in (*LINKS, OLD_LINK)
        if link.platform
    ]
