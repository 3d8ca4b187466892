"""The taxonomy is whole in three languages, themes are found, and a mistake in the file is told by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebuttal.errors import ConfigError
from rebuttal.objections.taxonomy import CODES, GENERAL, Taxonomy, load_taxonomy
from rebuttal.settings import PROJECT_ROOT

SHIPPED = PROJECT_ROOT / "include" / "config" / "taxonomy.yml"


def test_every_category_is_there_with_its_family_and_formats(taxonomy: Taxonomy) -> None:
    assert set(taxonomy.categories) == set(CODES)
    assert len(taxonomy.families) == 7
    assert {category.family for category in taxonomy.categories.values()} == set(taxonomy.families)
    for category in taxonomy.categories.values():
        assert category.stages
        assert all(category.formats[language] for language in ("en", "ru", "uk"))
        assert len({theme.code for theme in category.themes}) == len(category.themes) >= 2
    assert len(taxonomy.definitions()) == 17 * 3


@pytest.mark.parametrize(
    ("category", "sentence", "theme"),
    [
        ("price", "Слишком дорого", "too_high"),
        ("price", "Бюджет урізали", "no_budget"),
        ("price", "Can you give a discount?", "wants_discount"),
        ("authority", "Муж против", "family_member"),
        ("availability", "немає в наявності", "stock"),
        ("risk_security", "боюсь аллергии", "health"),
        ("timing", "вернёмся после ремонта", "other_priority"),
        ("price", "ну такое", GENERAL),
    ],
)
def test_themes(taxonomy: Taxonomy, category: str, sentence: str, theme: str) -> None:
    assert taxonomy.categories[category].theme_of(sentence) == theme


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("code: price", "code: prise", "Did you mean 'price'"),
        ("family: commercial", "family: comercial", "Did you mean 'commercial'"),
        ("code: availability", "code: price", "price stands twice"),
        ("families:", "famlies:", "Did you mean 'families'"),
        ("version: 1", "version: [", "is not valid YAML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    (tmp_path / "taxonomy.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigError, match=message):
        load_taxonomy(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"taxonomy\.yml cannot be read"):
        load_taxonomy(tmp_path)
