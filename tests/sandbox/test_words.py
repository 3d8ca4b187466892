"""Texts of the world: the truth about a text points at what stands there; the stock is complete in each language."""

from __future__ import annotations

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
