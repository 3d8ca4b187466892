"""The fields of Metrica's Logs API over the recorded visits and hits, as columns of TSV text.

Text is escaped as ClickHouse writes TSV (backslash, tab, line ends), arrays stand in square brackets, quoted where
they hold text. Times are in the counter's zone, except `ym:s:dateTimeUTC`, which in spite of its name is UTC+3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sandbox.recorded import Recorded

Column = Iterable[str]
# Stands between cells while they are escaped: private use, so no text has it. The backslash must come first.
_BETWEEN = "\ue0ff"
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
DEVICES = {"desktop": "1", "mobile": "2", "tablet": "3", "tv": "4"}
_MODELS = ("first", "last", "lastsign", "last_yandex_direct_click")
ATTRIBUTIONS = (*_MODELS, *(f"cross_device_{name}" for name in _MODELS))
UTM = ("UTMSource", "UTMMedium", "UTMCampaign", "UTMContent", "UTMTerm")
_UTC3 = timezone(timedelta(hours=3))
_INSIGNIFICANT = ("direct", "internal", "saved", "undefined")
_NAMES = {"TrafficSource": "traffic_source", "DirectClickOrder": "direct_campaign_id"}
_ATTRIBUTED = re.compile(r"ym:s:(<attribution>|cross_device_\w+?|\w+?)?(TrafficSource|DirectClickOrder|UTM\w+)")


class UnknownField(Exception):
    """A field that the source does not have."""


class Log:
    """What a counter can export, as of one instant: rows of a range of days, and the columns of a field."""

    def __init__(self, recorded: Recorded, counter: str, zone: ZoneInfo) -> None:
        self.recorded, self.counter, self.zone = recorded, counter, zone
        self.days = {
            "visits": _days(recorded.visits["started_at"], zone),
            "hits": _days(recorded.hits["at"], zone),
        }
        self._origins: dict[str, Any] = {}

    def rows(self, source: str, first: date, last: date) -> pd.DataFrame:
        """Visits that started, or hits that came, on these days (counter's zone, both ends included)."""
        frame = self.recorded.visits if source == "visits" else self.recorded.hits
        days = self.days[source]
        placed = frame.assign(_at=np.arange(len(frame)))
        kept: pd.DataFrame = placed.loc[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]
        return kept

    def column(self, field: str, rows: pd.DataFrame, attribution: str) -> Column:
        """The texts of one field for these rows; raises UnknownField."""
        if field in VISIT_FIELDS:
            return VISIT_FIELDS[field](self, rows)
        if field in HIT_FIELDS:
            return HIT_FIELDS[field](self, rows)
        match = _ATTRIBUTED.fullmatch(field)
        if match is None or not is_field(field, "visits"):
            raise UnknownField(field)
        model = match[1] if match[1] not in (None, "<attribution>") else attribution if match[1] else "last"
        name = _NAMES.get(match[2]) or f"utm_{match[2][3:].lower()}"
        return escaped(self.recorded.visits[name].iloc[self.origins(model)[rows["_at"].to_numpy()]])

    def origins(self, attribution: str) -> Any:
        """For each visit the position of the visit whose source counts for it; itself for `last`."""
        model = attribution.removeprefix("cross_device_")
        if model not in self._origins:
            self._origins[model] = _origins(self.recorded.visits, model)
        return self._origins[model]


def is_field(field: str, source: str) -> bool:
    """Whether `source` (visits, hits) has the field."""
    if source == "hits":
        return field in HIT_FIELDS
    if field in VISIT_FIELDS:
        return True
    match = _ATTRIBUTED.fullmatch(field)
    if match is None or match[2] not in (*_NAMES, *UTM):
        return False
    return match[1] in (*ATTRIBUTIONS, "<attribution>") or (match[1] is None and match[2] in UTM)


def escaped(values: Iterable[Any]) -> list[str]:
    """Texts of TSV cells; nothing for None. The column is looked at as one text, as nearly all need no escape."""
    texts = ["" if value is None or value != value else str(value) for value in values]
    whole = _BETWEEN.join(texts)
    if not any(plain in whole for plain in _ESCAPES):
        return texts
    for plain, written in _ESCAPES.items():
        whole = whole.replace(plain, written)
    return whole.split(_BETWEEN) if texts else []


def _days(instants: pd.Series[Any], zone: ZoneInfo) -> Any:
    return _local(instants, zone).astype("datetime64[D]")


def _clock(instants: pd.Series[Any], zone: tzinfo) -> list[str]:
    """`2026-10-01 12:00:00` in the zone."""
    texts = np.datetime_as_string(_local(instants, zone), unit="s").tolist()
    return "\n".join(texts).replace("T", " ").split("\n") if texts else []


def _local(instants: pd.Series[Any], zone: tzinfo) -> Any:
    local = pd.to_datetime(instants, utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return local.to_numpy(dtype="datetime64[s]")


def _origins(visits: pd.DataFrame, model: str) -> Any:
    own = pd.Series(np.arange(len(visits)), index=visits.index)
    client = visits["client_id"].replace("", None)
    if model == "last":
        return own.to_numpy()
    if model == "first":
        found = own.groupby(client).transform("min")
        return found.fillna(own).astype("int64").to_numpy()
    significant = ~visits["traffic_source"].isin(_INSIGNIFICANT)
    origin = own.where(significant).groupby(client).ffill().fillna(own)
    if model == "last_yandex_direct_click":
        clicked = visits["landing_url"].fillna("").str.contains("yclid=", regex=False)
        origin = own.where(clicked).groupby(client).ffill().fillna(origin)
    return origin.astype("int64").to_numpy()


def _text(name: str) -> Callable[[Log, pd.DataFrame], Column]:
    return lambda _, rows: escaped(rows[name])


def _number(name: str) -> Callable[[Log, pd.DataFrame], Column]:
    return lambda _, rows: map(str, rows[name].fillna(0).astype("int64").tolist())


def _numbers(name: str) -> Callable[[Log, pd.DataFrame], Column]:
    return lambda _, rows: [f"[{','.join(map(str, values))}]" for values in rows[name]]


def _date(name: str) -> Callable[[Log, pd.DataFrame], Column]:
    return lambda log, rows: [text[:10] for text in _clock(rows[name], log.zone)]


def _time(name: str) -> Callable[[Log, pd.DataFrame], Column]:
    return lambda log, rows: _clock(rows[name], log.zone)


def _utm_of_url(parameter: str) -> Callable[[Log, pd.DataFrame], Column]:
    pattern = rf"[?&]{parameter}=([^&#]*)"
    return lambda _, rows: escaped(rows["url"].fillna("").str.extract(pattern, expand=False))


def _goal_times(log: Log, rows: pd.DataFrame) -> Column:
    return [
        f"[{','.join(repr(f'{time.astimezone(log.zone):%Y-%m-%d %H:%M:%S}') for time in times)}]"
        for times in rows["goal_times"]
    ]


def _counter(log: Log, rows: pd.DataFrame) -> Column:
    return [log.counter] * len(rows)


def _user_hash(_: Log, rows: pd.DataFrame) -> Column:
    return pd.util.hash_pandas_object(rows["client_id"].fillna("").astype(str), index=False).astype(str)


def _device(_: Log, rows: pd.DataFrame) -> Column:
    return rows["device"].map(DEVICES).fillna("0")


def _hit_device(log: Log, rows: pd.DataFrame) -> Column:
    visits = log.recorded.visits.drop_duplicates("visit_id").set_index("visit_id")["device"]
    return rows["visit_id"].map(visits).map(DEVICES).fillna("0")


def _goal_prices(_: Log, rows: pd.DataFrame) -> Column:
    return [f"[{','.join('0' for _ in goals)}]" for goals in rows["goal_ids"]]


VISIT_FIELDS: dict[str, Callable[[Log, pd.DataFrame], Column]] = {
    "ym:s:visitID": _text("visit_id"),
    "ym:s:counterID": _counter,
    "ym:s:watchIDs": _numbers("watch_ids"),
    "ym:s:date": _date("started_at"),
    "ym:s:dateTime": _time("started_at"),
    "ym:s:dateTimeUTC": lambda _, rows: _clock(rows["started_at"], _UTC3),
    "ym:s:isNewUser": _number("is_new"),
    "ym:s:startURL": _text("landing_url"),
    "ym:s:endURL": _text("exit_url"),
    "ym:s:pageViews": _number("page_views"),
    "ym:s:visitDuration": _number("duration_s"),
    "ym:s:bounce": _number("is_bounce"),
    "ym:s:clientID": _text("client_id"),
    "ym:s:counterUserIDHash": _user_hash,
    "ym:s:goalsID": _numbers("goal_ids"),
    "ym:s:goalsDateTime": _goal_times,
    "ym:s:goalsPrice": _goal_prices,
    "ym:s:referer": _text("referrer"),
    "ym:s:deviceCategory": _device,
}
HIT_FIELDS: dict[str, Callable[[Log, pd.DataFrame], Column]] = {
    "ym:pv:watchID": _text("watch_id"),
    "ym:pv:visitID": _text("visit_id"),
    "ym:pv:counterID": _counter,
    "ym:pv:clientID": _text("client_id"),
    "ym:pv:counterUserIDHash": _user_hash,
    "ym:pv:date": _date("at"),
    "ym:pv:dateTime": _time("at"),
    "ym:pv:URL": _text("url"),
    "ym:pv:referer": _text("referrer"),
    "ym:pv:title": _text("title"),
    "ym:pv:isPageView": _number("is_page_view"),
    "ym:pv:goalsID": _numbers("goal_ids"),
    "ym:pv:deviceCategory": _hit_device,
    **{f"ym:pv:{name}": _utm_of_url(f"utm_{name[3:].lower()}") for name in UTM},
}


def tsv(log: Log, fields: Sequence[str], rows: pd.DataFrame, attribution: str) -> bytes:
    """A part of a log: full field names, then the rows; lines end with LF."""
    columns = [log.column(field, rows, attribution) for field in fields]
    lines = ["\t".join(fields), *("\t".join(cells) for cells in zip(*columns, strict=True))]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
