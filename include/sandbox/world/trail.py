"""What a person's browsers leave behind: each visit's arrival, and the client id where anything is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.parameters import Parameters
from sandbox.world.life import Life, Visit
from sandbox.world.streams import DAY, number, unit
from sandbox.world.tags import Arrival, arrive


@dataclass(frozen=True, slots=True)
class Step:
    """One visit as the browser saw it. An empty `client_id`: the counter never ran (blocked, or no consent)."""

    visit: Visit
    arrival: Arrival
    client_id: str
    is_new: bool
    is_ga4: bool

    @property
    def direct_campaign_id(self) -> str | None:
        """Metrica knows the campaign of a click of Direct by its click id, whatever the tags say."""
        is_known = self.arrival.has_click_id and self.arrival.click == "yclid"
        return self.visit.link.campaign_id if is_known and self.visit.link else None


def follow(seed: int, life: Life, parameters: Parameters) -> list[Step]:
    """The trail of a life, in time order. A cookie ends after its days without a visit, or when it is cleared."""
    who, steps = life.person, []
    born: dict[int, int] = {}
    last: dict[int, int] = {}
    for visit in life.visits:
        device = who.devices[visit.device]
        arrival = arrive(seed, who, visit, parameters)
        if device.is_blocking or device.consent == "none":
            steps.append(Step(visit, arrival, "", False, False))
            continue
        at, index = visit.at, visit.device
        stale = device.cookie_days and at - last.get(index, at) > device.cookie_days * DAY
        cleared = unit(seed, who.key, visit.slot, "clear") < parameters.people.cookie_cleared_a_visit
        is_new = index not in born or stale or cleared
        if is_new:
            born[index] = at
        last[index] = at
        client = f"{born[index]}{number(seed, who.key, index, born[index], 'client') % 10**9:09d}"
        steps.append(Step(visit, arrival, client, bool(is_new), device.consent == "all"))
    return steps
