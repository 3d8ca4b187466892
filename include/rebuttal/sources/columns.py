"""Many items at once, column by column: a quarter of the time that making one row after the other takes.

Only plain items are taken: objects with declared or ignored fields alone, no odd text, nothing large. Whatever else is
in a group sends the whole group to `rows.RowMaker.make`, which says what a row is; both give the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

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
    """Landing rows by column: the vendor columns in the stream's order, then the rest. All columns are equally long.

    Rows that were made at once have no key and hash yet: `identified`, or `identify.Identifier` for many, gives them.
    """

    values: list[pa.StringArray]
    key: pa.StringArray | None
    row_hash: pa.StringArray | None
    defect: pa.StringArray
    extra: pa.StringArray
    size: int  # of the vendor columns, in bytes, about

    def __len__(self) -> int:
        return len(self.defect)

    @classmethod
    def of(cls, rows: Iterable[tuple[tuple[str | None, ...], str, str, str | None, str | None]]) -> Self:
        """Rows that were made one after the other; at least one."""
        values, *rest = zip(*rows, strict=True)
        columns = [column_of(column) for column in zip(*values, strict=True)]
        key, row_hash, defect, extra = map(column_of, rest)
        return cls(columns, key, row_hash, defect, extra, sum(map(bytes_of, columns)))

    def identified(self, key_places: Sequence[int]) -> Rows:
        """The same with the key (of the columns at `key_places`) and the hash of each row."""
        if self.key is not None:
            return self
        row_hashes = digests(joined(self.values, KEY_SEPARATOR, NULL_MARK))
        key = keys([self.values[place] for place in key_places], row_hashes)
        return replace(self, key=key, row_hash=row_hashes)

    def to_arrow(self, schema: pa.Schema, first: int) -> pa.RecordBatch:
        """All columns as text, and after them the rows' numbers from `first` on."""
        numbers = pa.array(range(first, first + len(self)), pa.int64())
        nothing = pa.nulls(len(self), pa.string())
        key, row_hash = (nothing if column is None else column for column in (self.key, self.row_hash))
        return pa.RecordBatch.from_arrays(
            [*self.values, key, row_hash, self.defect, self.extra, numbers], schema=schema
        )

    def fingerprint(self) -> memoryview:
        """What the rows say, in order, for the content hash of their batch: a line of key and hash for each."""
        return text_of(pc.binary_join_element_wise(joined([self.key, self.row_hash], "\x1e"), "", "\n"))


def column_of(values: Sequence[str | None]) -> pa.StringArray:
    """A column of text."""
    return pa.array(values, pa.string())


def bytes_of(column: pa.StringArray) -> int:
    """Of a column's values, about. Arrow's own count takes forty times as long."""
    data = column.buffers()[2]
    return 0 if data is None else int(data.size)


def joined(columns: Sequence[pa.StringArray], separator: str, null: str = "") -> pa.StringArray:
    """Each row as one text, with `null` for NULL."""
    return pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement=null)


def text_of(column: pa.StringArray) -> memoryview:
    """All values of a column one after the other, UTF-8, not copied."""
    _, offsets, data = column.buffers()
    places = memoryview(offsets).cast("i")
    return memoryview(data)[places[column.offset] : places[column.offset + len(column)]]


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


def kinds_of(values: Iterable[Any]) -> frozenset[type]:
    """The types that occur among the values."""
    return frozenset(map(type, values))


def texts(values: list[Any], kinds: frozenset[type] | None = None) -> Texts:
    """`as_text` of each value; `kinds` are the values' types where they are known."""
    kinds = kinds_of(values) if kinds is None else kinds
    if kinds <= {str, _NONE, Number}:
        return [value or None for value in values] if "" in values else values
    if kinds <= {bool, _NONE}:
        return [_TRUTH[value] for value in values]
    if kinds <= {int, _NONE}:
        return [None if value is None else str(value) for value in values]
    return [value if type(value) is str and value else as_text(value) for value in values]


def digest(row: bytes) -> str:
    """The hash of a row's text: half of its SHA-256, which DuckDB has as well."""
    return hashlib.sha256(row).hexdigest()[:32]


def digests(rows: pa.StringArray) -> pa.StringArray:
    """The hash of each row's text."""
    return column_of(list(map(digest, rows.cast(pa.binary()).to_pylist())))


def keys(columns: Sequence[pa.StringArray], row_hashes: pa.StringArray) -> pa.StringArray:
    """The key of each row. A row without any of its key is nobody's copy: its hash makes it one of its own."""
    made = joined(columns, KEY_SEPARATOR)
    is_nothing = pc.equal(made, KEY_SEPARATOR * (len(columns) - 1))
    return pc.if_else(is_nothing, joined([made, row_hashes], KEY_SEPARATOR), made)
