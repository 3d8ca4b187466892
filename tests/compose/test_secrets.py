"""Secrets come from files, whole and escaped where an address needs it; nothing of them is ever said."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from compose.make_secrets import MADE, make
from compose.with_secrets import SecretError, with_secrets
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

_WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x4FF, exclude_categories=("Cc", "Cs", "Z")), min_size=1)


@settings(deadline=None)
@given(secret=_WORDS)
def test_any_password_survives_an_address(secret: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "word").write_text(secret + "\n", encoding="utf-8")
    filled = with_secrets({"URL": "postgresql://role:{{word}}@host:5432/name", "KEY": "{{word}}"}, folder)
    assert filled["KEY"] == secret
    parts = urlsplit(filled["URL"])
    assert (parts.username, unquote(parts.password or ""), parts.hostname, parts.port) == ("role", secret, "host", 5432)


def test_what_names_no_secret_stays(tmp_path: Path) -> None:
    assert with_secrets({"A": "x {y} {{ z }} ${W}", "B": ""}, tmp_path) == {"A": "x {y} {{ z }} ${W}", "B": ""}


def test_connections_are_added_and_the_environment_wins(tmp_path: Path) -> None:
    said = '# a comment\n\nAIRFLOW_CONN_JIRA={"host": "https://site.example", "password": "a=b"}\nB=file\n'
    (tmp_path / "connections").write_text(said, encoding="utf-8")
    filled = with_secrets({"B": "environment"}, tmp_path)
    assert json.loads(filled["AIRFLOW_CONN_JIRA"])["password"] == "a=b"
    assert filled["B"] == "environment"


def test_the_example_says_the_same_to_a_shell_and_to_the_file_of_connections(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / ".env.example"
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    said = subprocess.run(
        ["sh", "-c", f'set -a; . "{example}"; exec "{sys.executable}" -c "{program}"'],
        env={}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    sourced = {name: value for name, value in json.loads(said).items() if name.startswith("AIRFLOW_CONN_")}
    assert len(sourced) > 8
    (tmp_path / "connections").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    taken = with_secrets({}, tmp_path)
    for name, value in sourced.items():
        assert json.loads(value)["host"], name
        assert taken[name] == value


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "cannot be read"),
        ({"word": " \n"}, "is empty"),
        ({"word": "x", "connections": "A=1\nhunter2\n"}, "connections:2 is not KEY=VALUE"),
    ],
)
def test_what_is_missing_is_named_and_never_shown(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(SecretError, match=told) as caught:
        with_secrets({"KEY": "{{word}}"}, tmp_path)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert make(folder) == list(MADE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert make(folder) == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "jwt_secret").unlink()
    assert make(folder) == ["jwt_secret"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_made_secrets_differ_and_are_what_their_users_take(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "two")
    for name in set(MADE) - {"connections"}:
        assert (tmp_path / "one" / name).read_text() != (tmp_path / "two" / name).read_text(), name
        assert len((tmp_path / "one" / name).read_text()) >= 16
    Fernet((tmp_path / "one" / "fernet_key").read_text())
    assert list(json.loads((tmp_path / "one" / "airflow_passwords").read_text())) == ["admin"]
    filled = with_secrets({}, tmp_path / "one")
    assert json.loads(filled["AIRFLOW_CONN_SMTP"])["host"] == "mailbox"
