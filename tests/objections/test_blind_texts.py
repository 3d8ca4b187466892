"""The blind evaluation texts are well formed: labels, offsets, spread over classes and languages, no text twice."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rebuttal.objections.taxonomy import LABELS
from rebuttal.objections.training_notes import training_examples
from rebuttal.objections.wording import prepared

HERE = Path(__file__).parent
LANGUAGES = {"en", "ru", "uk"}
CHANNELS = {"chat", "note", "call", "survey", "email", "lost_reason", "cancellation"}
CATEGORIES = set(LABELS)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


SETS = {name: rows(name) for name in ("blind_texts.jsonl", "blind_texts_2.jsonl")}  # by two hands
TEXTS = [row for texts in SETS.values() for row in texts]
NOTES = rows("blind_notes.jsonl")


def folded(text: str) -> str:
    """The text without case and punctuation: two rows that differ only in these are one text told twice."""
    return re.sub(r"\W+", " ", text.lower()).strip() or text


@pytest.mark.parametrize("texts", SETS.values(), ids=SETS)
def test_every_text_has_valid_fields(texts: list[dict[str, Any]]) -> None:
    assert len(texts) >= 400
    for row in texts:
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


def test_no_text_of_the_second_hand_is_a_training_text() -> None:
    trained = {prepared(example.text) for example in training_examples()}
    assert [row["id"] for row in SETS["blind_texts_2.jsonl"] if prepared(row["text"]) in trained] == []


@pytest.mark.parametrize("texts", SETS.values(), ids=SETS)
def test_classes_and_languages_are_all_there(texts: list[dict[str, Any]]) -> None:
    by_class = Counter(row["primary"] for row in texts)
    assert by_class.keys() == CATEGORIES
    assert min(by_class.values()) >= 20
    assert by_class["none"] >= 90
    by_language = Counter(row["lang"] for row in texts)
    assert by_language.keys() == LANGUAGES
    assert min(by_language.values()) >= 0.28 * len(texts)


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
