"""Scores, hypotheses, briefs and the last look before a text leaves: pure functions, checked by hand-made cases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.configuration import load_vocabulary
from rebuttal.content import plan as planning
from rebuttal.content.brief import Block, Brief, compose
from rebuttal.content.hypothesis import HypothesisForm, IncompleteHypothesis, draft
from rebuttal.content.inventory import Answers, Piece, Reading
from rebuttal.content.learning import UPDATE
from rebuttal.content.plan import Plan
from rebuttal.content.reading import Analytics
from rebuttal.content.rules import load_rules
from rebuttal.content.themes import Heard, Quote, Theme, add_quotes
from rebuttal.content.trackers import adf
from rebuttal.outgoing import PersonalDataError, is_safe, plain_line, refuse_personal_data
from rebuttal.settings import PROJECT_ROOT

CONFIG = PROJECT_ROOT / "include" / "config"
TODAY = date(2026, 11, 16)


def theme(category: str = "price", name: str = "too_high", **values: Any) -> Theme:
    given: dict[str, Any] = {"subject_count": 10, "deal_count": 10, "won_count": 2, "lost_count": 8, "money": 5000.0}
    return Theme(category, name, **{**given, **values})


def heard(*themes: Theme, won: int = 50, lost: int = 50) -> Heard:
    return Heard(list(themes), won, lost, 200, [])


def rank(
    *themes: Theme,
    pieces: Sequence[Piece] = (),
    analytics: Analytics | None = None,
    won: int = 50,
    lost: int = 50,
) -> list[tuple[Theme, Any, Plan]]:
    rules = load_rules(CONFIG)
    world = heard(*themes, won=won, lost=lost)
    return planning.rank(world, pieces, analytics or Analytics(), {}, "2026-W47", rules, load_vocabulary(CONFIG))


def score_of(one: Theme, **world: Any) -> dict[str, Any]:
    return {theme.key: score for theme, score, _ in rank(one, theme("trust", "reviews"), **world)}


def value(scored: dict[str, Any], key: str = "price/too_high") -> float:
    return float(scored[key].value)


def a_piece(item_id: str = "p", answers: tuple[Answers, ...] = (), **values: Any) -> Piece:
    url = f"https://brand.example/{item_id}"
    return Piece(item_id, url, f"Page {item_id}", "page", "csv", answers=answers, **values)


def read_by(readers: int, doubters: int, item_id: str = "p", theme_name: str = "too_high") -> Analytics:
    return Analytics({}, {(item_id, "price", theme_name): Reading(doubters, readers)})


def test_the_score_is_the_product_of_its_parts() -> None:
    piece = a_piece(answers=(Answers("price", "told", 0.5),))
    ((_, score, _),) = rank(theme(), pieces=[piece], analytics=read_by(4, 5))
    parts = score.parts()
    assert parts["money"] == 5000.0
    assert parts["frequency"] == 1.0
    assert parts["win_rate_with"] == 0.2
    assert parts["win_rate_without"] == pytest.approx(48 / 90, abs=1e-6)
    # Ten deals at the others' rate are mixed in: (2 + 10 * 0.5333) / 20, over 0.5333.
    assert parts["winnability"] == pytest.approx((2 + 10 * 48 / 90) / 20 / (48 / 90), abs=1e-6)
    assert parts["coverage"] == pytest.approx(0.5 * 4 / 5)
    (arm,) = parts["learning_draw"]["arms"]
    assert (arm["format"], arm["alpha"], arm["beta"]) == (UPDATE, 1, 1)
    assert parts["learning"] == pytest.approx(2 * arm["draw"], abs=1e-5)
    factors = (parts["money"], parts["frequency"], parts["winnability"], 1 - parts["coverage"], parts["learning"])
    assert parts["score"] == pytest.approx(prod(factors), rel=1e-4)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"money": 9000.0}, {"money": 5000.0}),
        ({"subject_count": 20}, {"subject_count": 10}),
        ({"won_count": 5, "lost_count": 5}, {"won_count": 1, "lost_count": 9}),
    ],
)
def test_each_part_moves_the_score_the_right_way(better: dict[str, Any], worse: dict[str, Any]) -> None:
    assert value(score_of(theme(**better))) > value(score_of(theme(**worse)))


def test_unknown_money_is_estimated_from_the_others_and_marked() -> None:
    part = score_of(theme(money=None))["price/too_high"]
    assert (part.money, part.is_money_estimated) == (5000.0, True)
    ((_, alone, _),) = rank(theme(money=None))
    assert alone.value > 0


def test_the_order_does_not_depend_on_the_order_of_reading_and_equal_scores_go_by_name() -> None:
    themes = [theme("price", f"t{n}", money=float(n % 2) * 100) for n in range(12)]
    expected = [found.key for found, _, _ in rank(*themes)]
    random.Random(3).shuffle(themes)
    assert [found.key for found, _, _ in rank(*themes)] == expected
    assert expected[6:] == sorted(f"price/t{n}" for n in range(0, 12, 2))  # no money: all scores are 0


@pytest.mark.parametrize("world", [{"won": 0, "lost": 0}, {"won": 1, "lost": 1}, {"won": 0, "lost": 90}])
def test_worlds_without_decided_deals_do_not_break_the_score(world: dict[str, int]) -> None:
    assert 0 <= value(score_of(theme(won_count=0, lost_count=0), **world)) < 1e9


def form(**values: Any) -> HypothesisForm:
    change = "Publish content that answers “Too expensive” (pricing page)"
    return replace(draft(change, 0.31, load_rules(CONFIG).hypothesis, TODAY), **values)


def test_a_drafted_hypothesis_is_complete_and_fixes_its_criterion() -> None:
    made = form()
    assert made.deadline == TODAY + timedelta(days=28 + 84)
    assert made.deadline.isoformat() in made.success_criterion
    assert f"about {made.minimum_sample} repeated voicings" in made.success_criterion
    assert "how long that takes is not known" in made.success_criterion
    assert "31% of new deals voice it today" in made.reason
    assert made.complete(TODAY) is made


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"change": " "}, "change"),
        ({"reason": ""}, "reason"),
        ({"success_criterion": ""}, "success_criterion"),
        ({"metric": "reach"}, "metric (one of objection_rate, not 'reach')"),
        ({"metric": ""}, "metric"),
        ({"metric": "objection_rate, win_rate"}, "metric (one of objection_rate"),
        ({"direction": "sideways"}, "direction (one of decrease, increase, not 'sideways')"),
        ({"expected_size": 0.0}, "expected_size"),
        ({"expected_size": float("nan")}, "expected_size"),
        ({"minimum_sample": 0}, "minimum_sample"),
        ({"baseline_days": 0}, "baseline_days"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"deadline": TODAY}, "deadline"),
        ({"reason": "", "deadline": TODAY}, "reason, deadline"),
    ],
)
def test_an_incomplete_hypothesis_is_refused_by_naming_what_is_missing(values: dict[str, Any], missing: str) -> None:
    with pytest.raises(IncompleteHypothesis) as caught:
        form(**values).complete(TODAY)
    assert missing in str(caught.value)
    assert isinstance(caught.value, ValueError)


WRONG: dict[str, Any] = {
    "change": "", "metric": "reach", "direction": "up", "reason": "  ", "expected_size": 1.0, "success_criterion": "\n",
    "minimum_sample": 0, "baseline_days": -1, "horizon_days": 0, "deadline": TODAY - timedelta(days=1),
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(WRONG)), min_size=1))
def test_whatever_parts_are_missing_each_is_named_and_nothing_else(parts: set[str]) -> None:
    with pytest.raises(IncompleteHypothesis) as caught:
        form(**{part: WRONG[part] for part in parts}).complete(TODAY)
    assert {part for part in WRONG if part in caught.value.message.split(": ", 1)[1]} == parts
    assert set(WRONG) == {field.name for field in fields(HypothesisForm)}


def test_a_brief_survives_the_ledger_and_has_no_empty_line() -> None:
    one = theme(quotes=[Quote("Дороговато будет", "ru", "rep", 3)], withheld_quote_count=2)
    one.stages.update(proposal=6, negotiation=4)
    ((_, score, plan),) = rank(one)
    brief = compose(one, score, plan, form(), load_vocabulary(CONFIG), 12)
    assert Brief.from_dict(brief.as_dict()) == brief
    texts = brief.texts()
    assert len(texts) > 20
    assert all(text == plain_line(text) and text for text in texts)
    assert "as the sales rep wrote it down, told 3×" in texts
    assert "2 quotes are withheld: they hold personal data." in texts
    assert "Stage: proposal 6, negotiation 4" in texts


def test_a_category_that_nobody_configured_still_gets_a_brief() -> None:
    one = theme("new_code", "general", money=None)
    ((_, score, plan),) = rank(one)
    brief = compose(one, score, plan, form(), load_vocabulary(CONFIG), 12)
    assert brief.title == "Answer the objection “new_code” (10 voices in 12 weeks)"
    assert "Nothing published answers this yet" in brief.texts()
    told = {text for text in brief.texts() if text.startswith(("Format: ", "If that does not fit: "))}
    first, *others = plan.formats
    assert sorted(plan.formats) == ["answer in the FAQ", "article"]
    assert told == {f"Format: {first}", f"If that does not fit: {others[0]}"}


@pytest.mark.parametrize(
    "text",
    [
        "пишите anna.k+x@salon.com.ua",
        "ANNA@EXAMPLE.COM",
        "anna (at) example.com",
        "ａｎｎａ＠example.com",
        "звоните +380 67 123 45 67",
        "8(495)123-45-67",
        "067.123.45.67",
        "4111 1111 1111 1111",
        "мой телеграм @annabeauty",
        "t.me/annabeauty",
    ],
)
def test_addresses_and_numbers_of_people_are_seen(text: str) -> None:
    assert not is_safe(text)
    with pytest.raises(PersonalDataError) as caught:
        refuse_personal_data(["fine", f"да, {text}, да"], "Task x")
    assert "part 2" in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "12 500 грн за курс — это дорого",
        "с 01.12.2026 по 15.12.2026",
        "1 200 000 рублей за оборудование",
        "до 2026-11-16, скидка 20 %",
        "цена 3000-3500 EUR, 10 мест",
        "e-mail не пришёл",
        "@ 5 pm",
    ],
)
def test_prices_and_dates_are_not_taken_for_people(text: str) -> None:
    assert is_safe(text)


def test_a_line_is_one_visible_line() -> None:
    assert plain_line(" a\r\n\tb\x00\u202e\u200bc\u2028d ") == "a bc d"
    assert plain_line("слово " * 100, 20) == "слово слово слово с…"


@pytest.mark.parametrize("kind", ["heading", "text", "bullets", "quote"])
def test_documents_have_no_empty_text_and_no_line_break(kind: Any) -> None:
    block = Block(kind, "x\n\ny", ["", "a\nb"]) if kind != "heading" else Block(kind, "\n")

    def texts(node: Any) -> list[str]:
        if isinstance(node, list):
            return [text for child in node for text in texts(child)]
        return [node["text"]] if node.get("type") == "text" else texts(node.get("content", []))

    found = texts(adf.document([block])["content"])
    assert found
    assert all(text and "\n" not in text for text in found)


def test_an_empty_list_leaves_no_empty_node() -> None:
    assert adf.document([Block("bullets")])["content"] == []


def test_addresses_are_found_in_links_cards_and_plain_text() -> None:
    link = {"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "https://a.example/1"}}]}
    card = {"type": "inlineCard", "attrs": {"url": "https://b.example/2"}}
    bad = {"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]}
    plain = {"type": "text", "text": "see (https://c.example/3), please"}
    body = {"type": "doc", "content": [{"type": "paragraph", "content": [link, card, bad, plain]}]}
    assert adf.addresses(body) == ["https://a.example/1", "https://b.example/2", "https://c.example/3"]
    assert adf.addresses(None) == []


def test_the_same_said_with_a_typo_is_one_quote_with_its_count() -> None:
    said = [
        "Ваш менеджер нахамив, далі не буду",
        "ваш менеджер нахамив, далі не буду.",
        "Ваш менеджер нахаммив, далі не буду",
    ]
    rows = [
        {
            "category": "price",
            "theme": "too_high",
            "quote": text,
            "language": "uk",
            "source_role": "buyer",
            "told_count": n,
        }
        for n, text in enumerate([*said, "відповідали три дні на одне просте питання"], 1)
    ]
    one = theme(quotes=[])
    add_quotes([one], rows, 5)
    assert [(quote.text, quote.told_count) for quote in one.quotes] == [(said[0], 6), (rows[3]["quote"], 4)]
