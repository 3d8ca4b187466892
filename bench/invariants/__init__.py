"""What must hold after every fault, whatever happened: each file of this folder selects its breaches, one row each.

The numbers are those of the fault catalogue. I-06 (a key stands once), I-11 (the tracker holds no task of ours that we
do not know, and none twice) and the recount of I-01 from the stored rows need more than a query, and stand here.
I-03, I-04 (webhooks), I-13 (partners), I-14 (erasure) and I-15 (secrets) have tests of their own; I-07 (twice changes
nothing) is what a kill is judged by; I-09, I-20 and I-21 are checked by the gate, by `verify` and by the stage itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import recount
from rebuttal.warehouse.entities import ENTITIES

_FOLDER = Path(__file__).parent


def breaches(settings: Settings, tasks: Sequence[Any] = (), mails: Sequence[Any] = ()) -> list[str]:
    """A line per breach. `tasks`: all of the tracker, `mails`: all that were caught. Nothing of the loop may run."""
    found = []
    with open_warehouse(settings) as engine:
        found += [f"I-01 {line}" for line in recount(engine)]
        with engine.connect() as connection:
            found += _select(connection, "warehouse") + _doubled_keys(connection)
    state = create_engine(settings.state_url)
    with state.connect() as connection:
        found += _select(connection, "state")
        known = set(connection.execute(text("SELECT task_key FROM content_task")).scalars())
    state.dispose()
    found += [f"I-11 nobody knows task {task['key']}" for task in tasks if task["key"] not in known]
    counted = Counter(str(mail["message_id"]) for mail in mails)
    return found + [f"I-12 mailed {count} times: {name}" for name, count in counted.items() if count > 1]


def _select(connection: Connection, store: str) -> list[str]:
    paths = sorted(_FOLDER.glob(f"{store}_*.sql"))
    assert paths
    return [
        f"{path.stem.split('_')[1]} {breach}"
        for path in paths
        for breach in connection.execute(text(path.read_text(encoding="utf-8"))).scalars()
    ]


def _doubled_keys(connection: Connection) -> list[str]:
    lines = []
    for entity in ENTITIES.values():
        key = ", ".join(entity.full_key)
        query = f"SELECT count(*) FROM (SELECT 1 FROM core.{entity.name} GROUP BY {key} HAVING count(*) > 1) AS doubled"
        if doubled := connection.execute(text(query)).scalar_one():
            lines.append(f"I-06 {doubled} keys of core.{entity.name} stand there more than once")
    return lines
