"""A digest for one reader: the week's figures in their language and for their role, as HTML and as plain text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Undefined, select_autoescape
from mjml import mjml2html

from rebuttal.configuration import Vocabulary
from rebuttal.reports import charts
from rebuttal.reports.figures import TOO_LITTLE, Figures, ThemeWeek, Voices
from rebuttal.reports.health import health_lines
from rebuttal.reports.language import Words, words_of
from rebuttal.reports.people import Person

MAX_HTML_BYTES = 100 * 1024  # Gmail clips a little above
_OPEN = ("proposed", "open", "unknown")
# Sales send what was published, writers take what waits, leads ask whether it helped; partners are told of none.
_ANSWERS: dict[str, tuple[str, ...]] = {
    "sales": ("published", "answering", "verdicts"),
    "content": ("answering", "verdicts", "published"),
    "lead": ("verdicts", "answering", "published"),
    "partner": (),
}
_THEMES_SHOWN, _BARS_SHOWN, _TASKS_SHOWN = 5, 6, 6


@dataclass(frozen=True)
class Digest:
    """One mail's content. `images` are PNG by content id; `html` names them as `cid:<id>`."""

    subject: str
    html: str
    text: str
    images: Mapping[str, bytes]

    def standalone(self) -> str:
        """The HTML with its images inside, to look at without a mail program."""
        html = self.html
        for name, data in self.images.items():
            html = html.replace(f"cid:{name}", f"data:image/png;base64,{base64.b64encode(data).decode()}")
        return html


def compose(figures: Figures, person: Person, vocabulary: Vocabulary, unsubscribe: str = "") -> Digest:
    """The digest; `unsubscribe` is the address in its last line. Pure: the same input gives the same bytes."""
    words = words_of(person.language)
    teller = _Teller(figures, person, words, vocabulary.renamed(figures.theme_names))
    subject = words("subject", range=words.range(figures.week))
    return rendered("digest", subject, {**teller.view(), "unsubscribe": unsubscribe}, teller.images())


def rendered(template: str, subject: str, view: Mapping[str, Any], images: Mapping[str, bytes]) -> Digest:
    """A message of `<template>.mjml.j2` and `.txt.j2`. Raises ValueError when a mail program would clip it."""
    html = mjml2html(_template(f"{template}.mjml.j2").render(view, images=sorted(images)))
    text = _template(f"{template}.txt.j2").render(view)
    if len(html.encode()) > MAX_HTML_BYTES:
        raise ValueError(f"the HTML of {template} has {len(html.encode())} bytes, {MAX_HTML_BYTES} are allowed")
    return Digest(subject, html, text.strip() + "\n", images)


@dataclass(frozen=True)
class _Line:
    """A task, a published piece or a verdict, as it is shown."""

    name: str
    key: str = ""
    url: str = ""
    aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Teller:
    """Turns figures into sentences."""

    figures: Figures
    person: Person
    words: Words
    vocabulary: Vocabulary

    def view(self) -> dict[str, Any]:
        """What the templates show: finished texts only."""
        words, figures = self.words, self.figures
        voices = figures.voices
        shown = voices.themes[:_THEMES_SHOWN] if voices else []
        more = len(voices.themes) - len(shown) if voices else 0
        return {
            "language": self.person.language,
            "words": words,
            "range": words.range(figures.week),
            "greeting": words("greeting", name=self.person.name) if self.person.name else "",
            "headline": self.headline(),
            "numbers": self.numbers(),
            "is_heard": voices is not None,
            "themes": [self.theme(theme, voices.currency) for theme in shown] if voices else [],
            "more_themes": words("more_themes", n=more) if more > 0 else "",
            "answers": self.answers(),
            "question": self.question(),
            "health": self.health(),
            "footer": words("footer", role=words(f"role.{self.person.role}")),
        }

    def images(self) -> dict[str, bytes]:
        """Charts where there is something to draw."""
        voices = self.figures.voices
        if voices is None or not voices.themes:
            return {}
        bars = sorted(voices.themes, key=lambda theme: (-theme.count, theme.key))[:_BARS_SHOWN]
        images = {"compared": charts.compared_chart(bars, [self.short_name(theme) for theme in bars], self.words)}
        if len(voices.trend) > 1:
            images["trend"] = charts.trend_chart(voices.trend)
        return images

    def name(self, key: str) -> str:
        """`Price / budget: Too expensive` in the reader's language."""
        category, _, theme = key.partition("/")
        name = self.vocabulary.theme_name(category, theme, self.person.language)
        shown = self.vocabulary.category_name(category, self.person.language)
        return f"{shown}: {name}" if name else shown

    def short_name(self, theme: ThemeWeek) -> str:
        """The theme's own name where it has one."""
        name = self.vocabulary.theme_name(theme.category, theme.theme, self.person.language)
        return name or self.vocabulary.category_name(theme.category, self.person.language)

    def headline(self) -> str:
        """One sentence of what changed, and a second one when the data is not whole."""
        words, voices = self.words, self.figures.voices
        if voices is None:
            return words("headline.unavailable")
        sentence = self._what_changed(voices)
        health = self.figures.health
        is_whole = health is not None and not health.late and not health.held and not self.figures.failed
        return sentence if is_whole else f"{sentence} {words('headline.incomplete')}"

    def _what_changed(self, voices: Voices) -> str:
        words = self.words
        if not voices.themes:
            return words("headline.empty")
        first = voices.themes[0]
        values = {
            "theme": self.short_name(first),
            "voices": words.count("voices", first.count),
            "usual": words.usual(first.usual or 0.0),
            "stake": self.stake(first, voices.currency),
        }
        if first.is_new:
            return words("headline.new", **values)
        if first.is_rising:
            return words("headline.rising", **values)
        most = max(voices.themes, key=lambda theme: (theme.count, theme.key))
        return words("headline.quiet", theme=self.short_name(most), voices=words.count("voices", voices.count))

    def numbers(self) -> list[tuple[str, str]]:
        """Three figures with their words; a figure that is not known is a dash."""
        words, voices, tasks = self.words, self.figures.voices, self.figures.tasks
        usual = voices.usual if voices else None
        below = words("numbers.usual", n=words.usual(usual)) if usual is not None else ""
        voiced = words("numbers.voices") + (f", {below}" if below else "")
        open_count = sum(task["status"] in _OPEN for task in tasks) if tasks is not None else None
        return [
            (words.number(voices.count) if voices else "—", voiced),
            (words.money(voices.money, voices.currency) if voices else "—", words("numbers.money")),
            (words.number(open_count) if open_count is not None else "—", words("numbers.tasks")),
        ]

    def theme(self, theme: ThemeWeek, currency: str) -> dict[str, Any]:
        """One theme's card."""
        words = self.words
        badge = "new" if theme.is_new else "rising" if theme.is_rising else ""
        line = words.count("voices", theme.count)
        if theme.usual is not None:
            line = words("theme_line", voices=line, usual=words.usual(theme.usual))
        return {
            "name": self.name(theme.key),
            "badge": words(f"badge.{badge}") if badge else "",
            "line": line,
            "money": self.stake(theme, currency),
            "quotes": theme.quotes,
            "answer": self.answer(theme),
        }

    def stake(self, theme: ThemeWeek, currency: str) -> str:
        """What is at stake, or that it is not known."""
        if theme.money is None:
            return self.words("theme_money_unknown")
        return self.words("theme_money", money=self.words.money(theme.money, currency))

    def answer(self, theme: ThemeWeek) -> dict[str, str] | None:
        """What stands beside the doubt: the newest published piece, else the open task, else that there is none.

        None for a partner, to whom the company's tasks are not told, and where they are not known.
        """
        if self.figures.tasks is None or self.person.role == "partner":
            return None
        own = [task for task in self.figures.tasks if task["theme"] == theme.key]
        pieces = [task for task in own if task["published_at"] is not None and _web(task["published_url"])]
        if pieces:
            url = _web(max(pieces, key=lambda task: task["published_at"])["published_url"])
            return {"words": self.words("theme_answer.published"), "url": url, "shown": url, "who": ""}
        for task in own:
            if task["status"] in _OPEN:
                shown = " · ".join(part for part in (task["task_key"], self._status(task)) if part)
                words, who = self.words("theme_answer.open"), self.who(task)
                return {"words": words, "url": _web(task["task_url"]), "shown": shown, "who": who}
        return {"words": self.words("theme_answer.none"), "url": "", "shown": "", "who": ""}

    def answers(self) -> list[dict[str, Any]]:
        """The parts about answers, first what this reader acts on; none for a partner, who is not told of them.

        A part has `name` and `lines`, which are None when they are not known.
        """
        makers = {"answering": self.answering, "published": self.published, "verdicts": self.verdicts}
        return [{"name": name, "lines": makers[name]()} for name in _ANSWERS[self.person.role]]

    def answering(self) -> list[_Line] | None:
        """Open tasks with who has them, for writers those that nobody has first; None when not known."""
        if self.figures.tasks is None:
            return None
        tasks = [task for task in self.figures.tasks if task["status"] in _OPEN]
        if self.person.role == "content":
            tasks.sort(key=lambda task: bool(task["assignee"]))
        return [
            _Line(
                self.name(task["theme"]),
                task["task_key"] or "",
                _web(task["task_url"]),
                tuple(told for told in (self._status(task), self.who(task)) if told),
            )
            for task in tasks[:_TASKS_SHOWN]
        ]

    def who(self, task: Mapping[str, Any]) -> str:
        """Who has an open task, or that nobody has; '' when the tracker has not told yet."""
        if task["assignee"]:
            return self.words("task_who.named", name=task["assignee"])
        is_free = task["assignee"] is not None or task["status"] == "proposed"  # what is not sent yet, nobody can have
        return self.words("task_who.nobody") if is_free else ""

    def _status(self, task: Mapping[str, Any]) -> str:
        key = f"task_status.{task['status']}"
        return self.words(key) if self.words.has(key) else str(task["tracker_status"] or "")

    def published(self) -> list[_Line] | None:
        """What came out in the week; None when not known."""
        if self.figures.tasks is None:
            return None
        week = self.figures.week
        fresh = [
            task
            for task in self.figures.tasks
            if task["published_at"] is not None and week.monday <= task["published_at"].date() <= week.sunday
        ]
        return [_Line(self.name(task["theme"]), url=_web(task["published_url"])) for task in fresh]

    def verdicts(self) -> list[_Line] | None:
        """Verdicts of the week in a sentence each; None when not known."""
        if self.figures.verdicts is None:
            return None
        words = self.words
        sentences = []
        for row in self.figures.verdicts:
            values = {"theme": self.name(row["theme"]), "n": words.number(row["sample_size"])}
            if row["effect"] is not None:
                values["size"] = words.percent(abs(row["effect"]))
                values["low"] = words.percent(row["interval_low"], signed=True)
                values["high"] = words.percent(row["interval_high"], signed=True)
            sentences.append(_Line(words(f"verdict.{row['verdict']}", **values)))
        return sentences

    def question(self) -> str:
        """One question that this reader can answer."""
        voices = self.figures.voices
        if voices is None or not voices.themes:
            return self.words("question.empty")
        return self.words(f"question.{self.person.role}", theme=self.short_name(voices.themes[0]))

    def health(self) -> list[str]:
        """What is missing, in sentences; one that says so when nothing is."""
        words, voices, health = self.words, self.figures.voices, self.figures.health
        lines = [words("unavailable")] if health is None else health_lines(words, health, words("health.good"))
        if voices is not None and 0 < voices.count < TOO_LITTLE:
            lines.append(words("health.little"))
        return lines


def _web(url: Any) -> str:
    """The address when it is a web address, else nothing: people typed it, and it becomes a link."""
    return str(url) if str(url or "").startswith(("https://", "http://")) else ""


@cache
def _environment() -> Environment:
    def load(name: str) -> str:
        return (files("rebuttal.reports") / "templates" / name).read_text(encoding="utf-8")

    undefined: type[Undefined] = StrictUndefined
    return Environment(
        loader=FunctionLoader(load),
        autoescape=select_autoescape(enabled_extensions=("mjml.j2",), default=False),
        undefined=undefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> Any:
    return _environment().get_template(name)
