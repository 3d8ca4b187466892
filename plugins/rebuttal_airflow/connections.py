"""With what connection: Airflow's connections as the port that `rebuttal` asks for, resolved at run time only."""

from __future__ import annotations

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from rebuttal.clock import Clock
from rebuttal.connections import Connection, Resolver, from_environment
from rebuttal.context import Context
from rebuttal.settings import load_settings


def resolver() -> Resolver:
    """Airflow's connection of that id; where Airflow has none, the configuration's `connections.env`."""
    fallback = from_environment(load_settings())

    def resolve(connection_id: str) -> Connection:
        try:
            found = BaseHook.get_connection(connection_id)
        except AirflowNotFoundException:
            return fallback(connection_id)
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


def context(clock: Clock | None = None) -> Context:
    """What a stage is given in a task: settings from the environment, the wall clock, Airflow's connections."""
    return Context.from_environment(clock, resolver())
