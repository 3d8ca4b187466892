"""PULL: our whole way from HTTP pages to landing, beside dlt as one finds it, dlt tuned, and the bare spool.

Every way runs in a process of its own, which imports and warms up on a hundred rows before its clock starts.
Ours is `rebuttal.sources.run` over a declared stream, with watermark, contract checks, hashes, batch book and all.
"""

from __future__ import annotations

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

TABLE = "orders"


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` rows by every way, in turn."""
    peaks: dict[str, list[float]] = {name: [] for name in WAYS}
    starts: list[float] = []

    def run(name: str, url: str) -> float:
        place = folder / f"{name}-{len(peaks[name])}"
        place.mkdir()
        command = [sys.executable, "-m", "bench.speed.ingest", name, url, str(size), str(place)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        peaks[name].append(told["peak_mb"])
        if name == "ours":
            starts.append(told["start"])
        return float(told["seconds"])

    with served(folder / "pages", size) as url:
        # The slow ways take their turn once, between turns of the quick ones: half a minute each says enough.
        ways = {name: partial(run, name, url) for name in WAYS}
        quick = {name: ways[name] for name in ("ours", "bare_spool")}
        took = in_turn(1, ways)
        for name, again in in_turn(rounds - 1, quick).items():
            took[name] += again
    return {
        **{f"ingest_rows_per_second_{name}": size / median(times) for name, times in took.items()},
        **{f"ingest_peak_mb_{name}": max(found) for name, found in peaks.items()},
        "ingest_start_seconds": median(starts),
        "ingest_vs_dlt_default": took["dlt_default"][0] / median(took["ours"]),
        "ingest_vs_dlt_tuned": took["dlt_tuned"][0] / median(took["ours"]),
        "ingest_vs_bare_spool": ratio(took["bare_spool"], took["ours"]),
    }


def ours(url: str, path: str, folder: Path) -> int:
    """`rebuttal.sources.run` over a stream declared for these pages."""
    from datetime import timedelta

    from rebuttal import sources
    from rebuttal.clock import Clock
    from rebuttal.connections import Connection
    from rebuttal.context import Context
    from rebuttal.settings import Settings
    from rebuttal.sources.declare import Request, Restatement
    from rebuttal.sources.paging import by_token

    stream = sources.Stream(
        name=TABLE,
        entity="order",
        columns={name: name for name in COLUMNS},
        key=("order_id",),
        cursor="updated_at",
        restatement=Restatement(timedelta(days=2), "orders change for two days"),
        pages=lambda session, _: by_token(session, Request(path=f"/{path}"), link="next", into="page"),
        items=lambda page: page.data["rows"],
    )
    # A vendor is a declaration and a line in the registry; here the line is put in for this process.
    registered: Any = sources.registry()
    registered["shop"] = sources.Source(name="shop", streams=(stream,))
    (folder / "sources.yml").write_text("history_days: 30\nsources: {shop: {}}\n", encoding="utf-8")
    settings = Settings(
        home=folder,
        config=folder,
        sandbox_url=url,
        warehouse_url=f"duckdb:///{folder / 'warehouse.duckdb'}",
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
    pipeline.run(dlt.resource(pages, name=TABLE), **options)
    with duckdb.connect(str(database)) as connection:
        return int(connection.execute(f"select count(*) from landing.{TABLE}").fetchall()[0][0])


def bare_spool(url: str, path: str, folder: Path) -> int:
    """Pages to files as they come, then one bulk read: nothing checked, nothing remembered."""
    import duckdb
    import requests

    with requests.Session() as http:
        for number, body in enumerate(_bodies(http, url, path)):
            (folder / f"{number:06d}.json").write_bytes(body)
    with duckdb.connect(str(folder / "spool.duckdb")) as connection:
        connection.execute(
            f"create table {TABLE} as select unnest(rows, recursive := true)"
            f" from read_json('{folder}/*.json', maximum_object_size = 67108864)"
        )
        return int(connection.execute(f"select count(*) from {TABLE}").fetchall()[0][0])


def _bodies(http: Any, url: str, path: str) -> Iterator[bytes]:
    following: str | None = "0"
    while following is not None:
        body = http.get(f"{url}/{path}", params={"page": following}).content
        yield body
        # The last member of the page; looked up without decoding it all.
        following = json.loads(b"{" + body[body.rindex(b'"next"') :])["next"]


WAYS: dict[str, Callable[[str, str, Path], int]] = {
    "ours": ours,
    "bare_spool": bare_spool,
    "dlt_tuned": dlt_tuned,
    "dlt_default": dlt_default,
}


def main(arguments: list[str]) -> int:
    """One way: warm up, then take its time, count its rows, and tell the peak of memory."""
    name, url, size, folder = arguments[0], arguments[1], int(arguments[2]), Path(arguments[3])
    begun = time.perf_counter()
    for place in ("warm", "orders"):
        (folder / place).mkdir()
    WAYS[name](url, "warm", folder / "warm")
    start = time.perf_counter() - begun
    begun, worked = time.perf_counter(), time.process_time()
    rows = WAYS[name](url, "orders", folder / "orders")
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - worked
    if rows != size:
        raise AssertionError(f"{name} landed {rows} rows of {size}")
    unit = 1024**2 if sys.platform == "darwin" else 1024  # of ru_maxrss, in a megabyte
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "start": start, "peak_mb": peak}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
