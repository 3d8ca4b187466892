"""The checker of invariants sees what it looks for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bench import invariants
from rebuttal.settings import Settings
from rebuttal.state import Lease, Outbox, open_state
from rebuttal.warehouse import open_warehouse

NOW = datetime(2026, 11, 10, tzinfo=UTC)
BATCH = (
    "insert into ops.batch (batch_id, sequence, source, stream, entity, account_id, kind, window_from, window_to,"
    " cursor_before, cursor_after, row_count, content_hash, landed_at, status) values ({number}, {number}, 's', 't',"
    " 'deal', 'a', 'live', '2026-11-0{first}', '2026-11-0{last}', null, '{cursor}', 3, 'h', '2026-11-09', '{status}')"
)
STATEMENTS = {
    "I-01": [BATCH.format(number=1, first=1, last=2, cursor="2", status="admitted")],
    "I-02": [
        "insert into ops.quarantine (batch_id, row_number, source, stream, entity, check_name, reason, reasons, raw,"
        " status) values ('gone', 1, 's', 't', 'deal', 'c', 'r', '[]', '{}', 'quarantined')"
    ],
    "I-05": [
        BATCH.format(number=1, first=1, last=2, cursor="2", status="landed"),
        BATCH.format(number=2, first=4, last=5, cursor="5", status="landed"),
    ],
    "I-16": ["insert into ops.publication values (2, 'f', '2026-11-09')"],
}


@pytest.mark.parametrize("number", STATEMENTS)
def test_a_breach_in_the_warehouse_is_seen(settings: Settings, number: str) -> None:
    with open_state(settings):
        assert invariants.breaches(settings) == []
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for statement in STATEMENTS[number]:
            connection.execute(text(statement))
    assert number in {line.split()[0] for line in invariants.breaches(settings)}


def test_breaches_in_the_state_store_the_tracker_and_the_mails_are_seen(settings: Settings) -> None:
    with open_state(settings) as sessions, sessions.begin() as session:
        session.add(Lease(resource="model", token=3, holder="host:1:1", taken_at=NOW, expires_at=NOW))
        session.execute(
            text(
                "INSERT INTO digest_delivery (person_id, period, kind, state, message_id, created_at, attempts)"
                " VALUES ('anna', '2026-W46', 'digest', 'sending', 'm', '2026-11-10 00:00:00.000000', 1)"
            )
        )
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.execute(
            text(
                "INSERT INTO content_task (task_id, theme, category, generation, status, title, brief, score,"
                " score_parts, subject_count, currency, created_at) VALUES ('t1', 'price', 'price', 1, 'open', 'x',"
                " '{}', 1, '{}', 1, 'EUR', '2026-11-10 00:00:00.000000')"
            )
        )
        session.flush()
        assert session.query(Outbox).count() == 0
    found = invariants.breaches(settings, [{"key": "MKT-9"}], [{"message_id": "m"}, {"message_id": "m"}])
    assert sorted(line.split()[0] for line in found) == ["I-10", "I-11", "I-12", "I-12", "I-19"]


def test_every_query_names_its_invariant() -> None:
    names = [path.stem for path in Path(invariants.__file__).parent.glob("*.sql")]
    assert len(names) >= 7
    assert all(name.split("_")[0] in ("warehouse", "state") and name.split("_")[1].startswith("I-") for name in names)
