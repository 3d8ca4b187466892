"""With what connection: Airflow's connections as the port that `rebuttal` asks for, resolved at run time only."""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from rebuttal.clock import Clock
from rebuttal.connections import Connection, Resolver, from_environment
from rebuttal.context import Context
from rebuttal.errors import CredentialsError
from rebuttal.settings import load_settings


def resolver() -> Resolver:
    """Airflow's connection of that id; where Airflow has none, the configuration's `connections.env`.

    Airflow says of a connection that it cannot decrypt that there is none: what is kept there is kept nowhere else.
    """
    fallback = from_environment(load_settings())

    def resolve(connection_id: str) -> Connection:
        try:
            found = BaseHook.get_connection(connection_id)
        except AirflowNotFoundException:
            return _kept_in_files(fallback, connection_id)
        return Connection(
            id=connection_id,
            host=(found.host or "").rstrip("/"),
            login=found.login or "",
            password=found.password or "",
            port=found.port,
            schema=found.schema or "",
            extra=found.extra_dejson,
        )

    return resolve


def _kept_in_files(fallback: Resolver, connection_id: str) -> Connection:
    try:
        return fallback(connection_id)
    except CredentialsError as error:
        raise CredentialsError(
            f"No connection {connection_id!r} that Airflow can read",
            next_step=f"{error.next_step}. If Airflow's own pages list it, AIRFLOW__CORE__FERNET_KEY is not the key of"
            " its encryption",
        ) from None


def context(clock: Clock | None = None) -> Context:
    """What a stage is given in a task: settings from the environment, the wall clock, Airflow's connections."""
    return Context.from_environment(clock, resolver())
