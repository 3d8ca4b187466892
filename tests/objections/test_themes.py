"""Themes: the same content would answer both. Rewordings written by hand, not taken from training or sandbox texts."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import text

from rebuttal.configuration import load_vocabulary
from rebuttal.content.learning import iso_week
from rebuttal.content.ledger import propose
from rebuttal.content.plan import rank
from rebuttal.content.reading import Analytics
from rebuttal.content.rules import load_rules
from rebuttal.content.themes import hear
from rebuttal.objections.embedding import load_embedder
from rebuttal.objections.gathering import Text, Verdict, Voice, gather
from rebuttal.objections.stage import _write
from rebuttal.objections.tables import metadata
from rebuttal.objections.taxonomy import GENERAL, Taxonomy
from rebuttal.objections.themes import MERGED, PERSON, PROPOSED, REJECTED, RULE, Decided, Known, Said, group
from rebuttal.objections.themes_model import ThemeModel, load_theme_model
from rebuttal.objections.themes_stage import Themed, give_themes
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.state import Sessions, open_state
from rebuttal.warehouse import open_warehouse

NOW = datetime(2026, 3, 6, 10, tzinfo=UTC)
REWORDINGS = [
    json.loads(line) for line in Path(__file__).with_name("rewordings.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="session")
def theme_model(models: Path, taxonomy: Taxonomy) -> ThemeModel:
    """The model of themes as shipped."""
    embedder = load_embedder()
    assert embedder is not None
    return load_theme_model(models, taxonomy, embedder)


def said(rows: Sequence[dict[str, Any]]) -> list[Said]:
    """Each rewording said by one deal of its own."""
    return [
        Said(row["category"], row["text"], frozenset([f"deal|d{n}"]), NOW - timedelta(hours=n), row["lang"])
        for n, row in enumerate(rows)
    ]


def of(theme: str) -> list[dict[str, Any]]:
    return [row for row in REWORDINGS if row["theme"] == theme]


def test_two_hundred_rewordings_of_one_theme_are_one_theme(taxonomy: Taxonomy, theme_model: ThemeModel) -> None:
    rows = of("prepayment")
    assert len({row["text"] for row in rows}) == 200
    assert {row["lang"] for row in rows} == {"en", "ru", "uk"}
    themes = Counter(group(said(rows), taxonomy, theme_model, [], {}).themes.values())
    assert themes["prepayment"] >= 195
    assert max(count for theme, count in themes.items() if theme != "prepayment") < 3  # too few for a task of its own


def test_without_embeddings_only_words_tell(taxonomy: Taxonomy) -> None:
    found = group(said(REWORDINGS), taxonomy, None, [], {})
    assert found.embedded_count == 0
    assert found.proposals == ()
    assert 0 < sum(theme == "prepayment" for theme in found.themes.values()) < 200


def test_a_theme_that_nobody_configured_is_proposed_once_with_a_name(
    taxonomy: Taxonomy, theme_model: ThemeModel
) -> None:
    rows = of("animals")
    first = group(said(rows), taxonomy, theme_model, [], {})
    [theme] = first.proposals
    assert (theme.category, theme.status, theme.origin) == ("risk_security", PROPOSED, RULE)
    assert {"en", "ru", "uk"} <= set(theme.names)
    assert set(theme.names.values()) <= {row["text"] for row in rows}
    assert Counter(first.themes.values())[theme.code] >= 20

    again = group(said(rows), taxonomy, theme_model, first.proposals, first.remembered)
    assert (again.themes, again.proposals, again.embedded_count) == (first.themes, (), 0)


def test_a_handful_is_no_theme_and_the_same_sentence_many_times_is_none(
    taxonomy: Taxonomy, theme_model: ThemeModel
) -> None:
    assert group(said(of("animals")[:6]), taxonomy, theme_model, [], {}).proposals == ()
    one = Said("risk_security", of("animals")[0]["text"], frozenset(f"d{n}" for n in range(50)), NOW, "en")
    assert group([one], taxonomy, theme_model, [], {}).proposals == ()


def test_new_evidence_goes_to_existing_themes_and_their_ids_stay(taxonomy: Taxonomy, theme_model: ThemeModel) -> None:
    rows = random.Random(4).sample(of("animals"), 30)
    first = group(said(rows[:20]), taxonomy, theme_model, [], {})
    [theme] = first.proposals
    later = group(said(rows), taxonomy, theme_model, first.proposals, first.remembered)
    assert later.proposals == ()
    assert later.embedded_count == 10
    assert all(later.themes[key] == code for key, code in first.themes.items())
    assert Counter(later.themes.values())[theme.code] > Counter(first.themes.values())[theme.code]


@examples(max_examples=15)
@given(seed=st.integers(0, 10**6), share=st.floats(0.3, 1.0))
def test_the_order_of_arrival_does_not_matter(
    taxonomy: Taxonomy, theme_model: ThemeModel, seed: int, share: float
) -> None:
    draw = random.Random(seed)
    rows = said([row for row in REWORDINGS if row["category"] == "risk_security"])
    rows = draw.sample(rows, max(int(share * len(rows)), 1))
    known = theme_model.packed([one.text for one in rows])
    vectors = {one.text: row for one, row in zip(rows, known, strict=True)}
    quick = replace(theme_model, embedder=_Kept(vectors, theme_model))
    expected = group(rows, taxonomy, quick, [], {})
    assert group(draw.sample(rows, len(rows)), taxonomy, quick, [], {}) == expected


class _Kept:
    """Vectors computed before, as the embedder gives them whatever stands beside a text."""

    name = "kept"

    def __init__(self, vectors: dict[str, Any], model: ThemeModel) -> None:
        from rebuttal.objections.wording import prepared

        self._vectors = {prepared(text): row.astype("float32") for text, row in vectors.items()}

    def vectors(self, texts: Sequence[str]) -> Any:
        import numpy as np

        return np.vstack([self._vectors[text] for text in texts])


# --- what people decided


def test_merges_are_followed_refused_themes_are_general_and_splits_go_by_words() -> None:
    decided = Decided(
        [
            Known("price", "a", RULE, MERGED, merged_into="b"),
            Known("price", "b", RULE, MERGED, merged_into="too_high"),
            Known("price", "c", RULE, REJECTED),
            Known("price", "cake", PERSON, "active", split_from="too_high", words=("cake", "торт"), position=3),
        ]
    )
    assert decided.theme_of("a", "pricey") == "too_high"
    assert decided.theme_of("a", "Pricey CAKES") == "cake"
    assert decided.theme_of("too_high", "дорогой торт") == "cake"
    assert decided.theme_of("too_high", "pancakes") == "too_high"  # words begin where a word begins
    assert decided.theme_of("c", "cake") == GENERAL
    assert decided.theme_of("no_budget", "cake") == "no_budget"


def test_decisions_in_a_circle_end() -> None:
    circle = [Known("price", a, RULE, MERGED, merged_into=b) for a, b in (("a", "b"), ("b", "a"))]
    assert Decided(circle).theme_of("a", "x") in ("a", "b")


# --- through the marts to the ledger


def listened(settings: Settings, taxonomy: Taxonomy, model: ThemeModel, rows: Sequence[dict[str, Any]]) -> Themed:
    """Each rewording is the survey answer of one lost deal, its category as written beside it."""
    heard = []
    for number, row in enumerate(rows):
        voice = Voice(row["category"], row["theme"], 0.9, 0, len(row["text"]), row["text"], "buyer")
        key = ("survey", "typeform", "1", f"r{number}")
        told = Text(key, NOW - timedelta(hours=number), f"d{number}", None, None, f"h{number}")
        heard.append((told, Verdict((row["category"],), row["category"], 0.9, "classified", row["lang"], (voice,))))
    deals = {f"d{n}": {"deal_id": f"d{n}", "outcome": "lost", "amount_base": 1000.0} for n in range(len(rows))}
    with open_warehouse(settings) as engine, open_state(settings) as sessions, engine.begin() as connection:
        metadata.create_all(connection, checkfirst=True)
        themed = give_themes(connection, sessions, heard, deals, taxonomy, model, NOW)
        _write(connection, gather(themed.heard, deals, taxonomy, "test"))
    return themed


def tasks_for(settings: Settings, sessions: Sessions) -> set[str]:
    """The themes that get a task when nothing limits how many."""
    rules = load_rules(settings.config)
    rules = rules.model_copy(update={"choose": rules.choose.model_copy(update={"max_open": 99, "new_per_week": 99})})
    with open_warehouse(settings) as engine:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS marts.deal"))
            connection.execute(text("CREATE TABLE marts.deal AS SELECT 'hubspot' AS source, 'a' AS account_id, deal_id,"
                                    " first_voiced_at AS created_at, last_voiced_at AS closed_at, outcome"
                                    " FROM marts.objection"))  # fmt: skip
        heard = hear(engine, rules.choose, NOW)
    assert heard is not None
    vocabulary = load_vocabulary(settings.config)
    ranked = rank(heard, [], Analytics(), {}, iso_week(NOW), rules, vocabulary)
    propose(sessions, ranked, heard, rules, vocabulary, NOW)
    from rebuttal.state import ContentTask

    with sessions() as session:
        return {task.theme for task in session.query(ContentTask)}


def test_one_theme_makes_one_task_and_two_make_two(
    any_settings: Settings, taxonomy: Taxonomy, theme_model: ThemeModel
) -> None:
    listened(any_settings, taxonomy, theme_model, of("prepayment"))
    with open_state(any_settings) as sessions:
        assert tasks_for(any_settings, sessions) == {"terms/prepayment"}
    listened(any_settings, taxonomy, theme_model, of("prepayment") + of("returns"))
    with open_state(any_settings) as sessions:
        assert tasks_for(any_settings, sessions) == {"terms/prepayment", "terms/returns"}


def test_the_configuration_names_every_theme(taxonomy: Taxonomy) -> None:
    vocabulary = load_vocabulary(PROJECT_ROOT / "include" / "config")
    names = vocabulary.renamed({("price", "too_high"): {"en": "Sticker shock"}})
    assert names.theme_name("price", "too_high") == "Sticker shock"
    assert names.theme_name("price", "too_high", "ru") == vocabulary.theme_name("price", "too_high", "ru") != ""
