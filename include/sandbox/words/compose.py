"""Texts as people of the world say and write them: doubts among small talk, in ru, uk, en and mixtures.

The truth about a text is kept beside it: which doubts it voices and where. A text may voice nothing, and much of what
voices nothing sounds as if it did (a question about the price, a worry that is over).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sandbox.words import stock
from sandbox.words.noise import roughen

SAYS = {
    "ru": ("Говорит: «{}»", "Клиент: «{}»", "Цитирую: «{}»", "Пишет в чат: {}", "Письмо от клиента: <i>{}</i>"),
    "uk": ("Каже: «{}»", "Клієнт: «{}»", "Цитую: «{}»", "Пише в чат: {}", "Лист від клієнтки: <i>{}</i>"),
    "en": ("Said: “{}”", "Client: “{}”", "In her words: “{}”", "From the chat: {}", "Her mail: <i>{}</i>"),
}
TURNS = {"ru": ("Менеджер", "Клиент"), "uk": ("Менеджер", "Клієнт"), "en": ("Rep", "Client")}
# "The price is fine, BUT ..."
TURNING = {
    "ru": (", но ", ", только вот ", "... но ", ", да вот "),
    "uk": (", але ", ", тільки от ", "... але ", ", та "),
    "en": (", but ", ", only ", "... but ", ", it's just "),
}
CONJUNCTION = re.compile(r"(а|и|но|да|і|й|та|але|and|but)[ ,]")
# Who doubts one of a row does not in the same breath deny another of it.
NEAR = (
    {"price", "terms", "value_roi"},
    {"value_roi", "no_need", "trust"},
    {"timing", "no_decision", "authority", "availability", "service"},
    {"competitor", "switching", "no_decision", "no_need"},
    {"missing_feature", "integration", "implementation", "switching"},
    {"trust", "risk_security", "service"},
    {"risk_security", "authority", "terms"},
    {"no_need", "timing"},
)
HEDGE_RATE = 0.25
DENIAL_RATE = 0.2
DECOY_RATE = 0.3
QUOTED_RATE = 0.35
SIGNED_RATE = 0.12


@dataclass(frozen=True)
class Span:
    """Where a doubt stands: text[start:end] voices `code`."""

    code: str
    start: int
    end: int


@dataclass
class Composed:
    """A text and what it truly voices, in order of place."""

    text: str = ""
    spans: list[Span] = field(default_factory=list)

    def add(self, piece: str, code: str | None = None) -> None:
        """Append `piece`; with a code it is a span of its own."""
        if code is not None:
            self.spans.append(Span(code, len(self.text), len(self.text) + len(piece)))
        self.text += piece


def compose(
    rng: np.random.Generator,
    *,
    lang: str,
    channel: str,
    doubts: Sequence[str],
    speaker: str,
    context: Mapping[str, str] | None = None,
    hold_back: bool = False,
) -> Composed:
    """A text of `channel` (note, call, lost_reason, survey, chat, cancellation) that voices `doubts`, or nothing.

    `lang` is ru, uk, en or mixed. Raises KeyError for a code or language that the stock does not have.
    """
    voice = _Voice(rng, lang, dict(context or {}), hold_back)
    if channel == "lost_reason":
        return _lost_reason(voice, doubts)
    if channel == "note":
        return _note(voice, doubts)
    if channel == "call":
        return _call(voice, doubts)
    return _message(voice, doubts, speaker)


class _Voice:
    """One person speaking: language habits, the stream of chance, and what they may talk about."""

    def __init__(self, rng: np.random.Generator, lang: str, context: dict[str, str], hold_back: bool) -> None:
        self.rng = rng
        self._lang = lang
        self._context = context
        self._hold_back = hold_back

    @property
    def lang(self) -> str:
        """The language of the next sentence: who mixes, mixes by the sentence."""
        if self._lang != "mixed":
            return self._lang
        return ("ru", "uk")[int(self.rng.integers(2))]

    def chance(self, rate: float) -> bool:
        return bool(self.rng.random() < rate)

    def say(self, code: str, speaker: str, *, beside: Sequence[str] = (), rough: bool = True) -> str:
        """One sentence of the group; a buyer may hedge it, or first deny a doubt far from `code` and those `beside`."""
        lang = self.lang
        text = stock.line(self.rng, lang, code, speaker, self._hold_back)
        if speaker == "buyer" and code not in ("none", "small", "aside"):
            draw, joins = self.rng.random(), CONJUNCTION.match(text.lstrip("[").lower())
            if draw < HEDGE_RATE and not joins:
                text = stock.line(self.rng, lang, "hedge", "any", True) + text
            elif HEDGE_RATE <= draw < HEDGE_RATE + DENIAL_RATE:
                turn = ", " if joins else self.pick(TURNING[lang])
                text = self._denied_line(lang, (code, *beside)) + turn + text
        return self._finish(lang, text, rough)

    def deny(self, doubts: Sequence[str] = ()) -> str:
        """A buyer's sentence that denies a doubt far from `doubts`: it voices nothing."""
        lang = self.lang
        return self._finish(lang, self._denied_line(lang, doubts), True)

    def _denied_line(self, lang: str, doubts: Sequence[str]) -> str:
        near = {code for row in NEAR for code in row if row & set(doubts)}
        far = [code for code, speaker in stock.groups(lang) if speaker == "denied" and code not in near]
        # With very many doubts nothing is far; then it is at least none of them.
        far = far or [code for row in NEAR for code in sorted(row) if code not in doubts]
        return stock.line(self.rng, lang, self.pick(far), "denied", self._hold_back)

    def _finish(self, lang: str, text: str, rough: bool) -> str:
        text = stock.fill(self.rng, lang, text, self._context).strip()
        return roughen(self.rng, text) if rough else text

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]


def _lost_reason(voice: _Voice, doubts: Sequence[str]) -> Composed:
    result = Composed()
    for number, code in enumerate(doubts or ("none",)):
        result.add(", " if number else "")
        result.add(voice.say(code, "reason", rough=False), code if code != "none" else None)
    return result


def _message(voice: _Voice, doubts: Sequence[str], speaker: str) -> Composed:
    """A survey comment, a chat message, a cancellation: a sentence or three of one hand, perhaps signed."""
    result = Composed()
    role = "rep" if speaker == "rep" else "buyer"
    if not doubts or voice.chance(DECOY_RATE / 2):
        result.add(_nothing(voice, role, doubts))
    for code in doubts:
        result.add(" " if result.text else "")
        result.add(voice.say(code, role, beside=doubts), code)
    if not doubts and voice.chance(DECOY_RATE):
        result.add(" " + _nothing(voice, role, doubts))
    if voice.chance(SIGNED_RATE):
        result.add("\n" + voice.say("sign", "any", rough=False))
    return result


def _nothing(voice: _Voice, role: str, doubts: Sequence[str]) -> str:
    """A sentence that voices no doubt. Beside doubts it neither buys nor pays: that would take them back."""
    if role == "buyer" and voice.chance(DECOY_RATE):
        return voice.deny(doubts)
    return voice.say("aside" if doubts else "none", role)


def _note(voice: _Voice, doubts: Sequence[str]) -> Composed:
    """A rep's note as the CRM keeps it: HTML, in the rep's words or quoting the client."""
    result = Composed()
    result.add("<div><p>" if voice.chance(0.5) else "<p>")
    result.add(html.escape(voice.say("open", "rep"), quote=False))
    breaks = ("</p><p>", "<br>", " ")
    if not doubts or voice.chance(DECOY_RATE):
        result.add(voice.pick(breaks))
        if voice.chance(DECOY_RATE):
            _quote(result, voice, voice.deny(doubts))
        else:
            result.add(html.escape(_nothing(voice, "rep", doubts), quote=False))
    for code in doubts:
        result.add(voice.pick(breaks))
        if voice.chance(QUOTED_RATE):
            _quote(result, voice, voice.say(code, "buyer", beside=doubts), code)
        else:
            result.add(html.escape(voice.say(code, "rep"), quote=False), code)
    if voice.chance(0.5):
        result.add(voice.pick(breaks) + html.escape(voice.say("close", "rep"), quote=False))
    result.add("</p></div>" if result.text.startswith("<div>") else "</p>")
    return result


def _quote(result: Composed, voice: _Voice, words: str, code: str | None = None) -> None:
    """Add the client's words to a note, between the marks of a quotation; with a code they are a span."""
    before, after = voice.pick(SAYS[voice.lang]).split("{}")
    result.add(before)
    result.add(html.escape(words, quote=False), code)
    result.add(after)


def _call(voice: _Voice, doubts: Sequence[str]) -> Composed:
    """A transcript with turns. The rep's questions name doubts that nobody has: they are no objections."""
    rep, client = TURNS[voice.lang]
    result = Composed()
    result.add(f"{rep}: {voice.say('ask', 'rep')}\n{client}: {voice.say('small', 'buyer')}")
    for code in doubts:
        if voice.chance(0.5):
            result.add(f"\n{rep}: {voice.say('ask', 'rep')}")
        result.add(f"\n{client}: ")
        if voice.chance(DECOY_RATE):
            result.add((voice.deny(doubts) if voice.chance(DECOY_RATE) else voice.say("small", "buyer")) + " ")
        result.add(voice.say(code, "buyer", beside=doubts), code)
    if not doubts or voice.chance(DECOY_RATE):
        result.add(f"\n{client}: {_nothing(voice, 'buyer', doubts)}")
    if voice.chance(0.4):
        result.add(f"\n{rep}: {_nothing(voice, 'rep', doubts)}")
    return result
