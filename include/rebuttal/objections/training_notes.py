"""The long training notes, read as what the classifier is asked of them: their sentences, most of which voice nothing.

A line of `training/long/*.jsonl`: `id, lang, channel, situation, text, spans`; a span is `start, end` (code points of
`text`, whole sentences) and `label`. What no span covers is `none`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rebuttal.errors import ConfigError
from rebuttal.objections.hearing import Heard, Span, kind_of
from rebuttal.objections.taxonomy import CODES, NONE
from rebuttal.objections.training import FOLDER, Example, load_examples

LONG = FOLDER / "long"


@dataclass(frozen=True)
class Note:
    """A long text with the places of its objections: (start, end) in code points -> label."""

    id: str
    language: str
    channel: str
    situation: str
    text: str
    places: Mapping[Span, str]


def load_notes(folder: Path = LONG) -> list[Note]:
    """All notes of `folder`, in the order of file names and lines.

    Raises ConfigError naming file and line when one is not as it should be.
    """
    return [note for path in sorted(folder.glob("*.jsonl")) for note in read_notes(path)]


def read_notes(path: Path) -> list[Note]:
    """The notes of one file."""
    notes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            places = {(one["start"], one["end"]): one["label"] for one in row["spans"]}
            note = Note(row["id"], row["lang"], row["channel"], row["situation"], row["text"], places)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path.name}:{number} is not a labelled note: {error}", next_step="Mend it") from None
        wrong = [
            f"{start}-{end} {label}"
            for (start, end), label in places.items()
            if label not in CODES or not 0 <= start < end <= len(note.text)
        ]
        if wrong:
            raise ConfigError(
                f"{path.name}:{number} has places that do not fit: {', '.join(wrong)}",
                next_step=f"Give offsets inside the text and one of {', '.join(CODES)}",
            )
        notes.append(note)
    return notes


def note_examples(notes: list[Note]) -> list[Example]:
    """One example for each piece that is heard of each note, with the labels of the places that it holds."""
    examples = []
    for note in notes:
        heard = Heard.of(note.text, kind_of(note.channel))
        for number, piece in enumerate(heard.pieces, 1):
            start, end = heard.page.stored_span(*piece.span)
            inside = [label for place, label in note.places.items() if _is_inside(place, (start, end))]
            labels = tuple(dict.fromkeys(inside)) or (NONE,)
            identifier = f"{note.id}-{number:02}"
            examples.append(
                Example(identifier, note.language, note.channel, heard.said(piece), labels, labels[0], note.situation)
            )
    return examples


def _is_inside(place: Span, piece: Span) -> bool:
    """Whether most of the place is in the piece."""
    shared = min(place[1], piece[1]) - max(place[0], piece[0])
    return 2 * shared > place[1] - place[0]


def training_examples() -> list[Example]:
    """Everything that the classifier is trained on: the short texts and the pieces of the long notes."""
    return [*load_examples(), *_shipped_notes()]


@cache
def _shipped_notes() -> tuple[Example, ...]:
    return tuple(note_examples(load_notes()))
