"""What stands open beside the gate's own findings: data that has not come, and messages that did not arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.reports.alerting import NOW, Loud

from rebuttal.reports.alerts import open_findings
from rebuttal.reports.findings import compose_alert, gather, late_sources
from rebuttal.state import DigestDelivery, open_state
from rebuttal.warehouse.reports import Quality

FRESH, OLD = NOW - timedelta(hours=30), NOW - timedelta(hours=60)


def quality_of(*streams: tuple[str, datetime | None]) -> Quality:
    return Quality([], [], [], [], [{"source": source, "covered_until": until} for source, until in streams], 0)


def test_a_source_ends_where_its_slowest_stream_does() -> None:
    quality = quality_of(("hubspot", FRESH), ("hubspot", OLD), ("ga4", FRESH), ("typeform", None))
    late = late_sources(quality, ("ga4", "hubspot", "typeform", "yclients"), NOW, 48)
    assert late == [
        {"source": "hubspot", "until_at": OLD},
        {"source": "typeform", "until_at": None},
        {"source": "yclients", "until_at": None},
    ]
    assert late_sources(quality, (), NOW, 61) == [], "nobody expects a source that no configuration names"


def test_late_data_is_told_every_day_in_the_readers_words() -> None:
    late = late_sources(quality_of(("hubspot", OLD)), ("yclients",), NOW, 48)
    findings = gather(quality_of(), NOW, late)
    for language, words in (("en", "No data after 13\u00a0November"), ("ru", "После 13\u00a0ноября данных нет"),
                            ("uk", "Даних не було жодного разу")):  # fmt: skip
        assert words in compose_alert(findings, language, "2026-11-16", None).text  # type: ignore[arg-type]


def delivery(reader: str, state: str, ended: datetime | None) -> DigestDelivery:
    return DigestDelivery(
        person_id=reader, period="2026-W46", kind="digest", state=state, message_id=f"<{reader}@x>", created_at=NOW,
        finished_at=ended, attempts=1,
    )  # fmt: skip


def test_a_message_that_did_not_arrive_stands_open_and_is_told_once(loud: Loud) -> None:
    loud.land(1)
    with open_state(loud.settings) as sessions, sessions.begin() as session:
        session.add(delivery("olena", "refused", NOW))
        session.add(delivery("marina", "sent", NOW))
    found: Any = open_findings(loud.context()).sections
    assert [(row["reader"], row["state"]) for row in found["deliveries"]] == [("olena", "refused")]
    assert loud.tell().counts == {"channels": 2, "sent": 2}
    assert "The server refused the address (olena): digest 2026-W46" in loud.channel.received[0][1]["text"]
    told_until = datetime(2026, 11, 17, tzinfo=UTC)
    assert "deliveries" not in gather(quality_of(), told_until, (), found["deliveries"]).sections
