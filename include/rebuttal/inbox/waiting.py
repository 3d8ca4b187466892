"""A light look at the inbox, several times a second: does anything wait?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, and_, create_engine, func, or_, select
from sqlalchemy.engine import make_url

from rebuttal.settings import Settings
from rebuttal.state import InboxEvent


@dataclass(frozen=True)
class Waiting:
    """`count` events could be claimed now; `newest` is the highest event id among them, 0 when there is none."""

    count: int
    newest: int


class Watch:
    """Keeps its connection from look to look. It reads only and locks nobody out."""

    def __init__(self, settings: Settings) -> None:
        self._engine = _reading(settings.state_url)

    def look(self) -> Waiting:
        """What could be claimed now. Raises SQLAlchemy's DBAPIError when the store does not answer or is not made."""
        now = datetime.now(UTC)
        is_due = or_(
            and_(InboxEvent.state == "new", InboxEvent.next_try_at <= now),
            and_(InboxEvent.state == "leased", InboxEvent.lease_until <= now),
        )
        query = select(func.count(), func.max(InboxEvent.event_id)).where(is_due)
        with self._engine.connect() as connection:
            count, newest = connection.execute(query).one()
        return Waiting(int(count), int(newest or 0))

    def close(self) -> None:
        """Give the connection back."""
        self._engine.dispose()


def _reading(url: str) -> Engine:
    """The state store's own engine takes the write lock for each transaction; this one never does."""
    if url.startswith("sqlite"):
        url = f"sqlite:///file:{make_url(url).database}?mode=ro&uri=true"
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
