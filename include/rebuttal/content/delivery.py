"""Working the outbox against a tracker: send, and when an answer is lost, look before sending again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from rebuttal.content.brief import Brief
from rebuttal.content.outbox import Claim, ClaimLostError, claim_next, next_due, settle
from rebuttal.content.rules import TrackerRule
from rebuttal.content.trackers import Draft, RefusedError, RemoteTask, Tracker
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.errors import (
    ContractError,
    CredentialsError,
    RebuttalError,
    RetryError,
    ThrottledError,
    UnavailableError,
    UncertainError,
)
from rebuttal.outgoing import PersonalDataError, refuse_personal_data
from rebuttal.state import ContentTask, Sessions, record_decision
from rebuttal.state.failpoint import failpoint
from rebuttal.state.worker import this_worker

_SEARCHES = 2
_BACKOFF_SECONDS = (1.0, 3.0, 9.0, 27.0)


@dataclass
class Delivered:
    """What a drain did: counts by end state, and problems in one line each."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more of `name`."""
        self.counts[name] = self.counts.get(name, 0) + 1


class Delivery:
    """One worker on the outbox. `decided_at` is the run's now, for ledger and journal; leases use the wall clock."""

    def __init__(
        self, sessions: Sessions, tracker: Tracker, rule: TrackerRule, decided_at: datetime, wall: Waiting = WALL_CLOCK
    ) -> None:
        self._sessions, self._tracker, self._rule, self._decided_at = sessions, tracker, rule, decided_at
        self._wall = wall
        self._worker = this_worker()
        self._failures = 0
        self._done = Delivered()

    def drain(self) -> Delivered:
        """Work until nothing is due within the run's budget. A refused login or a dead tracker ends it early."""
        deadline = self._wall.now() + timedelta(seconds=self._rule.run_budget_seconds)
        lease = timedelta(seconds=self._rule.lease_seconds)
        while True:
            claim = claim_next(self._sessions, self._worker, lease, self._wall.now())
            if claim is not None:
                if not self._work(claim):
                    return self._done
                continue
            due = next_due(self._sessions)
            if due is None:
                return self._done
            wait = max((due - self._wall.now()).total_seconds(), 0.05)
            if self._wall.now() + timedelta(seconds=wait) > deadline:
                self._done.problems.append("Some tasks wait for the tracker; the next run goes on with them")
                return self._done
            self._wall.sleep(wait)

    def _work(self, claim: Claim) -> bool:
        """Work one claim; False when going on is useless."""
        try:
            if claim.was == "pending":
                self._send(claim)
            elif claim.was == "sending":
                # Its worker died between the claim and the result: perhaps the task exists.
                self._doubt(claim, "the worker ended before the answer")
            else:
                self._look(claim)
        except ClaimLostError:
            self._done.add("lease_lost")
        except (CredentialsError, ContractError, RefusedError) as error:
            # The connection or the project is wrong, not this task: it waits for a person to mend that.
            self._later(claim, error)
            self._done.problems.append(str(error))
            return False
        except (ThrottledError, UnavailableError) as error:
            self._later(claim, error)
            self._failures += 1
            if self._failures > len(_BACKOFF_SECONDS):
                self._done.problems.append(f"{error} (tried {self._failures} times; the next run goes on)")
                return False
        else:
            self._failures = 0
        return True

    def _send(self, claim: Claim) -> None:
        draft = _draft(claim)
        if claim.row.post_count <= 1 and (known := self._known(claim)):
            self._finish(claim, "adopted", known[0])
            return
        try:
            refuse_personal_data(draft.brief.texts(), f"Task {draft.label}")
            failpoint("content.before_send")
            self._refuse_late_send(claim)
            created = self._tracker.create(draft)
            failpoint("content.after_send")
        except UncertainError as error:
            self._doubt(claim, str(error))
        except (RefusedError, PersonalDataError) as error:
            self._bury(claim, error)
        else:
            self._finish(claim, "sent", created)

    def _refuse_late_send(self, claim: Claim) -> None:
        """A worker that was held up until its lease ended must not send: its successor may have looked already."""
        if claim.row.lease_until is not None and self._wall.now() >= claim.row.lease_until:
            raise ClaimLostError(claim.row.effect_key)

    def _look(self, claim: Claim) -> None:
        found = self._search(claim)
        failpoint("content.after_search")
        if found:
            self._finish(claim, "adopted", found[0])
        elif claim.row.search_count + 1 < _SEARCHES:
            self._wait(claim, "unknown", self._rule.search_spacing_seconds, search_count=claim.row.search_count + 1)
        else:
            self._wait(claim, "pending", 0.0, search_count=0)
            self._done.add("sent_again")

    def _known(self, claim: Claim) -> list[RemoteTask]:
        """Tasks of the claim that were there before it was ever sent: our store may be older than the tracker, restored
        from a backup. Where a search is refused, the answer to the task itself says why.
        """
        try:
            return self._search(claim)
        except (RefusedError, ContractError):
            return []

    def _search(self, claim: Claim) -> list[RemoteTask]:
        """Tasks with the claim's marker, the oldest first; a person's copy of another task is none."""
        found = self._tracker.search([_draft(claim).label])
        return [task for task in found if task.task_id in ("", claim.row.task_id)]

    def _doubt(self, claim: Claim, why: str) -> None:
        self._wait(claim, "unknown", self._rule.index_wait_seconds, search_count=0, last_error=why)
        self._done.add("answer_lost")

    def _later(self, claim: Claim, error: RebuttalError) -> None:
        """Surely nothing was sent: the row goes back to where it was, for later."""
        wait = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
        if isinstance(error, RetryError) and error.retry_after is not None:
            wait = max(error.retry_after, 0.1)
        state, posts = (
            ("pending", claim.row.post_count - 1) if claim.was == "pending" else ("unknown", claim.row.post_count)
        )
        try:
            self._wait(claim, state, wait, post_count=posts, last_error=str(error))
        except ClaimLostError:
            self._done.add("lease_lost")

    def _wait(self, claim: Claim, state: str, seconds: float, **values: Any) -> None:
        not_before = self._wall.now() + timedelta(seconds=seconds)
        settle(self._sessions, claim, state=state, not_before=not_before, **values)
        if state == "unknown":
            failpoint("content.after_unknown")
        else:
            failpoint("content.after_pending")

    def _finish(self, claim: Claim, state: str, task: RemoteTask) -> None:
        def write_ledger(session: Session) -> None:
            entry = session.get_one(ContentTask, claim.row.task_id)
            entry.remote_id, entry.task_key, entry.task_url = task.remote_id, task.key, task.url
            entry.status = "open"

        settle(
            self._sessions,
            claim,
            write_ledger,
            state=state,
            remote_id=task.remote_id,
            remote_key=task.key,
            finished_at=self._wall.now(),
            not_before=None,
            last_error=None,
        )
        failpoint("content.after_settle")
        self._done.add(state)

    def _bury(self, claim: Claim, error: RebuttalError) -> None:
        def write_ledger(session: Session) -> None:
            entry = session.get_one(ContentTask, claim.row.task_id)
            entry.status, entry.closed_at = "dead", self._decided_at
            record_decision(
                session,
                kind="task",
                subject=claim.row.task_id,
                decision="dead",
                evidence={"theme": entry.theme, "reason": error.message},
                decided_by="rule:content.delivery",
                decided_at=self._decided_at,
            )

        settle(
            self._sessions,
            claim,
            write_ledger,
            state="dead",
            finished_at=self._wall.now(),
            not_before=None,
            last_error=str(error),
        )
        self._done.add("dead")
        self._done.problems.append(str(error))


def _draft(claim: Claim) -> Draft:
    payload = claim.row.payload
    return Draft(claim.row.task_id, payload["label"], payload["category"], Brief.from_dict(payload["brief"]))
