"""Trackers behind one small port: what the outbox and the status sync ask of a task tracker.

Every call may raise CredentialsError (refused), ContractError (an answer that is no answer), ThrottledError (with
`retry_after`), UnavailableError (surely nothing was done), and `create` also UncertainError (perhaps done) and
RefusedError (never will be).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rebuttal.content.brief import Brief
from rebuttal.errors import AbortError


class RefusedError(AbortError):
    """The tracker will not take this task until a person changes something there; repeating is useless."""


@dataclass(frozen=True)
class Draft:
    """A task to be created. `label` is its unique marker, searched for after a lost answer."""

    task_id: str
    label: str
    category: str
    brief: Brief


@dataclass(frozen=True)
class RemoteTask:
    """A task as the tracker shows it. `task_id` is our own marker as the tracker kept it, '' when it has none.

    `status_category`: Jira's key (new, indeterminate, done); elsewhere `new` for where tasks are put, '' for the rest.
    `creator` is who made it; '' when it is not known, or when it was made by copying another task.
    `assignee`: display names of those who have it; '' when nobody has, None when the answer did not say.
    """

    remote_id: str
    key: str
    url: str
    status_name: str
    status_id: str
    status_category: str
    created_at: datetime
    creator: str
    task_id: str
    is_archived: bool = False  # put away by people, whatever its status says
    assignee: str | None = None


@dataclass(frozen=True)
class Address:
    """Where a task's piece was published, and when the tracker learned it (UTC)."""

    url: str
    at: datetime


class Tracker(Protocol):
    """A task tracker."""

    def create(self, draft: Draft) -> RemoteTask:
        """Create the task, sent exactly once by this call. The status of the returned task is not known yet ('')."""

    def search(self, labels: Sequence[str]) -> list[RemoteTask]:
        """Tasks that carry one of `labels`, oldest first, as far as the tracker's index knows."""

    def read(self, known: Collection[tuple[str, str]]) -> dict[str, RemoteTask | None]:
        """The tasks of these (remote id, key), by remote id, as they are now; None for one that is gone.

        An id that this kind of tracker never gives is left out: it belongs to another one. Raises
        ContractError when the project itself cannot be seen: then nobody can say that a task is gone.
        """

    def address(self, task: RemoteTask) -> Address | None:
        """The newest web address that people left on the task; None when there is none."""

    def close_twin(self, twin: RemoteTask, kept: RemoteTask) -> None:
        """Close `twin` and say on it which task is kept. Safe to repeat."""

    def withdraw(self, remote_id: str, key: str, phrases: Sequence[str], blot: str) -> int:
        """Put `blot` where a task's text quotes one of `phrases`, each a whole line; how many were there.

        Nothing else of the task changes, whoever wrote it. 0 for a task that is gone.
        """

    def workspace(self) -> str:
        """Where tasks are made, in the tracker's own words: `https://company.atlassian.net/MKT`, or a board's id."""
