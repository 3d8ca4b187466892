"""What can go wrong on the wire, as switches and as named profiles; drawn by seed and request number.

*Wire* faults strike single calls at a rate, or exactly the next calls that are named ("next"). After `PATIENCE` faulty
answers to one and the same request the next is true, so that a patient client gets through, unless the rate is 1.
*Data* faults put faulty rows into what the tools show, as long as they are switched on. *Settings* are lags and delays,
and `totals_off`: by which share the totals that a tool gives beside its rows are too high (in no profile);
`hook_hour_s`: how many seconds stand for an hour of the schedules by which vendors send webhooks again, `hook_late_s`:
by how many seconds a webhook that comes out of order is late.
*Hook* faults strike the webhooks that vendors send, at a rate (in no profile).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.bad_rows import KINDS

WIRE = {
    "throttle": "429 in the vendor's words, saying how long to wait where the vendor does",
    "throttle_bare": "429 without a word on how long to wait",
    "error_500": "the vendor's 500",
    "error_502": "the vendor's 502",
    "error_503": "the vendor's 503",
    "unauthorized": "the vendor's 401, as if the token had expired (in no profile)",
    "error_page": "an HTML error page with status 200",
    "empty": "status 200 and an empty body",
    "cut_length": "the body ends before its Content-Length",
    "cut_chunk": "a chunked body without its end",
    "slow": "the answer comes after `slow_s` seconds",
    "reset": "the connection is reset and nothing is done",
    "lost_answer": "a write is done, then the connection is reset",
    "duplicate_page": "the page before comes once more",
}
DATA = {
    "broken_utf8": "bytes that are no UTF-8 in a text",
    "huge_text": "a note of 10 MB",
    "hostile_text": "markup, formulas and orders to machines in a note",
    **{name: kind.says for name, kind in KINDS.items()},
}
HOOKS = {
    "hook_duplicate": "a webhook comes twice",
    "hook_out_of_order": "a webhook comes after the next one",
    "hook_forged": "somebody without the secret sends one like it before it",
    "hook_dropped": "a webhook never comes",
}
SETTINGS = {
    "hook_hour_s": 3600.0,
    "hook_late_s": 0.5,
    "slow_s": 2.0,
    "totals_off": 0.0,
    **{f"{name}_index_lag_s": 0.0 for name in ("hubspot", "jira", "trello")},
}
PATIENCE = 3

PROFILES: dict[str, dict[str, float]] = {
    "none": {},
    "bad_rows": dict.fromkeys(DATA, 1.0),
    "mild": {
        **dict.fromkeys(("throttle", "error_500", "error_502", "error_503", "cut_length", "reset"), 0.005),
        **dict.fromkeys(("hostile_text", "impossible_date"), 1.0),
        "slow_s": 0.5,
        "slow": 0.005,
        "hubspot_index_lag_s": 1.0,
        "jira_index_lag_s": 1.0,
    },
    "hostile": {
        **dict.fromkeys((kind for kind in WIRE if kind != "unauthorized"), 0.03),
        **dict.fromkeys(DATA, 1.0),
        "slow_s": 1.0,
        "hubspot_index_lag_s": 5.0,
        "jira_index_lag_s": 5.0,
    },
}


class UnknownFault(ValueError):
    """A fault, setting or profile of that name does not exist; the text names those that do."""


@dataclass
class Due:
    """A fault for the next `times` calls of `face` whose path contains `path` (any when empty) and method fits."""

    face: str
    kind: str
    times: int = 1
    path: str = ""
    method: str = ""


@dataclass(frozen=True)
class Injected:
    """A fault that was played: told with the truth."""

    at: str  # wall clock, UTC
    face: str
    kind: str
    number: int  # the face's request number
    method: str
    path: str


class Faults:
    """The switches of one sandbox."""

    def __init__(self, seed: int, profile: str = "none") -> None:
        self.seed = seed
        self.values: dict[str, float] = {}
        self.due: list[Due] = []
        self.injected: list[Injected] = []
        self._streaks: dict[tuple[str, str], int] = {}
        self.set_profile(profile)

    def set_profile(self, profile: str) -> None:
        """Forget all switches and take those of `profile`. Raises UnknownFault."""
        if profile not in PROFILES:
            raise UnknownFault(f"no fault profile {profile!r}: use one of {', '.join(PROFILES)}")
        self.profile = profile
        self.due = []
        self.values = {**dict.fromkeys([*WIRE, *DATA, *HOOKS], 0.0), **SETTINGS, **PROFILES[profile]}

    def set_values(self, values: Mapping[str, float]) -> None:
        """Change switches: wire and hook faults are rates from 0 to 1, data faults 0 or 1, settings up to 3600."""
        for name, value in values.items():
            if name not in self.values:
                raise UnknownFault(f"no fault {name!r}: use one of {', '.join(self.values)}")
            if not 0 <= float(value) <= (3600 if name in SETTINGS else 1):
                raise UnknownFault(f"{name} cannot be {value}")
        self.values.update({name: float(value) for name, value in values.items()})

    def plan(self, due: Sequence[Mapping[str, Any]]) -> None:
        """Name faults for the very next calls; see `Due` for the keys. Raises UnknownFault."""
        for item in due:
            if item.get("kind") not in WIRE:
                raise UnknownFault(f"no wire fault {item.get('kind')!r}: use one of {', '.join(WIRE)}")
        try:
            self.due.extend(Due(**item) for item in due)
        except TypeError as error:
            raise UnknownFault(f"a planned fault has face, kind, times, path, method: {error}") from None

    def data_switches(self) -> frozenset[str]:
        """The data faults that are on."""
        return frozenset(name for name in DATA if self.values[name] > 0)

    def may_strike(self, kind: str) -> bool:
        """Whether the wire fault `kind` is switched on or planned."""
        return self.values[kind] > 0 or any(due.kind == kind for due in self.due)

    def draw(self, face: str, number: int, method: str, path: str, request_key: str, is_write: bool) -> str | None:
        """The fault that strikes this call, or None. `request_key` is equal for repetitions of the same request."""
        kind = self._planned(face, method, path, is_write) or self._random(face, number, request_key, is_write)
        if kind is not None:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self.injected.append(Injected(at, face, kind, number, method, path))
        return kind

    def draw_hook(self, face: str, number: int, path: str) -> list[str]:
        """The hook faults that strike this webhook; each is drawn for itself."""
        struck = [
            kind for kind in HOOKS if random.Random(f"{self.seed}/{face}/{number}/{kind}").random() < self.values[kind]
        ]
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.injected += [Injected(at, face, kind, number, "POST", path) for kind in struck]
        return struck

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {"profile": self.profile, "values": self.values, "next": [asdict(due) for due in self.due]}

    def told(self) -> list[dict[str, Any]]:
        """JSON-ready list of what was injected, oldest first."""
        return [asdict(fault) for fault in self.injected]

    def _planned(self, face: str, method: str, path: str, is_write: bool) -> str | None:
        for due in self.due:
            fits = due.face == face and due.path in path and due.method in ("", method)
            if fits and due.times > 0 and (is_write or due.kind != "lost_answer"):
                due.times -= 1
                self.due = [other for other in self.due if other.times > 0]
                return due.kind
        return None

    def _random(self, face: str, number: int, request_key: str, is_write: bool) -> str | None:
        point = random.Random(f"{self.seed}/{face}/{number}").random()
        for kind in WIRE:
            rate = self.values[kind] if is_write or kind != "lost_answer" else 0.0
            if point < rate:
                streak = self._streaks.get((face, request_key), 0)
                if streak >= PATIENCE and rate < 1:
                    break
                self._streaks[face, request_key] = streak + 1
                return kind
            point -= rate
        self._streaks.pop((face, request_key), None)
        return None
