"""Who is meant: from an e-mail address, a phone number or a contact's id to every identifier of that person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, inspect, select, text

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.personal import email_identity, keyed, phone_identity
from rebuttal.warehouse import identity_refusal, person_identifier
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.suppression import Identifier
from rebuttal.warehouse.tables import batch as batch_table

_KINDS = {
    "contact_id": "contact_id",
    "booking_id": "booking_id",
    "email_hash": "email_hash",
    "partner_email_hash": "email_hash",
    "phone_hash": "phone_hash",
    "partner_phone_hash": "phone_hash",
    "client_id": "client_id",
    "gclid": "click_id",
    "yclid": "click_id",
}
MOST_RECORDS = 50  # contacts and bookings; more than these are no person but an address that people share


@dataclass(frozen=True)
class Subject:
    """What was asked for: `kind` is email_hash, phone_hash or contact_id; `named` are the identifiers that it is."""

    kind: str
    subject_hash: str
    named: tuple[Identifier, ...]


@dataclass(frozen=True)
class Person:
    """Everything that names the person, and under which ids the marts know them."""

    identifiers: frozenset[Identifier]
    person_ids: frozenset[str]

    def values(self, kind: str) -> list[str]:
        """The identifiers of one kind, sorted."""
        return sorted({one.value for one in self.identifiers if one.kind == kind})


def read_subject(context: Context, connection: Connection, said: str, regions: Sequence[str]) -> Subject:
    """`anna@example.com`, `+380 50 123 45 67` or `hubspot:901`. Raises ConfigError, without repeating it, for anything
    else, for a desk's address, and for an address that many share.
    """
    said, key = said.strip(), context.identity_key
    source, _, contact = said.partition(":")
    if "@" in said:
        value, kind = email_identity(said, key)
        found = "email_hash"
    elif contact and source.isidentifier():
        return _contact(connection, key, source, contact.strip())
    else:
        value, kind = phone_identity(said, key, regions)
        found = "phone_hash"
    if value is None:
        raise ConfigError(
            "That is no e-mail address, phone number or contact id",
            next_step="Give `name@host`, a phone number with its country code, or `hubspot:ID`",
        )
    if kind == "role" or _is_shared(connection, found, value):
        raise ConfigError(
            "That address or number is shared: it stands for no single person",
            next_step="Find the person in the CRM and give the contact's id, for example `hubspot:ID`",
        )
    return Subject(found, keyed("subject", value, key), (Identifier(found, value),))


def _contact(connection: Connection, key: bytes, source: str, contact: str) -> Subject:
    accounts = connection.execute(
        select(batch_table.c.account_id)
        .where(batch_table.c.source == source, batch_table.c.entity == "contact")
        .distinct()
    ).scalars()
    named = tuple(Identifier("contact_id", contact, (source, account)) for account in sorted(accounts))
    if not named:
        known = connection.execute(
            select(batch_table.c.source).where(batch_table.c.entity == "contact").distinct()
        ).scalars()
        raise ConfigError(
            f"No contacts were ever pulled from {source!r}",
            next_step=f"Use one of {', '.join(sorted(known)) or 'none'}",
        )
    return Subject("contact_id", keyed("subject", f"{source}:{contact}", key), named)


def _is_shared(connection: Connection, kind: str, value: str) -> bool:
    refused = select(identity_refusal.c.identifier).where(
        identity_refusal.c.identifier_kind == kind, identity_refusal.c.identifier == value
    )
    return connection.execute(refused.limit(1)).first() is not None


def find_person(connection: Connection, subject: Subject) -> Person:
    """Every identifier of the subject: of all contacts that were merged with theirs, whether the vendor or identity did
    it, under former addresses too. Shared phones and devices are not the person's. Raises ConfigError when this leads
    to more records than one person has.
    """
    known: set[Identifier] = set(subject.named)
    people: set[str] = set()
    while True:
        before = len(known) + len(people)
        for file in ("contacts", "bookings", "deals"):
            rows = _rows(connection, file, known)
            known |= {Identifier(row.kind, row.value, _scope(row)) for row in rows if row.value}
        known |= _in_landing(connection, known)
        people |= set(_rows_of_persons(connection, known))
        known |= _identifiers_of(connection, people)
        records = [one for one in known if one.kind in ("contact_id", "booking_id")]
        if len(records) > MOST_RECORDS:
            raise ConfigError(
                f"That leads to {len(records)} contacts and bookings, more than one person has; nothing was erased",
                next_step="Give the ids of the contacts that are this person's, one by one",
            )
        if len(known) + len(people) == before:
            return Person(frozenset(known), frozenset(people))


def said_only_by(connection: Connection, person: Person) -> tuple[list[str], list[str]]:
    """What the person said and nobody else: redacted quotes, and md5 of the texts. The marts must have been heard."""
    known = [{"kind": "person_id", "value": one} for one in sorted(person.person_ids)]
    known += [{"kind": kind, "value": one} for kind in ("contact_id", "deal_id") for one in person.values(kind)]
    statement = _sql("said").format(known=dialect_of(connection).records(":known", ("kind", "value")))
    rows = connection.execute(text(statement), {"known": json.dumps(known)}).all()
    quotes, texts = ([row.value for row in rows if row.kind == kind] for kind in ("quote", "text"))
    return sorted(quotes), sorted(texts)


def _scope(row: Any) -> tuple[str, str]:
    return (row.source, row.account_id) if row.kind in ("contact_id", "booking_id", "deal_id") else ("", "")


def _rows(connection: Connection, file: str, known: Iterable[Identifier]) -> Sequence[Any]:
    told = [{"kind": one.kind, "source": one.scope[0], "account_id": one.scope[1], "value": one.value} for one in known]
    records = dialect_of(connection).records(":known", ("kind", "source", "account_id", "value"))
    statement = text(_sql(file).format(known=records))
    return connection.execute(statement, {"known": json.dumps(told)}).all()


def _in_landing(connection: Connection, known: Iterable[Identifier]) -> set[Identifier]:
    """Contacts and bookings that ever came with one of the addresses: core has their newest version only."""
    hashes = sorted(one.value for one in known if one.kind in ("email_hash", "phone_hash"))
    if not hashes:
        return set()
    asked = select(batch_table.c.source, batch_table.c.stream, batch_table.c.entity).where(
        batch_table.c.entity.in_(("contact", "booking"))
    )
    found: set[Identifier] = set()
    tables = set(inspect(connection).get_table_names(schema="landing"))
    for source, stream, entity in connection.execute(asked.distinct()).all():
        table = f"{source}__{stream}"
        if table not in tables:
            continue
        there = {column["name"] for column in inspect(connection).get_columns(table, schema="landing")}
        for column in sorted({"email_hash", "phone_hash"} & there):
            statement = _sql("landed_with").format(
                table=table,
                column=column,
                id=f"{entity}_id",
                known=dialect_of(connection).records(":known", ("value",)),
            )
            rows = connection.execute(text(statement), {"known": json.dumps([{"value": one} for one in hashes])})
            found |= {Identifier(f"{entity}_id", row.value, (source, row.account_id)) for row in rows}
    return found


def _rows_of_persons(connection: Connection, known: Iterable[Identifier]) -> list[str]:
    return [row.person_id for row in _rows(connection, "persons", known)]


def _identifiers_of(connection: Connection, people: Iterable[str]) -> set[Identifier]:
    rows = connection.execute(
        select(
            person_identifier.c.identifier_kind,
            person_identifier.c.source,
            person_identifier.c.account_id,
            person_identifier.c.identifier,
        ).where(person_identifier.c.person_id.in_(sorted(people)), person_identifier.c.identifier_kind.in_(_KINDS))
    )
    scoped = ("contact_id", "booking_id")
    return {
        Identifier(_KINDS[kind], value, (source, account) if kind in scoped else ("", ""))
        for kind, source, account, value in rows
    }


def _sql(name: str) -> str:
    return files("rebuttal.erasure").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
