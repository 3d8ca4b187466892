"""Who is whom: all identifiers of each person, and which of them anybody could know to belong together."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sandbox.world.life import Life, Touch, Visit
from sandbox.world.recording import Recording
from sandbox.world.streams import iso

_BEFORE_MQL = ("subscriber", "lead")


class _Groups:
    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, one: str) -> str:
        self._parent.setdefault(one, one)
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, one: str, other: str) -> None:
        self._parent[self.find(one)] = self.find(other)

    def groups(self) -> list[list[str]]:
        found = defaultdict(list)
        for one in self._parent:
            found[self.find(one)].append(one)
        return sorted(sorted(group) for group in found.values())


def identities(lives: dict[str, Life], look: Recording, now: int) -> list[dict[str, Any]]:
    """One entry a person of whom anything is recorded. `linked`: the identifiers that recorded evidence joins (a
    client id or click id on a form, a personal address or number, a merge, a survey's hidden field), group by group.
    `journey`: every touch by `now`, recorded or not; `is_consented`: the counter runs on all of their devices;
    `recorded_mql_at`: since when the CRM's history has them as an MQL or beyond."""
    shown = {row["visit_id"]: row for row in look.counted.visit_truth if row["person"]}
    groups: dict[str, _Groups] = defaultdict(_Groups)
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in shown.values():
        who, client = str(row["person"]), f"client_id:{row['client_id']}"
        groups[who].find(client)
        found[who]["client_ids"].add(str(row["client_id"]))
        if row["click_id"]:
            found[who]["click_ids"].add(str(row["click_id"]))
            if row["click_id_arrived"]:
                groups[who].join(client, f"click_id:{row['click_id']}")
    _contacts(look, groups, found)
    _responses(look, groups, found)
    visit_ids: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in shown.values():
        visit_ids[row["person"], row["at"]].append(row["visit_id"])
    rows = []
    for who in sorted(found):
        person = lives[who].person
        rows.append(
            {
                "person": who,
                "segment": person.segment,
                "language": person.language,
                "arrived_at": iso(person.arrived_at),
                "first_channel": lives[who].first_channel,
                "lead_at": iso(lives[who].lead_at) if lives[who].lead_at else None,
                "recorded_mql_at": min(found[who]["mql_at"], default=None),
                "salon": person.salon.key if person.salon else None,
                "has_shared_phone": person.is_desk_phone,
                "has_role_email": person.is_role_email,
                **{
                    kind: sorted(found[who][kind])
                    for kind in ("client_ids", "click_ids", "contacts", "emails", "phones", "responses")
                },
                "linked": groups[who].groups(),
                "is_consented": not any(one.is_blocking or one.consent == "none" for one in person.devices),
                "journey": _journey(lives[who], visit_ids, now),
            }
        )
    return rows


def _journey(life: Life, visit_ids: dict[tuple[str, str], list[str]], now: int) -> list[dict[str, Any]]:
    """The true touches in order. `visits`: the rows that the counter has of a visit; none of what was only seen."""
    both: list[Touch | Visit] = [*life.touches, *life.visits]
    return [
        {
            "at": iso(one.at),
            "channel": one.channel,
            "kind": "visit" if isinstance(one, Visit) else "seen",
            "visits": visit_ids.get((life.person.key, iso(one.at)), []) if isinstance(one, Visit) else [],
        }
        for one in sorted(both, key=lambda one: (one.at, one.slot))
        if one.at < now
    ]


def _contacts(look: Recording, groups: dict[str, _Groups], found: dict[str, dict[str, set[str]]]) -> None:
    held = {one.id: one for one in look.recorded.crm["contacts"]}
    for card in look.cards:
        if card.life is None:
            continue
        person, properties = card.life.person, held[card.id].properties
        who, node = person.key, f"contact:{card.id}"
        found[who]["mql_at"] |= {
            version["timestamp"]
            for version in held[card.id].history.get("lifecyclestage", ())
            if version["value"] not in _BEFORE_MQL
        }
        groups[who].find(node)
        found[who]["contacts"].add(card.id)
        if card.email:
            found[who]["emails"].add(card.email)
            if not (card.email == person.email and person.is_role_email):
                groups[who].join(node, f"email:{card.email}")
        if card.phone:
            found[who]["phones"].add(card.phone)
            if not (card.phone == person.phone and person.is_desk_phone):
                groups[who].join(node, f"phone:{card.phone}")
        if properties.get("ym_client_id"):
            groups[who].join(node, f"client_id:{properties['ym_client_id']}")
            found[who]["client_ids"].add(str(properties["ym_client_id"]))
        click = properties.get("hs_google_click_id") or properties.get("yclid")
        if click:
            groups[who].join(node, f"click_id:{click}")
            found[who]["click_ids"].add(click)
        if card.merged_into is not None:
            groups[who].join(node, f"contact:{card.merged_into.id}")


def _responses(look: Recording, groups: dict[str, _Groups], found: dict[str, dict[str, set[str]]]) -> None:
    contact_of = {one.id: one.associations["contacts"] for one in look.recorded.crm["deals"]}
    people = {row["token"]: row["person"] for row in look.answers.truth}
    copies = {copy["id"]: copy["original_id"] for copy in look.answers.copies}
    roles = {card.life.person.email for card in look.cards if card.life and card.life.person.is_role_email}
    for response in look.recorded.responses:
        who, node = people[copies.get(response.token, response.token)], f"response:{response.token}"
        groups[who].find(node)
        found[who]["responses"].add(response.token)
        address = str(response.answers.get("email", "")).strip().lower()
        if address:
            found[who]["emails"].add(address)
            if address not in roles:
                groups[who].join(node, f"email:{address}")
        if "client_id" in response.hidden:
            groups[who].join(node, f"client_id:{response.hidden['client_id']}")
            found[who]["client_ids"].add(response.hidden["client_id"])
        for contact in contact_of.get(response.hidden.get("deal_id", ""), []):
            groups[who].join(node, f"contact:{contact}")
