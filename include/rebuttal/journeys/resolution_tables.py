"""What identity found, as temporary tables of numbers beside the evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from rebuttal.journeys.identifiers import read_crowd_members
from rebuttal.journeys.identity import KINDS, NEVER, RULES, Mask, Resolution
from rebuttal.journeys.identity_bulk import put
from rebuttal.journeys.identity_graph import Longs

_LATEST = 1 << 58  # leaves room for the kind in one number


def put_resolution(connection: Connection, found: Resolution, *, is_first: bool) -> int:
    """Make identity_found (islands; `component` at one node of each person), identity_member (persons), identity_shared
    and identity_refused. Returns the number of members, that is, of identifiers that are somebody's.

    The first time identity_member has all nodes (`component` is NULL where they are nobody's) with the record and
    column that name them.
    """
    is_member = ~found.is_nobody & (found.kind != KINDS.index("response_id"))
    shared, shared_seen = read_crowd_members(connection)
    persons = int(found.component.max(initial=-1)) + 1
    node = np.concatenate([found.node[is_member], shared])
    component = np.concatenate([found.component[is_member], np.arange(persons, persons + len(shared))])
    seen = np.concatenate([found.seen[is_member], shared_seen])
    kind = np.concatenate([found.kind[is_member], np.full(len(shared), KINDS.index("client_id"))])
    rule = np.concatenate([found.rule[is_member], np.full(len(shared), RULES.index("alone"), dtype=np.int8)])
    columns: dict[str, Any] = {
        "node_id": node,
        "component": component,
        "rule": rule,
        "seen": pa.array(seen, mask=seen == NEVER),
        "earliest": _earliest(component, np.minimum(seen, _LATEST) * len(KINDS) + kind),
    }
    members = _with_names(pa.table(columns), found, is_member) if is_first else pa.table(columns)
    put(connection, "identity_seen", members)
    instant = (
        "make_timestamptz(seen)"
        if connection.dialect.name == "duckdb"
        else "timestamptz 'epoch' + seen * interval '1 microsecond'"
    )
    connection.exec_driver_sql(
        f"CREATE TEMPORARY VIEW identity_member AS SELECT identity_seen.*, {instant} AS seen_at FROM identity_seen"
    )
    is_one = _one_of_each(found.component, is_member)
    one = pa.array(found.component, mask=~is_one)
    islands = {"node_id": found.node, "island_id": found.island, "component": one}
    put(connection, "identity_found", pa.table(islands))
    nodes, reasons, counts = zip(*sorted(set(found.refusals)), strict=True) if found.refusals else ((), (), ())
    refused = {
        "node_id": pa.array(nodes, pa.int64()),
        "reason": pa.array(reasons, pa.string()),
        "member_count": pa.array(counts, pa.int64()),
    }
    put(connection, "identity_refused", pa.table(refused))
    put(connection, "identity_shared", pa.table({"node_id": shared, "component": component[len(node) - len(shared) :]}))
    return len(node)


def _earliest(component: Longs, age: Longs) -> Longs:
    """For each member: 0 where its person has an older one, 1 where it is the oldest, 2 where others are as old.

    Equally old ones go by kind, and the rest of a tie by name, in SQL.
    """
    least = np.full(int(component.max(initial=-1)) + 1, NEVER)
    np.minimum.at(least, component, age)
    is_least = age == least[component]
    is_tied = np.bincount(component[is_least], minlength=len(least))[component] > 1
    return np.where(is_least, 1 + is_tied, 0).astype(np.int64)


def _one_of_each(component: Longs, which: Mask) -> Mask:
    """Marks one of these nodes in each component that has any."""
    places = np.flatnonzero(which)
    last = np.full(int(component.max(initial=-1)) + 1, -1)
    last[component[places]] = places
    marked = np.zeros(len(component), dtype=bool)
    marked[last[last >= 0]] = True
    return marked


def _with_names(members: pa.Table, found: Resolution, is_member: Mask) -> pa.Table:
    """Members and all other nodes, each with the record and the column that name it."""
    crowd, by, place = found.crowd_names
    is_shared = np.isin(crowd, members.column("node_id").to_numpy()) if len(crowd) else np.zeros(0, dtype=bool)
    order = np.argsort(crowd[is_shared])
    shared = members.column("node_id").to_numpy()[int(is_member.sum()) :]
    at = np.flatnonzero(is_shared)[order][np.searchsorted(crowd[is_shared][order], shared)]
    named = members.append_column("named_by", pa.array(np.concatenate([found.named_by[is_member], by[at]])))
    named = named.append_column("place", pa.array(np.concatenate([found.named_in[is_member], place[at]])))
    others = {
        "node_id": np.concatenate([found.node[~is_member], crowd[~is_shared]]),
        "named_by": np.concatenate([found.named_by[~is_member], by[~is_shared]]),
        "place": np.concatenate([found.named_in[~is_member], place[~is_shared]]),
    }
    return pa.concat_tables([named, pa.table(others)], promote_options="default")
