"""Spans stand exactly where the sentence stands in the stored text, whatever the text is."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rebuttal.objections.language import language_of
from rebuttal.objections.markup import readable
from rebuttal.objections.model import Model
from rebuttal.objections.reading import read_texts
from rebuttal.objections.sentences import LONGEST_SENTENCE, sentence_spans, units
from rebuttal.objections.speech import passages

FRAGMENTS = ["слишком дорого", "Подумаю.", "We chose another vendor!", "немає в наявності", "т.д. ", "? ", "x" * 500]
FRAGMENTS += ["<p>", "</p>", "<br>", "&amp;", "&nbsp;", "<b>", "</b>", "\n", "> ", "🙂", "a<b", "&", "<"]
FRAGMENTS += ["Клиент: ", "Менеджер: "]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(" ".join)


@given(TEXTS | st.text(max_size=400))
def test_readable_characters_lead_back_to_the_stored_text(stored: str) -> None:
    page = readable(stored)
    position = 0
    for index in range(len(page.text)):
        start, end = page.stored_span(index, index + 1)
        assert position <= start < end <= len(stored)
        position = end
        if page.text[index].isalpha() and not stored[start:end].startswith("&"):
            assert stored[start:end] == page.text[index]


@given(TEXTS | st.text(max_size=600))
def test_sentences_are_in_order_trimmed_and_lose_no_letter(text: str) -> None:
    spans = sentence_spans(text)
    covered = "".join(text[start:end] for start, end in spans)
    assert [c for c in covered if c.isalnum()] == [c for c in text if c.isalnum()]
    for (start, end), (following, _) in zip(spans, [*spans[1:], (len(text), 0)], strict=False):
        assert start < end <= following
        assert text[start:end] == text[start:end].strip()
        assert end - start <= LONGEST_SENTENCE
    bundled = units(text, 0, len(text))
    assert [span for unit in bundled for span in unit.sentences] == spans
    assert all([span for piece in unit.pieces(text) for span in piece] == list(unit.sentences) for unit in bundled)


@given(TEXTS, st.sampled_from(["note", "call", "survey", "lost_reason"]))
def test_passages_do_not_overlap(text: str, kind: str) -> None:
    found = passages(text, kind)
    for one, following in pairwise(found):
        assert 0 <= one.start < one.end <= following.start
    assert all(one.end <= len(text) for one in found)


@settings(max_examples=60)
@given(TEXTS, st.sampled_from(["note", "call", "survey", "lost_reason"]))
def test_findings_are_whole_sentences_of_the_stored_text(cheap_model: Model, stored: str, kind: str) -> None:
    [reading] = read_texts(cheap_model, [(stored, kind)])
    assert reading.primary in reading.labels
    assert 0 <= reading.confidence <= 1
    for one in reading.findings:
        assert readable(stored[one.start : one.end]).text.split() == one.sentence.split()
        assert one.label in reading.labels
    if "none" in reading.labels:
        assert reading.labels == ("none",)
        assert reading.findings == ()
    else:
        assert reading.findings


def test_a_span_is_the_sentence_and_not_its_neighbour(model: Model) -> None:
    text = "Добрый день! Посмотрела прайс. Слишком дорого для моего салона. Хорошего дня"
    [reading] = read_texts(model, [(text, "survey")])
    assert reading.primary == "price"
    assert "Слишком дорого для моего салона." in [text[one.start : one.end] for one in reading.findings]


def test_languages_are_told_apart() -> None:
    assert language_of("слишком дорого для нас, подумаем") == "ru"
    assert language_of("занадто дорого, немає грошей") == "uk"
    assert language_of("too expensive for us") == "en"
    assert language_of("цена ок but we already use another one sorry") == "mixed"
    assert language_of("ну це задорого, ещё подумаем, ми собі такого не можем позволить, очень дорого") == "mixed"
    assert language_of("🙂 123") == "unknown"
