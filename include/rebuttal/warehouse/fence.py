"""Fencing tokens in the warehouse: a writer whose lease somebody has taken over cannot commit any more.

`ops.fence` holds the highest token of each resource that ever opened the warehouse. Who opens it under a lease raises
the token there first; every commit of such a writer then looks, in its own transaction, whether its token still stands.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Engine, Table, event, select, text

from rebuttal.state.lease import Held, held_leases
from rebuttal.warehouse.tables import INT, OPS, TEXT, metadata

fence = Table(
    "fence",
    metadata,
    Column("resource", TEXT, primary_key=True),
    Column("token", INT, nullable=False),
    schema=OPS,
)
_RAISE = text(
    "INSERT INTO ops.fence (resource, token) VALUES (:resource, :token)"
    " ON CONFLICT (resource) DO UPDATE SET token = excluded.token WHERE fence.token < excluded.token"
)


def fence_off(engine: Engine) -> None:
    """Keep everybody out who held the caller's leases before, and from now on the caller once they are lost.

    Without a lease it does nothing; with tokens that stand already it writes nothing. Raises LeaseLostError.
    """
    held = held_leases()
    if not held:
        return
    for one in held:
        _raise_token(engine, one)

    @event.listens_for(engine, "commit")
    def refuse(connection: Connection) -> None:
        for one in held:
            if one.is_lost or _token(connection, one, is_kept=True) != one.token:
                one.refuse(connection)


def _raise_token(engine: Engine, held: Held) -> None:
    with engine.connect() as connection:
        found = _token(connection, held)
    if found is not None and found > held.token and not held.renew(grown=found + 1):
        raise held.lost()
    # A holder whose token is lower than what stands here works with a state store that was restored or made anew.
    if found != held.token:
        with engine.begin() as connection:
            connection.execute(_RAISE, {"resource": held.resource, "token": held.token})
            if _token(connection, held) != held.token:
                raise held.lost()


def _token(connection: Connection, held: Held, *, is_kept: bool = False) -> int | None:
    query = select(fence.c.token).where(fence.c.resource == held.resource)
    if is_kept and connection.dialect.name == "postgresql":
        # Held until the commit: a take-over comes before the look or after the commit.
        query = query.with_for_update(read=True)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)
