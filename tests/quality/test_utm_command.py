"""`rebuttal utm`, as people type it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from landed import context, land, row

from rebuttal import quality
from rebuttal.cli import cli
from rebuttal.settings import Settings

STREAM = "yandex_metrica.visits"
BRAND = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand_us_q1"}


@pytest.fixture
def visited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    rows = [row(STREAM, visit_id=f"{n}", **{**BRAND, "utm_source": "gogle"}) for n in range(3)]
    land(settings, STREAM, [*rows, row(STREAM, visit_id="twin", **{**BRAND, "utm_campaign": "brand_us_q3"})])
    land(settings, "google_ads.ad_performance", [row("google_ads.ad_performance", campaign_id="77", clicks="50")])
    quality.run(context(settings))
    return settings


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["utm", *words])


def told(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_link() -> None:
    result = run("link", "https://b.example/?a=1", "--source", "google", "--medium", "cpc", "--campaign", "brand_us_q1")
    assert result.output == "https://b.example/?a=1&utm_source=google&utm_medium=cpc&utm_campaign=brand_us_q1\n"


def test_a_variant_is_shown_decided_and_gone(visited: Settings) -> None:
    waiting = [one for one in told("suggestions") if one["is_open"]]
    assert [(one["written"], one["registered"], one["visits"]) for one in waiting] == [("gogle", "google", 3)]
    shown = run("suggestions").output
    assert waiting[0]["suggestion_id"] in shown
    assert "their numbers differ" in shown
    nobody = run("accept", waiting[0]["suggestion_id"])
    assert nobody.exit_code == 2
    accepted = run("accept", waiting[0]["suggestion_id"], "--by", "Olena", "--reason", "typed by hand")
    assert accepted.output.startswith("Accepted: utm_source 'gogle' as 'google'")
    again = run("accept", waiting[0]["suggestion_id"], "--by", "Ivan")
    assert "was accepted before, by Olena" in again.output
    assert [one for one in told("suggestions") if one["is_open"]] == []


def test_the_audit_shows_both_directions(visited: Settings) -> None:
    found = told("audit")
    assert [(check["name"], check["severity"], check["failed_count"]) for check in found["checks"]] == [
        ("spend_without_tagged_visits", "alarm", 1),
        ("tagged_visits_without_spend", "warning", 0),
    ]
    assert found["campaigns"][0]["campaign_id"] == "77"
    assert "google-ads Brand 77: 1.23 EUR, 50 clicks" in run("audit").output


def test_an_import_says_what_it_would_do(tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text("source,medium,campaign,channel\ntelegram,messenger,spring_posts,messenger\ngogle,cpc,x,social\n")
    result = run("import", str(file))
    assert result.exit_code == 1
    assert "add 1, change 0, same 0, refuse 1; nothing written" in result.output
    assert "looks like a slip of 'google'" in result.output
