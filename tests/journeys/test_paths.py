"""Attribution of path tables: credits add up, known answers come out, wrong input is named by its line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.errors import ConfigError
from rebuttal.journeys.paths import MODELS, TouchPath, attribute, read_paths

CHANNELS = ["social", "direct", "email", "video", "Direct"]
paths = st.builds(
    TouchPath,
    channels=st.lists(st.sampled_from(CHANNELS), max_size=8).map(tuple),
    conversions=st.integers(0, 50).map(float),
    value=st.just(0.0),
    nulls=st.integers(0, 50).map(float),
).flatmap(
    lambda path: st.integers(0, 900 if path.conversions else 0).map(
        lambda value: TouchPath(path.channels, path.conversions, float(value), path.nulls)
    )
)


@pytest.mark.parametrize("model", MODELS)
@given(table=st.lists(paths, min_size=1, max_size=12))
def test_credits_add_up_to_the_table(model: str, table: list[TouchPath]) -> None:
    credits = attribute(table, model)
    assert sum(row["conversions"] for row in credits) == pytest.approx(sum(path.conversions for path in table))
    assert sum(row["value"] for row in credits) == pytest.approx(sum(path.value for path in table))
    if model != "shapley_rate":  # there a channel may harm
        assert all(row["conversions"] >= -1e-9 and row["value"] >= -1e-9 for row in credits)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first", {"a": 10, "b": 0, "direct": 0}),
        ("last", {"a": 0, "b": 0, "direct": 10}),
        ("last_non_direct", {"a": 0, "b": 10, "direct": 0}),
        ("linear", {"a": 5, "b": 2.5, "direct": 2.5}),
        ("time_decay", {"a": 10 * 3 / 15, "b": 10 * 4 / 15, "direct": 10 * 8 / 15}),
        ("position_based", {"a": 5, "b": 1, "direct": 4}),
        ("shapley", {"a": 10 / 3, "b": 10 / 3, "direct": 10 / 3}),
        ("markov", {"a": 10 / 3, "b": 10 / 3, "direct": 10 / 3}),
        ("markov_2", {"a": 10 / 3, "b": 10 / 3, "direct": 10 / 3}),
        ("shapley_rate", {"a": 10 / 3, "b": 10 / 3, "direct": 10 / 3}),
    ],
)
def test_known_answers(model: str, expected: dict[str, float]) -> None:
    rows = attribute([TouchPath(("a", "a", "b", "direct"), 10, 100, 0)], model)
    assert {row["channel"]: row["conversions"] for row in rows} == pytest.approx(expected)
    assert {row["channel"]: row["value"] for row in rows} == pytest.approx({k: v * 10 for k, v in expected.items()})


def test_one_and_two_touches_by_position() -> None:
    one = attribute([TouchPath(("a",), 4, 0, 0)], "position_based")
    two = attribute([TouchPath(("a", "b"), 4, 0, 0)], "position_based")
    assert [row["conversions"] for row in one] == [4]
    assert [row["conversions"] for row in two] == [2, 2]


def test_an_empty_path_counts_for_unknown() -> None:
    assert attribute([TouchPath((), 3, 9, 0)], "linear") == [{"channel": "unknown", "conversions": 3, "value": 9}]


def test_markov_against_removal_counted_by_hand() -> None:
    # start -> a (2/3), start -> b (1/3); a -> b 1/2, a -> gone 1/2; b -> sale 1/2.
    # With both 2/3 * 1/2 * 1/2 + 1/3 * 1/2 = 1/3 buy. Without a 1/6, so half is lost; without b nobody buys.
    table = [TouchPath(("a", "b"), 1, 30, 0), TouchPath(("a",), 0, 0, 1), TouchPath(("b",), 0, 0, 1)]
    rows = attribute(table, "markov")
    assert {row["channel"]: row["conversions"] for row in rows} == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_markov_by_walking_every_path_without_the_channel() -> None:
    table = [
        TouchPath(("a", "b", "a", "c"), 3, 0, 5),
        TouchPath(("b", "b", "c"), 2, 0, 1),
        TouchPath(("c", "a"), 1, 0, 9),
        TouchPath(("b",), 4, 0, 2),
    ]
    whole = _converting_share(table, None)
    effect = {channel: 1 - _converting_share(table, channel) / whole for channel in "abc"}
    expected = {channel: 10 * value / sum(effect.values()) for channel, value in effect.items()}
    rows = attribute(table, "markov")
    assert {row["channel"]: row["conversions"] for row in rows} == pytest.approx(expected, abs=1e-9)


def _converting_share(table: list[TouchPath], removed: str | None) -> float:
    """The chance of a conversion by stepping the chain many times; `removed` absorbs."""
    moves: dict[str, dict[str, float]] = {}
    for path in table:
        for end, times in (("sale", path.conversions), ("gone", path.nulls)):
            walk = ["start", *path.channels, end]
            for here, there in pairwise(walk):
                moves.setdefault(here, {}).setdefault(there, 0)
                moves[here][there] += times
    at, sold = {"start": 1.0}, 0.0
    for _ in range(3000):
        after: dict[str, float] = {}
        for here, mass in at.items():
            for there, times in moves[here].items():
                share = mass * times / sum(moves[here].values())
                if there == "sale":
                    sold += share
                elif there not in ("gone", removed):
                    after[there] = after.get(there, 0) + share
        at = after
    return sold


def write(folder: Path, text: str) -> Path:
    path = folder / "paths.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_what_it_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffpath, conversions,value,nulls\n a > b c>d ,2,3.5,\n,1,,4\n")
    assert read_paths(path) == [TouchPath(("a", "b c", "d"), 2, 3.5, 0), TouchPath((), 1, 0, 4)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,conversions\na > > b,1\n", "paths.csv:2 has an empty channel"),
        ("path,conversions\na,1\nb,-1\n", "paths.csv:3: conversions '-1'"),
        ("path,conversions\na,nan\n", "conversions 'nan'"),
        ("path,conversions\na,1e999\n", "conversions '1e999'"),
        ("path,conversions,value\na,1,ten\n", "value 'ten'"),
        ("path,conversions,value\na,0,10\n", "a value without conversions"),
        ("path,value\na,1\n", "lacks conversions"),
        ("path,conversions,colour\na,1,red\n", "unknown or repeated columns"),
        ("path,conversions\na,1,2\n", "cells"),
        ("path,conversions\n", "no rows"),
        ("", "lacks path, conversions"),
        ('path,conversions\n"a,1\n', "not a CSV file"),
    ],
)
def test_wrong_input_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_paths(write(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "paths.csv"
    path.write_bytes(b"path,conversions\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_paths(path)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'time_decay'"):
        attribute([TouchPath(("a",), 1, 0, 0)], "timedecay")
