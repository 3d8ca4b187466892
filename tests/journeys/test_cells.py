"""Credit added up from arrays is what exact fractions of each path add up to."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebuttal.journeys.cells import WHOLE, Weights, add_up
from rebuttal.journeys.columns import Columns
from rebuttal.journeys.credited import CONVERSION_TYPES, NAMED, Touches

DAY = 86_400_000_000
MONDAY = 20_458 * DAY  # 2026-01-05
WEIGHTS = Weights(0.4, 0.3, 7)
DIRECT = 1
MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position_based", "shapley")
# Names 0 and 1 are of channel 0, name 2 is direct, name 3 says that nothing is known.
NAMES = pd.DataFrame([["a", "x"], ["a", "y"], ["direct", "z"], ["unknown", "unknown"]], columns=NAMED[:2])
NAMES = NAMES.assign(campaign="none", content="none")
CHANNEL = np.array([0, 0, DIRECT, 2], dtype=np.uint8)
TOUCH = st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 7 * 10**11, WHOLE]))
MONEY = st.one_of(st.none(), st.integers(-(10**9), 10**17))
CONVERSION = st.tuples(
    st.lists(TOUCH, max_size=7),
    MONEY,
    st.sampled_from(["lead", "won"]),
    st.sampled_from([None, "p"]),
    st.integers(0, 60),
)


def arrays(found: list[tuple]) -> tuple[Touches, Columns]:
    paths = [path or [(3, WHOLE)] for path, *_ in found]
    name = np.array([name for path in paths for name, _ in path], dtype=np.int64)
    touches = Touches(
        np.concatenate([[0], np.cumsum([len(path) for path in paths])]).astype(np.int64),
        name,
        CHANNEL[name],
        np.array([decay for path in paths for _, decay in path], dtype=np.float64),
        NAMES,
        np.array([bool(path) for path, *_ in found]),
    )
    return touches, {
        "value_micros": np.array([money or 0 for _, money, *_ in found], dtype=np.int64),
        "value_count": np.array([money is not None for _, money, *_ in found], dtype=np.int64),
        "kind": np.array([CONVERSION_TYPES.index(row[2]) for row in found], dtype=np.int64),
        "partner_id": np.array([row[3] for row in found], dtype=object),
        "converted_micros": np.array([MONDAY + row[4] * DAY for row in found], dtype=np.int64),
        "missing_rate_count": np.array([row[4] % 2 for row in found], dtype=np.int64),
    }


def shares_of(path: list[tuple[int, int]]) -> dict[str, list[Fraction]]:
    """What touches should get, before rounding."""
    count, last = len(path), len(path) - 1
    channels = [int(CHANNEL[name]) for name, _ in path]
    known = max((at for at in range(count) if channels[at] != DIRECT), default=last)
    decay = [Fraction(weight) for _, weight in path]
    ends = {0: Fraction("0.4"), last: Fraction("0.3")} if count > 2 else {}
    between = Fraction("0.3") / max(count - 2, 1) if count > 2 else Fraction(1, count)
    return {
        "first": [Fraction(at == 0) for at in range(count)],
        "last": [Fraction(at == last) for at in range(count)],
        "last_non_direct": [Fraction(at == known) for at in range(count)],
        "linear": [Fraction(1, count)] * count,
        "time_decay": [one / sum(decay) if sum(decay) else Fraction(at == last) for at, one in enumerate(decay)],
        "position_based": [ends.get(at, between) for at in range(count)],
        "shapley": [Fraction(1, len(set(channels)) * channels.count(one)) for one in channels],
    }


@settings(max_examples=30)
@given(st.lists(CONVERSION, min_size=1, max_size=9))
def test_each_cell_has_what_its_paths_give_it(found: list[tuple]) -> None:
    rows = add_up(*arrays(found), WEIGHTS, DIRECT)
    expected: dict[tuple, Fraction] = defaultdict(Fraction)
    for path, _, kind, partner, day in found:
        week = pd.Timestamp("2026-01-05") + pd.Timedelta(days=day - day % 7)
        month = (pd.Timestamp("2026-01-05") + pd.Timedelta(days=day)).replace(day=1)
        for model, shares in shares_of(path or [(3, WHOLE)]).items():
            for (name, _), share in zip(path or [(3, WHOLE)], shares, strict=True):
                expected[week, month, kind, partner, *NAMES.loc[name, ["channel", "source"]], bool(path), model] += (
                    share
                )
    got = {}
    for row in rows.to_dict("records"):
        partner = row["partner_id"] if isinstance(row["partner_id"], str) else None
        key = (row["week_start"], row["month_start"], row["conversion_type"], partner, row["channel"], row["source"])
        for model in MODELS:
            count = row[f"{model}_touch"] if f"{model}_touch" in row else Fraction(row[f"{model}_share"], WHOLE)
            got[*key, row["is_touched"], model] = count
    assert got.keys() == expected.keys()
    # Each touch's share is rounded to a trillionth, and the last one gets what is left.
    assert max(abs(got[key] - share) for key, share in expected.items()) < Fraction(100, WHOLE)


@settings(max_examples=30)
@given(st.lists(CONVERSION, min_size=1, max_size=9))
def test_conversions_and_money_are_whole(found: list[tuple]) -> None:
    rows = add_up(*arrays(found), WEIGHTS, DIRECT)
    money = sum(one for _, one, *_ in found if one is not None)
    for model in MODELS:
        micros = int(rows[f"{model}_micros"].sum())
        if f"{model}_touch" in rows:
            assert (rows[f"{model}_touch"].sum(), micros) == (len(found), money)
            continue
        assert rows[f"{model}_share"].sum() == len(found) * WHOLE
        small, least = int(rows[f"{model}_small"].sum()), int(rows[f"{model}_least"].sum())
        assert (micros * 10**6 + small) * 10**6 + least == money * WHOLE
    if all(one is None for _, one, *_ in found):
        assert rows["linear_micros"].isna().all()
        assert rows["first_micros"].isna().all()


def test_money_beyond_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError, match="worth more"):
        add_up(*arrays([([(0, WHOLE)], 5 * 10**18, "won", None, 0)] * 2), WEIGHTS, DIRECT)
