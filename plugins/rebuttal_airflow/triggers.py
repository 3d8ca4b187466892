"""The trigger that watches the inbox. It only says that something waits: the task claims, with a lease, and
acknowledges after its work is committed, so a trigger that dies loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

log = logging.getLogger("rebuttal.inbox")

POLL_S = 0.2
# What still waits is said again: a run may have failed before it claimed, or an event is due for its next try.
REMIND_S = 20.0
# How long it waits when the state store does not answer.
PATIENCE_S = 5.0


class InboxTrigger(BaseEventTrigger):
    """Fires when events wait in the inbox that were not there at the last look, and reminds of those that stay."""

    def __init__(self, poll_s: float = POLL_S, remind_s: float = REMIND_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poll_s, self.remind_s = poll_s, remind_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the scheduler hands it to the triggerer."""
        return (
            "rebuttal_airflow.triggers.InboxTrigger",
            {"poll_s": self.poll_s, "remind_s": self.remind_s},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event each time that something new waits; never ends by itself."""
        from sqlalchemy.exc import DBAPIError

        from rebuttal.inbox.waiting import Watch
        from rebuttal.settings import load_settings

        watch = await asyncio.to_thread(Watch, load_settings())
        told, told_at = 0, 0.0
        try:
            while True:
                try:
                    found = await asyncio.to_thread(watch.look)
                except DBAPIError as error:
                    log.warning("The inbox cannot be looked at (%s); again in a moment", type(error.orig).__name__)
                    await asyncio.sleep(PATIENCE_S)
                    continue
                is_due = found.count and time.monotonic() - told_at >= self.remind_s
                if found.newest > told or is_due:
                    told, told_at = max(found.newest, told), time.monotonic()
                    yield TriggerEvent({"waiting": found.count, "newest": found.newest})
                await asyncio.sleep(self.poll_s)
        finally:
            await asyncio.to_thread(watch.close)
