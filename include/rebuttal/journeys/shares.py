"""Models that look at all journeys at once: Markov removal effects (order 1 and 2) and Shapley by conversion rate.

Steps and sets of channels are counted once, apart by month and kind, and added up to each period. Journeys to none are
those of persons who never had a conversion of the kind. Results go to ops; the marts take them from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Engine, Table, delete, select

from rebuttal.journeys.cells import Weights, add_up
from rebuttal.journeys.changes import add_units
from rebuttal.journeys.columns import Columns
from rebuttal.journeys.counted import Counted, Counts, MadeOf, count, keep_counts, kept_counts
from rebuttal.journeys.credited import CONVERSION_TYPES, read_conversions
from rebuttal.journeys.credits import Credit, Places, Vector
from rebuttal.journeys.journeys import Converted, channels, known_of, month_of, read_converted
from rebuttal.journeys.markov import GONE, SALE, Walks, chain_of, effects_of, scaled
from rebuttal.journeys.rules import DIRECT
from rebuttal.journeys.seen import Seen, read_seen, seen_count, seen_of
from rebuttal.journeys.shapley import ChannelSets, shapley_rate_of
from rebuttal.warehouse.model_tables import attribution_part, attribution_share, channel_detour, channel_removal
from rebuttal.warehouse.replace import fill_table, replace_rows

ALWAYS = date(1900, 1, 1)
Chosen = npt.NDArray[np.bool_]
Row = dict[str, Any]
Names = tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """Queries for the rows that a refresh has made again, as they stood before it and as they are: those of the views
    int_person_touch and int_credited_conversion.
    """

    touches: tuple[str, str]
    conversions: tuple[str, str]


def update_shares(
    engine: Engine, lookback_days: int, week: str, weights: Weights | None = None, changed: Changed | None = None
) -> dict[str, int]:
    """Credit and removal effects of the journeys in `marts_build`, stored where they differ.

    With `weights`, for a whole build, also the credit of the models that go touch by touch, in ops.attribution_part.
    With `changed`, for a refresh, journeys are counted of what changed only, where counts of the others were kept in
    the same running `week` (its Monday) and agree with the tables; otherwise all of them are.

    Returns the counts `shares` and `written` (rows of the three tables that were written). The months and kinds whose
    credit is another than before go to ops.changed_person. Call it between the build of the intermediate models and
    that of the marts that read ops.attribution_share.
    """
    with engine.begin() as connection:
        made_of = MadeOf(channels(connection), lookback_days, week)
        conversions = read_conversions(connection)
        counts = _counts_moved(connection, made_of, conversions, changed) if changed else None
        if counts is None:
            counts = _counts_of_all(connection, made_of, conversions, weights)
        keep_counts(connection, made_of, counts)
        shares, removals, detours = measure(made_of.names, conversions, counts)
        add_units(connection, _moved_months(connection, shares))
        written = _replace(
            connection, attribution_share, shares, "period_kind", "period_start", "conversion_type", "model", "channel"
        )
        written += _replace(connection, channel_removal, removals, "conversion_type", "channel")
        written += _replace(connection, channel_detour, detours, "conversion_type", "channel", "next_step")
    return {"shares": len(shares), "written": written}


def _counts_of_all(connection: Connection, made_of: MadeOf, conversions: Columns, weights: Weights | None) -> Counts:
    """All journeys, counted. With `weights` ops.attribution_part is written too."""
    seen = read_seen(connection.engine, conversions, with_names=weights is not None)
    with ThreadPoolExecutor(1) as beside:  # the engine and most of numpy let go of the interpreter
        counting = beside.submit(_count_known, made_of, seen, conversions)
        half_life_days = weights.half_life_days if weights else None
        journeys = read_converted(connection, conversions, seen.own, made_of.lookback_days, half_life_days)
        if weights:
            fill_table(connection, attribution_part, _parts(journeys, weights))
        return Counts(_count_converted(journeys), counting.result(), seen.count)


def _counts_moved(connection: Connection, made_of: MadeOf, conversions: Columns, changed: Changed) -> Counts | None:
    """The kept counts, moved by what changed; None where none were kept, or where they do not agree with the tables."""
    kept = kept_counts(connection, made_of)
    if kept is None:
        return None
    before, after = (
        _counts_read(connection, made_of, touches, converted)
        for touches, converted in zip(changed.touches, changed.conversions, strict=True)
    )
    counts = kept.moved(before, after)
    return counts if counts.agree(len(conversions["kind"]), seen_count(connection)) else None


def _counts_read(connection: Connection, made_of: MadeOf, touches: str, converted: str) -> Counts:
    conversions, seen = read_conversions(connection, converted), seen_of(connection, touches)
    journeys = read_converted(connection, conversions, seen.own, made_of.lookback_days)
    return Counts(_count_converted(journeys), _count_known(made_of, seen, conversions), seen.count)


def _count_known(made_of: MadeOf, seen: Seen, conversions: Columns) -> Counted:
    journeys = known_of(made_of.names, seen, conversions, made_of.lookback_days)
    return count(journeys.paths, journeys.month * _SPAN + journeys.kinds)


def _count_converted(journeys: Converted) -> Counted:
    return count(journeys.paths, journeys.month * _SPAN + journeys.kind * 2 + journeys.is_touched)


def _parts(journeys: Converted, weights: Weights) -> pd.DataFrame:
    if not len(journeys.kind):
        return pd.DataFrame(columns=attribution_part.columns.keys())
    return add_up(journeys.touches, journeys.conversions, weights, journeys.paths.names.index(DIRECT))


def forget_parts(engine: Engine) -> None:
    """Empty ops.attribution_part: the whole build that read it is over."""
    with engine.begin() as connection:
        connection.execute(delete(attribution_part))


def measure(names: Names, conversions: Columns, counts: Counts) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of ops.attribution_share, ops.channel_removal and ops.channel_detour; `conversions` as read_conversions."""
    converted, known = counts.converted, counts.known
    values, is_rate_missing = conversions["value_micros"], conversions["missing_rate_count"].astype(bool)
    shares: list[Row] = []
    removals: list[Row] = []
    detours: list[Row] = []
    for period in _periods(conversions["kind"], month_of(conversions["converted_micros"])):
        total = values[period.rows].astype(np.float64).sum() / 1e6
        worth = None if is_rate_missing[period.rows].any() else total
        walks = [_take(*pair, period) for pair in zip(converted.steps, known.steps, strict=True)]
        for model, walk in zip(("markov", "markov_2"), walks, strict=True):
            effect, lost = effects_of(chain_of(walk), walk.size)
            credit = Credit(scaled(effect, float(period.rows.sum())), scaled(lost, total))
            shares += _share_rows(period, model, names, credit, worth)
            if model == "markov" and period.month is None:
                removals += _removal_rows(period, converted, names, effect, lost, worth)
        shares += _rate_rows(period, converted, known, names, worth)
        if period.month is None:
            touched = replace(period, with_untouched=False)
            detours += _detour_rows(period.kind, names, _take(converted.steps[0], known.steps[0], touched))
    return shares, removals, detours


@dataclass(frozen=True)
class _Period:
    """A kind of conversion in a month (None: ever); `rows` are its converted journeys."""

    kind: int
    month: int | None
    rows: Chosen
    with_untouched: bool = True

    @property
    def key(self) -> Row:
        start = ALWAYS if self.month is None else date(self.month // 12, self.month % 12 + 1, 1)
        return {
            "period_kind": "all" if self.month is None else "month",
            "period_start": start,
            "conversion_type": CONVERSION_TYPES[self.kind],
        }


_KINDS = 1 << len(CONVERSION_TYPES)
_SPAN = 2 * _KINDS  # of a month in the number of a group


def _periods(kinds: Places, months: Places) -> Iterator[_Period]:
    for kind in range(len(CONVERSION_TYPES)):
        of_kind = kinds == kind
        if of_kind.any():
            yield _Period(kind, None, of_kind)
            for month in np.unique(months[of_kind]).tolist():
                yield _Period(kind, month, of_kind & (months == month))


def _led(group: Places, period: _Period) -> Chosen:
    chosen = group % _SPAN // 2 == period.kind
    if not period.with_untouched:
        chosen &= group % 2 == 1
    return _within(group, chosen, period)


def _led_nowhere(group: Places, period: _Period) -> Chosen:
    return _within(group, (group % _SPAN >> period.kind) & 1 == 0, period)


def _within(group: Places, chosen: Chosen, period: _Period) -> Chosen:
    return chosen if period.month is None else np.asarray(chosen & (group // _SPAN == period.month))


def _take(converted: Walks, known: Walks, period: _Period) -> Walks:
    led, nowhere = _led(converted.group, period), _led_nowhere(known.group, period)
    return Walks(
        converted.size,
        converted.order,
        np.concatenate([converted.group[led], known.group[nowhere]]),
        np.concatenate([converted.state[led], known.state[nowhere]]),
        np.concatenate([converted.next[led], known.next[nowhere]]),
        np.concatenate([converted.times[led], known.times[nowhere]]),
        np.concatenate([converted.value[led], known.value[nowhere]]),
    )


def _share_rows(
    period: _Period, model: str, names: Iterable[str], credit: Credit, worth: float | None
) -> Iterator[Row]:
    for code, name in enumerate(names):
        if credit.conversions[code]:
            yield {
                **period.key,
                "model": model,
                "channel": name,
                "conversions": float(credit.conversions[code]),
                "value_base": None if worth is None else float(credit.values[code]),
                "standard_error": None if credit.error is None else float(credit.error[code]),
            }


def _rate_rows(period: _Period, converted: Counted, known: Counted, names: Names, worth: float | None) -> Iterator[Row]:
    won, gone = converted.sets, known.sets
    led, nowhere = _led(converted.of_sets, period), _led_nowhere(known.of_sets, period)
    members = np.concatenate([won.members[led], gone.members[nowhere]])
    used = np.asarray(members.any(axis=0))
    joined = ChannelSets(
        members[:, used],
        np.concatenate([won.conversions[led], gone.conversions[nowhere]]),
        np.concatenate([won.values[led], gone.values[nowhere]]) / 1e6,
        np.concatenate([won.nulls[led], gone.nulls[nowhere]]),
    )
    here = [names[code] for code in np.flatnonzero(used).tolist()]
    return _share_rows(period, "shapley_rate", here, shapley_rate_of(joined), worth)


def _removal_rows(
    period: _Period, converted: Counted, names: Names, effect: Vector, lost: Vector, worth: float | None
) -> Iterator[Row]:
    led = _led(converted.of_sets, period)
    members, count = converted.sets.members[led], converted.sets.conversions[led]
    for code, name in enumerate(names):
        on_it = members[:, code]
        yield {
            "conversion_type": CONVERSION_TYPES[period.kind],
            "channel": name,
            "journeys_touched": int(count[on_it].sum()),
            "journeys_alone": int(count[on_it & (members.sum(axis=1) == 1)].sum()),
            "removal_effect": float(effect[code]),
            "conversions_lost": float(effect[code] * count.sum()),
            "value_lost_base": None if worth is None else float(lost[code] * worth),
        }


def _detour_rows(kind: int, names: Names, walks: Walks) -> Iterator[Row]:
    """From each place that leads to the channel, people would take the other steps as often as others do from there."""
    size = len(names)
    times = np.zeros((size + 1, size + 2))  # from a channel or the start, to a channel, a conversion or none
    step = np.where(walks.next == SALE, size, np.where(walks.next == GONE, size + 1, walks.next))
    np.add.at(times, (np.where(walks.state < 0, size, walks.state), step), walks.times)
    words = [*names, "conversion", "none"]
    for code, name in enumerate(names):
        came, others = times[:, code].copy(), times.copy()
        came[code] = 0.0  # who is there already
        others[:, code] = 0.0
        onward = others.sum(axis=1)
        others[onward == 0, size + 1] = 1.0  # there is no other way from there
        ways = came @ (others / others.sum(axis=1, keepdims=True))
        for word, share in zip(words, ways.tolist(), strict=True):
            if share:
                yield {
                    "conversion_type": CONVERSION_TYPES[kind],
                    "channel": name,
                    "next_step": word,
                    "share": share / came.sum(),
                }


def _moved_months(connection: Connection, shares: list[Row]) -> set[str]:
    """The units (macro share_unit) of the months and kinds of which ops.attribution_share says something else."""
    now = {tuple(row[column.name] for column in attribution_share.columns) for row in shares}
    before = {tuple(row) for row in connection.execute(select(attribution_share))}
    return {"\x1f".join(("share", str(row[1]), str(row[2]))) for row in now ^ before if row[0] == "month"}


def _replace(connection: Connection, table: Table, rows: list[Row], *key: str) -> int:
    columns = [column.name for column in table.columns]
    return replace_rows(connection, table, pd.DataFrame(rows, columns=columns, dtype=object), key)
