"""What people decide about themes holds, however often and in whatever order everything is run again."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.objections.test_themes import NOW, listened, of, theme_model

from rebuttal.errors import ConfigError
from rebuttal.objections.taxonomy import GENERAL, Taxonomy
from rebuttal.objections.themes_model import ThemeModel
from rebuttal.objections.themes_store import Decisions
from rebuttal.settings import Settings
from rebuttal.state import journal_rows, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import fingerprint_of

__all__ = ["theme_model"]

TABLES = ["marts.objection", "marts.objection_evidence"]


def counted(settings: Settings, taxonomy: Taxonomy, model: ThemeModel, name: str = "animals") -> Counter[str]:
    themed = listened(settings, taxonomy, model, of(name))
    return Counter(voice.theme for _, verdict in themed.heard for voice in verdict.voices)


def fingerprint(settings: Settings) -> str:
    with open_warehouse(settings) as engine, engine.connect() as connection:
        return fingerprint_of(connection, TABLES)


def test_merge_refusal_and_acceptance_survive_reruns(
    any_settings: Settings, taxonomy: Taxonomy, theme_model: ThemeModel
) -> None:
    first = counted(any_settings, taxonomy, theme_model)
    code = max(first, key=lambda theme: (first[theme], theme))
    assert code.startswith("new_")
    before = fingerprint(any_settings)
    assert counted(any_settings, taxonomy, theme_model) == first
    assert fingerprint(any_settings) == before

    with open_state(any_settings) as sessions:
        kate = Decisions(sessions, taxonomy, "Kate", NOW)
        assert kate.merge(f"risk_security/{code}", "risk_security/health")
        assert not kate.merge(f"risk_security/{code}", "risk_security/health")
    for _ in range(2):
        after = counted(any_settings, taxonomy, theme_model)
        assert after[code] == 0
        assert after["health"] == first["health"] + first[code]
        assert sum(theme.startswith("new_") for theme in after) == 0

    with open_state(any_settings) as sessions:
        assert Decisions(sessions, taxonomy, "Kate", NOW).reject(f"risk_security/{code}")
    for _ in range(2):
        assert counted(any_settings, taxonomy, theme_model)[GENERAL] == first[GENERAL] + first[code]

    with open_state(any_settings) as sessions:
        assert Decisions(sessions, taxonomy, "Kate", NOW).accept(f"risk_security/{code}")
        with sessions() as session:
            told = [row["decision"] for row in journal_rows(session) if row["subject"] == f"risk_security/{code}"]
    assert counted(any_settings, taxonomy, theme_model) == first
    assert sorted(told) == [
        "accepted (decision 3)", "merged into risk_security/health", "proposed", "rejected (decision 2)"
    ]  # fmt: skip


def test_a_split_goes_by_words_and_survives_reruns(
    settings: Settings, taxonomy: Taxonomy, theme_model: ThemeModel
) -> None:
    whole = counted(settings, taxonomy, theme_model, "prepayment")
    with open_state(settings) as sessions:
        kate = Decisions(sessions, taxonomy, "Kate", NOW)
        part = kate.split("terms/prepayment", "Deposit", ["Deposit", "депозит", "задат", "завдат"])
        assert kate.split("terms/prepayment", "Deposit", ["deposit"]) == part == "terms/deposit"
    told = [row["text"].lower() for row in of("prepayment")]
    expected = sum(any(word in text for word in ("deposit", "депозит", "задат", "завдат")) for text in told)
    for _ in range(2):
        after = counted(settings, taxonomy, theme_model, "prepayment")
        assert after["deposit"] == expected >= 8
        assert after["prepayment"] == whole["prepayment"] - expected


def test_a_name_is_kept_and_an_id_stays(settings: Settings, taxonomy: Taxonomy, theme_model: ThemeModel) -> None:
    first = counted(settings, taxonomy, theme_model)
    code = next(theme for theme in first if theme.startswith("new_"))
    with open_state(settings) as sessions:
        kate = Decisions(sessions, taxonomy, "Kate", NOW)
        assert kate.rename(f"risk_security/{code}", {"en": "Tested on animals"})
        assert not kate.rename(f"risk_security/{code}", {"en": "Tested on animals"})
    themed = listened(settings, taxonomy, theme_model, of("animals"))
    [named] = [one for one in themed.known if one.code == code]
    assert named.names["en"] == "Tested on animals"
    assert named.names["ru"] != ""


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda decide: decide.accept("price/too_hihg"), "price/too_high"),
        (lambda decide: decide.merge("price/too_high", "trust/reviews"), "two categories"),
        (lambda decide: decide.merge("price/too_high", "price/too_high"), "is merged into"),
        (lambda decide: decide.reject("price/too_high"), "is configured"),
        (lambda decide: decide.rename("price/too_high", {"en": "call +380 67 123 45 67"}), "cannot be a name"),
        (lambda decide: decide.split("price/too_high", "Cakes", [" "]), "at least one word"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: Settings, taxonomy: Taxonomy, act, told: str) -> None:  # type: ignore[no-untyped-def]
    with open_state(settings) as sessions, pytest.raises(ConfigError) as error:
        act(Decisions(sessions, taxonomy, "Kate", NOW))
    assert told in str(error.value)


def test_a_circle_of_merges_and_nobodys_decision_are_refused(settings: Settings, taxonomy: Taxonomy) -> None:
    with open_state(settings) as sessions:
        kate = Decisions(sessions, taxonomy, "Kate", NOW)
        assert kate.merge("price/too_high", "price/no_budget")
        with pytest.raises(ConfigError, match="is merged into"):
            kate.merge("price/no_budget", "price/too_high")
        with pytest.raises(ConfigError, match="named person"):
            Decisions(sessions, taxonomy, " ", NOW)
