"""A CRM's list of lost reasons: what is configured holds, what is not is shown and counted, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.objections.conftest import Core, rows

from rebuttal.clock import Clock
from rebuttal.configuration import LostReasons
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.objections import run
from rebuttal.objections.corrections import Answer, correct, text_hash_of
from rebuttal.objections.lost_reasons import Written, judge, load_lost_reasons
from rebuttal.objections.model import Model
from rebuttal.settings import PROJECT_ROOT, Settings

LIST = """
sources:
  hubspot:
    field: drop_down
    values:
      Цена: price
      Дубль: none
      Другое: unclear
"""


@pytest.fixture
def context(any_settings: Settings, cheap_model: Model, tmp_path: Path) -> Context:
    """The configuration as shipped, but with a list of lost reasons of this test's own."""
    config = tmp_path / "config"
    config.mkdir()
    for path in (PROJECT_ROOT / "include" / "config").iterdir():
        (config / path.name).write_bytes(path.read_bytes())
    (config / "lost_reasons.yml").write_text(LIST, encoding="utf-8")
    settings = replace(any_settings, config=config)
    return Context(settings, Clock(), from_environment(settings, {}), b"a key of sixteen bytes")


def test_mapped_values_hold_and_unmapped_ones_wait_for_a_person(core: Core, context: Context) -> None:
    # The classifier alone would read the last one as an objection to the price.
    reasons = {"d1": "Цена", "d2": " цена ", "d3": "Дубль", "d4": "Другое", "d5": "Слишком дорого для нас"}
    for deal, reason in reasons.items():
        core.deal(deal, lost_reason=reason, outcome="lost")
    core.engine.dispose()
    report = run(context, embedder=None)

    labels = {row["source_id"]: row for row in rows(context, "marts.text_label")}
    assert {deal: (row["status"], row["primary_label"]) for deal, row in labels.items()} == {
        "d1": ("classified", "price"),
        "d2": ("classified", "price"),
        "d3": ("none", "none"),
        "d4": ("unclear", "none"),
        "d5": ("unclear", "none"),
    }
    assert {row["decided_by"] for row in labels.values()} == {"vocabulary"}
    assert {row["deal_id"] for row in rows(context, "marts.objection")} == {"d1", "d2"}
    listed = {
        row["value"]: (row["status"], row["meaning"], row["deal_count"]) for row in rows(context, "marts.lost_reason")
    }
    assert listed["Слишком дорого для нас"] == ("unmapped", None, 1)
    assert sum(count for status, _, count in listed.values() if status == "mapped") == 4
    assert (report.counts["read"], report.counts["unmapped"]) == (0, 1)
    assert report.details[1]["value"] == "Слишком дорого для нас"
    assert run(context, embedder=None).changed is False


def test_a_new_line_in_the_list_and_a_persons_word_change_what_it_means(core: Core, context: Context) -> None:
    core.deal("d1", lost_reason="Ушли к Ромашке", outcome="lost")
    core.engine.dispose()
    run(context, embedder=None)
    path = context.settings.config / "lost_reasons.yml"
    path.write_text(LIST + "      Ушли к ромашке: competitor\n", encoding="utf-8")
    report = run(context, embedder=None)
    assert report.counts["unmapped"] == 0
    assert [row["category"] for row in rows(context, "marts.objection")] == ["competitor"]

    correct(context, [Answer.of(["trust"], "Olena", text_hash=text_hash_of("Ушли к Ромашке"))])
    run(context, embedder=None)
    assert [row["category"] for row in rows(context, "marts.objection")] == ["trust"]
    path.unlink()  # without a list the reason is free text, and what a person said still stands
    run(context, embedder=None)
    assert [row["category"] for row in rows(context, "marts.objection")] == ["trust"]
    assert rows(context, "marts.lost_reason") == []


def test_free_text_is_read_and_shown_only_when_many_deals_share_it() -> None:
    reasons = LostReasons.model_validate({"repeated": 5, "sources": {"hubspot": {"field": "free_text"}}})
    written = [
        Written("hubspot", "1", "Пишите на olga@salon.example", "h1", 4),
        Written("hubspot", "1", "Неликвид", "h2", 5),
        Written("bitrix24", "1", "Неликвид", "h2", 2),
    ]
    judged = judge(written, reasons)
    assert judged.verdicts == {}
    assert [(row["source"], row["value"], row["deal_count"]) for row in judged.unmapped] == [("hubspot", "Неликвид", 5)]


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["  {} ", "{}", "\t{}\n"]))
def test_case_and_spaces_never_matter(value: str, around: str) -> None:
    reasons = LostReasons.model_validate({"sources": {"x": {"field": "drop_down", "values": {value: "trust"}}}})
    assert reasons.meaning("x", around.format(value)) == "trust"
    assert reasons.meaning("y", value) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sources: {hubspot: {field: dropdown}}", "drop_down"),
        ("sources: {hubspot: {field: drop_down, values: {Цена: prise}}}", "'prise', which is no label"),
        ("sources: {hubspot: {field: drop_down, values: {Цена: price, цена : trust}}}", "stands twice"),
        ("sources: {hubspot: {field: free_text, valeus: {}}}", "Did you mean 'values'"),
        ("repeated: 1", "repeated"),
    ],
)
def test_a_mistake_in_the_list_is_told(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "lost_reasons.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_lost_reasons(tmp_path)


def test_the_list_as_shipped_is_right_and_may_be_missing(tmp_path: Path) -> None:
    shipped = load_lost_reasons(PROJECT_ROOT / "include" / "config")
    assert shipped.meaning("hubspot", "too  expensive") == "price"
    assert load_lost_reasons(tmp_path) == LostReasons()
