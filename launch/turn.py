"""One turn of the loop through the scheduler: trigger every pull, watch what follows from it, then the digest."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from launch.airflow_api import ACTIVE, AirflowApi

PULLS = ("google_ads", "yandex_direct", "yandex_metrica", "ga4", "hubspot", "typeform", "yclients")
QUIET_SECONDS = 4.0
LIMIT_SECONDS = 900.0


class Turn:
    """Watches the runs of a turn and says what happens, a line a change."""

    def __init__(self, api: AirflowApi, say: Callable[[str], None], check: Callable[[], None]) -> None:
        self._api = api
        self._say = say
        self._check = check
        self._started = datetime.now(UTC) - timedelta(seconds=2)
        self._clock = time.monotonic()
        self._states: dict[tuple[str, str], str] = {}

    def run(self) -> list[str]:
        """Turn the loop once; returns the DAGs that failed or were not finished in time, with their state."""
        for source in PULLS:
            self._api.trigger(f"pull__{source}")
        self._until_quiet()
        self._api.trigger("tell")
        self._until_quiet()
        return sorted({f"{dag}: {state}" for (dag, _), state in self._states.items() if state != "success"})

    @property
    def seconds(self) -> float:
        """How long the turn has taken."""
        return time.monotonic() - self._clock

    def _until_quiet(self) -> None:
        quiet_since = time.monotonic()
        limit = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < limit:
            self._check()
            runs = self._api.runs_since(self._started)
            self._note(runs)
            if not runs or any(run["state"] in ACTIVE for run in runs):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                return
            time.sleep(1.0)
        self._say("It takes longer than expected; Airflow's page shows what is waiting.")

    def _note(self, runs: list[dict[str, Any]]) -> None:
        for run in runs:
            key, state = (str(run["dag_id"]), str(run["dag_run_id"])), str(run["state"])
            if self._states.get(key) != state:
                self._states[key] = state
                if state != "queued":
                    self._say(f"{self.seconds:5.0f} s  {key[0]:<24} {'done' if state == 'success' else state}")
