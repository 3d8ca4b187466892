"""The long training notes: where their places are, and what the classifier learns of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from rebuttal.errors import ConfigError
from rebuttal.objections.taxonomy import CODES, NONE
from rebuttal.objections.training_notes import load_notes, note_examples, read_notes

NOTE = {
    "id": "n1",
    "lang": "en",
    "channel": "deal_note",
    "situation": "s1",
    "text": "Met Ann at the fair. It is far too expensive for her, she said. Coffee was good.",
    "spans": [{"start": 21, "end": 63, "label": "price"}],
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "mine.jsonl"
    path.write_text(json.dumps(NOTE | changes) + "\n", encoding="utf-8")
    return path


def test_a_note_teaches_its_sentences_with_their_labels(tmp_path: Path) -> None:
    examples = note_examples(read_notes(written(tmp_path)))
    assert [(one.text, one.labels) for one in examples] == [
        ("Met Ann at the fair.", (NONE,)),
        ("It is far too expensive for her, she said.", ("price",)),
        ("Coffee was good.", (NONE,)),
    ]
    assert {one.situation for one in examples} == {"s1"}
    assert len({one.id for one in examples}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"spans": [{"start": 21, "end": 9000, "label": "price"}]},
        {"spans": [{"start": 21, "end": 63, "label": "prise"}]},
        {"spans": [{"start": 30, "end": 30, "label": "price"}]},
    ],
)
def test_a_place_that_does_not_fit_is_named(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"mine\.jsonl:1 has places that do not fit: \d+-\d+"):
        read_notes(written(tmp_path, **changes))


def test_a_line_that_is_no_note_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.jsonl:1 is not a labelled note"):
        read_notes(written(tmp_path, spans=None))


def test_the_shipped_notes_are_many_and_every_place_is_heard_as_a_whole_sentence() -> None:
    notes = load_notes()
    assert len(notes) >= 120
    assert min(Counter(note.language for note in notes)[language] for language in ("en", "ru", "uk")) >= 30
    assert len({note.id for note in notes}) == len(notes)
    assert sum(not note.places for note in notes) >= 10
    examples = note_examples(notes)
    assert {one.primary for one in examples} == {*CODES, NONE}
    for note in notes:
        for start, end in note.places:
            assert note.text[start:end] == note.text[start:end].strip()
            assert note.text[end - 1] in '.!?»"…)' or note.text[end : end + 1] in ("", "\n"), note.text[start:end]
    told = sum(one.primary != NONE for one in examples)
    assert told >= 0.97 * sum(len(note.places) for note in notes)  # two in one piece are one example
