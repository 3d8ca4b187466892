"""MODEL: who is who, the whole of it, beside what splink needs to cluster the edges that were accepted.

Everything is timed on the wall and in CPU time of its process, which is the steadier on a shared machine.

Ours reads core, numbers every identifier, guards, joins, gives person ids and writes them with commit. splink is given
its nodes and edges ready, as text, in tables of its own, and only clusters. Both must find the same persons.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

import duckdb

from bench.speed.timing import Figures, Unmeasured, seconds
from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.people import update_people
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse

SQL = Path(__file__).parent / "sql"
GUARDS = IdentityGuards.model_construct()


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` edges and five times as many; splink is timed once at each, ours `rounds` times. A 1 % delta follows."""
    figures: Figures = {}
    for number, name in ((size, ""), (size * 5, "_5x")):
        ours = [_in_process(folder, "ours", number) for _ in range(rounds if number == size else 1)]
        splink = _in_process(folder, "splink", number)
        if splink["persons"] != ours[0]["persons"]:
            raise AssertionError(f"splink finds {splink['persons']} persons, we {ours[0]['persons']}")
        full = median(one["full"] for one in ours)
        full_cpu = median(one["full_cpu"] for one in ours)
        figures |= {
            f"identity_full_seconds{name}": full,
            f"identity_full_cpu_seconds{name}": full_cpu,
            f"identity_splink_cpu_seconds{name}": splink["cpu_seconds"],
            f"identity_cpu_vs_splink{name}": splink["cpu_seconds"] / full_cpu,
            f"identity_delta_cpu_vs_full{name}": median(one["delta_cpu"] / one["full_cpu"] for one in ours),
            f"identity_delta_cpu_seconds{name}": median(one["delta_cpu"] for one in ours),
            f"identity_splink_seconds{name}": splink["seconds"],
            f"identity_vs_splink{name}": splink["seconds"] / full,
            f"identity_delta_vs_full{name}": median(one["delta"] / one["full"] for one in ours),
            f"identity_delta_seconds{name}": median(one["delta"] for one in ours),
            f"identity_peak_mb{name}": max(one["peak_mb"] for one in ours),
            f"identity_splink_peak_mb{name}": splink["peak_mb"],
        }
    return figures


def _in_process(folder: Path, way: str, edges: int) -> dict[str, float]:
    """A process of its own, so that peaks of memory do not mix."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.speed.identity", way, str(edges), str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if "unmeasured" in found:
        raise Unmeasured(str(found["unmeasured"]))
    return found


def ours(edges: int, folder: Path) -> dict[str, float]:
    """A first resolve of all, then one after 1 % of the contacts changed and 1 % came."""
    path = folder / "identity.duckdb"
    path.unlink(missing_ok=True)
    home = PROJECT_ROOT
    settings = Settings(home, home / "include" / "config", "", f"duckdb:///{path}", f"sqlite:///{folder}/state.sqlite")
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            for statement in _statements("identity_core", edges=edges):
                connection.exec_driver_sql(statement)
        found: dict[str, int] = {}
        took = _both("full", lambda: found.update(update_people(engine, GUARDS)))
        persons = found["persons"]
        with engine.begin() as connection:
            for statement in _statements("identity_delta", edges=edges):
                connection.exec_driver_sql(statement)
        took |= _both("delta", lambda: found.update(update_people(engine, GUARDS)))
        if not 0 < found["written"] < persons:
            raise AssertionError(f"a delta of 1 % wrote {found['written']} rows of {found['identifiers']}")
        with engine.begin() as connection:
            connection.exec_driver_sql("delete from ops.rule_version where name = 'identity'")
        again = update_people(engine, GUARDS)
        if again["written"]:
            raise AssertionError(f"resolved from scratch, {again['written']} rows differ from the incremental ones")
    return took | {"persons": persons, "peak_mb": _peak_mb()}


def splink(edges: int, folder: Path) -> dict[str, float]:
    """splink's connected components over the same graph; its tables are filled before the clock starts."""
    try:
        from splink import DuckDBAPI
        from splink.clustering import cluster_pairwise_predictions_at_threshold
    except ImportError:
        return {"unmeasured": "splink is not installed"}  # type: ignore[dict-item]
    connection = duckdb.connect(str(folder / "splink.duckdb"))
    for statement in _statements("identity_edges", edges=edges):
        connection.execute(statement)
    api = DuckDBAPI(connection=connection)
    found = []
    took = _both(
        "seconds",
        lambda: found.append(
            cluster_pairwise_predictions_at_threshold(
                connection.table("node"), connection.table("edge"), api, node_id_column_name="unique_id",
                edge_id_column_name_left="unique_id_l", edge_id_column_name_right="unique_id_r",
            )
        ),
    )  # fmt: skip
    (persons,) = connection.execute(f"select count(distinct cluster_id) from {found[0].physical_name}").fetchone() or (
        0,
    )
    connection.close()
    (folder / "splink.duckdb").unlink()
    return {"seconds": took["seconds"], "cpu_seconds": took["seconds_cpu"], "persons": persons, "peak_mb": _peak_mb()}


def _both(name: str, way: Callable[[], object]) -> dict[str, float]:
    """How long it takes on the wall, and in CPU time of this process (`<name>_cpu`)."""
    begun = process_time()
    return {name: seconds(way), f"{name}_cpu": process_time() - begun}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _statements(name: str, **sizes: int) -> list[str]:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8").format(**sizes).split(";\n")


if __name__ == "__main__":
    _, chosen, size_text, place = sys.argv
    print(json.dumps({"ours": ours, "splink": splink}[chosen](int(size_text), Path(place))))
