"""Many items at once, column by column: a quarter of the time that making one row after the other takes.

Only plain items are taken: objects with declared or ignored fields alone, no odd text, nothing large. Whatever else is
in a group sends the whole group to `rows.RowMaker.make`, which says what a row is; both give the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Self

import pyarrow as pa

from rebuttal.sources.declare import KEY_SEPARATOR
from rebuttal.sources.decode import Number, as_text

IGNORED = object()
# Stands for NULL in what is hashed: no landed text holds it.
NULL_MARK = "\x00"
_EMPTY: Mapping[str, Any] = {}
_NONE = type(None)
_TRUTH = {True: "true", False: "false", None: None}

Texts = list[str | None]


@dataclass
class Rows:
    """Landing rows by column: the vendor columns in the stream's order, then the rest. All columns are equally long."""

    values: list[Texts]
    key: list[str]
    row_hash: list[str]
    defect: Texts
    extra: Texts
    characters: int  # of the vendor columns, about

    def __len__(self) -> int:
        return len(self.key)

    @classmethod
    def of(cls, rows: Iterable[tuple[tuple[str | None, ...], str, str, str | None, str | None]]) -> Self:
        """Rows that were made one after the other; at least one."""
        values, key, row_hash, defect, extra = map(list, zip(*rows, strict=True))
        characters = sum(len(text) for row in values for text in row if text)
        return cls([list(column) for column in zip(*values, strict=True)], key, row_hash, defect, extra, characters)

    def to_arrow(self, schema: pa.Schema) -> pa.RecordBatch:
        """All columns as text."""
        columns = [*self.values, self.key, self.row_hash, self.defect, self.extra]
        return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema)


def gather(items: Sequence[Any], tree: Mapping[str, Any], slot_count: int) -> list[list[Any]] | None:
    """The items' decoded values by slot, or None when an item is no plain object of declared fields.

    `tree` has the declared paths as nested mappings; a leaf is the path's slot, or IGNORED.
    """
    found: list[list[Any]] = [[] for _ in range(slot_count)]
    return found if _gather(items, tree, found) else None


def _gather(items: Sequence[Any], tree: Mapping[str, Any], found: list[list[Any]]) -> bool:
    if set(map(type, items)) != {dict}:
        return False
    whole = _whole(items, tree)
    # Where fields are left out or new: items of one vendor have few different lists of them.
    if whole is None and any(name not in tree for names in set(map(tuple, items)) for name in names):
        return False
    for number, (name, branch) in enumerate(tree.items()):
        if branch is IGNORED:
            continue
        values = list(whole[number]) if whole else [item.get(name) for item in items]
        if isinstance(branch, int):
            found[branch] = values
        elif not _gather([_EMPTY if value is None else value for value in values], branch, found):
            return False
    return True


def _whole(items: Sequence[Any], tree: Mapping[str, Any]) -> list[tuple[Any, ...]] | None:
    """The values by field where each item has exactly the fields of the tree."""
    if len(tree) < 2 or set(map(len, items)) != {len(tree)}:
        return None
    try:
        return list(zip(*map(itemgetter(*tree), items), strict=True))
    except KeyError:
        return None


def texts(values: list[Any]) -> Texts:
    """`as_text` of each value."""
    kinds = set(map(type, values))
    if kinds <= {str, _NONE, Number}:
        return [value or None for value in values] if "" in values else values
    if kinds <= {bool, _NONE}:
        return [_TRUTH[value] for value in values]
    if kinds <= {int, _NONE}:
        return [None if value is None else str(value) for value in values]
    return [value if type(value) is str and value else as_text(value) for value in values]


def joined(columns: Sequence[Texts]) -> list[str]:
    """Each row as one text, in which NULL and text are told apart."""
    marked = [[NULL_MARK if text is None else text for text in one] if None in one else one for one in columns]
    return list(map(KEY_SEPARATOR.join, zip(*marked, strict=True)))


def digests(rows: list[str]) -> list[str]:
    """The hash of each row's text."""
    blake = hashlib.blake2b
    return [blake(row.encode(), digest_size=16).hexdigest() for row in rows]


def keys(columns: Sequence[Texts], row_hashes: list[str]) -> list[str]:
    """The key of each row. A row without any of its key is nobody's copy: its hash makes it one of its own."""
    filled = [[text or "" for text in one] if None in one else one for one in columns]
    made = list(map(KEY_SEPARATOR.join, zip(*filled, strict=True)))
    nothing = KEY_SEPARATOR * (len(columns) - 1)
    if nothing in made:
        return [
            f"{key}{KEY_SEPARATOR}{row_hash}" if key == nothing else key
            for key, row_hash in zip(made, row_hashes, strict=True)
        ]
    return made
