"""Who is whom."""

from __future__ import annotations

from bench.judges.measure import Measures, Query, Truth, pairs, ratio


def identity(query: Query, truth: Truth) -> Measures:
    """Pairwise precision and recall over contacts and client ids; `knowable` counts only pairs that evidence joins."""
    ours = {(kind, value): person for kind, value, person in query(
        "SELECT identifier_kind, identifier, person_id FROM core.person_identifier "
        "WHERE identifier_kind IN ('contact_id', 'client_id')")}  # fmt: skip
    person_of: dict[tuple[str, str], str] = {}
    linked_of: dict[tuple[str, str], tuple[str, int]] = {}
    for row in truth["persons"]:
        for kind, values in (("contact_id", row["contacts"]), ("client_id", row["client_ids"])):
            for value in values:
                person_of[kind, str(value)] = row["person"]
        for number, linked in enumerate(row["linked"]):
            for node in linked:
                kind, _, value = node.partition(":")
                linked_of[{"contact": "contact_id"}.get(kind, kind), value] = (row["person"], number)
    nodes = [node for node in ours if node in person_of]
    predicted = pairs(ours[node] for node in nodes)
    both = pairs((ours[node], person_of[node]) for node in nodes)
    both_linked = pairs((ours[node], linked_of.get(node, node)) for node in nodes)
    return {
        "identity_precision": ratio(both, predicted),
        "identity_recall_all": ratio(both, pairs(person_of[node] for node in nodes)),
        "identity_recall_knowable": ratio(both_linked, pairs(linked_of.get(node, node) for node in nodes)),
    }
