"""Time that several processes share and that passes only while all of them sleep: hours in a moment, no lag missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from multiprocessing.context import BaseContext

EPOCH = datetime(2026, 11, 16, 9, tzinfo=UTC)
_AWAKE, _ABSENT = -1.0, -2.0


class SimulatedTime:
    """One clock for `places` sleepers. Make it before forking; nobody may be killed while asleep."""

    def __init__(self, context: BaseContext, places: int) -> None:
        self._seconds = context.Value("d", 0.0, lock=False)
        self._wake = context.Array("d", [_ABSENT] * places, lock=False)
        self._changed = context.Condition()

    def seconds(self) -> float:
        """Seconds since the beginning."""
        return float(self._seconds.value)

    def now(self) -> datetime:
        """The simulated instant, UTC."""
        return EPOCH + timedelta(seconds=self.seconds())

    def enter(self, place: int) -> None:
        """Somebody works at `place`: from now on no time passes without them."""
        with self._changed:
            self._wake[place] = _AWAKE

    def leave(self, place: int) -> None:
        """Nobody works at `place` any more, be they done or dead."""
        with self._changed:
            self._wake[place] = _ABSENT
            self._move_on()

    def pass_by(self, seconds: float) -> None:
        """Let time pass while nobody is there."""
        with self._changed:
            self._seconds.value += seconds

    def sleep(self, place: int, seconds: float) -> None:
        """Sleep at `place`."""
        with self._changed:
            until = self._seconds.value + seconds
            self._wake[place] = until
            self._move_on()
            while self._seconds.value < until:
                self._changed.wait()
            self._wake[place] = _AWAKE

    def _move_on(self) -> None:
        there = [until for until in self._wake if until != _ABSENT]
        if there and all(until >= 0 for until in there) and min(there) > self._seconds.value:
            self._seconds.value = min(there)
        self._changed.notify_all()


class Sleeper:
    """A worker's clock at one place of the simulated time."""

    def __init__(self, time: SimulatedTime, place: int) -> None:
        self._time, self._place = time, place

    def now(self) -> datetime:
        """This instant, UTC."""
        return self._time.now()

    def sleep(self, seconds: float) -> None:
        """Come back `seconds` later."""
        self._time.sleep(self._place, seconds)
