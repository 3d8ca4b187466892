"""What the truth calls knowable is what the recorded rows join: found here once more from the rows alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from worlds import UNTIL, truth, world

from sandbox.parameters import DEFAULT
from sandbox.world import Simulation, build

JUDGED = ("contact", "client_id")


class Joined:
    """Nodes that values join."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, one: str) -> str:
        self.parent.setdefault(one, one)
        while self.parent[one] != one:
            one = self.parent[one]
        return one

    def join(self, one: str, other: str) -> None:
        self.parent[self.find(one)] = self.find(other)


def from_rows(simulation: Simulation) -> Joined:
    """Components over contacts, client ids and what they carry; desks' numbers and role addresses join nobody."""
    recorded, found = simulation.recorded(), Joined()
    desks = {life.person.salon.phone[-9:] for life in simulation.lives.values() if life.person.salon}
    for visit in recorded.visits.itertuples():
        client, query = f"client_id:{visit.client_id}", parse_qs(urlsplit(visit.landing_url).query)
        found.find(client)
        for name in ("gclid", "yclid"):
            for value in query.get(name, []):
                found.join(client, f"click:{value}")
    for one in recorded.crm["contacts"]:
        carried, node = one.properties, f"contact:{one.id}"
        found.find(node)
        join_address(found, node, carried.get("email"))
        phone = re.sub(r"\D", "", carried.get("phone") or "")[-9:]
        if phone and phone not in desks and set(phone) != {"0"}:
            found.join(node, f"phone:{phone}")
        if carried.get("ym_client_id"):
            found.join(node, f"client_id:{carried['ym_client_id']}")
        for name in ("hs_google_click_id", "yclid"):
            if carried.get(name):
                found.join(node, f"click:{carried[name]}")
        for merged in filter(None, (carried.get("hs_merged_object_ids") or "").split(";")):
            found.join(node, f"contact:{merged}")
    contact_of = {one.id: one.associations["contacts"] for one in recorded.crm["deals"]}
    for response in recorded.responses:
        node = f"response:{response.token}"
        join_address(found, node, str(response.answers.get("email", "")))
        if "client_id" in response.hidden:
            found.join(node, f"client_id:{response.hidden['client_id']}")
        for contact in contact_of.get(response.hidden.get("deal_id", ""), []):
            found.join(node, f"contact:{contact}")
    return found


def join_address(found: Joined, node: str, written: str | None) -> None:
    address = (written or "").strip().lower()
    if address and not address.startswith(("info@", "test+")):
        found.join(node, f"email:{address}")


def groups(found: Joined, of_whom: dict[str, str]) -> set[tuple[str, frozenset[str]]]:
    """(person, the judged nodes of one component that are theirs)."""
    parts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for node in found.parent:
        if node in of_whom:
            parts[of_whom[node], found.find(node)].add(node)
    return {(person, frozenset(nodes)) for (person, _), nodes in parts.items()}


def told_groups(told: dict[str, Any]) -> set[tuple[str, frozenset[str]]]:
    found = set()
    for row in told["persons"]:
        for group in row["linked"]:
            nodes = frozenset(node for node in group if node.split(":")[0] in JUDGED)
            if nodes:
                found.add((row["person"], nodes))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_knowable_is_what_recorded_rows_join_no_more_and_no_less(seed: int) -> None:
    told, found = truth(seed), from_rows(world(seed))
    of_whom = {node: person for person, nodes in told_groups(told) for node in nodes}
    assert len(of_whom) > 3_000
    assert sum(len(nodes) > 1 for _, nodes in told_groups(told)) > 300
    assert groups(found, of_whom) == told_groups(told)


@pytest.mark.parametrize("seed", [1, 2])
def test_recorded_rows_never_join_two_people(seed: int) -> None:
    found = from_rows(world(seed))
    whose: dict[str, set[str]] = defaultdict(set)
    for person, nodes in told_groups(truth(seed)):
        for node in nodes:
            whose[found.find(node)].add(person)
    assert max(map(len, whose.values())) == 1


def without_consent(loss: float) -> Simulation:
    parameters = replace(DEFAULT, people=replace(DEFAULT.people, consent_loss=loss))
    return build(3, 6, UNTIL, 0.4, parameters)


def test_lost_consent_hides_people_and_changes_nothing_that_they_do() -> None:
    worlds = [without_consent(loss) for loss in (0.0, 0.2, 0.4)]
    full, less, least = [one.truth(True) for one in worlds]
    for told in (less, least):
        assert told["channels"].keys() == full["channels"].keys()
        for name, row in told["channels"].items():
            assert row["incremental"] == full["channels"][name]["incremental"], name
        assert told["money"] == full["money"]
        assert told["spend"] == full["spend"]
        assert [row["deal_id"] for row in told["deals"]] == [row["deal_id"] for row in full["deals"]]
    seen = [{row["visit_id"] for row in told["visits"]} for told in (full, less, least)]
    # Who is lost at 20 % is lost at 40 % too; whoever is left leaves the same rows.
    assert seen[0] > seen[1] > seen[2]
    people = [len({row["person"] for row in told["visits"]}) for told in (full, less, least)]
    assert 0.72 < people[1] / people[0] < 0.88
    assert 0.52 < people[2] / people[0] < 0.68
    rows = {row["visit_id"]: row for row in full["visits"]}
    assert all(rows[row["visit_id"]] == row for row in least["visits"])
    assert len(worlds[2].recorded().sessions) < len(worlds[0].recorded().sessions)
