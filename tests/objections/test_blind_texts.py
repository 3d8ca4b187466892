"""The blind evaluation texts are well formed: labels, offsets, spread over classes and languages, no text twice."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rebuttal.objections.taxonomy import LABELS

HERE = Path(__file__).parent
LANGUAGES = {"en", "ru", "uk"}
CHANNELS = {"chat", "note", "call", "survey", "email", "lost_reason", "cancellation"}
CATEGORIES = set(LABELS)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


TEXTS = rows("blind_texts.jsonl")
NOTES = rows("blind_notes.jsonl")


def folded(text: str) -> str:
    """The text without case and punctuation: two rows that differ only in these are one text told twice."""
    return re.sub(r"\W+", " ", text.lower()).strip() or text


def test_every_text_has_valid_fields() -> None:
    assert len(TEXTS) >= 400
    for row in TEXTS:
        assert row.keys() == {"id", "lang", "channel", "situation", "text", "labels", "primary"}, row["id"]
        assert row["lang"] in LANGUAGES, row["id"]
        assert row["channel"] in CHANNELS, row["id"]
        assert set(row["labels"]) <= CATEGORIES, row["id"]
        assert row["primary"] in row["labels"], row["id"]
        assert len(row["labels"]) == len(set(row["labels"])), row["id"]
        assert "none" not in row["labels"] or row["labels"] == ["none"], row["id"]
        assert row["text"] == row["text"].strip() != "", row["id"]
        assert row["situation"], row["id"]


def test_no_id_and_no_text_stands_twice() -> None:
    assert len({row["id"] for row in TEXTS + NOTES}) == len(TEXTS) + len(NOTES)
    assert [text for text, count in Counter(folded(row["text"]) for row in TEXTS + NOTES).items() if count > 1] == []


def test_classes_and_languages_are_all_there() -> None:
    by_class = Counter(row["primary"] for row in TEXTS)
    assert by_class.keys() == CATEGORIES
    assert min(by_class.values()) >= 20
    assert by_class["none"] >= 90
    by_language = Counter(row["lang"] for row in TEXTS)
    assert min(by_language.values()) >= 0.28 * len(TEXTS)


@pytest.mark.parametrize("note", NOTES, ids=[row["id"] for row in NOTES])
def test_spans_of_a_note_are_whole_and_unique_sentences(note: dict[str, Any]) -> None:
    words = len(re.sub(r"<[^>]+>", " ", note["text"]).split())
    assert note["lang"] in LANGUAGES
    assert 120 <= words <= 400
    for span in note["spans"]:
        sentence = note["text"][span["start"] : span["end"]]
        assert span["label"] in CATEGORIES - {"none"}
        assert sentence == sentence.strip()
        assert len(sentence.split()) >= 4
        assert note["text"].count(sentence) == 1, "an offset must point at one place"


def test_some_notes_voice_nothing_and_each_language_has_fifteen() -> None:
    assert Counter(note["lang"] for note in NOTES) == dict.fromkeys(LANGUAGES, 15)
    assert sum(not note["spans"] for note in NOTES) >= 5
