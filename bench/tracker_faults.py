"""Random faults between the outbox and a tracker: never two open tasks for one theme, never none.

    python -m bench.tracker_faults [1000] [--seed N] [--tracker jira|trello] [--careless]

Two workers send tasks to the sandbox's tracker over HTTP while answers get lost (before and after the write), writes
come up to 120 s late, the search index lags up to 120 s, limits strike, and `kill -9` ends workers at named places.
Time is simulated. Only a write that came late may ever make a second task, and when the storm is over, each theme must
have exactly one open task, the one that the ledger knows.

What a seed draws is the same each time; how two workers mix is not. `--careless` neither waits nor sweeps: it has to
fail.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from bench.storm.simulated import EPOCH, SimulatedTime, Sleeper
from bench.storm.weather import Weather
from rebuttal.connections import Connection
from rebuttal.content.brief import Block, Brief
from rebuttal.content.delivery import Delivery
from rebuttal.content.follow import follow
from rebuttal.content.ledger import label_of, task_id_of
from rebuttal.content.outbox import CREATE, next_due
from rebuttal.content.rules import TrackerRule, load_rules
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.content.twins import sweep_twins
from rebuttal.errors import RebuttalError
from rebuttal.records import Report
from rebuttal.settings import Settings, load_settings
from rebuttal.state import ContentTask, Hypothesis, Outbox, open_state
from sandbox.recorded import ACCOUNTS
from sandbox.server import Server

WORKERS, THEMES, KILLS_PER_ROUND = 2, 12, 8
PLACES = (
    *("content.before_send", "content.after_send", "content.after_search", "content.after_pending"),
    *("content.after_unknown", "content.after_settle", "content.before_twin_close"),
)
_FORK = multiprocessing.get_context("fork")


@dataclass
class Tally:
    """What happened in all rounds."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where the workers work: one tracker, one state store, one clock."""

    kind: str
    url: str
    settings: Settings
    rule: TrackerRule
    time: SimulatedTime
    is_careless: bool

    def connection(self) -> Connection:
        account = ACCOUNTS[self.kind]
        login, secret = (
            (account["email"], account["api_token"])
            if self.kind == "jira"
            else (account["api_key"], account["access_token"])
        )
        return Connection(self.kind, f"{self.url}/{self.kind}", login, secret, extra=account)


def _turns(place: Place, number: int, seed: str, turns: int) -> None:
    """A worker's life: drain, sweep, follow, rest; until nothing waits or `turns` are over."""
    wall, chance = Sleeper(place.time, number), random.Random(seed)
    with open_state(place.settings) as sessions:
        status = load_rules(place.settings.config).status
        for _ in range(turns):
            tracker, report = open_tracker(place.rule, place.connection(), wall), Report("storm")
            try:
                Delivery(sessions, tracker, place.rule, EPOCH, wall).drain()
                if not place.is_careless:
                    window = timedelta(hours=place.rule.twin_sweep_hours)
                    sweep_twins(sessions, tracker, window, wall.now(), EPOCH, report)
                follow(sessions, tracker, status, EPOCH, report)
            except RebuttalError:
                report.add("failed")  # the next turn goes on
            if next_due(sessions) is None and turns > 2:
                return
            wall.sleep(chance.uniform(1, 300))


def _work(place: Place, number: int, seed: str, failpoint: str, turns: int) -> None:
    if failpoint:
        os.environ["FAILPOINT"] = failpoint
    _turns(place, number, seed, turns)


def _propose(place: Place, number: int) -> None:
    """THEMES tasks with their outbox rows, as the ledger writes them."""
    with open_state(place.settings) as sessions, sessions.begin() as session:
        for n in range(THEMES):
            theme = f"price/theme_{number}_{n}"
            task_id = task_id_of(theme, 1)
            brief = Brief(f"Answer theme {n}", [Block("text", "What customers say")]).as_dict()
            common = {"category": "price", "score": 1.0, "score_parts": {}, "subject_count": 3, "currency": "EUR"}
            session.add(
                ContentTask(
                    task_id=task_id, theme=theme, generation=1, status="proposed", title=brief["title"], brief=brief,
                    created_at=EPOCH, **common,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Hypothesis(
                    task_id=task_id, change="c", metric="m", direction="fall", reason="r", expected_size=0.2,
                    success_criterion="s", minimum_sample=40, baseline_days=84, horizon_days=28,
                    deadline=EPOCH.date(), registered_at=EPOCH,
                )
            )  # fmt: skip
            payload = {"label": label_of(task_id), "category": "price", "brief": brief}
            session.add(
                Outbox(effect_key=f"{CREATE}:{task_id}", kind=CREATE, task_id=task_id, payload=payload,
                       state="pending", created_at=EPOCH)
            )  # fmt: skip


def _operate(place: Place, **asked: Any) -> dict[str, Any]:
    reply = requests.post(f"{place.url}/_storm", json=asked, timeout=30)
    reply.raise_for_status()
    return dict(reply.json())


def storm_round(place: Place, seed: int, number: int, tally: Tally) -> None:
    """One round: a fresh tracker and store, workers that die and come back, then calm, then the judgement."""
    chance = random.Random(f"{seed}/{place.kind}/{number}/kills")
    _operate(place, round=number)
    _propose(place, number)
    kills, spawned = 0, 0
    living: dict[int, Any] = {}
    while True:
        for slot in range(WORKERS):
            if slot not in living and spawned < WORKERS + kills:
                failpoint = ""
                if kills + len(living) < KILLS_PER_ROUND and chance.random() < 0.8:
                    failpoint = f"{chance.choice(PLACES)}:kill@{chance.randint(1, 3)}"
                living[slot] = _start(place, slot, f"{seed}/{number}/{spawned}", failpoint, 60)
                spawned += 1
        if not living:
            break
        wait_for([process.sentinel for process in living.values()])
        for slot, process in list(living.items()):
            if not process.is_alive():
                kills += _ended(place, slot, process)
                del living[slot]
    tally.counts["kills"] += kills
    place.time.pass_by(600)
    _operate(place, is_calm=True)
    for _ in range(2):  # the late ones come in with the first call, so that the second turn sees them
        _ended(place, 0, _start(place, 0, f"{seed}/{number}/calm", "", 2))
    _judge(place, number, _operate(place, is_calm=True), tally)


def _start(place: Place, slot: int, seed: str, failpoint: str, turns: int) -> Any:
    place.time.enter(slot)
    process = _FORK.Process(target=_work, args=(place, slot, seed, failpoint, turns))
    process.start()
    return process


def _ended(place: Place, slot: int, process: Any) -> int:
    process.join()
    place.time.leave(slot)
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"a worker failed with {process.exitcode}")
    return int(process.exitcode == -signal.SIGKILL)


def _judge(place: Place, number: int, told: dict[str, Any], tally: Tally) -> None:
    cards: dict[str, list[dict[str, Any]]] = {}
    for card in told["cards"]:
        cards.setdefault(str(card["task_id"]), []).append(card)
    with open_state(place.settings) as sessions, sessions() as session:
        tasks = list(session.scalars(select(ContentTask)))
        rows = {row.task_id: row for row in session.scalars(select(Outbox))}
    tally.counts["themes"] += len(tasks)
    tally.counts["sent more than once"] += sum(row.post_count > 1 for row in rows.values())
    tally.counts["tasks made"] += len(told["cards"])
    for task in tasks:
        made = cards.pop(task.task_id, [])
        opened = [card["id"] for card in made if card["is_open"]]
        tally.counts["twins made and closed"] += len(made) - len(opened)
        tally.counts[f"ended {rows[task.task_id].state}"] += 1
        if len(made) > 1 and task.task_id not in told["late_tasks"]:
            tally.wrong.append(f"round {number}, {task.theme}: made twice, though no write of it came late")
        if opened != [task.remote_id] or task.status != "open":
            tally.wrong.append(
                f"round {number}, {task.theme}: open in the tracker {opened}, in the ledger {task.remote_id} "
                f"({task.status}, outbox {rows[task.task_id].state})"
            )
    if cards:
        tally.wrong.append(f"round {number}: tasks in the tracker that nobody knows: {sorted(cards)}")
    tally.faults = Counter(told["faults"])


def storm(kind: str, faults: int, seed: int, is_careless: bool = False) -> Tally:
    """Rounds against one tracker until `faults` were injected, kills included."""
    tally, clock = Tally(), SimulatedTime(_FORK, WORKERS)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _FORK.Process(target=_serve, args=(kind, seed, clock, listener), daemon=True)
    server.start()
    listener.close()
    with tempfile.TemporaryDirectory(prefix="rebuttal-storm-") as folder:
        try:
            _rounds(kind, faults, seed, is_careless, tally, clock, url, Path(folder))
        finally:
            server.terminate()
            server.join()
    return tally


def _rounds(
    kind: str, faults: int, seed: int, is_careless: bool, tally: Tally, clock: SimulatedTime, url: str, folder: Path
) -> None:
    empty = load_settings({"REBUTTAL_HOME": str(folder / "empty")})
    with open_state(empty):
        pass
    rule = load_rules(empty.config).tracker
    waits = {"index_wait_seconds": 0, "search_spacing_seconds": 0} if is_careless else {
        "index_wait_seconds": 120, "search_spacing_seconds": 60}  # fmt: skip
    rule = rule.model_copy(update={"kind": kind, "connection": kind, **waits})
    number = 0
    while sum(tally.faults.values()) + tally.counts["kills"] < faults:
        number += 1
        home = folder / str(number)
        shutil.copytree(empty.home, home)
        settings = load_settings({"REBUTTAL_HOME": str(home)})
        storm_round(Place(kind, url, settings, rule, clock, is_careless), seed, number, tally)
        shutil.rmtree(home)


def _serve(kind: str, seed: int, clock: SimulatedTime, listener: socket.socket) -> None:
    logging.disable(logging.CRITICAL)  # each hung-up connection would be a complaint
    Server(Weather(kind, seed, clock), "127.0.0.1", 0).run(sockets=[listener])  # type: ignore[arg-type]


def main(arguments: list[str] | None = None) -> int:
    """Print what was injected and what came of it; exit 1 when a theme has not exactly one open task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--tracker", choices=("jira", "trello"), action="append")
    parser.add_argument("--careless", action="store_true", help="neither wait nor sweep: this has to fail")
    chosen = parser.parse_args(arguments)
    failed = False
    for kind in chosen.tracker or ("jira", "trello"):
        begun = time.monotonic()
        tally = storm(kind, chosen.faults, chosen.seed, chosen.careless)
        total = sum(tally.faults.values()) + tally.counts["kills"]
        print(f"{kind}, seed {chosen.seed}: {total} faults in {time.monotonic() - begun:.0f} s")
        print("  faults: " + ", ".join(f"{name} {count}" for name, count in sorted(tally.faults.items())))
        print("  came of it: " + ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items())))
        print(
            f"  {len(tally.wrong)} violations: themes without exactly one open task, or made twice without need",
            flush=True,
        )
        for line in tally.wrong[:10]:
            print(f"    {line}")
        failed = failed or bool(tally.wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
