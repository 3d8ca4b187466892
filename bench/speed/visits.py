"""A warehouse with visits landed, for the measures that begin there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, insert, text

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.sources import stream_of
from rebuttal.warehouse.tables import batch

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SQL = Path(__file__).parent / "sql"
_SOURCE, _STREAM, _ACCOUNT = "yandex_metrica", "visits", "24601337"


def context(home: Path, warehouse_url: str | None = None) -> Context:
    """The default configuration over stores in `home` (or another warehouse); it reaches no vendor."""
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        home=home,
        config=PROJECT_ROOT / "include" / "config",
        sandbox_url="http://127.0.0.1:1",
        warehouse_url=warehouse_url or f"duckdb:///{home / 'warehouse.duckdb'}",
        state_url=f"sqlite:///{home / 'state.sqlite'}",
    )
    return Context(settings, Clock(NOW), lambda name: Connection(name), b"0123456789abcdef")


def land_visits(engine: Engine, sequence: int, first: int, rows: int, restated: int = 0) -> str:
    """Land visits `first` and on as batch number `sequence`; returns the batch's id."""
    columns = stream_of(_SOURCE, _STREAM).column_names
    listed = ", ".join([*(f"{name} text" for name in columns), "_batch_id text, _row bigint, _key text"])
    batch_id = f"{_SOURCE}__{_STREAM}__{sequence}"
    statement = (SQL / "visits.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        connection.execute(
            text(
                f"create table if not exists landing.{_SOURCE}__{_STREAM}"
                f" ({listed}, _row_hash text, _defect text, _extra text)"
            )
        )
        names = {"columns": ", ".join(columns), "batch_id": batch_id, "first": first, "rows": rows}
        # The driver gets it as it stands: its colons are no parameters.
        connection.exec_driver_sql(statement.format(**names, restated=restated).replace("%", _percent(engine)))
        connection.execute(
            insert(batch).values(
                batch_id=batch_id, sequence=sequence, source=_SOURCE, stream=_STREAM, entity="visit",
                account_id=_ACCOUNT, kind="live", row_count=rows, content_hash=batch_id, landed_at=NOW, status="landed",
            )
        )  # fmt: skip
    return batch_id


def _percent(engine: Engine) -> str:
    return "%%" if engine.dialect.driver == "psycopg" else "%"
