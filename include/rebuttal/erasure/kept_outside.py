"""The list of the erased as a file outside both stores, for the day on which both are restored from before an erasure.

It holds keyed hashes and nothing else of a person: without the identity key it names nobody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from rebuttal.context import Context
from rebuttal.erasure.run import keep_erased
from rebuttal.errors import ConfigError
from rebuttal.personal import keyed
from rebuttal.records import Report
from rebuttal.state import Suppression, open_state

_CHECK = ("erasure list", "made with this key")


def export_erased(context: Context, path: Path) -> int:
    """Write the list to `path`, whole or not at all: how many hashes it holds."""
    with open_state(context.settings) as sessions, sessions() as session:
        rows = session.scalars(select(Suppression).order_by(Suppression.subject_hash)).all()
    told = [
        {
            "subject_hash": row.subject_hash,
            "identifier_kind": row.identifier_kind,
            "requested_at": row.requested_at.isoformat(),
        }
        for row in rows
    ]
    new = path.with_name(f"{path.name}.new")
    text = json.dumps({"key_check": keyed(*_CHECK, context.identity_key), "suppressed": told}, indent=1)
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)
    return len(told)


def apply_erased(context: Context, path: Path) -> Report:
    """Suppress whoever the list names and forget them in the warehouse and what is made of it. Twice changes nothing.

    Counts `listed` and `new`. Raises ConfigError for a file that is no such list or was made with another identity key.
    """
    hashes = _read(context, path)
    report = Report("erase", counts={"listed": len(hashes), "new": 0})
    with open_state(context.settings) as sessions, sessions.begin() as session:
        known = set(session.scalars(select(Suppression.subject_hash)))
        for one in sorted(hashes.keys() - known):
            session.add(
                Suppression(
                    subject_hash=one,
                    identifier_kind=hashes[one],
                    requested_at=context.clock.now(),
                    reason="from the list kept outside: both stores were restored",
                )
            )
            report.add("new")
    report.changed = keep_erased(context) or report.counts["new"] > 0
    return report


def _read(context: Context, path: Path) -> dict[str, str]:
    """Hash -> kind of identifier."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        check, found = data["key_check"], {row["subject_hash"]: row["identifier_kind"] for row in data["suppressed"]}
        is_list = all(isinstance(one, str) and one for pair in found.items() for one in pair)
    except (OSError, ValueError, KeyError, TypeError):
        is_list = False
    if not is_list:
        raise ConfigError(
            f"{path.name} is no list of the erased", next_step="Give a file that `rebuttal erase --export` wrote"
        )
    if check != keyed(*_CHECK, context.identity_key):
        raise ConfigError(
            f"{path.name} was made with another identity key, so its hashes name nobody here",
            next_step="Set REBUTTAL_IDENTITY_KEY to the key of that time",
        )
    return found
