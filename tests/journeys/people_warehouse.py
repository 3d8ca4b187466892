"""A warehouse whose evidence a test sets as a whole, and what identity made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.people import update_people

GUARDS = IdentityGuards(
    max_contacts_per_email=5, max_contacts_per_phone=2, max_contacts_per_device=2, max_contacts_per_click=2,
    max_records_per_identifier=12, max_records_per_hour=8,
)  # fmt: skip
EVIDENCE = ("contact", "booking", "deal", "survey_response", "visit", "hit")
KEPT = ("core.person_identifier", "core.identity_refusal", "ops.person_change", "ops.rule_version")
MEMORY = ("core.identity_record", "core.identity_island", "core.identity_batch")
CONTACT = {"created_at": "2026-01-05 00:00", "email_kind": "personal", "phone_kind": "personal"}


class People:
    """A warehouse whose evidence a test sets as a whole; nothing is remembered from another test."""

    def __init__(self, engine: Engine, insert: Callable[..., None]) -> None:
        self.engine, self._insert = engine, insert
        self._batches: dict[str, str] = {}
        self._turn = 0

    def forget(self, *tables: str) -> None:
        with self.engine.begin() as connection:
            for table in tables:
                connection.execute(text(f"DELETE FROM {table}"))

    def set(self, *, in_place: bool = False, **evidence: list[dict[str, Any]]) -> None:
        """A row that was not there before comes with a batch of its turn, as merged ones do; `in_place` gives all rows
        one batch, as if what differs had been rewritten where it stood.
        """
        self._turn += 1
        self.forget(*(f"core.{entity}" for entity in EVIDENCE))
        for entity, rows in evidence.items():
            defaults = CONTACT if entity in ("contact", "booking") else {}
            # A row that says something else has another hash, as admitted rows do.
            full = [defaults | row for row in rows]
            hashes = [repr(sorted(row.items(), key=str)) for row in full]
            batches = [self._batches.setdefault(f"{entity} {one}", f"b{self._turn}") for one in hashes]
            told = zip(full, hashes, ["b1"] * len(full) if in_place else batches, strict=True)
            self._insert(self.engine, entity, [row | {"row_hash": one, "batch_id": batch} for row, one, batch in told])

    def resolve(self, guards: IdentityGuards = GUARDS, **evidence: list[dict[str, Any]]) -> dict[str, int]:
        self.set(**evidence)
        return update_people(self.engine, guards)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return sorted((tuple(row) for row in connection.execute(text(query))), key=str)

    def everybody(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT * FROM core.person_identifier")

    def of(self, kind: str = "contact_id") -> dict[str, str]:
        """identifier -> person."""
        query = f"SELECT identifier, person_id FROM core.person_identifier WHERE identifier_kind = '{kind}'"
        return dict(self.rows(query))

    def groups(self, kind: str = "contact_id") -> set[frozenset[str]]:
        """Identifiers of one kind that are the same person."""
        found = self.of(kind)
        return {frozenset(name for name in found if found[name] == person) for person in found.values()}

    def refusals(self) -> set[tuple[Any, ...]]:
        query = "SELECT identifier_kind, identifier, reason, member_count FROM core.identity_refusal"
        return set(self.rows(query))


def visit(client_id: str, at: str, **clicks: str) -> dict[str, Any]:
    return {"visit_id": f"{client_id}{at}", "client_id": client_id, "started_at": at, **clicks}


def answer(number: str, **given: str) -> dict[str, Any]:
    return {"form_id": "f", "response_id": number, "submitted_at": "2026-01-09 10:00", **given}
