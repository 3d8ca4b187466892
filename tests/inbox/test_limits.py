"""Fair shares: over any time a bucket lets through no more than its size and its rate allow, and no less."""

from __future__ import annotations

from copy import copy

from hypothesis import given
from hypothesis import strategies as st

from rebuttal.inbox.hooks import Hook, HookLimits
from rebuttal.inbox.limits import Bucket, Shares


def a_hook(**limits: float) -> Hook:
    return Hook("this", "jira", "this", "https://h.example", (), HookLimits(**limits))  # type: ignore[arg-type]


ASKED = st.lists(
    st.tuples(st.integers(0, 50).map(lambda tenths: tenths / 10), st.integers(1, 30)), min_size=1, max_size=40
)


@given(rate=st.integers(1, 20), size=st.integers(1, 40), asked=ASKED)
def test_no_more_than_the_rate_and_never_less(rate: int, size: int, asked: list[tuple[float, int]]) -> None:
    bucket, now, taken, largest = Bucket(rate, size, 0.0), 0.0, 0, 0
    for pause, count in asked:
        now += pause
        wait = bucket.wait(count, now)
        if wait == 0:
            bucket.take(count)
            taken, largest = taken + count, max(largest, count)
        else:
            assert copy(bucket).wait(count, now + wait + 1e-6) == 0, "whoever waits as told is let in"
    assert taken <= size + rate * now + max(0, largest - size) + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, 5, 100.0)
    assert bucket.wait(5, 100.0) == 0
    bucket.take(5)
    assert bucket.wait(1, 0.0) > 0
    assert bucket.wait(1, 101.0) == 0


def test_one_partner_never_takes_anothers_place() -> None:
    shares, hook = Shares(), a_hook(partner_per_second=1, partner_burst=3, burst=1000)
    assert [shares.admit(hook, {"salon-01": 1}, 0.0) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert [shares.admit(hook, {"salon-02": 1}, 0.0) for _ in range(3)] == [0, 0, 0]
    assert shares.admit(hook, {None: 500}, 0.0) == 0, "what is nobody's counts for the hook alone"


def test_what_is_refused_costs_nobody_anything() -> None:
    shares, hook = Shares(), a_hook(partner_per_second=1, partner_burst=3, burst=10, events_per_second=1)
    assert shares.admit(hook, {"salon-01": 3}, 0.0) == 0
    for _ in range(100):
        assert shares.admit(hook, {"salon-01": 1, "salon-02": 3}, 0.0) == 1
    assert shares.admit(hook, {"salon-02": 3}, 0.0) == 0


def test_a_delivery_larger_than_the_burst_is_let_in_and_paid_for_later() -> None:
    shares, hook = Shares(), a_hook(events_per_second=10, burst=50)
    assert shares.admit(hook, {None: 100}, 0.0) == 0
    assert shares.admit(hook, {None: 1}, 0.0) == 6  # fifty owed and one more at ten a second
    assert shares.admit(hook, {None: 1}, 5.2) == 0
