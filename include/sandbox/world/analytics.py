"""Visits and hits as the counter recorded them: copies, lost goals, bots, skewed clocks, sessions cut at midnight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from sandbox.parameters import Parameters
from sandbox.recorded import HIT_COLUMNS, VISIT_COLUMNS
from sandbox.world import site
from sandbox.world.links import SITE
from sandbox.world.population import Person
from sandbox.world.streams import DAY, between, instant, iso, number, seconds, stream, unit
from sandbox.world.trail import Step

_MOSCOW = 3 * 3600
_TIMEOUT = 1800
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
Row = dict[str, Any]


@dataclass
class Counted:
    """The counter's rows and what is true of them."""

    visits: list[Row] = field(default_factory=list)
    hits: list[Row] = field(default_factory=list)
    copies: list[dict[str, str]] = field(default_factory=list)
    visit_truth: list[dict[str, Any]] = field(default_factory=list)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows as frames, sorted by time; instants become UTC. The rows themselves are let go: they are heavy."""
        visits = _frame(self.visits, VISIT_COLUMNS, ("started_at", "closed_at"), "visit_id")
        hits = _frame(self.hits, HIT_COLUMNS, ("at",), "watch_id")
        self.visits, self.hits = [], []
        return visits, hits


def _frame(rows: list[Row], columns: tuple[str, ...], instants: tuple[str, ...], key: str) -> pd.DataFrame:
    data = {}
    for name in columns:
        values = [row[name] for row in rows]
        if name in instants:
            data[name] = pd.Series(pd.to_datetime(values, unit="s", utc=True))
        elif name in ("duration_s", "page_views"):
            data[name] = pd.Series(values, dtype="int64")
        elif name.startswith("is_"):
            data[name] = pd.Series(values, dtype="bool")
        else:
            data[name] = pd.Series(values, dtype=object)
    frame = pd.DataFrame(data, columns=list(columns))
    return frame.sort_values([instants[0], key], kind="stable", ignore_index=True)


def count(
    seed: int, trails: Iterable[tuple[Person, list[Step]]], start: int, now: int, parameters: Parameters, scale: float
) -> Counted:
    """What the counter has of these trails between `start` and `now` (Unix seconds): visits that are closed."""
    counted = Counted()
    for who, steps in trails:
        for step in steps:
            visit = step.visit
            if step.client_id and visit.at >= start and visit.ends_at + _TIMEOUT <= now:
                _record(seed, counted, who, step, parameters)
    _bots(seed, counted, start, now, parameters, scale)
    return counted


def _parts(visit_at: int, pages: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """The pages of a visit, cut where the counter's day ends."""
    parts: list[list[tuple[int, str]]] = [[]]
    day = (visit_at + _MOSCOW) // DAY
    for offset, path in pages:
        if (visit_at + offset + _MOSCOW) // DAY != day:
            day = (visit_at + offset + _MOSCOW) // DAY
            parts.append([])
        parts[-1].append((offset, path))
    return [part for part in parts if part]


def _record(seed: int, counted: Counted, who: Person, step: Step, parameters: Parameters) -> None:
    faults, visit = parameters.analytics, step.visit
    name = (seed, "counter", who.key, visit.slot)
    skew = 0
    if unit(*name, "skewed") < faults.clock_skewed:
        minutes = between(unit(*name, "skew"), faults.skew_minutes)
        skew = int(minutes * 60) * (1 if unit(*name, "sign") < 0.5 else -1)
    goals = [
        (offset, goal)
        for index, (offset, goal) in enumerate(visit.goals)
        if unit(*name, "lost", index) >= faults.goal_lost
    ]
    parts = _parts(visit.at, visit.pages)
    previous_url = step.arrival.referrer
    for number_of, part in enumerate(parts):
        visit_id = str(number(*name, "visit", number_of, bits=63))
        first, last_offset = part[0][0], part[-1][0]
        is_last = number_of == len(parts) - 1
        hits: list[Row] = []
        for index, (offset, path) in enumerate(part):
            is_landing = number_of == 0 and index == 0
            url = step.arrival.url if is_landing else SITE + path
            tag = (*name, "hit", number_of, index)
            hit = _hit(
                str(number(*tag, bits=63)),
                visit_id,
                step.client_id,
                visit.at + offset + skew,
                url,
                previous_url,
                True,
                [],
                path,
            )
            hits.append(hit)
            previous_url = url
            if unit(*tag, "reload") < faults.reload:
                again = dict(
                    hit, watch_id=str(number(*tag, "again", bits=63)), at=hit["at"] + 4 + int(unit(*tag, "gap") * 14)
                )
                hits.append(again)
        own_goals = [(o, g) for o, g in goals if o >= first and (is_last or o <= last_offset)]
        goal_ids, goal_times = [], []
        for index, (offset, goal) in enumerate(own_goals):
            tag = (*name, "goal", number_of, index)
            url = SITE + ("/thank-you" if goal == site.GOAL_LEAD else part[-1][1])
            watch = str(number(*tag, bits=63))
            fired = _hit(
                watch, visit_id, step.client_id, visit.at + offset + skew, url, previous_url, False, [goal], part[-1][1]
            )
            hits.append(fired)
            goal_ids.append(goal)
            goal_times.append(visit.at + offset)
            if unit(*tag, "refired") < faults.goal_refired:
                twin = dict(
                    fired, watch_id=str(number(*tag, "twin", bits=63)), at=fired["at"] + int(unit(*tag, "gap") * 3)
                )
                hits.append(twin)
                goal_ids.append(goal)
                goal_times.append(visit.at + offset + 1)
                counted.copies.append(_copy("hits", twin["watch_id"], watch, "refired"))
        duration = (visit.seconds - first) if is_last else (last_offset - first)
        row = _row(
            visit_id,
            step,
            visit.at + first,
            duration,
            part,
            goal_ids,
            goal_times,
            hits,
            number_of,
            who.devices[visit.device].kind,
        )
        _send(counted, seed, row, hits, parameters)
        counted.visit_truth.append(_truth(visit_id, who, step, number_of, skew))


def _hit(
    watch: str, visit_id: str, client: str, at: int, url: str, referrer: str, is_page: bool, goals: list[str], path: str
) -> Row:
    return {
        "watch_id": watch,
        "visit_id": visit_id,
        "client_id": client,
        "at": at,
        "url": url,
        "referrer": referrer,
        "is_page_view": is_page,
        "goal_ids": goals,
        "title": site.title(path),
    }


def _row(
    visit_id: str, step: Step, at: int, duration: int, part: list[tuple[int, str]], goal_ids: list[str],
    goal_times: list[int], hits: list[Row], number_of: int, device: str,
) -> Row:  # fmt: skip
    arrival = step.arrival
    tags = arrival.tags if number_of == 0 else {}
    views = sum(hit["is_page_view"] for hit in hits)
    source = site.metrica_source(arrival.referrer, tags.get("utm_medium"), arrival.has_click_id)
    return {
        "visit_id": visit_id,
        "client_id": step.client_id,
        "started_at": at,
        "closed_at": at + duration + _TIMEOUT,
        "duration_s": duration,
        "page_views": views,
        "is_new": step.is_new and number_of == 0,
        "is_bounce": views == 1 and duration < 15,
        "landing_url": arrival.url if number_of == 0 else SITE + part[0][1],
        "exit_url": SITE + part[-1][1] if len(part) > 1 or number_of else arrival.url,
        "referrer": arrival.referrer if number_of == 0 else SITE + part[0][1],
        "traffic_source": source if number_of == 0 else "internal",
        "direct_campaign_id": step.direct_campaign_id if number_of == 0 else None,
        **{name: tags.get(name) for name in _UTM},
        "device": device,
        "goal_ids": goal_ids,
        "goal_times": pd.to_datetime(goal_times, unit="s", utc=True).to_pydatetime().tolist() if goal_times else [],
        "watch_ids": [hit["watch_id"] for hit in hits],
    }


def _copy(stream_name: str, identifier: str, original: str, kind: str) -> dict[str, str]:
    return {"stream": stream_name, "id": identifier, "original_id": original, "kind": kind}


def _send(counted: Counted, seed: int, row: Row, hits: list[Row], parameters: Parameters) -> None:
    """Rows on their way: some are sent again as they are, some hits come from the tag and from the server."""
    faults = parameters.analytics
    counted.visits.append(row)
    if unit(seed, row["visit_id"], "resent") < faults.visit_resent:
        counted.visits.append(row)
        counted.copies.append(_copy("visits", row["visit_id"], row["visit_id"], "resent"))
    for hit in hits:
        counted.hits.append(hit)
        watch = hit["watch_id"]
        u = unit(seed, watch, "sent")
        if u < faults.hit_resent:
            counted.hits.append(hit)
            counted.copies.append(_copy("hits", watch, watch, "resent"))
        elif u < faults.hit_resent + faults.hit_doubled and hit["is_page_view"]:
            twin = dict(
                hit, watch_id=str(number(seed, watch, "server", bits=63)), at=hit["at"] + number(seed, watch) % 3
            )
            counted.hits.append(twin)
            counted.copies.append(_copy("hits", twin["watch_id"], watch, "double"))


def _truth(visit_id: str, who: Person, step: Step, number_of: int, skew: int) -> Row:
    link, arrival = step.visit.link, step.arrival
    truth = _visit_truth(visit_id, step.visit.at, who.key, step.client_id, step.visit.channel)
    return truth | {
        "source": link.utm_source if link else "",
        "campaign_id": link.campaign_id if link else "",
        "platform": link.platform if link else "",
        "is_registered": bool(link and link.is_registered),
        "tags": arrival.should,
        "tag_fault": arrival.fault if number_of == 0 else "",
        "arrived": arrival.tags if number_of == 0 else {},
        "slip": asdict(arrival.slip) if arrival.slip and number_of == 0 else None,
        "referrer": arrival.referrer if number_of == 0 else "",
        "click_id": arrival.click_id,
        "click_id_arrived": arrival.has_click_id and number_of == 0,
        "cut_at_midnight": number_of > 0,
        "clock_skew_s": skew,
    }


def _visit_truth(visit_id: str, at: int, who: str | None, client: str, channel: str, is_bot: bool = False) -> Row:
    return {
        "visit_id": visit_id,
        "at": iso(at),
        "person": who,
        "client_id": client,
        "channel": channel,
        "source": "",
        "campaign_id": "",
        "platform": "",
        "is_registered": False,
        "tags": {},
        "tag_fault": "",
        "arrived": {},
        "slip": None,
        "referrer": "",
        "click_id": "",
        "click_id_arrived": False,
        "cut_at_midnight": False,
        "clock_skew_s": 0,
        "is_bot": is_bot,
    }


def _bots(seed: int, counted: Counted, start: int, now: int, parameters: Parameters, scale: float) -> None:
    """Bursts of a machine: many pages of one client within a minute or two."""
    faults = parameters.analytics
    day, last = instant(start).date(), instant(now).date()
    while day <= last:
        rng = stream(seed, "bots", day.isoformat())
        for burst in range(int(rng.poisson(faults.bot_bursts_a_week / 7 * max(scale, 0.3)))):
            at = seconds(day) + int(rng.random() * (DAY - 600))
            views = int(rng.integers(*faults.bot_hits))
            name = (seed, "bot", day.isoformat(), burst)
            visit_id, client = str(number(*name, bits=63)), f"{at}{number(*name, 'c') % 10**9:09d}"
            gaps = rng.integers(0, 3, views).cumsum().tolist()
            paths = [path for pages in site.PAGES.values() for path in pages]
            pages = [paths[index % len(paths)] for index in range(views)]
            hits: list[Row] = [
                _hit(str(number(*name, index, bits=63)), visit_id, client, at + gap, SITE + path, "", True, [], path)
                for index, (gap, path) in enumerate(zip(gaps, pages, strict=True))
            ]
            ends = at + int(gaps[-1])
            if at < start or ends + _TIMEOUT > now:
                continue
            row: Row = {
                "visit_id": visit_id, "client_id": client, "started_at": at, "closed_at": ends + _TIMEOUT,
                "duration_s": ends - at, "page_views": views, "is_new": True, "is_bounce": False,
                "landing_url": hits[0]["url"], "exit_url": hits[-1]["url"], "referrer": "", "traffic_source": "direct",
                "direct_campaign_id": None,
                **dict.fromkeys(_UTM), "device": "desktop", "goal_ids": [], "goal_times": [],
                "watch_ids": [hit["watch_id"] for hit in hits],
            }  # fmt: skip
            counted.visits.append(row)
            counted.hits += hits
            counted.visit_truth.append(_visit_truth(visit_id, at, None, client, "bot", is_bot=True))
        day += timedelta(days=1)
