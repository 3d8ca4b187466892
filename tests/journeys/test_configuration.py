"""The company's words are checked before anything is built with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from rebuttal.errors import ConfigError
from rebuttal.journeys.configuration import load_model_config
from rebuttal.settings import PROJECT_ROOT

DEFAULT = PROJECT_ROOT / "include" / "config"
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(name, text): the default configuration with one file replaced."""
    for name in ("journey.yml", "channels.yml", "utm.yml", "rates.csv"):
        (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())

    def replace(name: str, content: str) -> Path:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path

    return replace


def test_the_default_configuration_is_valid() -> None:
    config = load_model_config(DEFAULT)
    assert config.journey.base_currency == "EUR"
    assert [row["rule_order"] for row in config.channel_rules] == list(range(len(config.channel_rules)))
    assert len(config.channel_rules) > 200
    named = {row["channel"] for row in config.channel_rules}
    assert {"ai_assistant", "search_brand", "search_generic", "offline", "direct"} <= named


CHANNELS = "channels: [social, direct, unknown]\nrules:\n"


def test_registered_links_go_first_and_their_campaign_id_before_all(write: Write) -> None:
    write("channels.yml", CHANNELS + "  - {channel: direct, utm_source: none}\n")
    folder = write(
        "utm.yml",
        "links:\n  - {utm_source: fb, utm_medium: paid, utm_campaign: a_1, channel: social, platform: yandex-direct,"
        " campaign_id: '77'}\n",
    )
    rows = load_model_config(folder).channel_rules
    filled = [{key: value for key, value in row.items() if value is not None} for row in rows]
    assert filled == [
        {"rule_order": 0, "channel": "social", "click": "yandex", "campaign_id": "77"},
        {"rule_order": 1, "channel": "social", "utm_source": "fb", "utm_medium": "paid", "utm_campaign": "a!_1"},
        {"rule_order": 2, "channel": "social", "utm_campaign": "a!_1"},
        {"rule_order": 3, "channel": "social", "utm_source": "fb"},
        {"rule_order": 4, "channel": "direct", "utm_source": ""},
    ]


def test_a_campaign_or_source_in_two_channels_says_nothing_alone(write: Write) -> None:
    write("channels.yml", CHANNELS + "  - {channel: direct, utm_source: none}\n")
    link = "  - {utm_source: %s, utm_medium: %s, utm_campaign: spring, channel: %s}\n"
    links = link % ("fb", "x", "social") + link % ("mail", "x", "direct") + link % ("mail", "y", "social")
    folder = write("utm.yml", "links:\n" + links)
    rows = load_model_config(folder).channel_rules
    assert [(row["utm_source"], row["utm_campaign"]) for row in rows] == [
        ("fb", "spring"), ("mail", "spring"), ("mail", "spring"), ("fb", None), ("", None),
    ]  # fmt: skip


def test_words_become_patterns(write: Write) -> None:
    write("utm.yml", "links: []\n")
    folder = write("channels.yml", CHANNELS + "  - {channel: social, referrer: [VK.com, 'x.*'], utm_medium: '50%*'}\n")
    rows = load_model_config(folder).channel_rules
    assert [(row["referrer"], row["utm_medium"]) for row in rows] == [
        ("vk.com", "50!%%"), ("%.vk.com", "50!%%"), ("x.%", "50!%%"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("channels.yml", CHANNELS + "  - {channel: socal, utm_source: fb}\n", "rule 1: channel 'socal'.*'social'"),
        ("channels.yml", CHANNELS + "  - {channel: social}\n", "at least one field"),
        ("channels.yml", CHANNELS + "  - {channel: social, utm_sorce: fb}\n", "utm_sorce"),
        ("channels.yml", "channels: [a\n", "not valid YAML"),
        ("utm.yml", "links:\n  - {utm_source: a, utm_campaign: b, channel: vidio}\n", "link 1: channel 'vidio'.*video"),
        ("journey.yml", "lifecycle: {order: [lead, mql], mql_from: mqls}\n", "mql_from 'mqls'.*'mql'"),
        ("journey.yml", "lookback_days: 0\nlifecycle: {order: [a], mql_from: a}\n", "lookback_days"),
        (
            "journey.yml",
            "position_weights: {first: 0.7, last: 0.4}\nlifecycle: {order: [a], mql_from: a}\n",
            "more than 1",
        ),
        (
            "journey.yml",
            "lifecycle: {order: [a], mql_from: a}\nquestions: [{id: a, name: {en: a, ru: a, uk: a}, evidence: {}}]\n",
            "needs pages, conversions or stages",
        ),
        (
            "journey.yml",
            "lifecycle: {order: [a], mql_from: a}\n"
            "questions: [{id: a, name: {en: a, ru: a, uk: a}, evidence: {stages: [wan]}}]\n",
            "questions.0.evidence.stages",
        ),
        (
            "journey.yml",
            "lifecycle: {order: [a], mql_from: a}\nacquisition: {spend_excludes_channels: [emial]}\n",
            "'emial'.*'email'",
        ),
        ("channels.yml", "channels: [direct, unknown]\nroles: {direkt: explain}\nrules: []\n", "'direkt'.*'direct'"),
        ("channels.yml", "channels: [direct, unknown]\nroles: {direct: sell}\nrules: []\n", "roles.direct"),
        ("rates.csv", "from,currency,rate\n", "wrong header"),
        ("rates.csv", "valid_from,currency,rate_to_base\n2026-13-01,UAH,0.02\n", "rates.csv:2"),
        ("rates.csv", "valid_from,currency,rate_to_base\n2026-01-01,UAH,0\n", "rate 0 of UAH cannot be"),
        ("rates.csv", "valid_from,currency,rate_to_base\n2026-01-01,UAH,nan\n", "cannot be"),
        ("rates.csv", "valid_from,currency,rate_to_base\n2026-01-01,EUR,2\n", "rate 2 of EUR"),
        ("rates.csv", "valid_from,currency,rate_to_base\n2026-01-01,UAH,1\n2026-01-01,uah,2\n", ":3 repeats UAH"),
    ],
)
def test_what_is_wrong_is_named(write: Write, name: str, content: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load_model_config(write(name, content))
    assert name in str(caught.value)


def test_rates_are_dated_decimals(write: Write) -> None:
    folder = write(
        "rates.csv", "\ufeffvalid_from,currency,rate_to_base\n2026-02-01, uah ,0.0202\n2026-01-01,UAH,0.02\n"
    )
    assert load_model_config(folder).rates == [
        {"currency": "UAH", "valid_from": date(2026, 1, 1), "rate_to_base": Decimal("0.02")},
        {"currency": "UAH", "valid_from": date(2026, 2, 1), "rate_to_base": Decimal("0.0202")},
    ]


@pytest.mark.parametrize("name", ["journey.yml", "channels.yml", "rates.csv"])
def test_a_missing_file_is_named(write: Write, name: str) -> None:
    folder = write("utm.yml", "links: []\n")
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=f"{name} does not exist"):
        load_model_config(folder)


def test_a_company_without_registered_links_has_its_rules(write: Write) -> None:
    folder = write("rates.csv", "valid_from,currency,rate_to_base\n")
    (folder / "utm.yml").unlink()
    assert len(load_model_config(folder).channel_rules) > 150
