"""Who is whom."""

from __future__ import annotations

from bench.judges import marts
from bench.judges.measure import Measures, Query, Truth, pairs, ratio

Node = tuple[str, str]


def identity(query: Query, truth: Truth) -> Measures:
    """Pairwise precision and recall over contacts and client ids.

    `knowable` counts the pairs that recorded evidence joins (see `linked` of the truth), and no others: what consent,
    a lost cookie or a form without an address took away is nobody's to find.
    """
    ours = marts.people(query)
    person_of, linked_of = persons_of(truth), linked(truth)
    nodes = [node for node in ours if node in person_of]
    predicted = pairs(ours[node] for node in nodes)
    both = pairs((ours[node], person_of[node]) for node in nodes)
    both_linked = pairs((ours[node], linked_of.get(node, node)) for node in nodes)
    return {
        "identity_precision": ratio(both, predicted),
        "identity_recall_all": ratio(both, pairs(person_of[node] for node in nodes)),
        "identity_recall_knowable": ratio(both_linked, pairs(linked_of.get(node, node) for node in nodes)),
    }


def persons_of(truth: Truth) -> dict[Node, str]:
    """The true person of each contact and client id."""
    return {
        (kind, str(value)): row["person"]
        for row in truth["persons"]
        for kind, values in (("contact_id", row["contacts"]), ("client_id", row["client_ids"]))
        for value in values
    }


def linked(truth: Truth) -> dict[Node, tuple[str, int]]:
    """The group of each identifier: those of one group are joined by recorded evidence."""
    found = {}
    for row in truth["persons"]:
        for number, group in enumerate(row["linked"]):
            for node in group:
                kind, _, value = node.partition(":")
                found[{"contact": "contact_id"}.get(kind, kind), value] = (row["person"], number)
    return found
