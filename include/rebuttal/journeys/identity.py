"""Who is who: connected components over identifiers, with guards against what people share.

Evidence goes from strong to weak: merges that the CRM itself made, then e-mail, then phone, then devices and ad clicks.
Each step may only join what the steps before left apart, and what looks shared joins nobody:

- an identifier that is a crowd's whatever else is known (a desk's, test or invalid address, a burst, hundreds of
  records), or that more persons carry than `IdentityGuards` allows;
- a phone or device whose holders contradict each other (another personal e-mail, segment or language), and the phone of
  a company where something speaks for a second person (see `_company_phone`);
- a click id copied to a second device, and merges that run in a circle.

Every refusal is kept with its reason. All of it is numbers: text stays in the warehouse (`identifiers.py`). A decision
looks only at what one island holds, that is, at nodes that any evidence (refused or not, crowds aside) connects; so
resolving some islands gives the same rows as resolving all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identity_graph import Graph, Longs, distinct_count, joined, least_member, spread

RECORD_KINDS = ("contact", "booking", "answer", "deal", "merge", "device", "gclid", "yclid")
CONTACT, BOOKING, ANSWER, DEAL, MERGE, DEVICE, GCLID, YCLID = range(len(RECORD_KINDS))
# In the order of their names, which is also the order in which equally old identifiers name a person.
KINDS = (
    "booking_id",
    "client_id",
    "contact_id",
    "email_hash",
    "gclid",
    "partner_email_hash",
    "partner_phone_hash",
    "phone_hash",
    "response_id",
    "yclid",
)
_SELF_KINDS = ("contact_id", "booking_id", "response_id", "contact_id", "contact_id", "client_id", "gclid", "yclid")
RULES = ("alone", "vendor_merge", "email", "phone", "click", "device", "survey")
DAY = 86_400_000_000  # microseconds
NEVER = int(np.iinfo(np.int64).max)
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Records:
    """Evidence as numbers, one entry a record. Nodes are numbers of identifiers, 0 where there is none; traits are
    numbers, -1 where unknown; `seen` is microseconds since 1970 UTC, NEVER where unknown; `turn` is the order of the
    devices that carried a click at the same instant, by their names. `crowds`: nodes that glue nobody.
    """

    key: Longs
    kind: Longs
    self_node: Longs
    email: Longs
    phone: Longs
    client: Longs
    gclid: Longs
    yclid: Longs
    other: Longs
    seen: Longs
    turn: Longs
    segment: Longs
    language: Longs
    company: Longs
    owner: Longs
    is_scoped: Mask
    is_role: Mask
    is_online: Mask
    crowds: Longs

    def __len__(self) -> int:
        return len(self.kind)


NODES = ("self_node", "email", "phone", "client", "gclid", "yclid", "other")


@dataclass(frozen=True)
class Resolution:
    """What was found, by node: `component` numbers the persons from 0 up, `island` is the least node of it, `rule`
    counts in RULES, `kind` in KINDS, `seen` as in Records. `is_nobody`: refused addresses, phones and clicks that
    belong to no person. `refusals`: (node, reason, how many it would have glued). The next two say where a node is
    named first: by which record, in which column (counted in NODES). `crowd_names` says it of crowds, with their nodes.
    """

    node: Longs
    kind: Longs
    component: Longs
    island: Longs
    rule: npt.NDArray[np.int8]
    seen: Longs
    is_nobody: Mask
    refusals: list[tuple[int, str, int]]
    named_by: Longs
    named_in: Longs
    crowd_names: tuple[Longs, Longs, Longs]


def resolve(records: Records, guards: IdentityGuards) -> Resolution:
    """Put every named node, crowds aside, into exactly one component (a person), whatever the order of the records."""
    resolver = _Resolver(records, guards)
    resolver.merges()
    resolver.email()
    resolver.phone()
    resolver.devices()
    return resolver.resolution()


class _Resolver:
    def __init__(self, records: Records, guards: IdentityGuards) -> None:
        self.records, self.guards = records, guards
        self.graph = Graph([getattr(records, name) for name in NODES])
        self.crowd = np.isin(self.graph.nodes, records.crowds)
        # Crowds are nobody's evidence: from here on they are not there (-1).
        self.named = dict(zip(NODES, self.graph.places, strict=True))
        self.at = self.named
        if self.crowd.any():
            self.at = {name: np.where(self.crowd[at], -1, at) for name, at in self.named.items()}
        self.refusals: list[tuple[int, str, int]] = []
        self.own_email, self.own_phone = self.at["email"].copy(), self.at["phone"].copy()
        # Whose segment and language count for a record: its own, and for an answer those of its deal's contact.
        self.traits = np.arange(len(records), dtype=np.int64)
        self.is_person = np.isin(records.kind, (CONTACT, BOOKING))

    def merges(self) -> None:
        """Follow the CRM's own merges through chains; a circle (A into B into A) is refused whole."""
        rows = self.records.kind == MERGE
        into, merged = self.at["self_node"][rows], self.at["other"][rows]
        circle = self.graph.strong_components(into, merged)
        in_circle = circle[into] == circle[merged]
        looped = np.unique(np.concatenate([into[in_circle], merged[in_circle]]))
        for place in looped:
            members = int((circle[looped] == circle[place]).sum())
            self.refusals.append((int(self.graph.nodes[place]), "merge_circle", members))
        self.graph.join(into[~in_circle], merged[~in_circle], RULES.index("vendor_merge"))

    def email(self) -> None:
        """One personal address is one person, unless more persons carry it than one person has records."""
        rows, held = self._held("email", self.is_person)
        members = self._members(rows, held)
        too_many = members > self.guards.max_contacts_per_email
        self._refuse(held, members, [(too_many, "too_many_contacts")])
        self._join(rows, held, ~too_many, "email")
        answers, given = self._held("email", self.records.kind == ANSWER)
        refused = np.isin(given, held[too_many])
        self.own_email[answers[refused]] = -1
        self._join(answers, given, ~refused, "email")

    def phone(self) -> None:
        """A phone joins only records that do not contradict each other, and never the people of one desk."""
        rows, held = self._held("phone", self.is_person)
        rows, held = self._shared(rows, held, np.full(len(rows), RULES.index("phone")))[:2]
        members = self._members(rows, held)
        shared = members > 1
        too_many = members > self.guards.max_contacts_per_phone
        desk = shared & _any(held, self.records.is_role[rows])
        contradiction = shared & (_differ(held, self.own_email[rows]) | self._other_people(rows, held))
        company = shared & self._company_phone(rows, held)
        reasons = [
            (too_many, "too_many_contacts"),
            (desk, "desk_phone"),
            (contradiction, "contradiction"),
            (company, "company_phone"),
        ]
        self._refuse(held, members, reasons)
        self._join(rows, held, ~(too_many | desk | contradiction | company), "phone")

    def devices(self) -> None:
        """Tie client ids to people: a record's own, through its ad click, or through a survey answered there."""
        self._name_answers()
        links = [
            (*self._held("client", self.is_person), "device"),
            (*self._by_click("gclid"), "click"),
            (*self._by_click("yclid"), "click"),
            (*self._held("client", (self.records.kind == ANSWER) & self.is_named), "survey"),
        ]
        rows = np.concatenate([link[0] for link in links])
        held = np.concatenate([link[1] for link in links])
        rule = np.concatenate([np.full(len(link[0]), RULES.index(link[2])) for link in links])
        rows, held, rule = self._shared(rows, held, rule)
        members = self._members(rows, held)
        too_many = members > self.guards.max_contacts_per_device
        people = _differ(held, self.own_email[rows]) & _differ(held, self.own_phone[rows])
        contradiction = (members > 1) & (people | self._other_people(rows, held))
        self._refuse(held, members, [(too_many, "shared_device"), (contradiction, "contradiction")])
        for name in ("click", "device", "survey"):
            self._join(rows, held, ~(too_many | contradiction) & (rule == RULES.index(name)), name)

    def resolution(self) -> Resolution:
        """All of it, crowds left out: who carries them is not known here."""
        records, nodes = self.records, self.graph.nodes
        row, column = self.graph.first_row, self.graph.first_column
        kind, seen = np.zeros(len(nodes), dtype=np.int64), np.full(len(nodes), NEVER)
        for number, name in enumerate(NODES):
            here = column == number
            kind[here] = self._kinds(name, row[here])
            rows = np.flatnonzero(self.named[name] >= 0)
            np.minimum.at(seen, self.named[name][rows], records.seen[rows])
        refused = np.isin(nodes, [node for node, _, _ in self.refusals])
        names_nobody = np.isin(
            kind, [KINDS.index(name) for name in KINDS if name.endswith("_hash") or name in ("gclid", "yclid")]
        )
        component, island = self.graph.components(), least_member(nodes, self._islands())
        crowd, keep, rule, named_by = self.crowd, ~self.crowd, self.graph.rule, records.key[row]
        nobody = refused & names_nobody & (rule == 0)
        return Resolution(
            nodes[keep], kind[keep], component[keep], island[keep], rule[keep], seen[keep], nobody[keep], self.refusals,
            named_by[keep], column[keep], (nodes[crowd], named_by[crowd], column[crowd]),
        )  # fmt: skip

    def _kinds(self, column: str, rows: Longs) -> Longs:
        """What kind of identifier stands in a column of these records."""
        if column == "self_node":
            return np.array([KINDS.index(name) for name in _SELF_KINDS])[self.records.kind[rows]]
        scoped = self.records.is_scoped[rows]
        if column in ("email", "phone"):
            plain, own = KINDS.index(f"{column}_hash"), KINDS.index(f"partner_{column}_hash")
            return np.where(scoped, own, plain)
        name = {"client": "client_id", "other": "contact_id"}.get(column, column)
        return np.full(len(scoped), KINDS.index(name))

    def _islands(self) -> Longs:
        """What any evidence connects, refused or not: nothing outside an island can change a decision in it."""
        itself = self.at["self_node"]
        edges = []
        for name in NODES[1:]:
            rows = np.flatnonzero((itself >= 0) & (self.at[name] >= 0))
            edges.append((itself[rows], self.at[name][rows]))
        left, right = (np.concatenate(side) for side in zip(*edges, strict=True))
        return joined(len(self.graph.nodes), left, right)

    def _name_answers(self) -> None:
        """An answer without a personal address is its deal's contact's, traits and all."""
        records, other = self.records, self.at["other"]
        answers = np.flatnonzero((records.kind == ANSWER) & (self.own_email < 0) & (other >= 0))
        self.graph.join(other[answers], self.at["self_node"][answers], RULES.index("survey"))
        self.is_named = self.own_email >= 0
        self.is_named[answers] = True
        contacts = np.flatnonzero(records.kind == CONTACT)
        row_of = np.full(len(self.graph.nodes), -1, dtype=np.int64)
        row_of[self.at["self_node"][contacts]] = contacts
        known = answers[row_of[other[answers]] >= 0]
        self.traits[known] = row_of[other[known]]
        for own in (self.own_email, self.own_phone):
            own[known] = own[self.traits[known]]

    def _by_click(self, kind: str) -> tuple[Longs, Longs]:
        """Records and the device that carried their click first; a click that no visit shows stands for its device."""
        clicks = (
            (self.records.kind == RECORD_KINDS.index(kind)) & (self.at["self_node"] >= 0) & (self.named["client"] >= 0)
        )
        click, device = self.at["self_node"][clicks], self.named["client"][clicks]
        order = np.lexsort((self.records.turn[clicks], self.records.seen[clicks], click))
        click, device = click[order], device[order]
        is_first = np.ones(len(click), dtype=bool)
        is_first[1:] = click[1:] != click[:-1]
        carriers = np.bincount(click, minlength=len(self.graph.nodes))
        for place in np.flatnonzero(carriers > 1):
            self.refusals.append((int(self.graph.nodes[place]), "copied_click", int(carriers[place])))
        device_of = np.arange(len(self.graph.nodes), dtype=np.int64)
        device_of[click[is_first]] = np.where(self.crowd[device[is_first]], -1, device[is_first])
        usable = is_first & ~self.crowd[device]
        self.graph.join(click[usable], device[usable], RULES.index("click"))
        rows, held = self._held(kind, self.is_person)
        members = self._members(rows, held)
        too_many = members > self.guards.max_contacts_per_click
        self._refuse(held, members, [(too_many, "too_many_contacts")])
        rows, held = rows[~too_many], device_of[held[~too_many]]
        return rows[held >= 0], held[held >= 0]

    def _company_phone(self, rows: Longs, held: Longs) -> Mask:
        """Whether a company's phone has a holder who is likely a colleague of the first one.

        A rep who files a known caller again does so soon, for the same owner, by hand. A later record that came by the
        site itself, belongs to another owner, or comes after `company_phone_days` is somebody else at the same desk.
        """
        records, span = self.records, self.guards.company_phone_days * DAY
        seen, component = records.seen[rows], self.graph.components()[self.at["self_node"][rows]]
        begun = spread(held, seen, np.minimum)
        is_first = seen == begun
        is_other = component != spread(held, np.where(is_first, component, NEVER), np.minimum)
        late = is_other & (seen > np.minimum(begun, NEVER - span) + span)
        online = is_other & ~is_first & records.is_online[rows]
        owners = _differ(held, np.where(is_first | is_other, records.owner[rows], -1))
        return _any(held, records.company[rows] >= 0) & (_any(held, late | online) | owners)

    def _held(self, name: str, which: Mask) -> tuple[Longs, Longs]:
        """Those of these records that carry an identifier in this column, and its place."""
        rows = np.flatnonzero(which & (self.at[name] >= 0))
        return rows, self.at[name][rows]

    def _shared(self, rows: Longs, held: Longs, rule: Longs) -> tuple[Longs, Longs, Longs]:
        """What one record alone carries needs no guard and is joined; the rest comes back."""
        alone = np.bincount(held, minlength=1)[held] == 1
        for number in np.unique(rule[alone]):
            self._join(rows, held, alone & (rule == number), RULES[number])
        return rows[~alone], held[~alone], rule[~alone]

    def _members(self, rows: Longs, held: Longs) -> Longs:
        """For each row, how many persons (components so far) carry its identifier."""
        return distinct_count(held, self.graph.components()[self.at["self_node"][rows]])

    def _other_people(self, rows: Longs, held: Longs) -> Mask:
        """Whether holders differ in what a person does not change: segment, language."""
        source = self.traits[rows]
        return _differ(held, self.records.segment[source]) | _differ(held, self.records.language[source])

    def _refuse(self, held: Longs, members: Longs, reasons: list[tuple[Mask, str]]) -> None:
        """Keep the first reason that fits each identifier."""
        done = np.zeros(len(held), dtype=bool)
        for mask, reason in reasons:
            places, at = np.unique(held[mask & ~done], return_index=True)
            counts = members[mask & ~done][at].tolist()
            self.refusals += [(n, reason, c) for n, c in zip(self.graph.nodes[places].tolist(), counts, strict=True)]
            done |= mask

    def _join(self, rows: Longs, held: Longs, keep: Mask, rule: str) -> None:
        self.graph.join(self.at["self_node"][rows[keep]], held[keep], RULES.index(rule))


def _differ(held: Longs, values: Longs) -> Mask:
    """Whether the holders of the same identifier have more than one known (not negative) value."""
    least = spread(held, np.where(values >= 0, values, NEVER), np.minimum)
    return least < spread(held, values, np.maximum)


def _any(held: Longs, values: Mask) -> Mask:
    """Whether it is so for any holder of the same identifier."""
    found: Mask = np.bincount(held, weights=values, minlength=1)[held] > 0
    return found
