"""What one erasure works with, and the list of its stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text

from rebuttal.context import Context
from rebuttal.erasure.subject import Person
from rebuttal.errors import LockedError
from rebuttal.warehouse import open_warehouse


@dataclass(frozen=True)
class Work:
    """`person` is None when a restored store is made to forget again: then only keyed hashes are known.

    `phrases`: what the person said and nobody else, redacted, as tasks may quote it. `text_hashes`: md5 of those texts.
    """

    context: Context
    regions: tuple[str, ...]
    person: Person | None = None
    phrases: Sequence[str] = ()
    text_hashes: Sequence[str] = ()


@dataclass
class Stores:
    """The registered stores, in the order in which they forget."""

    known: dict[str, Callable[[Work], int]] = field(default_factory=dict)

    def store(self, name: str) -> Callable[[Callable[[Work], int]], Callable[[Work], int]]:
        """Register a function that takes the person out of one store and returns how much went. Doing it twice must do
        no harm: the second call finds nothing.
        """

        def register(function: Callable[[Work], int]) -> Callable[[Work], int]:
            self.known[name] = function
            return function

        return register


STORES = Stores()


@contextmanager
def alone(context: Context) -> Iterator[Engine]:
    """The warehouse, while no admission is running. Raises LockedError when one is."""
    with open_warehouse(context.settings) as engine:
        if engine.dialect.name != "postgresql":
            yield engine  # the file has one writing process
            return
        with engine.connect() as keeper:
            lock = {"name": "rebuttal.admit"}  # the admission's own lock
            held = keeper.execute(text("select pg_try_advisory_lock(hashtextextended(:name, 0))"), lock).scalar()
            keeper.commit()
            if not held:
                raise LockedError(
                    "An admission is running on this warehouse", next_step="Wait for it to end, then run this again"
                )
            try:
                yield engine
            finally:
                keeper.execute(text("select pg_advisory_unlock(hashtextextended(:name, 0))"), lock)
                keeper.commit()


def is_there(connection: Connection, schema: str, table: str) -> bool:
    """Whether a table exists already."""
    found = connection.execute(
        text("select 1 from information_schema.tables where table_schema = :schema and table_name = :name"),
        {"schema": schema, "name": table},
    )
    return found.first() is not None
