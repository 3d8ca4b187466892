"""The DAG of the fast way as Airflow runs it, and the trigger that wakes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rebuttal.inbox import Arrival, acknowledge, claim, receive
from rebuttal.inbox.waiting import Watch
from rebuttal.settings import Settings
from rebuttal.state import Sessions, open_state


def told(number: int) -> Arrival:
    body = b'{"objectId": %d}' % number
    return Arrival("hubspot", f"delivery {number}", "deal.propertyChange", body, body, "deal", str(number))


@pytest.fixture
def sessions(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    with open_state(settings) as opened:
        yield opened


def test_an_inbox_without_events_is_no_work_and_no_failure(dags: dict[str, Any], sessions: Sessions) -> None:
    run = dags["inbox"].test()
    assert {task.task_id: task.state for task in run.get_task_instances()} == {"work": "skipped"}


def test_the_watched_asset_starts_the_dag(dags: dict[str, Any]) -> None:
    from rebuttal_airflow.assets import INBOX
    from rebuttal_airflow.triggers import InboxTrigger

    assert [(watcher.name, type(watcher.trigger)) for watcher in INBOX.watchers] == [("inbox_waits", InboxTrigger)]
    path, arguments = InboxTrigger(0.5, 7.0).serialize()
    assert path == f"{InboxTrigger.__module__}.{InboxTrigger.__name__}"
    assert vars(InboxTrigger(**arguments)).items() >= {"poll_s": 0.5, "remind_s": 7.0}.items()


def test_the_trigger_says_what_is_new_reminds_of_what_stays_and_takes_nothing(sessions: Sessions) -> None:
    from rebuttal_airflow.triggers import InboxTrigger

    async def watch() -> list[dict[str, int]]:
        events = InboxTrigger(poll_s=0.01, remind_s=1.0).run()
        seen = []
        receive(sessions, [told(1), told(2)])
        seen.append((await anext(events)).payload)
        receive(sessions, [told(3)])
        seen.append((await anext(events)).payload)
        seen.append((await anext(events)).payload)  # nothing is new: a reminder
        await events.aclose()
        return seen

    seen = asyncio.run(watch())
    assert [one["waiting"] for one in seen] == [2, 3, 3]
    assert seen[0]["newest"] < seen[1]["newest"] == seen[2]["newest"]
    assert len(claim(sessions).events) == 3


def test_a_look_counts_what_a_claim_would_take(settings: Settings, sessions: Sessions) -> None:
    watch = Watch(settings)
    assert (watch.look().count, watch.look().newest) == (0, 0)
    receive(sessions, [told(1), told(2)])
    assert watch.look().count == 2
    taken = claim(sessions, 1)
    assert watch.look().count == 1
    acknowledge(sessions, taken.ids, taken.token)
    lost = claim(sessions, ttl=timedelta(seconds=-1))
    assert watch.look().count == len(lost.events) == 1  # its lease is over already
    watch.close()


def test_a_store_that_is_not_made_yet_is_an_error_and_not_an_empty_one(settings: Settings) -> None:
    from sqlalchemy.exc import DBAPIError

    with pytest.raises(DBAPIError):
        Watch(settings).look()
