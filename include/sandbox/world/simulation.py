"""The world itself: lives up to now, what the tools show of them, and how it moves on."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.parameters import Parameters
from sandbox.recorded import Article, Recorded, TaskCard, TeamAction
from sandbox.world.content import Item, inventory
from sandbox.world.journeys import Circumstances, live
from sandbox.world.life import Life
from sandbox.world.market import Shock, Weather
from sandbox.world.population import Person, people_of
from sandbox.world.recording import Recording, record
from sandbox.world.selling import sell
from sandbox.world.site import title
from sandbox.world.speech import Said
from sandbox.world.streams import DAY, instant, seconds
from sandbox.world.talks import Place
from sandbox.world.team import Team
from sandbox.world.trail import Step, follow
from sandbox.world.truth import tell


def live_through(who: Person, world: Circumstances) -> Life:
    """The whole life of a person under these circumstances."""
    life = live(who, world)
    sell(life, world)
    return life


class Simulation:
    """A world by (seed, weeks, until, scale), which implements `sandbox.recorded.World`.

    Lives are simulated whole and shown up to `now`; when a text is published, only lives that go on after it are lived
    again, and their past stays what it was.
    """

    def __init__(self, seed: int, weeks: int, until: date, scale: float, parameters: Parameters) -> None:
        self.seed, self.scale, self.parameters = seed, scale, parameters
        self._now = seconds(until + timedelta(days=1))
        self.start = self._now - weeks * 7 * DAY
        self._weather = Weather(seed, parameters.market)
        self._team = Team(seed, parameters)
        self._next_day = instant(self.start).date() - timedelta(days=parameters.market.history_days)
        self._first_day = self._next_day
        self.lives: dict[str, Life] = {}
        self.trails: dict[str, list[Step]] = {}
        self._said: dict[Place, tuple[Said, str]] = {}
        self._recording: Recording | None = None
        self._truths: dict[bool, dict[str, Any]] = {}
        self._lock = threading.RLock()

    @property
    def now(self) -> datetime:
        """The instant the world has reached, UTC."""
        return instant(self._now)

    @property
    def now_seconds(self) -> int:
        """The same in Unix seconds."""
        return self._now

    @property
    def items(self) -> list[Item]:
        """All texts on the site by now."""
        until = instant(self._now).date()
        own = inventory(self.seed, self._first_day, until, self.parameters)
        return sorted([*own, *self._team.published], key=lambda one: (one.published_at, one.key))

    def articles(self) -> list[Article]:
        """The texts on the site at now, as its feed shows them."""
        told = [one for one in self.items if one.published_at <= self._now]
        return [Article(one.url, title(f"/{one.slug}"), instant(one.published_at)) for one in told]

    def circumstances(self, without_channel: str = "", without_item: str = "") -> Circumstances:
        """What lives are lived under, with one cause taken away."""
        items = tuple(one for one in self.items if one.key != without_item and one.published_at <= self._now)
        return Circumstances(self.seed, self.parameters, self._weather, self.start, items, without_channel)

    def recorded(self) -> Recorded:
        """What the tools show now; made at the first look and kept until the world moves."""
        return self.recording().recorded

    def recording(self) -> Recording:
        """What the tools show, with what is true of each row."""
        with self._lock:
            self._live()
            if self._recording is None:
                self._recording = record(self)
            return self._recording

    def shocks(self) -> list[Shock]:
        """What shook the market since the first simulated day."""
        found: dict[Shock, None] = {}
        day = self._first_day
        while seconds(day) < self._now:
            found |= dict.fromkeys(self._weather.shocks(day))
            day += timedelta(days=1)
        return list(found)

    def said(self) -> dict[Place, tuple[Said, str]]:
        """Texts that were composed already."""
        return self._said

    def truth(self, counterfactuals: bool = True) -> dict[str, Any]:
        """The hidden truth, JSON-ready. Without `counterfactuals` the costly what-if runs are left out."""
        with self._lock:
            if counterfactuals not in self._truths:
                self._truths[counterfactuals] = tell(self, counterfactuals)
            return self._truths[counterfactuals]

    def advance(self, days: float, tasks: list[TaskCard]) -> list[TeamAction]:
        """Move on by `days`; the content team works `tasks` meanwhile. Returns what it did, in time order."""
        if not days > 0:
            raise ValueError(f"a world moves forward only: days must be above 0, not {days}")
        with self._lock:
            self._live()
            before = self._now
            self._now += round(days * DAY)
            actions = self._team.work(tasks, before, self._now)
            self._recording, self._truths = None, {}
            self._live_again(before)
            return actions

    def _live(self) -> None:
        """Live the lives of all who have come by now."""
        circumstances = None
        while seconds(self._next_day) - 3 * 3600 < self._now:
            circumstances = circumstances or self.circumstances()
            for who in people_of(self.seed, self._next_day, self.parameters, self._weather, self.scale):
                self._keep(live_through(who, circumstances))
            self._next_day += timedelta(days=1)

    def _live_again(self, since: int) -> None:
        """Lives that are not over are lived again where something new is on the site; their draws are the same."""
        fresh = [one for one in self.items if since < one.published_at <= self._now]
        if not fresh:
            return
        first = min(one.published_at for one in fresh)
        circumstances = self.circumstances()
        for life in [life for life in self.lives.values() if life.last_at > first]:
            self._keep(live_through(life.person, circumstances))

    def _keep(self, life: Life) -> None:
        self.lives[life.person.key] = life
        self.trails[life.person.key] = follow(self.seed, life, self.parameters)
