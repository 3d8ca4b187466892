"""`rebuttal objections`: what a person sees and types. What needs the classifier is tested beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rebuttal.cli import cli
from rebuttal.errors import ConfigError, StoreError
from rebuttal.objections.corrections import text_hash_of
from rebuttal.settings import Settings


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    monkeypatch.setenv("REBUTTAL_CONFIG", str(settings.config))
    monkeypatch.setenv("REBUTTAL_IDENTITY_KEY", "a key of sixteen bytes")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["objections", *arguments])


def test_a_sheet_is_imported_and_what_holds_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("text,labels\nдалеко ехать,availability\nдорого,prise\n", encoding="utf-8")
    result = call("corrections", "import", str(file), "--by", "Olena")
    assert result.exit_code == 1
    assert "new 1, refused 1" in result.output
    assert "'prise' is no label" in result.output
    held = json.loads(call("corrections", "list", "--json").output)
    assert [(one["text_hash"], one["labels"], one["by"]) for one in held] == [
        (text_hash_of("далеко ехать"), ["availability"], "Olena")
    ]
    file.write_text("text,labels\nдалеко ехать,availability\n", encoding="utf-8")
    again = call("corrections", "import", str(file), "--by", "Olena", "--json")
    assert again.exit_code == 0
    assert json.loads(again.output)["same"] == 1
    assert "далеко ехать" in call("corrections", "list").output


def test_it_says_what_is_missing() -> None:
    assert "Nobody has corrected a label." in call("corrections", "list").output
    for arguments, error, message in [
        (["review"], StoreError, "rebuttal listen"),
        (["correct", "0" * 32, "price", "--by", "Olena"], StoreError, "rebuttal listen"),
        (["correct", "note/hubspot/1/n1", "price", "--by", "Olena"], StoreError, "rebuttal listen"),
        (["correct", "0" * 32, "prise", "--by", "Olena"], ConfigError, "is no label"),
    ]:
        found = call(*arguments).exception
        assert isinstance(found, error), arguments
        assert message in str(found)
    assert call("correct", "0" * 32, "price").exit_code == 2  # nobody is named
