"""Airflow's REST API, as much of it as a run needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

ACTIVE = ("queued", "running")


class AirflowApi:
    """A logged-in client. Raises requests.RequestException when Airflow does not answer as it should."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self.base_url = base_url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()

    def is_healthy(self) -> bool:
        """Whether the database, the scheduler, the DAG processor and the triggerer are all well."""
        try:
            health = requests.get(f"{self.base_url}/api/v2/monitor/health", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def log_in(self) -> None:
        """Get a token; it lives longer than a run's first turn."""
        answer = requests.post(f"{self.base_url}/auth/token", json=self._login, timeout=30)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Make the pool unless it is there."""
        body = {"name": name, "slots": slots, "description": description}
        answer = self._session.post(f"{self.base_url}/api/v2/pools", json=body, timeout=30)
        if answer.status_code != 409:
            answer.raise_for_status()

    def dag_ids(self) -> set[str]:
        """The DAGs that Airflow knows by now."""
        return {str(dag["dag_id"]) for dag in self._get("dags", limit=100)["dags"]}

    def import_errors(self) -> list[str]:
        """DAG files that could not be read."""
        return [str(error["filename"]) for error in self._get("importErrors")["import_errors"]]

    def trigger(self, dag_id: str) -> str:
        """Start a run now; returns its id."""
        answer = self._session.post(
            f"{self.base_url}/api/v2/dags/{dag_id}/dagRuns",
            json={"logical_date": datetime.now(UTC).isoformat()},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def runs_since(self, start: datetime) -> list[dict[str, Any]]:
        """All DAG runs that began to exist since `start`, oldest first."""
        found = self._get("dags/~/dagRuns", limit=100, order_by="id", run_after_gte=start.isoformat())
        runs: list[dict[str, Any]] = found["dag_runs"]
        return runs

    def switch_on(self, dag_id: str) -> None:
        """Let the scheduler start the DAG."""
        address = f"{self.base_url}/api/v2/dags/{dag_id}"
        self._session.patch(address, json={"is_paused": False}, timeout=30).raise_for_status()

    def last_runs(self, dag_id: str, count: int) -> list[dict[str, Any]]:
        """The newest runs of a DAG, the newest first."""
        runs: list[dict[str, Any]] = self._get(f"dags/{dag_id}/dagRuns", limit=count, order_by="-id")["dag_runs"]
        return runs

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The tasks of a run."""
        found: list[dict[str, Any]] = self._get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return found

    def _get(self, path: str, **params: Any) -> Any:
        answer = self._session.get(f"{self.base_url}/api/v2/{path}", params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()
