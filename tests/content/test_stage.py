"""The stage as a whole: the best themes get one task each, once, and readers see the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from rebuttal import content
from rebuttal.content.rules import load_rules
from rebuttal.content.sample import Traffic, needed
from rebuttal.errors import ConfigError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published, open_warehouse

STATE_TABLES = ("content_task", "hypothesis", "outbox", "decision")


def rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    with open_published(settings) as engine, engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def everything(settings: Settings) -> dict[str, Any]:
    """Every row of the state store and of our marts, as text."""
    engine = create_engine(settings.state_url)
    with engine.connect() as connection:
        seen = {name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")))) for name in STATE_TABLES}
    engine.dispose()
    for name in ("content_task", "decision"):
        seen[f"marts.{name}"] = sorted(map(str, rows(settings, f"SELECT * FROM marts.{name}")))
    return seen


@pytest.fixture
def both(any_settings: Settings, request: pytest.FixtureRequest, new_company: Callable[[Settings], Any]) -> Any:
    """A company whose warehouse is DuckDB and state SQLite, then both on Postgres."""
    if any_settings.warehouse_url.startswith("postgresql"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    return new_company(any_settings)


def test_the_best_themes_become_tasks_and_readers_see_them(both: Any) -> None:
    report = content.run(both.context())

    assert report.problems == []
    assert report.counts["proposed"] == report.counts["sent"] == 2
    assert report.counts["waiting: too little evidence"] == 1
    assert report.changed
    seen = rows(both.settings, "SELECT * FROM marts.content_task ORDER BY score DESC")
    assert [row["theme"] for row in seen] == ["price/too_high", "trust/reviews"]
    first = seen[0]
    assert first["status"] == "open"
    assert first["tracker_status"] == "To Do"
    assert [row["assignee"] for row in seen] == ["", ""], "nobody has them, which is not the same as not known"
    assert first["task_url"] == f"{both.jira.url}/browse/{first['task_key']}"
    assert first["hypothesis_metric"] == "objection_rate"
    rule = load_rules(both.settings.config).hypothesis
    assert first["hypothesis_minimum_sample"] == needed(Traffic(), rule).repeats
    assert json.loads(first["score_parts"])["score"] == pytest.approx(first["score"])
    decisions = rows(both.settings, "SELECT kind, decision, decided_by FROM marts.decision")
    assert decisions == [{"kind": "task", "decision": "proposed", "decided_by": "rule:content.choose"}] * 2


def test_what_jira_gets_is_a_brief_that_a_writer_can_start_from(company: Any) -> None:
    content.run(company.context())

    issue = company.jira.issues[10000]
    assert issue.fields["project"] == {"key": "MKT"}
    assert (
        issue.fields["summary"]
        == "Answer the objection “Price / budget: Too expensive” (9 voices in 12 weeks, 21,000 EUR at stake)"
    )
    task_id = issue.properties["rebuttal"]["task_id"]
    assert issue.fields["labels"] == ["rebuttal", f"rebuttal-{task_id[:12]}", "objection-price"]
    document = issue.fields["description"]
    assert (document["type"], document["version"]) == ("doc", 1)
    words = json.dumps(document, ensure_ascii=False)
    for part in (
        "too_high: так дорого, що й не знаю",
        "Update instead of writing new: Course prices, https://brand.example/prices",
        "Role on the customer's way: help decide",
        "Success criterion: Until 2027-03-08",
        "repeated voicings to be expected of those who met it",
        "Win rate",
        "Money at risk: 21,000 EUR (open and lost deals; an amount is known for 7 of the 7 that did not buy; "
        "heard in the last 12 weeks, as of this task)",
    ):
        assert part in words, part
    texts = [node["text"] for node in _text_nodes(document)]
    assert len(texts) > 20
    assert all(t and "\n" not in t for t in texts)


def test_money_that_nobody_knows_is_not_zero_because_some_deals_were_won(both: Any, objections_of: Any) -> None:
    """Of ten voices four bought, and six are people without a deal: what is at stake is unknown, and so it is told."""
    won = objections_of("service", "rude", 4, 0.0, outcome="won")
    without_deal = {"subject_kind": "person", "deal_id": None, "outcome": None}
    people = objections_of("service", "rude", 6, None, **without_deal)
    for number, row in enumerate(people):
        row["objection_id"] = row["subject_id"] = f"person-{number}"
    bought = objections_of("terms", "general", 4, 0.0, outcome="won")
    both.fill([*won, *people, *bought, *objections_of("price", "too_high", 6)])

    content.run(both.context())

    tasks = {row["theme"]: row for row in rows(both.settings, "SELECT * FROM marts.content_task")}
    asked = tasks["service/rude"]
    assert asked["money_at_risk_base"] is None
    assert asked["title"] == "Answer the objection “Service / responsiveness: Rude or pushy” (10 voices in 12 weeks)"
    parts = json.loads(asked["score_parts"])
    assert parts["is_money_estimated"]
    assert parts["money"] > 0 < asked["score"]
    assert tasks["terms/general"]["money_at_risk_base"] == 0.0  # all bought: nothing is at stake, and that is known


def test_a_second_run_changes_no_table_and_asks_for_no_task(both: Any) -> None:
    content.run(both.context())
    before = everything(both.settings)
    assert len(before["marts.content_task"]) == 2

    report = content.run(both.context())

    assert not report.changed
    assert both.jira.posts == 2
    assert everything(both.settings) == before


def test_two_hundred_re_worded_objections_of_one_theme_make_one_task(company: Any, objections_of: Any) -> None:
    company.fill(objections_of("price", "too_high", 200))
    content.run(company.context())
    company.fill(objections_of("price", "too_high", 230))
    content.run(company.context(company.now + timedelta(days=9)))
    assert company.jira.posts == 1


def test_two_themes_of_one_category_make_two_tasks(company: Any, objections_of: Any) -> None:
    company.fill([*objections_of("price", "too_high", 9), *objections_of("price", "no_budget", 6)])
    content.run(company.context())
    assert sorted(issue.fields["labels"][2] for issue in company.jira.issues.values()) == ["objection-price"] * 2
    first, second = (json.dumps(issue.fields["description"]) for issue in company.jira.issues.values())
    assert "Update instead of writing new: Course prices" in first
    assert "updated by another task" not in first
    assert "The same piece is updated by another task: Answer the objection" in second


def test_no_more_tasks_in_a_week_than_the_team_can_take(company: Any, objections_of: Any) -> None:
    codes = ("price", "trust", "terms", "service", "switching")
    company.fill([row for code in codes for row in objections_of(code, "general", 6)])
    company.configure("choose", new_per_week=2, max_open=3)
    assert content.run(company.context()).counts["proposed"] == 2
    assert content.run(company.context()).counts["proposed"] == 0
    assert content.run(company.context(company.now + timedelta(weeks=1))).counts["proposed"] == 1
    assert content.run(company.context(company.now + timedelta(weeks=2))).counts["waiting: enough tasks are open"] == 2
    assert company.jira.posts == 3


def test_a_quote_with_personal_data_never_leaves(company: Any, objections_of: Any) -> None:
    objections = objections_of("price", "too_high", 6)
    objections[0]["quote"] = "Пишите на anna@salon.example, дорого"
    objections[1]["quote"] = "Телефон +380 (67) 123-45-67, дорого"
    objections[2]["quote"] = "Карта 4111 1111 1111 1111, дорого"
    company.fill(objections)
    content.run(company.context())
    assert company.jira.posts == 1
    words = json.dumps(company.jira.issues[10000].fields, ensure_ascii=False)
    assert "3 quotes are withheld" in words
    assert "сезон слабкий, майстри сидять без роботи" in words
    for secret in ("anna@", "123-45-67", "4111"):
        assert secret not in words


def test_hostile_text_stays_text(company: Any, objections_of: Any) -> None:
    hostile = "Дорого <script>alert(1)</script> [x](javascript:alert(1)) {{7*7}}\u202e ignore all rules\x00\nи ещё"
    company.fill([{**row, "quote": hostile} for row in objections_of("price", "too_high", 6)])
    content.run(company.context())
    quote = "Дорого <script>alert(1)</script> [x](javascript:alert(1)) {{7*7}} ignore all rules и ещё"
    nodes = [node for node in _text_nodes(company.jira.issues[10000].fields["description"]) if "Дорого" in node["text"]]
    assert nodes == [{"type": "text", "text": quote}]


def test_an_empty_warehouse_is_a_problem_in_words_and_no_crash(company: Any) -> None:
    with open_warehouse(company.settings) as engine, engine.begin() as connection:
        connection.execute(text("DROP TABLE marts.objection"))
    report = content.run(company.context())
    assert report.problems == ["No objections were heard yet. Run `rebuttal model` and `rebuttal listen` first"]
    assert report.too_early == report.problems[0]
    assert company.jira.posts == 0


def test_objections_that_are_gone_are_not_taken_for_a_new_installation(company: Any, objections_of: Any) -> None:
    company.fill(objections_of("price", "too_high", 6))
    content.run(company.context())
    assert company.jira.posts > 0
    with open_warehouse(company.settings) as engine, engine.begin() as connection:
        connection.execute(text("DROP TABLE marts.objection"))
    report = content.run(company.context())
    assert len(report.problems) == 1
    assert report.too_early == ""


def test_a_week_without_objections_proposes_nothing(company: Any) -> None:
    with open_warehouse(company.settings) as engine, engine.begin() as connection:
        connection.execute(text("DELETE FROM marts.objection"))
    report = content.run(company.context())
    assert (report.problems, report.counts["themes"], company.jira.posts) == ([], 0, 0)


def test_without_a_connection_the_rest_goes_on(company: Any) -> None:
    company.configure("tracker", connection="jyra")
    report = content.run(company.context())
    assert report.problems == ["No connection 'jyra'"]
    assert [row["status"] for row in rows(company.settings, "SELECT status FROM marts.content_task")] == [
        "proposed"
    ] * 2


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("choose", {"max_opn": 3}, "choose.max_opn is not a known key. Did you mean 'max_open'?"),
        ("choose", {"max_open": 0}, "choose.max_open: Input should be greater than or equal to 1"),
        ("hypothesis", {"expected_size": 3}, "hypothesis.expected_size: Input should be less than 1"),
        ("status", {"names": {"Done": "finishd"}}, "status.names.Done: Input should be 'open', 'published'"),
    ],
)
def test_a_wrong_key_or_value_is_named(company: Any, section: str, values: dict[str, Any], message: str) -> None:
    company.configure(section, **values)
    with pytest.raises(ConfigError) as caught:
        content.run(company.context())
    assert message in str(caught.value)
    assert "content.yml" in str(caught.value)


def _text_nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for child in node for found in _text_nodes(child)]
    if not isinstance(node, dict):
        return []
    return [node] if node.get("type") == "text" else _text_nodes(node.get("content", []))
