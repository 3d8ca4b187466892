"""Occasions to voice a theme or to be won, with what was known at each: the rows that `compare` takes.

Readers choose what they read: who opens a page about a doubt mostly has it, so that readers voice it more often than
others. Comparable are therefore only deals whose customer had voiced this very theme before, as far as notes can be
trusted about it (`doubters`). Exposure varies in time: a deal is not exposed until the first read or sending and
exposed afterwards, and each occasion is judged by what lay before it (no immortal time: Suissa, Am. J. Epidemiol. 167,
2008).

- objection_rate: every later conversation of such a deal; event = the theme is voiced again.
- win_rate: one occasion per deal, LANDMARK_DAYS after the theme was first voiced, if the deal is still open then;
  exposed = by that instant (landmark analysis: Anderson, Cain and Gelber, J. Clin. Oncol. 1, 1983); event = won
  within the horizon after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Connection, text

from rebuttal.effects.exposure import KEY, address_of, exposures
from rebuttal.effects.statements import statement

LANDMARK_DAYS = 3
PERIOD_DAYS = 28


@dataclass(frozen=True)
class Material:
    """All that was known before an instant: conversations (without sendings), deals, voicings, exposures; UTC."""

    conversations: pd.DataFrame
    deals: pd.DataFrame
    voicings: pd.DataFrame
    exposures: pd.DataFrame


def material(connection: Connection, urls: list[str], until: datetime) -> Material:
    """Read everything once for all tasks."""
    frames = {
        name: pd.DataFrame(rows.all(), columns=list(rows.keys()))
        for name in ("conversations", "deals", "voicings")
        for rows in (connection.execute(text(statement(name)), {"until": until}),)
    }
    for name, column in (("conversations", "occurred_at"), ("deals", "created_at"), ("deals", "closed_at")):
        frames[name][column] = pd.to_datetime(frames[name][column], utc=True)
    exposed, sendings = exposures(connection, urls, until)
    said = frames["conversations"].merge(sendings, on=KEY, how="left", indicator="is_sending")
    said = said[said["is_sending"] == "left_only"].drop(columns="is_sending").reset_index(drop=True)
    said["turn"] = said.groupby(["source", "account_id", "deal_id"]).cumcount().clip(upper=3).astype(str)
    return Material(said, frames["deals"], frames["voicings"], exposed)


def heard(known: Material, theme: str, url: str | None) -> pd.DataFrame:
    """Conversations of the deals that ever voiced `theme`, with what lay before each of them.

    is_voiced; earlier_count, how many earlier ones of the deal voiced it, and own_count, how many of these in the
    buyer's own words; exposed_at, the customer's first exposure to `url`.
    """
    voiced = known.voicings.loc[known.voicings["theme"] == theme, [*KEY, "source_role"]].drop_duplicates(KEY)
    rows = known.conversations.merge(voiced, on=KEY, how="left")
    rows["is_voiced"] = rows["source_role"].notna()
    rows["is_own"] = rows.pop("source_role") == "buyer"
    rows = rows[rows["deal_id"].isin(rows.loc[rows["is_voiced"], "deal_id"])].copy()
    deal = [rows["source"], rows["account_id"], rows["deal_id"]]
    for name, which in (("earlier_count", "is_voiced"), ("own_count", "is_own")):
        count = rows[which].astype(int)
        rows[name] = count.groupby(deal).cumsum() - count
    mine = known.exposures[known.exposures["address"] == address_of(url or "")]
    first = mine.groupby("person_id")["exposed_at"].min()
    rows["exposed_at"] = pd.to_datetime(rows["person_id"].map(first.to_dict()), utc=True)
    return rows


def again(rows: pd.DataFrame, published_at: datetime, until: datetime, is_once_enough: bool) -> pd.DataFrame:
    """Occasions of objection_rate between publication and `until`, from `heard`.

    `is_once_enough`: a single note of a rep tells who has the doubt; else it takes the buyer's own words, or a second.
    """
    is_in = (rows["occurred_at"] >= published_at) & (rows["occurred_at"] < until)
    has_doubt = (rows["earlier_count"] > (0 if is_once_enough else 1)) | (rows["own_count"] > 0)
    rows = rows[is_in & has_doubt].copy()
    rows["is_exposed"] = rows["exposed_at"] < rows["occurred_at"]
    rows["is_event"] = rows["is_voiced"]
    rows["earlier"] = rows["earlier_count"].clip(upper=3).astype(int).astype(str)
    rows["period"] = _period(rows, published_at)
    return rows


def won(
    rows: pd.DataFrame, deals: pd.DataFrame, published_at: datetime, until: datetime, horizon: timedelta
) -> pd.DataFrame:
    """Occasions of win_rate, from `heard`: landmarks after publication whose horizon was over by `until`."""
    rows = rows[rows["is_voiced"] & (rows["earlier_count"] == 0) & (rows["occurred_at"] >= published_at)]
    rows = rows.merge(deals, on=["deal_id", "source", "account_id"])
    rows["landmark"] = rows["occurred_at"] + timedelta(days=LANDMARK_DAYS)
    is_open = rows["closed_at"].isna() | (rows["closed_at"] > rows["landmark"])
    rows = rows[is_open & (rows["landmark"] + horizon <= until)].copy()
    rows["is_exposed"] = rows["exposed_at"] < rows["landmark"]
    rows["is_event"] = (rows["outcome"] == "won") & (rows["closed_at"] <= rows["landmark"] + horizon)
    rows["earlier"] = "0"
    rows["period"] = _period(rows, published_at)
    return rows


def _period(rows: pd.DataFrame, published_at: datetime) -> pd.Series:
    return ((rows["occurred_at"] - published_at).dt.days // PERIOD_DAYS).astype(str)
