"""Rows that break a rule, and what should become of them: a catalogue of what real exports do to rows.

A kind strikes `ROWS` rows of its stream (fewer where there are not as many), the same ones for the same world and
switches, and no row is struck twice. `quarantined` rows must not be seen; `admitted` ones are odd but true: a new word,
an endless visit. Applied by `sandbox.spoil` while the kind's switch is on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import pandas as pd

from sandbox.recorded import CrmObject, Response

QUARANTINED, ADMITTED = "quarantined", "admitted"
ROWS = 3
MOST = 0.25  # of a stream's rows, unless its kinds are more: what is mostly bad is held as a whole, and judges nothing


@dataclass(frozen=True)
class Kind:
    """A way in which a row is wrong: `column` of a row of `stream` becomes `value`, which may look at the old one."""

    stream: str
    column: str
    value: Any
    end: str
    says: str


@dataclass(frozen=True)
class BadRow:
    """A row as it was struck. `id` is its key as it is shown (of an ad: date/ad), `true_id` the one it had before."""

    stream: str
    id: str
    true_id: str
    kind: str
    column: str
    value: str | None
    end: str


KINDS: dict[str, Kind] = {
    "won_yet_open": Kind("deals", "hs_is_closed", "false", ADMITTED, "a won deal that is said to be open"),
    "negative_amount": Kind("deals", "amount", "-500", QUARANTINED, "a deal worth less than nothing"),
    "locale_number": Kind("deals", "amount", "1.234,56", QUARANTINED, "a deal's amount as written in a spreadsheet"),
    "not_a_number": Kind("deals", "amount", "NaN", QUARANTINED, "a deal worth NaN"),
    "endless_number": Kind("deals", "amount", "1e400", QUARANTINED, "a deal's amount that no float can hold"),
    "unknown_currency": Kind("deals", "deal_currency_code", "ZZZ", QUARANTINED, "a deal in a currency there is not"),
    "missing_currency": Kind("deals", "deal_currency_code", None, QUARANTINED, "a deal's money without a currency"),
    "impossible_date": Kind("deals", "closedate", "2026-02-30T10:00:00Z", QUARANTINED, "the 30th of February"),
    "epoch_date": Kind("deals", "closedate", "1970-01-01T00:00:00Z", QUARANTINED, "a deal closed at second 0"),
    "placeholder_date": Kind("deals", "closedate", "9999-12-31T00:00:00Z", QUARANTINED, "a deal closed in 9999"),
    "milliseconds_date": Kind("deals", "closedate", "1790000000000", QUARANTINED, "a date as milliseconds"),
    "note_at_epoch": Kind("notes", "hs_timestamp", "1970-01-01T00:00:00Z", QUARANTINED, "a note of second 0"),
    "note_in_far_future": Kind("notes", "hs_timestamp", "2999-01-01T00:00:00Z", QUARANTINED, "a note of the year 2999"),
    "negative_call": Kind("calls", "hs_call_duration", "-5000", QUARANTINED, "a call shorter than nothing"),
    "unreadable_call": Kind("calls", "hs_call_duration", "5 min", QUARANTINED, "a call's length in words"),
    "new_direction": Kind("calls", "hs_call_direction", "SIDEWAYS", ADMITTED, "a call's direction nobody knows"),
    "new_lifecycle": Kind("contacts", "lifecyclestage", "superfan", ADMITTED, "a stage of life nobody knows"),
    "new_segment": Kind("contacts", "segment", "pet_owner", ADMITTED, "a segment that nobody declared"),
    "negative_visit": Kind("visits", "duration_s", -40, QUARANTINED, "a visit that ends before it begins"),
    "negative_views": Kind("visits", "page_views", -1, QUARANTINED, "fewer than no pages"),
    "float_visit_id": Kind(
        "visits", "visit_id", lambda row: f"{float(row['visit_id']):.11e}", QUARANTINED, "a visit's id from a float"
    ),
    "null_visit_id": Kind("visits", "visit_id", "null", QUARANTINED, "a visit whose id is the word null"),
    "endless_visit": Kind("visits", "duration_s", 200_000, ADMITTED, "a visit of more than two days"),
    "nobodys_visit": Kind("visits", "client_id", "", ADMITTED, "a visit without the browser's id"),
    "new_source": Kind("visits", "traffic_source", "neuro_search", ADMITTED, "a kind of traffic nobody knows"),
    "unfilled_macro": Kind("visits", "utm_campaign", "{campaign_id}", ADMITTED, "a tag whose macro was not filled in"),
    "float_hit_id": Kind(
        "hits", "watch_id", lambda row: f"{float(row['watch_id']):.11e}", QUARANTINED, "a hit's id from a float"
    ),
    "null_hit_id": Kind("hits", "watch_id", "null", QUARANTINED, "a hit whose id is the word null"),
    "clicks_above_impressions": Kind(
        "ads", "clicks", lambda row: int(row["impressions"]) + 7, QUARANTINED, "an ad with more clicks than impressions"
    ),
    "negative_clicks": Kind("ads", "clicks", -3, QUARANTINED, "an ad with fewer than no clicks"),
    "negative_cost": Kind("ads", "cost_micros", -1_250_000, QUARANTINED, "an ad that cost less than nothing"),
    "nps_eleven": Kind("responses", "nps", 11, QUARANTINED, "an answer of 11 on a scale to 10"),
    "nps_negative": Kind("responses", "nps", -1, QUARANTINED, "an answer of -1 on a scale from 0"),
    "nps_fraction": Kind("responses", "nps", 9.5, QUARANTINED, "an answer of nine and a half"),
}  # fmt: skip


class Strikes:
    """Strikes rows for the switches that are on, and keeps the list of what it struck."""

    def __init__(self, switches: frozenset[str]) -> None:
        self.kinds = {name: kind for name, kind in KINDS.items() if name in switches}
        self.rows: list[BadRow] = []
        self._struck: set[tuple[str, str]] = set()

    def crm(self, objects: Mapping[str, list[CrmObject]]) -> dict[str, list[CrmObject]]:
        """The CRM's objects, struck; archived ones are left alone."""
        made = {stream: list(found) for stream, found in objects.items()}
        for stream, found in made.items():
            place = {one.id: index for index, one in enumerate(found)}
            likely = {
                name: [one.id for one in found if not one.is_archived and _fits(name, kind, one)]
                for name, kind in self._kinds_of(stream).items()
            }
            for name, id_ in self._choose(stream, likely):
                one, kind = found[place[id_]], KINDS[name]
                found[place[id_]] = replace(one, properties={**one.properties, kind.column: kind.value})
                self._keep(name, stream, id_, id_, kind.value)
        return made

    def frame(self, stream: str, key: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Visits or hits, struck; a row that was sent twice is left alone."""
        once = ~frame[key].duplicated(keep=False)
        place = {id_: index for index, (id_, is_once) in enumerate(zip(frame[key], once, strict=True)) if is_once}
        return self._rows_struck(stream, stream, frame, place, key)

    def ads(self, account: str, frame: pd.DataFrame) -> pd.DataFrame:
        """An account's ads, struck."""
        days_and_ads = zip(frame["date"], frame["ad_id"], strict=True)
        return self._rows_struck("ads", account, frame, {f"{day}/{ad}": n for n, (day, ad) in enumerate(days_and_ads)})

    def responses(self, responses: list[Response]) -> list[Response]:
        """Survey answers, struck where the question was answered."""
        made = list(responses)
        place = {one.token: index for index, one in enumerate(made) if one.submitted_at}
        likely = {
            name: [token for token, index in place.items() if kind.column in made[index].answers]
            for name, kind in self._kinds_of("responses").items()
        }
        for name, chosen in self._choose("responses", likely):
            one, kind = made[place[chosen]], KINDS[name]
            made[place[chosen]] = replace(one, answers={**one.answers, kind.column: kind.value})
            self._keep(name, "responses", chosen, chosen, kind.value)
        return made

    def told(self) -> list[dict[str, Any]]:
        """JSON-ready list of the struck rows."""
        return [asdict(row) for row in self.rows]

    def note(self, name: str, stream: str, id_: str, column: str, end: str) -> None:
        """Keep a row that was struck elsewhere."""
        self._struck.add((stream, id_))
        self.rows.append(BadRow(stream, id_, id_, name, column, None, end))

    def _kinds_of(self, stream: str) -> dict[str, Kind]:
        return {name: kind for name, kind in self.kinds.items() if kind.stream == stream}

    def _rows_struck(
        self, of: str, stream: str, frame: pd.DataFrame, place: Mapping[str, int], key: str = ""
    ) -> pd.DataFrame:
        columns: dict[str, list[Any]] = {}
        for name, id_ in self._choose(stream, {name: list(place) for name in self._kinds_of(of)}):
            at, kind = place[id_], KINDS[name]
            value = kind.value(frame.iloc[at]) if callable(kind.value) else kind.value
            columns.setdefault(kind.column, frame[kind.column].tolist())[at] = value
            self._keep(name, stream, str(value) if kind.column == key else id_, id_, value)
        made = {name: pd.Series(values, frame.index, frame[name].dtype) for name, values in columns.items()}
        return frame.assign(**made) if made else frame

    def _choose(self, stream: str, likely: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
        """(kind, row id) of what is struck in `stream`: one row a kind, and again, so that few rows do for many kinds.

        Those are taken whose names fall lowest: more rows hardly change the choice.
        """
        queues = {
            name: iter(sorted(ids, key=lambda id_, of=name: sha256(f"{of}/{id_}".encode()).digest()))  # type: ignore[misc]
            for name, ids in likely.items()
        }
        left = max(len(queues), int(MOST * len({id_ for ids in likely.values() for id_ in ids})))
        for name in [*queues] * ROWS:
            free = next((id_ for id_ in queues[name] if (stream, id_) not in self._struck), None)
            if free is not None and left > 0:
                left -= 1
                self._struck.add((stream, free))
                yield name, free

    def _keep(self, name: str, stream: str, id_: str, true_id: str, value: Any) -> None:
        kind = KINDS[name]
        shown = None if value is None else str(value)
        self.rows.append(BadRow(stream, id_, true_id, name, kind.column, shown, kind.end))


def _fits(name: str, kind: Kind, one: CrmObject) -> bool:
    """Whether striking this object makes it wrong: a currency matters only where there is money."""
    if name == "won_yet_open":
        return one.properties.get("hs_is_closed_won") == "true"
    if kind.column == "deal_currency_code" and not one.properties.get("amount"):
        return False
    return bool(one.properties.get(kind.column))
