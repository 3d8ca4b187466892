"""`hooks.yml` and its secrets: what opens, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rebuttal.connections import Connection, from_environment
from rebuttal.errors import ConfigError, CredentialsError
from rebuttal.inbox.hooks import load_hooks
from rebuttal.settings import Settings

LONG = "a long enough secret"
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
Load = Callable[..., Any]


@pytest.fixture
def load(settings: Settings, tmp_path: Path) -> Load:
    """Loads hooks of a text, all with the same connection."""

    def loaded(text: str, password: str = LONG, **extra: object) -> Any:
        (tmp_path / "hooks.yml").write_text(text, encoding="utf-8")
        mine = replace(settings, config=tmp_path)
        return load_hooks(mine, lambda name: Connection(name, password=password, extra=extra))

    return loaded


def one(vendor: str = "hubspot", more: str = "") -> str:
    return f"public_url: https://hooks.example/hooks\nhooks:\n  this: {{vendor: {vendor}{more}}}\n"


def test_the_shipped_configuration_opens(settings: Settings) -> None:
    hooks = load_hooks(settings, from_environment(settings))
    assert set(hooks) == {"hubspot", "typeform", "jira", "trello", "yclients"}
    assert hooks["hubspot"].url.endswith("/hooks/hubspot")
    assert hooks["yclients"].partners["45601"] == "salon-01"


@pytest.mark.parametrize("password", ["", "   ", "short", " " * 40])
def test_a_secret_that_can_be_guessed_opens_nothing(load: Load, password: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        load(one(), password)
    assert not password.strip() or password not in str(caught.value)


def test_the_old_secret_needs_an_end_with_a_zone(load: Load) -> None:
    hook = load(one(), previous=[{"secret": LONG + " of before", "until": "2026-11-20T00:00:00Z"}])["this"]
    assert len(hook.keys(NOW)) == 2
    no_zone, no_secret = {"secret": LONG, "until": "2026-11-20T00:00:00"}, {"secret": "", "until": 0}
    for previous in ([{"secret": LONG}], [no_zone], "x", [no_secret]):
        with pytest.raises(CredentialsError):
            load(one(), previous=previous)


def test_secrets_of_standard_webhooks_are_base64(load: Load) -> None:
    assert load(one("standard"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")["this"].keys(NOW)[0][:2] == b"\x31\xf2"
    with pytest.raises(CredentialsError, match="not base64"):
        load(one("standard"), "whsec_not base64 at all!")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (one("hubspott"), "vendor"),
        (one(more=", limit: {}"), "limit is not a known key"),
        ("public_url: https://a.example\nhooks: {}\n", "hooks"),
        ("public_url: https://a.example\nhooks:\n  health: {vendor: jira}\n", "cannot be the name of a hook"),
        ("public_url: https://a.example\nhooks:\n  a/b: {vendor: jira}\n", "cannot be the name of a hook"),
        ("public_url: hooks.example\nhooks:\n  this: {vendor: jira}\n", "no http"),
    ],
)
def test_a_mistake_is_told_by_file_and_key(load: Load, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(text)
    assert "hooks.yml" in str(caught.value)


def test_the_environment_says_where_we_are_reached(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBUTTAL_HOOKS_URL", "https://elsewhere.example/h/")
    assert load(one())["this"].url == "https://elsewhere.example/h/this"
