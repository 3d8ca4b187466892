"""The decision journal: nothing in it can be changed, what is due is told, and people read and export it safely."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from rebuttal.cli import cli
from rebuttal.commands.journal import as_csv
from rebuttal.settings import Settings
from rebuttal.state import ContentTask, Hypothesis, due_rows, journal_rows, open_state, record_decision

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgres"])
def state_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose state store is SQLite, then Postgres."""
    url = settings.state_url if request.param == "sqlite" else request.getfixturevalue("postgres_url")()
    return Settings(settings.home, settings.config, settings.sandbox_url, settings.warehouse_url, url)


def decide(session: Session, decision: str, after: int = 0, look_again: int | None = None, **values: Any) -> bool:
    return record_decision(
        session,
        **{"kind": "task", "subject": "t1", "evidence": {}, "decided_by": "rule:test", **values},
        decision=decision,
        decided_at=NOW + after * DAY,
        review_at=None if look_again is None else NOW + look_again * DAY,
    )


CHANGES = [
    "UPDATE decision SET decision = 'rejected'",
    "UPDATE decision SET review_at = NULL",
    "DELETE FROM decision",
]
ON_SQLITE = ["INSERT OR REPLACE INTO decision SELECT * FROM decision", "REPLACE INTO decision SELECT * FROM decision"]
ON_POSTGRES = [
    "TRUNCATE decision",
    "TRUNCATE decision CASCADE",
    "INSERT INTO decision SELECT * FROM decision ON CONFLICT (decision_id) DO UPDATE SET decision = 'x'",
]


@pytest.mark.parametrize("change", [*CHANGES, *ON_SQLITE, *ON_POSTGRES])
def test_no_statement_changes_or_removes_what_was_decided(state_settings: Settings, change: str) -> None:
    is_sqlite = state_settings.state_url.startswith("sqlite")
    if change in (ON_POSTGRES if is_sqlite else ON_SQLITE):
        pytest.skip("words of the other engine")
    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            assert decide(session, "proposed", look_again=3)
            before = journal_rows(session)
        with pytest.raises(DBAPIError, match="append-only"), sessions.begin() as session:
            session.execute(text(change))
        with sessions() as session:
            assert journal_rows(session) == before
            assert len(before) == 1


@pytest.mark.parametrize("version", ["0003", "0011"])
def test_a_store_of_a_version_before_keeps_its_tasks_and_gets_the_new_locks(
    state_settings: Settings, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    from rebuttal.state import engine

    monkeypatch.setattr(engine, "SCHEMA_VERSION", version)
    old = {"task_id": "t1", "theme": "price/x", "category": "price", "generation": 1, "status": "open", "title": "t",
           "brief": "{}", "score": 1.0, "score_parts": "{}", "subject_count": 3, "currency": "EUR",
           "created_at": "2026-11-16 09:00:00"}  # fmt: skip
    listed = f"({', '.join(old)}) VALUES ({', '.join(':' + name for name in old)})"
    with open_state(state_settings) as sessions, sessions.begin() as session:
        session.execute(text(f"INSERT INTO content_task {listed}"), old)
        decide(session, "proposed")
    monkeypatch.undo()
    with open_state(state_settings) as sessions:
        with sessions() as session:
            task = session.get_one(ContentTask, "t1")
            assert (task.theme, task.format, task.merged_into, task.assignee) == ("price/x", None, None, None)
            assert [row["decision"] for row in journal_rows(session)] == ["proposed"]
        with pytest.raises(IntegrityError), sessions.begin() as session:
            session.execute(
                text(f"INSERT INTO content_task {listed}"),
                {**old, "task_id": "t2", "generation": 2, "status": "awaiting_approval"},
            )


@pytest.mark.parametrize("change", ["UPDATE hypothesis SET minimum_sample = 1", "DELETE FROM hypothesis"])
def test_a_hypothesis_is_fixed_once_its_piece_is_out_and_not_before(state_settings: Settings, change: str) -> None:
    words = dict.fromkeys(("change", "metric", "direction", "reason", "success_criterion"), "x")
    with open_state(state_settings) as sessions:
        with sessions.begin() as session:
            for name, published in (("out", NOW), ("in_work", None)):
                session.add(
                    ContentTask(
                        task_id=name, theme=name, category="price", generation=1, status="open", title="t", brief={},
                        score=1.0, score_parts={}, subject_count=3, currency="EUR", created_at=NOW,
                        published_at=published,
                    )
                )  # fmt: skip
                session.flush()
                session.add(
                    Hypothesis(
                        task_id=name, **words, expected_size=0.2, minimum_sample=40, baseline_days=8, horizon_days=8,
                        deadline=date(2027, 1, 1), registered_at=NOW,
                    )
                )  # fmt: skip
        with sessions.begin() as session:
            session.execute(text(f"{change} WHERE task_id = 'in_work'"))
        with pytest.raises(DBAPIError, match="fixed once the piece is published"), sessions.begin() as session:
            session.execute(text(f"{change} WHERE task_id = 'out'"))
        with sessions() as session:
            assert session.get_one(Hypothesis, "out").minimum_sample == 40


@pytest.mark.parametrize(
    ("later", "is_due"),
    [
        ([], True),
        ([("moved to MKT-2", 1, None, {})], True),  # a remark before the time answers nothing
        ([("moved to MKT-2", 11, None, {})], False),  # anything said once the time had come does
        ([("published", 1, 20, {})], False),  # it set its own date
        ([("confirmed", 2, None, {"kind": "verdict"})], False),
        ([("wont_do", 2, None, {})], False),
        ([("seen", 2, None, {"subject": "t2"})], True),
        ([("seen", 11, None, {"subject": "t2"})], True),
    ],
)
def test_a_decision_is_due_until_somebody_looked_again(
    state_settings: Settings, later: list[tuple[str, int, int | None, dict[str, Any]]], is_due: bool
) -> None:
    with open_state(state_settings) as sessions, sessions.begin() as session:
        decide(session, "proposed", 0, 10)
        for decision, after, look_again, values in later:
            decide(session, decision, after, look_again, **values)
        assert due_rows(session, NOW + 9 * DAY) == []
        assert [row["decision"] for row in due_rows(session, NOW + 12 * DAY)] == (["proposed"] if is_due else [])


@pytest.fixture
def typed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for name, value in {
        "HOME": settings.home, "CONFIG": settings.config, "WAREHOUSE_URL": settings.warehouse_url,
        "STATE_URL": settings.state_url,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"REBUTTAL_{name}", str(value))
    with open_state(settings) as sessions, sessions.begin() as session:
        decide(session, "proposed", -30, -1, evidence={"theme": "price/too_high", "quote": "Дорого"})
        decide(session, "=HYPERLINK(1)", -29, subject="t2", decided_by="anna")

    def run(*words: str, fails: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["journal", *words])
        assert result.exit_code == fails, (result.output, result.exception)
        return result

    return run


def read(typed: Any, *words: str) -> Any:
    return json.loads(typed(*words, "--json").stdout)


def test_it_is_listed_searched_and_shown(typed: Any) -> None:
    assert [row["decision"] for row in read(typed, "list")] == ["proposed", "=HYPERLINK(1)"]
    assert [row["subject"] for row in read(typed, "list", "--last", "1")] == ["t2"]
    assert [row["subject"] for row in read(typed, "search", "ДОРОГО", "price")] == ["t1"]
    assert read(typed, "search", "дорого", "nobody") == []
    assert "=HYPERLINK(1)" in typed("list").stdout
    first = read(typed, "list")[0]
    shown = read(typed, "show", first["decision_id"][:8])
    assert shown["entry"]["evidence"] == {"theme": "price/too_high", "quote": "Дорого"}
    for words in (("show", ""), ("show", "zzzzzzzz")):
        typed(*words, fails=1)


def test_a_review_is_due_answered_in_a_persons_name_and_then_no_more(typed: Any) -> None:
    (due,) = read(typed, "due")
    assert due["decision"] == "proposed"
    words = ("add", "x", "Looked again: keep going", "--by", "Olena", "--answers", due["decision_id"][:10])
    assert read(typed, *words)["is_new"] is True
    assert read(typed, *words)["is_new"] is False
    assert read(typed, "due") == []
    family = read(typed, "show", due["decision_id"])["same_subject"]
    assert [(row["subject"], row["decided_by"], row["kind"]) for row in family] == [("t1", "Olena", "note")]


def test_a_person_writes_down_a_decision_once_with_its_date(typed: Any) -> None:
    words = ("add", "budget: brand search", "Cut by 20 %", "--by", "Olena", "--kind", "budget", "--reason", "No sales")
    assert read(typed, *words, "--look-again", "2020-01-31")["is_new"] is True
    assert read(typed, *words, "--look-again", "2020-01-31")["is_new"] is False
    assert read(typed, *words, "--look-again", "2099-01-31")["is_new"] is True
    assert len(read(typed, "search", "brand search")) == 2
    assert [row["review_at"][:4] for row in read(typed, "search", "brand search")] == ["2020", "2099"]


@pytest.mark.parametrize(
    "words",
    [
        ("", "x", "--by", "Olena"),
        ("x", " ", "--by", "Olena"),
        ("x", "y", "--by", " "),
        ("x", "y", "--by", "rule:effects"),
        ("t1", "confirmed", "--by", "Olena", "--kind", "verdict"),
        ("x", "call anna@salon.example", "--by", "Olena"),
        ("x", "y", "--by", "Olena", "--reason", "she said +380 67 123 45 67"),
        ("x", "y", "--by", "Olena", "--answers", "nothing-of-it"),
    ],
)
def test_what_must_not_be_written_is_refused(typed: Any, words: tuple[str, ...]) -> None:
    typed("add", *words, fails=1)
    assert len(read(typed, "list")) == 2


def test_it_is_exported_whole(typed: Any, tmp_path: Path) -> None:
    typed("export", str(tmp_path / "journal.csv"))
    typed("export", str(tmp_path / "journal.json"))
    assert (tmp_path / "journal.csv").read_bytes().startswith(b"\xef\xbb\xbfdecision_id,")  # spreadsheets need the mark
    table = list(csv.DictReader(io.StringIO((tmp_path / "journal.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert [row["decision"] for row in table] == ["proposed", "'=HYPERLINK(1)"]
    data = json.loads((tmp_path / "journal.json").read_text(encoding="utf-8"))
    assert [row["decision"] for row in data] == ["proposed", "=HYPERLINK(1)"]
    assert data[0]["evidence"]["quote"] == "Дорого"
    typed("export", str(tmp_path / "journal.exe"), fails=2)
    typed("export", str(tmp_path / "no" / "such" / "journal.csv"), fails=1)
    assert sorted(path.name for path in tmp_path.iterdir() if "journal" in path.name) == ["journal.csv", "journal.json"]


@given(st.text("=+-@\t\r\n |'\"aЖ1＝", max_size=12))
def test_no_cell_of_an_export_begins_like_a_formula_and_nothing_is_lost(written: str) -> None:
    names = ("decision_id", "decided_at", "kind", "subject", "decision", "decided_by", "review_at", "reviewed_at",
             "evidence")  # fmt: skip
    (row,) = list(csv.DictReader(io.StringIO(as_csv([dict.fromkeys(names, written)]), newline="")))
    for cell in row.values():
        is_number = re.fullmatch(r"[+-]?\d+", cell)
        assert is_number or not cell.lstrip().startswith(("=", "+", "-", "@", "＝"))
        assert cell in (written, f"'{written}")
