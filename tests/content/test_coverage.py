"""The inventory as a company uses it: imported once, judged by people, read or unread, and how that moves choosing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import insert, text

from rebuttal import content
from rebuttal.cli import cli
from rebuttal.settings import Settings
from rebuttal.state import open_state
from rebuttal.state.journal import journal_rows
from rebuttal.warehouse import open_published, open_warehouse, person_identifier
from rebuttal.warehouse.tables import metadata

DAY = timedelta(days=1)
CSV = """url;title;published_at;role;answers;share
https://brand.example/prices;Prices;2026-01-05;help decide;price;0.5
https://brand.example/blog/reviews;What others say;;;trust/reviews;
https://brand.example/blog/unheard;A page of its own;;;;
"""


@pytest.fixture
def both(any_settings: Settings, request: pytest.FixtureRequest, new_company: Callable[[Settings], Any]) -> Any:
    """A company on files, then on Postgres; its content.yml names no pieces."""
    if any_settings.warehouse_url.startswith("postgresql"):
        any_settings = replace(any_settings, state_url=request.getfixturevalue("postgres_url")())
    company = new_company(any_settings)
    path = company.settings.config / "content.yml"
    rules = {**yaml.safe_load(path.read_text(encoding="utf-8")), "inventory": []}
    path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
    return company


@pytest.fixture
def typed(both: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run `rebuttal ...` over the company; a text beginning with `url` becomes a file."""
    settings = both.settings
    for name, value in {
        "HOME": settings.home, "CONFIG": settings.config, "WAREHOUSE_URL": settings.warehouse_url,
        "STATE_URL": settings.state_url, "IDENTITY_KEY": "0123456789abcdef",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"REBUTTAL_{name}", str(value))

    def run(*words: str, fails: int = 0) -> Result:
        given = []
        for word in words:
            if word.startswith(("url", "<")):
                path = tmp_path / "given"
                path.write_text(word, encoding="utf-8")
                word = str(path)
            given.append(word)
        result = CliRunner().invoke(cli, given)
        assert result.exit_code == fails, (result.output, result.exception)
        return result

    return run


def imported(typed: Any, text: str, *words: str, fails: int = 0) -> dict[str, Any]:
    told = json.loads(typed("content", "import", text, "--no-labels", "--json", *words, fails=fails).stdout)
    return {name: value for name, value in told.items() if value}


def answers(typed: Any) -> dict[tuple[str, str], str]:
    rows = json.loads(typed("content", "list", "--json").stdout)
    return {(row["url"].rsplit("/", 1)[1], row["answer"] or ""): row["status"] or "" for row in rows}


def journal(both: Any) -> list[tuple[str, str, str]]:
    with open_state(both.settings) as sessions, sessions() as session:
        return sorted((row["kind"], row["decision"], row["decided_by"]) for row in journal_rows(session))


def rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    with open_published(settings) as engine, engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def test_importing_twice_is_once_and_a_change_is_one(both: Any, typed: Any) -> None:
    assert imported(typed, CSV, "--by", "olena") == {"kind": "csv", "new": 3}
    assert imported(typed, CSV, "--by", "olena") == {"kind": "csv", "unchanged": 3}
    assert imported(typed, CSV.replace("0.5", "0.6"), "--by", "petro") == {"kind": "csv", "changed": 1, "unchanged": 2}
    assert answers(typed) == {
        ("prices", "price"): "told",
        ("reviews", "trust/reviews"): "told",
        ("unheard", ""): "",
    }
    assert journal(both) == [
        ("content", "told", "olena"),
        ("content", "told", "olena"),
        ("content", "told (decision 2)", "petro"),
    ]


def test_who_says_what_pieces_answer_must_be_named(typed: Any) -> None:
    assert "name who says so with --by" in typed("content", "import", CSV, "--no-labels", fails=2).output
    assert answers(typed) == {}


def test_refused_rows_are_told_and_the_others_taken_over(typed: Any) -> None:
    told = imported(typed, CSV + "ftp://x;;;;;\n", "--by", "olena", fails=1)
    assert (told["new"], told["refused"]) == (3, 1)
    assert told["refused_rows"][0]["place"] == "row 5"


def test_a_given_title_stays_and_what_the_sitemap_leaves_out_is_gone_until_it_is_back(typed: Any) -> None:
    def sitemap(*names: str) -> str:
        urls = "".join(f"<url><loc>https://brand.example/blog/{name}</loc></url>" for name in names)
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'

    assert imported(typed, sitemap("one", "two")) == {"kind": "sitemap", "new": 2}
    feed = "<rss><channel><item><title>The first one</title><link>https://brand.example/blog/one</link></item>"
    assert imported(typed, feed + "</channel></rss>") == {"kind": "feed", "changed": 1}
    assert imported(typed, CSV, "--by", "olena") == {"kind": "csv", "new": 3}
    assert imported(typed, sitemap("one")) == {"kind": "sitemap", "unchanged": 1, "gone": 1}
    titles = {row["title"] for row in json.loads(typed("content", "list", "--json").stdout)}
    assert titles == {"The first one", "Prices", "What others say", "A page of its own"}
    # A sitemap that cannot be trusted to be whole takes nothing away.
    assert imported(typed, sitemap("two").replace("<url>", "<url></url><url>"), fails=1)["changed"] == 1
    assert ("one", "") in answers(typed)
    assert ("two", "") in answers(typed)


def test_people_confirm_and_reject_what_a_piece_answers(both: Any, typed: Any) -> None:
    from rebuttal.content.inventory_store import propose_answers

    imported(typed, CSV, "--by", "olena")
    ids = {
        row["url"].rsplit("/", 1)[1]: row["item_id"] for row in json.loads(typed("content", "list", "--json").stdout)
    }
    labels = {ids["unheard"]: [("service", 0.9), ("timing", 0.6)], ids["prices"]: [("price", 0.9)]}
    with open_state(both.settings) as sessions:
        assert propose_answers(sessions, labels, "m", both.now) == 2
        assert propose_answers(sessions, labels, "m", both.now) == 0
    assert "decision" not in str(typed("content", "confirm", ids["unheard"], "service", "--by", "olena").output)
    typed("content", "reject", ids["unheard"], "timing", "--by", "olena")
    with open_state(both.settings) as sessions:
        assert propose_answers(sessions, labels, "m", both.now) == 0
    assert answers(typed)[("unheard", "service")] == "confirmed"
    assert ("unheard", "timing") not in answers(typed)
    assert "stands already" in typed("content", "confirm", ids["unheard"], "service", "--by", "petro").output
    assert ("content", "confirmed", "olena") in journal(both)
    for words in (("confirm", "nobody", "service"), ("confirm", ids["unheard"], "servicee"), ("reject", "x", "price")):
        assert isinstance(typed("content", *words, "--by", "olena", fails=1).exception, Exception)


@pytest.mark.parametrize("any_settings", ["duckdb"], indirect=True)  # what it says does not depend on the store
def test_the_classifier_proposes_what_titles_answer(both: Any, typed: Any) -> None:
    table = "url;title\nhttps://brand.example/a;Це занадто дорого для нас\nhttps://brand.example/b;Contacts\n"
    told = json.loads(typed("content", "import", table, "--json").stdout)
    assert told["new"] == 2
    assert answers(typed)[("a", "price")] == "proposed"
    assert told["proposed_answers"] == len([status for status in answers(typed).values() if status == "proposed"])


def put_readers(both: Any, objections: list[dict[str, Any]], reads: dict[str, str]) -> None:
    """The first of the objections are told by persons p0, p1, ... who have browsers; `reads`: browser -> address."""
    for n, row in enumerate(objections):
        row["person_id"] = f"p{n}"
    both.fill(objections)
    base = {"source": "yandex_metrica", "account_id": "1", "batch_id": "b", "row_number": 1, "row_hash": "h"}
    hits = [
        {**base, "hit_id": f"h{n}", "client_id": browser, "occurred_at": both.now - 3 * DAY, "url": url,
         "page_path": "/" + url.split("/", 3)[3].split("?")[0], "is_page_view": True}
        for n, (browser, url) in enumerate(reads.items())
    ]  # fmt: skip
    known = [
        {"identifier_kind": "client_id", "source": "", "account_id": "", "identifier": f"c{n}", "person_id": f"p{n}",
         "rule": "test"}
        for n in range(4)
    ]  # fmt: skip
    with open_warehouse(both.settings) as engine, engine.begin() as connection:
        connection.execute(insert(metadata.tables["core.hit"]), hits)
        connection.execute(insert(person_identifier), known)


def test_what_is_read_by_people_with_the_doubt_covers_it_and_what_is_not_does_not(
    both: Any, typed: Any, objections_of: Any
) -> None:
    imported(typed, CSV, "--by", "olena")
    reads = {
        "c0": "https://www.brand.example/prices/?utm_source=x",  # known, doubts the price, reads
        "c1": "https://brand.example/prices",
        "c2": "https://elsewhere.example/prices",  # the same path of another site
        "c9": "https://brand.example/prices",  # a browser of nobody known
    }
    put_readers(both, [*objections_of("price", "too_high", 6), *objections_of("trust", "reviews", 5)], reads)
    assert content.run(both.context()).problems == []
    found = {row["answer"]: row for row in rows(both.settings, "SELECT * FROM marts.content_coverage")}
    price = found["price"]
    assert (price["page_view_count"], price["visitor_count"]) == (3, 3)
    assert (price["doubter_count"], price["reader_count"]) == (4, 2)  # p4, p5 have no known browser
    assert price["coverage"] == pytest.approx(0.5 * 2 / 4)
    trust = found["trust/reviews"]
    assert (trust["page_view_count"], trust["doubter_count"], trust["coverage"]) == (0, None, 0)
    tasks = {row["theme"]: row for row in rows(both.settings, "SELECT * FROM marts.content_task")}
    assert json.loads(tasks["price/too_high"]["score_parts"])["coverage"] == pytest.approx(0.25)
    assert json.loads(tasks["trust/reviews"]["score_parts"])["coverage"] == 0
    assert tasks["price/too_high"]["updates_url"] == "https://brand.example/prices"
    assert tasks["price/too_high"]["role"] == "help decide"
    assert content.run(both.context()).changed is False
    words = json.dumps([issue.fields for issue in both.jira.issues.values()], ensure_ascii=False)
    assert "Prices, https://brand.example/prices (read by 2 of 4 with this doubt whose browser is known)" in words
    assert (
        "What others say, https://brand.example/blog/reviews (how many with this doubt read it is not known)" in words
    )


def test_a_proposal_is_shown_to_the_writer_as_a_question_and_covers_nothing(both: Any, typed: Any) -> None:
    from rebuttal.content.inventory_store import propose_answers

    imported(typed, CSV, "--by", "olena")
    (item,) = [r["item_id"] for r in json.loads(typed("content", "list", "--json").stdout) if "unheard" in r["url"]]
    with open_state(both.settings) as sessions:
        propose_answers(sessions, {item: [("terms", 0.8)]}, "m", both.now)
    both.configure("choose", minimum_subjects=2)
    content.run(both.context())
    task = next(row for row in rows(both.settings, "SELECT * FROM marts.content_task") if row["category"] == "terms")
    assert task["updates_url"] is None
    words = json.dumps([issue.fields for issue in both.jira.issues.values()], ensure_ascii=False)
    assert "nobody has confirmed it; look before you write): A page of its own" in words


def test_our_own_published_piece_is_updated_next_time_unless_it_did_not_help(both: Any) -> None:
    from rebuttal.state import record_decision

    both.configure("choose", lookback_weeks=52)
    content.run(both.context())
    issues = list(both.jira.issues.values())
    for n, issue in enumerate(issues):
        both.jira.publish(issue, f"https://brand.example/blog/ours-{n}")
    content.run(both.context(both.now + 7 * DAY))
    tasks = {row["theme"]: row for row in rows(both.settings, "SELECT * FROM marts.content_task")}
    assert {row["status"] for row in tasks.values()} == {"published"}
    with open_state(both.settings) as sessions, sessions.begin() as session:
        record_decision(
            session, kind="verdict", subject=tasks["trust/reviews"]["task_id"], decision="rejected", evidence={},
            decided_by="rule:test", decided_at=both.now + 90 * DAY,
        )  # fmt: skip
    both.jira.issues.clear()
    content.run(both.context(both.now + 100 * DAY))
    again = {
        row["theme"]: row["updates_url"]
        for row in rows(both.settings, "SELECT * FROM marts.content_task WHERE status <> 'published'")
    }
    assert again == {"price/too_high": tasks["price/too_high"]["published_url"], "trust/reviews": None}
    words = json.dumps([issue.fields for issue in both.jira.issues.values()], ensure_ascii=False)
    assert "Was tried and did not help, do something else" in words
