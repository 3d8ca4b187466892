"""The rows of the inbox, by the quick way in for what is new and by the one for what may be known; on both stores."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import delete, literal_column, select
from tests.faults.table import fault
from tests.inbox.conftest import MakeArrival

from rebuttal.inbox import Arrival, claim
from rebuttal.inbox.arrivals import receive_new, receive_within
from rebuttal.inbox.writer import Keep
from rebuttal.state import EndedPartner, InboxEvent, Sessions

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/Kyiv")])).map(lambda at: at.replace(year=2028))
ARRIVALS = st.builds(
    Arrival, source=st.sampled_from(["hubspot", "jira"]), delivery_key=TEXTS, event_type=TEXTS, body=st.binary(),
    content=st.binary(), object_type=st.none() | TEXTS, object_id=st.none() | TEXTS, partner=st.none() | TEXTS,
    occurred_at=st.none() | TIMES,
    state=st.sampled_from(["new", "unhandled", "dead"]), reason=st.none() | TEXTS,
)  # fmt: skip


@limits(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=st.lists(ARRIVALS, min_size=1, max_size=4, unique_by=lambda one: (one.source, one.delivery_key)))
def test_both_ways_in_write_the_same_rows(sessions: Sessions, arrivals: list[Arrival]) -> None:
    written = []
    for keep in (receive_new, receive_within):
        with sessions.begin() as session:
            session.execute(delete(InboxEvent))
            assert keep(session.connection(), arrivals, NOW) == ["stored"] * len(arrivals)
        columns = [column for column in InboxEvent.__table__.columns if column.name != "event_id"]
        with sessions() as session:
            as_kept = [literal_column(column.name) for column in columns]  # as it is on disk, read by no type
            rows = session.execute(select(*as_kept).select_from(InboxEvent).order_by(InboxEvent.event_id)).all()
        written.append([tuple(row) for row in rows])
    assert len(written[0]) == len(arrivals)
    assert written[0] == written[1]


@fault(147, "events of a partner that left", "inbox", "that they came is counted; nothing of them is kept or worked on")
@pytest.mark.parametrize("keep", [receive_new, receive_within])
def test_of_a_partner_that_left_nothing_is_kept(sessions: Sessions, arrival: MakeArrival, keep: Keep) -> None:
    with sessions.begin() as session:
        session.merge(EndedPartner(partner="salon-77", ended_at=NOW, ended_by="olena"))
    came = [arrival("8807001", b"Mira", partner="salon-77"), arrival("9900001", b"Lena", partner="salon-78")]
    with sessions.begin() as session:
        assert keep(session.connection(), came, NOW) == ["stored", "stored"]
    with sessions() as session:
        kept = {row.partner: row for row in session.scalars(select(InboxEvent))}
    assert (kept["salon-77"].state, kept["salon-77"].body) == ("unhandled", b"")
    assert not {"8807001", "Mira"} & {str(value) for value in vars(kept["salon-77"]).values()}
    assert (kept["salon-78"].state, kept["salon-78"].body) == ("new", b"Lena")
    assert claim(sessions, now=NOW).ids == [kept["salon-78"].event_id]
    with sessions.begin() as session:
        assert receive_within(session.connection(), came, NOW) == ["repeated", "repeated"]
