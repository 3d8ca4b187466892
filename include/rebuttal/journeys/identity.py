"""Who is who: connected components over identifiers, with guards against what people share.

Evidence goes from strong to weak: merges that the CRM itself made, then e-mail, then phone, then devices and ad clicks.
Each step may only join what the steps before left apart, and what looks shared joins nobody:

- a desk's e-mail, a test or invalid address, or an identifier that more contacts carry than `IdentityGuards` allows;
- a phone or device whose holders contradict each other (another personal e-mail, segment or language);
- a click id copied to a second device, and merges that run in a circle.

Every refusal is kept with its reason. Only keyed hashes and vendor ids come in; nothing here is readable personal data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identifiers import SEPARATOR, Evidence, all_identifiers, key_of, merged_list

PERSONAL = "personal"
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Resolution:
    """What was found, as two frames.

    `members`: key, identifier_kind, source, account_id, identifier, first_seen_at, component, rule; one row per
    identifier, but for refused addresses, phones and clicks, which are nobody.
    `refusals`: identifier_kind, identifier, reason, member_count.
    """

    members: pd.DataFrame
    refusals: pd.DataFrame


def resolve(evidence: Evidence, guards: IdentityGuards) -> Resolution:
    """Put every identifier into exactly one component (a person). Deterministic: the order of rows does not matter."""
    graph = _Graph(all_identifiers(evidence))
    contacts = _contact_rows(evidence.contacts)
    _merges(graph, contacts)
    _email(graph, contacts, guards)
    _phone(graph, contacts, guards)
    _devices(graph, contacts, evidence, guards)
    members = graph.nodes.assign(component=graph.components(), rule=graph.rule)
    refusals = pd.DataFrame(
        sorted(set(graph.refused)), columns=["identifier_kind", "identifier", "reason", "member_count"]
    )
    # A desk's phone or a test address is nobody; a shared device is still somebody, though nobody we know.
    nobody = members["identifier_kind"].isin(["email_hash", "phone_hash", "gclid", "yclid"]) & (
        members["rule"] == "alone"
    )
    refused_names = refusals["identifier_kind"] + SEPARATOR + refusals["identifier"]
    nobody &= (members["identifier_kind"] + SEPARATOR + members["identifier"]).isin(refused_names)
    return Resolution(members[~nobody].reset_index(drop=True), refusals)


class _Graph:
    """Nodes, the edges accepted so far, and what was refused."""

    def __init__(self, nodes: pd.DataFrame) -> None:
        self.nodes = nodes
        self.position = pd.Series(np.arange(len(nodes)), index=nodes["key"])
        self.rule = np.full(len(nodes), "alone", dtype=object)
        self.refused: list[tuple[str, str, str, int]] = []
        self._left: list[Labels] = []
        self._right: list[Labels] = []

    def components(self) -> Labels:
        """The component of every node, numbered by first member."""
        count = len(self.nodes)
        if not self._left:
            return np.arange(count, dtype=np.int64)
        left, right = np.concatenate(self._left), np.concatenate(self._right)
        matrix = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
        return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)

    def join(self, left: pd.Series, right: pd.Series, rule: str) -> None:
        """Accept edges between keys; `right` nodes that had no rule yet get this one."""
        if left.empty:
            return
        a = self.position.loc[left].to_numpy(dtype=np.int64)
        b = self.position.loc[right].to_numpy(dtype=np.int64)
        self._left.append(a)
        self._right.append(b)
        for nodes in (a, b):
            fresh = nodes[self.rule[nodes] == "alone"]
            self.rule[fresh] = rule

    def component_of(self, keys: pd.Series) -> Labels:
        """The present component of each key."""
        found: Labels = self.components()[self.position.loc[keys].to_numpy(dtype=np.int64)]
        return found

    def refuse(self, found: pd.DataFrame, reason: str) -> None:
        """Keep refusals; `found` has identifier_kind, identifier, member_count."""
        columns = found[["identifier_kind", "identifier", "member_count"]]
        for kind, identifier, count in columns.itertuples(index=False, name=None):
            self.refused.append((str(kind), str(identifier), reason, int(count)))


def _merges(graph: _Graph, contacts: pd.DataFrame) -> None:
    """Follow the CRM's own merges through chains; a circle (A into B into A) is refused whole."""
    merges = contacts.loc[contacts["merged_ids"].notna(), ["key", "source", "account_id", "merged_ids"]]
    merges = merges.assign(merged=merges["merged_ids"].map(merged_list)).explode("merged").dropna(subset="merged")
    if merges.empty:
        return
    merges["merged_key"] = key_of("contact_id", merges["merged"], merges["source"], merges["account_id"])
    merges = merges[merges["key"] != merges["merged_key"]]
    a = graph.position.loc[merges["key"]].to_numpy(dtype=np.int64)
    b = graph.position.loc[merges["merged_key"]].to_numpy(dtype=np.int64)
    size = len(graph.nodes)
    directed = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    circle = connected_components(directed, directed=True, connection="strong")[1]
    in_circle = circle[a] == circle[b]
    looped = np.unique(np.concatenate([a[in_circle], b[in_circle]]))
    for node in looped:
        members = int((circle[looped] == circle[node]).sum())
        graph.refused.append(("contact_id", str(graph.nodes["identifier"].iloc[node]), "merge_circle", members))
    graph.join(merges.loc[~in_circle, "key"], merges.loc[~in_circle, "merged_key"], "vendor_merge")


def _email(graph: _Graph, contacts: pd.DataFrame, guards: IdentityGuards) -> None:
    rows = _carried(graph, contacts, "email_hash")
    rows = _refuse_kinds(graph, rows, "email_kind")
    too_many = rows["member_count"] > guards.max_contacts_per_email
    graph.refuse(rows[too_many], "too_many_contacts")
    graph.join(rows.loc[~too_many, "key"], rows.loc[~too_many, "identifier_key"], "email")


def _phone(graph: _Graph, contacts: pd.DataFrame, guards: IdentityGuards) -> None:
    """A phone joins only contacts that do not contradict each other, and never the people of one desk."""
    rows = _carried(graph, contacts, "phone_hash")
    rows = _refuse_kinds(graph, rows, "phone_kind")
    shared = rows["member_count"] > 1
    too_many = rows["member_count"] > guards.max_contacts_per_phone
    desk = shared & rows.groupby("identifier_key")["has_role_email"].transform("any")
    contradiction = shared & ((_differ(rows, "personal_email") > 1) | _other_people(rows))
    _refuse_first(
        graph, rows, [(too_many, "too_many_contacts"), (desk, "desk_phone"), (contradiction, "contradiction")]
    )
    keep = ~(too_many | desk | contradiction)
    graph.join(rows.loc[keep, "key"], rows.loc[keep, "identifier_key"], "phone")


def _devices(graph: _Graph, contacts: pd.DataFrame, evidence: Evidence, guards: IdentityGuards) -> None:
    """Tie client ids to contacts: the contact's own, through its ad click, or through a survey answered there."""
    links = [_carried(graph, contacts, "client_id").assign(rule="device")]
    links += [_by_click(graph, contacts, evidence.clicks, kind, guards) for kind in ("gclid", "yclid")]
    links.append(_by_answer(graph, contacts, evidence.answers))
    rows = pd.concat(links, ignore_index=True).drop_duplicates(["key", "identifier_key"])
    rows = _with_component(graph, rows)
    shared = rows["member_count"] > 1
    too_many = rows["member_count"] > guards.max_contacts_per_device
    people = (_differ(rows, "personal_email") > 1) & (_differ(rows, "personal_phone") > 1)
    contradiction = shared & (people | _other_people(rows))
    _refuse_first(graph, rows, [(too_many, "shared_device"), (contradiction, "contradiction")])
    kept = rows[~(too_many | contradiction)]
    for rule, group in kept.groupby("rule", sort=True):
        graph.join(group["key"], group["identifier_key"], str(rule))


def _by_click(
    graph: _Graph, contacts: pd.DataFrame, clicks: pd.DataFrame, kind: str, guards: IdentityGuards
) -> pd.DataFrame:
    """Contact to device through an ad click: the click belongs to the device that carried it first."""
    seen = clicks[clicks["kind"] == kind].sort_values(["click_id", "first_seen_at", "client_id"])
    seen = seen.assign(member_count=seen.groupby("click_id")["client_id"].transform("size"))
    first = seen.drop_duplicates("click_id").assign(identifier_kind=kind)
    first = first.rename(columns={"click_id": "identifier", "client_id": "device"})
    graph.refuse(first[first["member_count"] > 1], "copied_click")
    first["device_key"] = key_of("client_id", first["device"])
    graph.join(key_of(kind, first["identifier"]), first["device_key"], "click")
    rows = _carried(graph, contacts, kind)
    too_many = rows["member_count"] > guards.max_contacts_per_click
    graph.refuse(rows[too_many].drop_duplicates("identifier_key"), "too_many_contacts")
    rows = rows[~too_many].merge(first[["identifier", "device", "device_key"]], on="identifier", how="left")
    # A click that no visit shows stands for its device itself.
    known = rows["device"].notna()
    rows["identifier_kind"] = rows["identifier_kind"].where(~known, "client_id")
    rows["identifier"] = rows["device"].where(known, rows["identifier"])
    rows["identifier_key"] = rows["device_key"].where(known, rows["identifier_key"])
    return rows.assign(rule="click")


def _by_answer(graph: _Graph, contacts: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """To a device through a survey: from the address that was given there, or else from the contact of its deal."""
    rows = answers[answers["client_id"].notna() & (answers["client_id"] != "")]
    refused = {identifier for kind, identifier, _, _ in graph.refused if kind == "email_hash"}
    is_known = (rows["email_kind"] == PERSONAL) & rows["email_hash"].notna() & ~rows["email_hash"].isin(refused)
    by_email = rows[is_known]
    by_email = by_email.assign(key=key_of("email_hash", by_email["email_hash"]), personal_email=by_email["email_hash"])
    by_deal = rows.loc[~is_known & rows["contact_id"].notna(), ["client_id", "source", "account_id", "contact_id"]]
    by_deal = by_deal.assign(key=key_of("contact_id", by_deal["contact_id"], by_deal["source"], by_deal["account_id"]))
    traits = contacts[["key", "personal_email", "personal_phone", "segment", "language"]]
    found = pd.concat([by_email, by_deal.merge(traits, on="key", how="left")], ignore_index=True)
    return found.assign(
        identifier_kind="client_id",
        identifier=found["client_id"],
        identifier_key=key_of("client_id", found["client_id"]),
        rule="survey",
    )


def _carried(graph: _Graph, contacts: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Contacts that carry an identifier of this kind, with the number of persons (components so far) that do."""
    rows = contacts[contacts[kind].notna() & (contacts[kind] != "")]
    rows = rows.assign(identifier_kind=kind, identifier=rows[kind], identifier_key=key_of(kind, rows[kind]))
    return _with_component(graph, rows)


def _with_component(graph: _Graph, rows: pd.DataFrame) -> pd.DataFrame:
    component = graph.component_of(rows["key"])
    rows = rows.assign(component=component)
    return rows.assign(member_count=rows.groupby("identifier_key")["component"].transform("nunique"))


def _refuse_kinds(graph: _Graph, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Role, test, invalid and unknown kinds never join. The worst word seen for an identifier counts for all of it."""
    bad = rows[rows[column].fillna("unknown") != PERSONAL]
    reasons = bad.assign(reason=bad[column].fillna("unknown")).groupby("identifier_key")["reason"].min()
    refused = rows[rows["identifier_key"].isin(reasons.index)]
    for reason, group in refused.groupby(refused["identifier_key"].map(reasons), sort=True):
        graph.refuse(group.drop_duplicates("identifier_key"), str(reason))
    return rows[~rows["identifier_key"].isin(reasons.index)]


def _refuse_first(graph: _Graph, rows: pd.DataFrame, reasons: list[tuple[pd.Series, str]]) -> None:
    done = pd.Series(False, index=rows.index)
    for mask, reason in reasons:
        graph.refuse(rows[mask & ~done].drop_duplicates("identifier_key"), reason)
        done |= mask


def _differ(rows: pd.DataFrame, column: str) -> pd.Series:
    """How many different known values the holders of the same identifier have, per row."""
    return rows.groupby("identifier_key")[column].transform("nunique")


def _other_people(rows: pd.DataFrame) -> pd.Series:
    """Whether the holders of the same identifier differ in what a person does not change: segment, language."""
    return (_differ(rows, "segment") > 1) | (_differ(rows, "language") > 1)


def _contact_rows(contacts: pd.DataFrame) -> pd.DataFrame:
    personal_email = contacts["email_hash"].where(contacts["email_kind"] == PERSONAL)
    personal_phone = contacts["phone_hash"].where(contacts["phone_kind"] == PERSONAL)
    return contacts.assign(
        key=key_of("contact_id", contacts["contact_id"], contacts["source"], contacts["account_id"]),
        personal_email=personal_email,
        personal_phone=personal_phone,
        has_role_email=contacts["email_kind"] == "role",
    ).sort_values("key", ignore_index=True)
