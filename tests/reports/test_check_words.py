"""What checks say to readers of Russian and Ukrainian: every check there is, with the numbers that a company set."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.reports.alerting import Loud, result

from rebuttal.quality import suites
from rebuttal.quality.audits.catalog import audits
from rebuttal.quality.audits.limits import AuditLimits
from rebuttal.quality.utm_spend import SPEND, VISITS
from rebuttal.reports.check_words import told
from rebuttal.reports.people import Language
from rebuttal.settings import PROJECT_ROOT

TRANSLATED: tuple[Language, ...] = ("ru", "uk")
STRINGS = PROJECT_ROOT / "include" / "rebuttal" / "reports" / "strings"


def sentences() -> dict[str, tuple[str, str]]:
    """Check -> what it says and asks for, of all rules of the gate and of the audits."""
    rules: list[Any] = [*audits(AuditLimits())]
    for module in pkgutil.iter_modules(suites.__path__):
        rules += importlib.import_module(f"{suites.__name__}.{module.name}").suite(datetime(2026, 11, 1, tzinfo=UTC))
    return {rule.meta["name"]: (rule.description, rule.meta["next_step"]) for rule in rules}


def named_in_code() -> set[str]:
    """The names of checks of whole batches, and of what is compared over core: each is written where it is made."""
    found = {SPEND, VISITS, "lost_reason_mapped"}
    for path in Path(PROJECT_ROOT / "include" / "rebuttal" / "quality").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Check" and node.args:
                assert isinstance(node.args[0], ast.Constant)
                found.add(str(node.args[0].value))
    return found


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_check_has_words(language: Language) -> None:
    known = sentences() | dict.fromkeys(named_in_code() - sentences().keys(), ("20 and 5 in English", "5 in English"))
    assert len(known) > 80
    for name, stored in known.items():
        for part, sentence in zip(("what", "do"), stored, strict=True):
            found = told(language, name, part, sentence)  # type: ignore[arg-type]
            assert found != sentence, f"{name} has no words in {language}"
            assert re.search("[а-яіїєґ]", found), name
            assert "{" not in found, name
            if name in sentences() and re.search(r"within|by more", sentence) and part == "what":
                assert re.findall(r"\d+", found) == re.findall(r"\d+", sentence), name


def test_both_languages_have_words_for_the_same_checks_and_none_for_others() -> None:
    seen = {name: yaml.safe_load((STRINGS / f"checks_{name}.yml").read_text(encoding="utf-8")) for name in TRANSLATED}
    assert seen["ru"].keys() == seen["uk"].keys()
    names = sentences().keys() | named_in_code()
    assert len(names) > 80
    for key in seen["ru"]:
        assert key in names or any(key[0] == "*" and name.endswith(key[1:]) for name in names), f"no check is {key}"
        for part in ("what", "do"):
            blanks = [set(re.findall(r"{(\w+)}", seen[language][key][part])) for language in TRANSLATED]
            assert blanks[0] == blanks[1], key


def test_english_and_unknown_checks_are_told_as_they_are_stored() -> None:
    assert told("en", "no_burst", "what", "Nobody looks at 20 pages") == "Nobody looks at 20 pages"
    assert told("ru", "from_a_later_version", "what", "As stored") == "As stored"
    assert told("ru", "no_burst", "what", "One number only: 7") == "One number only: 7"
    assert told("uk", "starts_at_present", "what", "starts_at is there") == "Поле starts_at заповнене"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "ru",
            [
                "Задержанные пакеты",
                "Пакет больше обычного не более чем в 5 раза",
                "Новые и растущие предупреждения",
                "Визит кончается в пределах суток",
                "Что делать: Ищите терминал",
            ],
        ),
        (
            "uk",
            [
                "Затримані пакети",
                "Пакет більший за звичайний щонайбільше в 5 рази",
                "Нові",
                "Візит закінчується в межах доби",
                "Що робити: Шукайте термінал",
            ],
        ),
    ],
)
def test_an_alert_is_in_its_readers_language(loud: Loud, language: Language, said: list[str]) -> None:
    volume = {**result("volume_usual", 100, "hold"), "description": "The batch is not more than 5 times as large"}
    loud.land(1, "held", checks=(volume,))
    loud.land(2, checks=(result("duration_sane", 7),))
    room = {"kind": "webhook", "connection": "alerts_webhook", "language": language, "tells": ["alerts"]}
    loud.configure(channels=[room])
    loud.tell()
    words = loud.channel.received[0][1]["text"]
    places = [words.find(part) for part in said]
    assert -1 not in places, (said[places.index(-1)], words)
    assert places == sorted(places)
    assert not re.search("What|Look", words)
