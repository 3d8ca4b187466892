"""Held batches: what they wait for, and letting one through, a person's decision with the person's name on it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, delete, select

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality.admit import RELEASED, limit_waiting
from rebuttal.quality.batch_checks import FINAL
from rebuttal.state.engine import open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.state.journal import record_decision
from rebuttal.warehouse import batches, open_warehouse
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.tables import batch as batch_table
from rebuttal.warehouse.tables import batch_outcome, check_result, quarantine


def list_held(context: Context) -> list[dict[str, Any]]:
    """What is held, oldest first: batch_id, source, stream, account_id, landed (rows), since (when it was landed, UTC),
    window_from, window_to, is_final (nobody can wave it through), and `checks`: name, told, next_step of each.
    """
    columns = [
        batch_table.c[name] for name in ("batch_id", "source", "stream", "account_id", "window_from", "window_to")
    ]
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        held = connection.execute(
            select(*columns, batch_table.c.row_count.label("landed"), batch_table.c.landed_at.label("since"))
            .where(batch_table.c.status == batches.HELD)
            .order_by(batch_table.c.sequence)
        ).mappings()
        found = [dict(row) for row in held]
        for row in found:
            row["checks"] = _broken(connection, row["batch_id"])
            row["is_final"] = any(check["name"] in FINAL for check in row["checks"])
    return found


def release(context: Context, batch_id: str, *, by: str, reason: str) -> None:
    """Put a held (or superseded) batch back in the line; the next admission merges it in spite of what held it.

    `by` names the person who answers for it, `reason` says why; both go to the journal. Raises ConfigError when the
    batch is not held, nobody is named, or it is held by a check that nobody can wave through.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise ConfigError("A hold is released by a named person for a reason", next_step="Say who decides, and why")
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        limit_waiting(connection)
        batch = batches.find(connection, batch_id)
        if batch is None or batch.status not in (batches.HELD, batches.SUPERSEDED):
            raise ConfigError(f"Batch {batch_id} is not held", next_step="See `rebuttal hold list`")
        checks = _broken(connection, batch_id)
        final = [check for check in checks if check["name"] in FINAL]
        if final:
            raise ConfigError(
                f"Batch {batch.name} cannot be released: {final[0]['told']}", next_step=final[0]["next_step"]
            )
        # First the journal: killed in between, the same command completes what stands there.
        _write_journal(context, batch, checks, by, reason)
        failpoint("hold.after_journal")
        for table in (batch_outcome, quarantine):
            connection.execute(delete(table).where(table.c.batch_id == batch_id))
        if not batches.set_status(connection, batch, batches.LANDED, f"{RELEASED}{by}: {reason} ({_why(batch)})"):
            raise ConfigError(f"Batch {batch_id} is not held any more", next_step="See `rebuttal account`")


def _broken(connection: Connection, batch_id: str) -> list[dict[str, str]]:
    found = connection.execute(
        select(check_result)
        .where(check_result.c.batch_id == batch_id, check_result.c.severity == "hold", ~check_result.c.is_passed)
        .order_by(check_result.c.check_name)
    ).mappings()
    return [{"name": row["check_name"], "told": _told(dict(row)), "next_step": row["next_step"]} for row in found]


def _told(row: dict[str, Any]) -> str:
    examples = json.loads(row["examples"] or "[]")
    example = f", such as {examples[0]}" if examples else ""
    return f"{row['description']}; broken in {row['failed_count']:,} of {row['row_count']:,}{example}"


def _why(batch: Batch) -> str:
    return batch.status_reason or ""


def _write_journal(context: Context, batch: Batch, checks: list[dict[str, str]], by: str, reason: str) -> None:
    with open_state(context.settings) as sessions, sessions.begin() as session:
        record_decision(
            session,
            kind="hold_release",
            subject=batch.name,
            decision=f"released: {reason}",
            evidence={"rows": batch.row_count, "status": batch.status, "checks": [check["name"] for check in checks]},
            decided_by=f"people:{by}",
            decided_at=context.clock.now(),
        )
