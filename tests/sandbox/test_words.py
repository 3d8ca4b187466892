"""Texts of the world: the truth about a text points at what stands there; the stock is complete in each language."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sandbox.words import compose, stock

CODES = (
    "price", "value_roi", "terms", "no_need", "timing", "authority", "no_decision", "competitor", "switching",
    "missing_feature", "integration", "implementation", "trust", "risk_security", "service", "availability",
)  # fmt: skip
CHANNELS = ("note", "call", "lost_reason", "survey", "chat", "cancellation")


def texts(lang, channel, doubts, count=40, **options):
    speaker = "rep" if channel in ("note", "lost_reason") else "buyer"
    return [
        compose(np.random.default_rng(seed), lang=lang, channel=channel, doubts=doubts, speaker=speaker, **options)
        for seed in range(count)
    ]


@pytest.mark.parametrize("lang", stock.LANGUAGES)
def test_every_code_has_buyer_rep_and_reason_lines(lang):
    groups = stock.groups(lang)
    for code in (*CODES, "none"):
        for speaker in ("buyer", "rep", "reason"):
            assert len(groups[(code, speaker)]) >= 3, (lang, code, speaker)


@pytest.mark.parametrize("lang", [*stock.LANGUAGES, "mixed"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_spans_hold_each_doubt_once_and_nothing_is_left_unfilled(lang, channel):
    for code in CODES:
        for composed in texts(lang, channel, [code, "trust" if code != "trust" else "price"], count=6):
            assert composed.spans[0].code == code
            assert len(composed.spans) == 2
            for span in composed.spans:
                quote = composed.text[span.start : span.end]
                assert quote.strip() == quote
                assert len(quote) >= 3
            assert not set("[]{}|") & set(composed.text), composed.text


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_text_without_doubts_has_words_and_no_span(channel):
    for composed in texts("uk", channel, []):
        assert composed.text
        assert composed.spans == []


def test_two_people_rarely_say_it_alike():
    said = {composed.text for composed in texts("ru", "chat", ["price"], count=200)}
    assert len(said) > 110


def test_held_back_lines_are_heard_only_where_asked_for():
    held = stock.groups("en")[("trust", "buyer")][3].split("?")[0]
    default = " ".join(c.text.lower() for c in texts("en", "chat", ["trust"], count=300))
    asked = " ".join(c.text.lower() for c in texts("en", "chat", ["trust"], count=300, hold_back=True))
    assert held.lower() not in default
    assert held.lower() in asked


def test_the_same_stream_says_the_same():
    assert [c.text for c in texts("mixed", "call", ["timing"])] == [c.text for c in texts("mixed", "call", ["timing"])]


def test_context_wins_over_the_stock():
    said = " ".join(c.text for c in texts("ru", "note", [], context={"name": "Зоя", "phone": "+380000", "city": "Х"}))
    assert "Зоя" in said
    assert "+38067" not in said
    assert "Оксана" not in said


@pytest.mark.parametrize("lang", stock.LANGUAGES)
def test_every_slot_case_that_a_line_uses_exists_for_each_value(lang):
    used = {
        (name, case or "nom")
        for lines in stock.groups(lang).values()
        for line in lines
        for name, case in re.findall(r"\{(\w+)(?::(\w+))?\}", line)
    }
    assert ("thing", "acc") in used
    lacking = [(name, case, forms) for name, case in used for forms in stock.slots(lang)[name] if case not in forms]
    assert lacking == []


@pytest.mark.parametrize("lang", stock.LANGUAGES)
def test_no_line_stands_in_two_groups(lang):
    doubts = {key: lines for key, lines in stock.groups(lang).items() if key[0] in CODES or key[0] == "none"}
    every = [line for lines in doubts.values() for line in lines]
    assert len(every) > 600
    assert sorted({line for line in every if every.count(line) > 1}) == []


@pytest.mark.parametrize("lang", stock.LANGUAGES)
def test_a_doubt_is_never_denied_in_the_text_that_voices_it(lang):
    """A denial of something else may stand beside the doubt, and mostly somebody does deny something."""
    denials = {code: stock.groups(lang)[(code, "denied")] for code in CODES}
    assert all(len(lines) >= 3 for lines in denials.values())
    heard = 0
    for code in CODES:
        own = [line.lower() for line in denials[code] if "{" not in line]
        others = [line.lower() for other in CODES if other != code for line in denials[other] if "{" not in line]
        for composed in texts(lang, "chat", [code], count=60):
            text = composed.text.lower()
            assert not any(line in text for line in own), text
            heard += any(line in text for line in others)
    assert heard > 60


def test_a_denial_alone_is_no_span_and_one_before_a_doubt_belongs_to_its_sentence():
    alone = [c for c in texts("en", "survey", [], count=900) if "price is fine" in c.text.lower()]
    assert alone
    assert all(composed.spans == [] for composed in alone)
    joined = [c for c in texts("en", "chat", ["missing_feature"], count=900) if "price is fine, but" in c.text.lower()]
    assert joined
    for composed in joined:
        (span,) = composed.spans
        assert "price is fine, but" in composed.text[span.start : span.end].lower()


def test_a_city_of_the_context_is_inflected():
    line = "в {city:loc} вас нет"
    said = stock.fill(np.random.default_rng(1), "ru", line, {"city": "Рига"})
    assert said == "в Риге вас нет"
    assert stock.fill(np.random.default_rng(1), "ru", line, {"city": "Нигде"}) == "в Нигде вас нет"
