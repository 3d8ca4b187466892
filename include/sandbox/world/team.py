"""The content team: works the cards it is shown, in its own time, refuses some, and publishes what it wrote.

Everything happens at instants drawn from the seed and the card's key, so that seven days at once give
what seven single days do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.parameters import DOUBTS, Parameters
from sandbox.recorded import COLLEAGUES, TaskCard, TeamAction
from sandbox.world.content import Item, item
from sandbox.world.names import slug
from sandbox.world.streams import DAY, between, instant, seconds, unit

LABEL = "objection-"
_TITLES = ("{} | article", "{} (edited)", "Blog: {}", "{}: an honest answer")
_REFUSALS = (
    "We have this already, please link the old text instead.",
    "Not a question for content: sales should change the offer.",
    "No expert free for this before spring.",
)


@dataclass
class _Work:
    card: TaskCard
    code: str
    plan: list[tuple[int, TeamAction]] = field(default_factory=list)
    ends_at: int = 0


class Team:
    """The team's memory: which cards it knows, what it has planned for them, and what it has published."""

    def __init__(self, seed: int, parameters: Parameters) -> None:
        self._seed, self._parameters = seed, parameters
        self._known: dict[str, _Work] = {}
        self.published: list[Item] = []
        self._slugs: set[str] = set()

    def work(self, tasks: list[TaskCard], since: int, until: int) -> list[TeamAction]:
        """What the team does in (since, until] (Unix seconds), in time order."""
        for card in sorted(tasks, key=lambda one: (seconds(one.created_at), one.key)):
            code = self._code(card)
            if card.key not in self._known and code and card.status == "To Do":
                self._known[card.key] = self._planned(card, code, since)
        # A card that somebody else has closed is left alone.
        closed = {card.key for card in tasks if card.status in ("Won't do", "Published", "Archived")}
        done = []
        for work in self._known.values():
            for at, action in work.plan:
                if since < at <= until and work.card.key not in closed:
                    done.append((at, action))
                    if action.url:
                        self._publish(work, at, action.url)
        return [action for _, action in sorted(done, key=lambda pair: (pair[0], pair[1].key, pair[1].kind))]

    @staticmethod
    def _code(card: TaskCard) -> str:
        codes = [label.removeprefix(LABEL) for label in card.labels if label.startswith(LABEL)]
        return next((code for code in codes if code in DOUBTS), "")

    def _planned(self, card: TaskCard, code: str, seen_at: int) -> _Work:
        team, work = self._parameters.team, _Work(card, code)
        u = {
            name: unit(self._seed, "team", card.key, name)
            for name in ("pick", "refuse", "why", "write", "review", "title", "say", "who")
        }
        begins = seen_at + int(between(u["pick"], team.pick_up_days) * DAY)
        busy = sorted(other.ends_at for other in self._known.values() if other.ends_at > begins)
        if len(busy) >= team.at_once:
            begins = max(begins, busy[-team.at_once] + 1800)
        if u["refuse"] < team.refuses:
            self._plan(work, begins, "comment", _REFUSALS[int(u["why"] * len(_REFUSALS))])
            self._plan(work, begins + 60, "status", "Won't do")
            return work
        written = begins + int(between(u["write"], team.write_days) * DAY)
        ready = written + int(between(u["review"], team.review_days) * DAY)
        self._plan(work, begins, "status", "In Progress")
        if u["who"] >= team.unassigned:
            share = (u["who"] - team.unassigned) / (1 - team.unassigned)
            self._plan(work, begins + 60, "assignee", list(COLLEAGUES)[int(share * len(COLLEAGUES))])
        if u["title"] < team.edits_title:
            title = _TITLES[int(u["title"] / team.edits_title * len(_TITLES))]
            self._plan(work, begins + 5400, "summary", title.format(card.summary))
        self._plan(work, written, "status", "In Review")
        if u["say"] < team.comments:
            self._plan(work, written + 3600, "comment", "Draft is with the trainer for a check of facts.")
        self._plan(work, ready, "status", "Published", self._url(card, code))
        work.ends_at = ready
        return work

    def _url(self, card: TaskCard, code: str) -> str:
        name = slug(card.summary) or slug(code)
        if name in self._slugs:
            name = f"{name}-{slug(card.key)}"
        self._slugs.add(name)
        return f"https://brand.example/blog/{name}"

    def _plan(self, work: _Work, at: int, kind: str, text: str, url: str | None = None) -> None:
        work.plan.append((at, TeamAction(work.card.key, instant(at), kind, text, url)))

    def _publish(self, work: _Work, at: int, url: str) -> None:
        name = url.rsplit("/", 1)[1]
        key = f"task-{work.card.key}"
        self.published.append(item(self._seed, key, name, work.code, at, self._parameters, work.card.key))
