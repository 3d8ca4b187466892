"""What is said and written, made by `sandbox.words`; here it only gets its language, its stream and its dress."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.parameters import Parameters
from sandbox.words import Composed, Span, compose
from sandbox.world.population import Person
from sandbox.world.streams import Part, stream


@dataclass(frozen=True, slots=True)
class Said:
    """A text as it stands in a record. A span that is `quoted` repeats an earlier text below a new one."""

    text: str
    spans: tuple[tuple[str, int, int, bool], ...]  # code, start, end, is_quoted


def say(
    seed: int, who: Person, channel: str, doubts: Sequence[str], speaker: str, parameters: Parameters, *name: Part
) -> Said:
    """The text of this name: the same for the same person, place and doubts."""
    context = {"name": who.first_name, "phone": who.phone, "email": who.email, "city": who.city}
    composed = compose(
        stream(seed, "words", who.key, channel, *name, *doubts),
        lang=who.language,
        channel=channel,
        doubts=list(doubts),
        speaker=speaker,
        context=context,
        hold_back=seed > parameters.default_seeds,
    )
    return Said(composed.text, tuple((span.code, span.start, span.end, False) for span in composed.spans))


def in_html(said: Said, before: str = "<p>", after: str = "</p>") -> Said:
    """Plain text as the body of a note: escaped, with its spans moved along."""
    composed, done = Composed(before), 0
    for code, start, end, _ in sorted(said.spans, key=lambda span: span[1]):
        composed.text += html.escape(said.text[done:start], quote=False)
        begin = len(composed.text)
        composed.text += html.escape(said.text[start:end], quote=False)
        composed.spans.append(Span(code, begin, len(composed.text)))
        done = end
    text = composed.text + html.escape(said.text[done:], quote=False) + after
    return Said(text, tuple((span.code, span.start, span.end, False) for span in composed.spans))


def with_quote(said: Said, older: Said) -> Said:
    """A mail with the older one quoted below it."""
    head = said.text + "<blockquote>"
    moved = tuple((code, start + len(head), end + len(head), True) for code, start, end, _ in older.spans)
    return replace(said, text=head + older.text + "</blockquote>", spans=said.spans + moved)
