"""From a vendor's items to landing rows: one walk over the item by the declared paths, then key, hash and defects.

Nothing is dropped: what the stream does not declare goes to `_extra`, an item that is no object becomes a row that says
`malformed`, one in which a field changed from a value to an object (or back) says `schema:<field>`. Keys are compared
byte for byte, as the vendor wrote them. People's addresses leave here as keyed hashes only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from rebuttal.personal import email_identity, phone_identity, scrub
from rebuttal.sources.columns import (
    IGNORED,
    NULL_MARK,
    Rows,
    Texts,
    bytes_of,
    column_of,
    digest,
    gather,
    kinds_of,
    texts,
)
from rebuttal.sources.declare import KEY_SEPARATOR, Stream
from rebuttal.sources.decode import (
    MAX_VALUE_BYTES,
    REPEATED,
    TOO_DEEP,
    Number,
    SuspectFields,
    as_text,
    clean,
    compact,
    escaped,
    fit,
    is_oversize,
    sha256_of,
)

# Bytes of a group above which its rows are made one after the other; one Arrow text column holds two thousand million.
MOST_AT_ONCE = 500_000_000
# Characters that are below the bound of a value in any script.
SURELY_FITS = MAX_VALUE_BYTES // 4
MAX_TOLD_NAMES = 1_000
CONTAINERS = (dict, list)


class Row(NamedTuple):
    """One landing row: the vendor columns in the stream's order, then the rest."""

    values: tuple[str | None, ...]
    key: str
    row_hash: str
    defect: str | None
    extra: str | None


class RowMaker:
    """Makes rows of one stream. `key` is the identity key, `regions` read phone numbers without a country code."""

    def __init__(self, stream: Stream, key: bytes, regions: Sequence[str]) -> None:
        self._stream, self._identity_key, self._regions = stream, key, regions
        self._names = stream.column_names
        paths = list(dict.fromkeys(path for text in stream.columns.values() for path in text.split("|")))
        paths += [path for path in stream.personal.values() if path not in paths]
        self._slot = {path: number for number, path in enumerate(paths)}
        self._tree = _tree(paths, stream.ignored)
        self._picks = [tuple(self._slot[path] for path in text.split("|")) for text in stream.columns.values()]
        self._persons = [(kind, self._slot[path]) for kind, path in stream.personal.items()]
        self._fixed = [(number, name) for number, name in enumerate(self._names)]
        self._folders = frozenset(
            path[:place] for path in [*paths, *stream.ignored] for place, sign in enumerate(path) if sign == "."
        )
        self._nested = frozenset(stream.nested)
        self._key_places = stream.key_places
        self.extra_names: set[str] = set()
        self.defect_counts: dict[str, int] = {}

    def make_all(self, items: Sequence[Any], constants: Mapping[str, str], is_suspect: bool) -> Rows:
        """The rows of some items, at least one: at once where all are plain."""
        rows = None if is_suspect else self._plain(items, constants)
        return rows or Rows.of(self.make(item, constants, is_suspect) for item in items)

    def _plain(self, items: Sequence[Any], constants: Mapping[str, str]) -> Rows | None:
        """What `make` gives for each, or None when one of them is not plain."""
        found = gather(items, self._tree, len(self._slot))
        if found is None:
            return None
        columns: list[Texts] = []
        for first, *others in self._picks:
            values = found[first]
            for slot in others:
                values = [other if one is None else one for one, other in zip(values, found[slot], strict=True)]
            kinds = kinds_of(values)
            if not kinds.isdisjoint(CONTAINERS) and not self._is_nested(values, len(columns)):
                return None
            columns.append(texts(values, kinds))
        for kind, slot in self._persons:
            people = [self._person(kind, text) for text in texts(found[slot])]
            columns += [list(part) for part in zip(*people, strict=True)]
        for number, name in enumerate(self._names):
            if name in constants and None in columns[number]:
                columns[number] = [constants[name] if text is None else text for text in columns[number]]
        arrays = [column_of(column) for column in columns]
        sizes = list(map(bytes_of, arrays))
        if sum(sizes) > MOST_AT_ONCE or any(
            size >= SURELY_FITS and pc.max(pc.binary_length(array)).as_py() >= SURELY_FITS
            for size, array in zip(sizes, arrays, strict=True)
        ):
            return None
        nothing = pa.nulls(len(items), pa.string())
        return Rows(arrays, None, None, nothing, nothing, sum(sizes))

    def _is_nested(self, values: list[Any], number: int) -> bool:
        """Whether the column is declared to hold objects, and none of these is nested too deep."""
        return self._names[number] in self._nested and not any(TOO_DEEP in (text or "") for text in texts(values))

    def make(self, item: Any, constants: Mapping[str, str], is_suspect: bool) -> Row:
        """The row of one item. `constants` fill columns that the item itself does not have."""
        if not isinstance(item, dict):
            return self._malformed(item)
        is_suspect = is_suspect or isinstance(item, SuspectFields)
        found: list[Any] = [None] * len(self._slot)
        extra: dict[str, Any] = {}
        _walk(item, self._tree, found, extra, "")
        values: list[str | None] = []
        broken: list[str] = []
        for first, *others in self._picks:
            value = found[first]
            for slot in others:
                if value is not None:
                    break
                value = found[slot]
            if type(value) is str and value:
                values.append(value)
                continue
            values.append(as_text(value))
            if type(value) in (dict, list):
                name = self._names[len(values) - 1]
                if name not in self._nested:
                    broken.append(name)
                is_suspect = is_suspect or TOO_DEEP in (values[-1] or "")
        for kind, slot in self._persons:
            values += self._person(kind, as_text(found[slot]))
        if constants:
            for number, name in self._fixed:
                if values[number] is None and name in constants:
                    values[number] = constants[name]
        if extra:
            if len(self.extra_names) < MAX_TOLD_NAMES:
                self.extra_names.update(list(extra)[:MAX_TOLD_NAMES])
            broken += [name for name in extra if name in self._folders or name.endswith(REPEATED)]
        defect = self._mend(values, extra, is_suspect) or (f"schema:{','.join(broken[:5])}" if broken else None)
        # Fields' names may be odd as well.
        extra_text = clean(compact(scrub(extra, self._regions))) if extra else None
        if extra_text and is_oversize(extra_text):
            defect = "oversize"
            cut = {"fields": len(extra), "head": extra_text[:1000], "all__sha256": sha256_of(extra_text)}
            extra_text = compact(cut)
        if defect:
            self.defect_counts[defect] = self.defect_counts.get(defect, 0) + 1
        row_hash = _hash(values, defect, extra_text)
        parts = [values[place] or "" for place in self._key_places]
        # A row without any of its key is nobody's copy.
        key = KEY_SEPARATOR.join(parts) if any(parts) else f"{KEY_SEPARATOR.join(parts)}{KEY_SEPARATOR}{row_hash}"
        return Row(tuple(values), key, row_hash, defect, extra_text)

    def _person(self, kind: str, value: str | None) -> tuple[str | None, str | None]:
        if kind == "email":
            return email_identity(value, self._identity_key)
        return phone_identity(value, self._identity_key, self._regions)

    def _mend(self, values: list[str | None], extra: dict[str, Any], is_suspect: bool) -> str | None:
        """Replace what no store takes; what was replaced is told by the defect, and in `extra` by hash or escaped."""
        defect = None
        longest = max(map(len, filter(None, values)), default=0)
        if longest < SURELY_FITS and not is_suspect and not extra:
            return None
        for number, value in enumerate(values):
            if value is None or (len(value) < SURELY_FITS and not is_suspect):
                continue
            if is_oversize(value):
                extra[f"{self._names[number]}__sha256"] = sha256_of(value)
            mended, found = fit(value)
            if found:
                values[number] = mended
                if found == "encoding":
                    extra[f"{self._names[number]}__escaped"] = escaped(value)
                defect = "oversize" if "oversize" in (defect, found) else found
        for name, value in list(extra.items()):
            text = as_text(value) or ""
            mended, found = fit(text)
            if found == "oversize":
                extra[f"{name}__sha256"] = sha256_of(text)
            if found:
                extra[name] = mended
                defect = defect or found
        return defect

    def _malformed(self, item: Any) -> Row:
        self.defect_counts["malformed"] = self.defect_counts.get("malformed", 0) + 1
        text = item if isinstance(item, str) and not isinstance(item, Number) else compact(item)
        extra: dict[str, Any] = {"item": scrub(str(fit(text)[0]), self._regions)}
        if is_oversize(text):
            extra["item__sha256"] = sha256_of(text)
        extra_text = compact(extra)
        values: tuple[str | None, ...] = (None,) * len(self._names)
        row_hash = _hash(values, "malformed", extra_text)
        return Row(values, f"malformed{KEY_SEPARATOR}{row_hash}", row_hash, "malformed", extra_text)


def _tree(paths: list[str], ignored: tuple[str, ...]) -> dict[str, Any]:
    """The paths as nested mappings; a leaf is the path's slot."""
    tree: dict[str, Any] = {}
    for leaf, path in [*((number, path) for number, path in enumerate(paths)), *((IGNORED, path) for path in ignored)]:
        *folders, last = path.split(".")
        node = tree
        for name in folders:
            node = node.setdefault(name, {})
        node[last] = leaf
    return tree


def _walk(item: Mapping[str, Any], tree: Mapping[str, Any], found: list[Any], extra: dict[str, Any], at: str) -> None:
    for name, value in item.items():
        branch = tree.get(name)
        if isinstance(branch, int):
            found[branch] = value
        elif branch is None:
            extra[at + name] = value
        elif isinstance(branch, dict):
            if isinstance(value, Mapping):
                _walk(value, branch, found, extra, f"{at}{name}.")
            elif value is not None:
                extra[at + name] = value


def _hash(values: list[str | None] | tuple[str | None, ...], defect: str | None, extra: str | None) -> str:
    """A hash of everything that a row says. NULL and text are told apart by NUL, which no landed text holds."""
    text = KEY_SEPARATOR.join(NULL_MARK if value is None else value for value in values)
    if defect or extra:
        text = f"{text}{KEY_SEPARATOR}{defect}{KEY_SEPARATOR}{extra}"
    return digest(text.encode())
