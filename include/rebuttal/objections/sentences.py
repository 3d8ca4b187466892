"""Where sentences stand in a text, and how they are bundled for the classifier. Offsets are in code points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A sentence is cut at most here; a unit has at most so many characters and sentences.
LONGEST_SENTENCE = 400
LONGEST_UNIT = 240
SENTENCES_PER_UNIT = 4
FEWEST_WORDS = 2  # a shorter sentence does not stand alone

_END = re.compile(r"(?:[.!?…]{1,8}[\"'»”)\]]{0,2}(?=\s|$)|[\n\r\u2028\u2029]{1,8})")
# After these more always follows, a name or a number: "г. Киев", "см. приложение", "А. Петров".
_LEADING = re.compile(
    r"(?:^|[\s(«\"])(?:[^\W\d_]|т\.\s?[ек]|пр|стр|ул|вул|см|мин|кв|гр|mr|mrs|ms|dr|vs|e\.g|i\.e|approx|st)$",
    re.IGNORECASE,
)
# These end a sentence where a capital letter follows: "за год. Но ...", "в 2024 г. Потом ...", "500 гр. Дорого".
_TRAILING = re.compile(
    r"(?:(?:^|[\s(«\"])(?:т\.\s?[дп]|тыс|тис|млн|руб|грн|коп|хв|сек|год|др|кв\.\s?м|etc|inc|ltd|(?-i:[бвжийоуєіїяґaio]))|"
    r"\d\s?(?:см|мин|кв|гр|(?-i:[а-яёіїєґa-z])))$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:^|[\s(«\"])no$", re.IGNORECASE)  # "no. 5"; any other "no." is a word and the end
_PLEASANTRY = re.compile(
    r"(?:добрый (?:день|вечер)|доброе утро|доброй ночи|доброго (?:дня|вечора|ранку|времени суток)|"
    r"добрий (?:день|вечір)|"
    r"здравствуйте|здрасте|привет|приветствую|вітаю|привіт|хорошего (?:дня|вечера)|всего доброго|до свидания|"
    r"гарного (?:дня|вечора)|до побачення|спасибо(?: большое| вам)?|благодарю|дякую(?: вам)?|дуже дякую|извините|"
    r"вибачте|hi|hello|hey|hi there|hello there|good (?:morning|afternoon|evening)|morning|thanks|thank you|"
    r"have a (?:nice|good) (?:day|one)|bye|cheers|best|best regards)[\s.,!…)]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Unit:
    """A bundle of neighbouring sentences, the context of each of them; `sentences` are (start, end) offsets."""

    sentences: tuple[tuple[int, int], ...]

    def pieces(self, text: str) -> list[tuple[tuple[int, int], ...]]:
        """The sentences in groups that make sense alone.

        A question goes with what follows it ("Parking? No? Then no."), a word or two with a neighbour.
        """
        groups: list[tuple[tuple[int, int], ...]] = []
        is_open = False
        for start, end in self.sentences:
            if is_open:
                groups[-1] = (*groups[-1], (start, end))
            else:
                groups.append(((start, end),))
            said = text[groups[-1][0][0] : end]
            is_open = said.rstrip(" )\"'»").endswith("?") or len(said.split()) < FEWEST_WORDS
        if len(groups) > 1 and len(text[groups[-1][0][0] : groups[-1][-1][1]].split()) < FEWEST_WORDS:
            last = groups.pop()
            groups[-1] = (*groups[-1], *last)
        return groups

    @property
    def start(self) -> int:
        """Where the first sentence begins."""
        return self.sentences[0][0]

    @property
    def end(self) -> int:
        """Where the last sentence ends."""
        return self.sentences[-1][1]


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """(start, end) of each sentence in `text[start:end]`, without blanks at its ends; each letter is in exactly one."""
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for mark in _END.finditer(text, start, end):
        if mark[0] == "." and _is_abbreviated(
            text[max(begin, mark.start() - 12) : mark.start()], text[mark.end() : min(end, mark.end() + 20)]
        ):
            continue
        spans.extend(_pieces(text, begin, mark.end()))
        begin = mark.end()
    spans.extend(_pieces(text, begin, end))
    return spans


def _is_abbreviated(before: str, after: str) -> bool:
    """Whether a full stop between these belongs to an abbreviation and ends nothing."""
    following = after.lstrip(' \t\n"«„“(—–-')[:1]
    if _NUMBER.search(before):
        return following.isdigit()
    if _TRAILING.search(before):
        return not following.isupper()
    return bool(_LEADING.search(before))


def units(text: str, start: int, end: int) -> list[Unit]:
    """Sentences of `text[start:end]` bundled while they fit into a unit: short messages stay whole.

    Greetings and the like are left out where anything else is said.
    """
    bundles: list[Unit] = []
    current: list[tuple[int, int]] = []
    spans = sentence_spans(text, start, end)
    spans = [span for span in spans if not _PLEASANTRY.fullmatch(text, *span)] or spans
    for span in spans:
        if current and (span[1] - current[0][0] > LONGEST_UNIT or len(current) == SENTENCES_PER_UNIT):
            bundles.append(Unit(tuple(current)))
            current = []
        current.append(span)
    if current:
        bundles.append(Unit(tuple(current)))
    return bundles


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The trimmed span, cut at blanks into pieces of bearable length; nothing when it holds no letter or digit."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end
        if end - start > LONGEST_SENTENCE:
            blank = text.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
            stop = blank if blank > 0 else start + LONGEST_SENTENCE
        last = stop
        while last > start and text[last - 1].isspace():
            last -= 1
        if any(character.isalnum() for character in text[start:last]):
            yield start, last
        start = stop
