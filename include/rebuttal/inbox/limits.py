"""Fair shares: how many events a hook and each of its partners may bring, as token buckets in this process's memory."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rebuttal.inbox.hooks import Hook, HookLimits

_MOST_BUCKETS = 10_000  # partners are of our configuration or of signed events; more than this is no company's


class Bucket:
    """`rate` tokens a second, at most `size` at once. Times are seconds of any clock that never goes back."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self.rate, self.size, self.level, self.at = rate, size, size, now

    def wait(self, count: float, now: float) -> float:
        """Seconds until `count` tokens are there; 0 when they are. More than the size is asked as the size."""
        self.level = min(self.size, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)
        return max(0.0, (min(count, self.size) - self.level) / self.rate)

    def take(self, count: float) -> None:
        """After `wait` said 0. What exceeds the size is owed, so that large deliveries keep to the rate as well."""
        self.level -= count


class Shares:
    """The buckets of all hooks and partners."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str | None], Bucket] = {}

    def admit(self, hook: Hook, counts: Mapping[str | None, int], now: float) -> int:
        """Take a delivery of `counts` events by partner: 0, or in how many whole seconds to come again.

        A delivery is taken as a whole or not at all; what is refused costs nobody anything.
        """
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.clear()
        wanted = [(self._bucket(hook, None, now), sum(counts.values()))]
        wanted += [(self._bucket(hook, partner, now), count) for partner, count in counts.items() if partner]
        wait = max(bucket.wait(count, now) for bucket, count in wanted)
        if wait > 0:
            return max(1, math.ceil(wait))
        for bucket, count in wanted:
            bucket.take(count)
        return 0

    def _bucket(self, hook: Hook, partner: str | None, now: float) -> Bucket:
        found = self._buckets.get((hook.name, partner))
        if found is None:
            found = self._buckets[hook.name, partner] = _new(hook.limits, partner, now)
        return found


def _new(limits: HookLimits, partner: str | None, now: float) -> Bucket:
    if partner is None:
        return Bucket(limits.events_per_second, limits.burst, now)
    return Bucket(limits.partner_per_second, limits.partner_burst, now)
