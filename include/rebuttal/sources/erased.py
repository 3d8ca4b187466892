"""Rows of erased people never land: what comes in of them is emptied before it is spooled as a row.

What a pull had begun before the erasure is emptied by the next admission.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from rebuttal.sources.columns import Rows, column_of
from rebuttal.sources.declare import Stream
from rebuttal.warehouse.suppression import ERASED, FREE_TEXT, NAMES, Suppressed, erased_key


def without_erased(rows: Rows, stream: Stream, source: str, account: str, suppressed: Suppressed) -> Rows:
    """`rows` with those of erased people emptied, and their addresses taken out of other people's texts.

    An emptied row is always the same, so that its coming again is no news; a row of which a part was taken out keeps
    the hash of what the vendor said.
    """
    scope, names = (source, account), stream.column_names
    is_gone = pa.array([False] * len(rows))
    values = list(rows.values)
    for field in {*NAMES.get(stream.entity, {}), *FREE_TEXT.get(stream.entity, {})} & set(names):
        place = names.index(field)
        known = [value for value in values[place].unique().to_pylist() if value is not None]
        changes = suppressed.changes(stream.entity, field, known, scope)
        if not changes:
            continue
        rows = rows.identified(stream.key_places)
        gone = [value for value, kept in changes.items() if kept is None]
        if gone:
            is_gone = pc.or_(is_gone, pc.is_in(values[place], value_set=column_of(gone)))
        if len(gone) < len(changes):
            values[place] = column_of([changes.get(value) or value for value in values[place].to_pylist()])
    if rows.key is not None and pc.any(is_gone).as_py():
        nothing = pa.nulls(len(rows), pa.string())
        erased = [erased_key(suppressed.key, stream.name, account, key) for key in rows.key.to_pylist()]
        return Rows(
            [pc.if_else(is_gone, nothing, column) for column in values],
            pc.if_else(is_gone, column_of(erased), rows.key),
            pc.if_else(is_gone, ERASED, rows.row_hash),
            pc.if_else(is_gone, ERASED, rows.defect),
            pc.if_else(is_gone, nothing, rows.extra),
            rows.size,
        )
    return replace(rows, values=values)
