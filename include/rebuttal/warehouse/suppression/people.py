"""Recognising erased people: nothing but keyed hashes is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from rebuttal.personal import keyed, without_people
from rebuttal.warehouse.suppression.names import FREE_TEXT, KEYED, NAMES, SCOPED, SEPARATOR, Form, Name
from rebuttal.warehouse.tables import suppression


@dataclass(frozen=True)
class Identifier:
    """One identifier of a person, as stored. `scope` is (source, account) for the kinds that mean it, else ('', '')."""

    kind: str
    value: str
    scope: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Suppressed:
    """The keyed hashes of everything that named an erased person, and what to do with a value that comes in."""

    hashes: frozenset[str]
    key: bytes
    regions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def hash_of(self, one: Identifier) -> str:
        """What stands for the identifier in the list of the suppressed."""
        return hash_of(one, self.key)

    def among(self, kind: str, values: Iterable[str], scope: tuple[str, str]) -> set[str]:
        """Those of `values` that named an erased person."""
        return {value for value in values if hash_of(Identifier(kind, value, scope), self.key) in self.hashes}

    def changes(self, entity: str, field: str, values: Iterable[str], scope: tuple[str, str]) -> dict[str, str | None]:
        """Of the different values of a landing field those that cannot stay: None where the row goes, else what
        stands there instead.
        """
        names = NAMES.get(entity, {}).get(field, ())
        is_text = field in FREE_TEXT.get(entity, {})
        found: dict[str, str | None] = {}
        for value in values:
            kept = value
            for name in names:
                taken = self._without(name, kept, scope)
                if taken is None:
                    found[value] = None
                    break
                kept = taken
            else:
                if is_text:
                    kept = without_people(kept, self.regions, self.key, self.hashes)
                if kept != value:
                    found[value] = kept
        return found

    def _without(self, name: Name, value: str, scope: tuple[str, str]) -> str | None:
        if name.form is Form.VALUE:
            return None if self.among(name.kind, [value], scope) else value
        try:
            data: Any = json.loads(value)
        except ValueError:  # what is no JSON names nobody: the gate keeps it out
            return value
        if name.form is Form.MEMBER:
            member = data.get(name.member) if isinstance(data, dict) else None
            return None if member and self.among(name.kind, [str(member)], scope) else value
        if not isinstance(data, list):
            return value
        gone = self.among(name.kind, map(str, data), scope)
        if not gone:
            return value
        if name.form is Form.ANY or str(data[0]) in gone:
            return None
        return json.dumps([one for one in data if str(one) not in gone], separators=(",", ":"), ensure_ascii=False)


def hash_of(one: Identifier, key: bytes) -> str:
    """The keyed hash of an identifier; e-mail addresses and phone numbers are stored as theirs already."""
    if one.kind in KEYED:
        return one.value
    scope = one.scope if one.kind in SCOPED else ("", "")
    return keyed(one.kind, SEPARATOR.join((*scope, one.value)), key)


def load_suppressed(connection: Connection, key: bytes, regions: Sequence[str] = ()) -> Suppressed:
    """Who is suppressed, as this warehouse knows it. `regions` read phone numbers without a country code."""
    return Suppressed(frozenset(connection.execute(select(suppression.c.identifier)).scalars()), key, tuple(regions))
