"""Whole turns of the loop against a running sandbox: what is promised above all."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest
import requests
from bench.company import Company, company
from bench.compare import differences, fingerprints
from bench.same_numbers import compare, differing
from sqlalchemy import select, update
from tests.loop.conftest import WORLD, FirstTurn

from bi.declarations import load_marts
from rebuttal import content, fast_way, objections, quality, sources
from rebuttal.clock import Clock
from rebuttal.connections import environment, from_environment
from rebuttal.context import Context
from rebuttal.inbox import Arrival, receive, replay
from rebuttal.inbox.arrivals import AT_ONCE
from rebuttal.settings import load_settings
from rebuttal.state import InboxEvent, open_state
from rebuttal.state.failpoint import FailpointReached

ALL = ("landing", "core", "marts_build", "marts", "ops")


@pytest.fixture(scope="module")
def turned(first_turn: FirstTurn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company whose loop has turned once on DuckDB."""
    with company(first_turn.copy(tmp_path_factory.mktemp("turned") / "company"), WORLD) as place:
        yield place


def tables(place: Company) -> dict[str, object]:
    found: dict[str, object] = dict(fingerprints(f"duckdb:///{place.home / 'warehouse.duckdb'}", ALL))
    state = sqlite3.connect(place.home / "state.sqlite")
    names = [row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for name in names:
        found[f"state.{name}"] = sorted(map(repr, state.execute(f'SELECT * FROM "{name}"')))
    state.close()
    return found


def test_the_second_turn_changes_no_table_and_makes_no_task_and_no_mail(turned: Company) -> None:
    before, tasks, mails = tables(turned), turned.tasks(), turned.mails()
    assert len(before) > 40
    assert len(tasks) >= 1
    assert len(mails) >= 1
    turned.loop()
    assert differences(before, tables(turned)) == []
    assert turned.tasks() == tasks
    assert turned.mails() == mails


def test_every_landed_row_is_accounted_for(turned: Company) -> None:
    told = json.loads(turned.run("account", "--json").stdout)
    outcomes = ("new", "changed", "unchanged", "deduplicated", "quarantined", "suppressed")
    assert len(told["batches"]) >= 13
    for batch in told["batches"]:
        assert batch["landed"] == sum(batch[name] for name in outcomes), batch
    assert told["total"]["landed"] == sum(batch["landed"] for batch in told["batches"]) > 3000
    assert told["total"]["deduplicated"] > 0
    sources = {batch["source"] for batch in told["batches"]}
    assert sources == {"google_ads", "yandex_direct", "yandex_metrica", "ga4", "hubspot", "typeform", "yclients"}


@pytest.mark.parametrize(
    "name", ["kpi_weekly", "funnel_weekly", "channel_performance", "attribution", "objections", "content_tasks"]
)
def test_reports_have_rows(turned: Company, name: str) -> None:
    assert len(json.loads(turned.run("report", name, "--json").stdout)) >= 3


def test_the_dashboards_know_the_marts_as_they_are_published(turned: Company) -> None:
    with duckdb.connect(str(turned.home / "published.duckdb"), read_only=True) as connection:
        columns = "SELECT table_name, column_name, data_type FROM information_schema.columns"
        published = {(table, column): kind for table, column, kind in connection.execute(columns).fetchall()}
    declared = {(mart, column): kind for mart, row in load_marts().items() for column, kind in row.items()}
    assert len(declared) > 250
    assert {key for key in declared if key not in published} == set()
    kinds = {
        "text": "VARCHAR",
        "int": "BIGINT",
        "real": "DOUBLE",
        "money": "DECIMAL",
        "date": "DATE",
        "bool": "BOOLEAN",
    }
    kinds |= {"time": "TIMESTAMP WITH TIME ZONE"}
    assert [key for key, kind in declared.items() if not published[key].startswith(kinds[kind])] == []


def test_mail_dashboard_and_report_say_the_same_numbers(turned: Company) -> None:
    figures = compare(turned)
    assert len({row["metric"] for row in figures}) >= 10
    known = {row["metric"] for row in figures if row["report"]}
    assert len(known) >= 6, known
    places = {row["period"].split(" ")[0] for row in figures if row["metric"] == "money_at_risk" and row["report"]}
    assert {"all", "task"} < places, "the digest's week, the dashboard's doubts, a task"
    assert differing(figures) == []


def test_one_open_task_per_theme_and_each_is_in_the_tracker(turned: Company) -> None:
    tasks = json.loads(turned.run("report", "content_tasks", "--json").stdout)
    themes = [(task["category"], task["theme"]) for task in tasks]
    assert len(themes) >= 3
    assert len(set(themes)) == len(themes)
    assert {task["task_key"] for task in tasks} == {issue["key"] for issue in turned.tasks()}


def test_the_pipeline_never_asks_for_the_truth(first_turn: FirstTurn) -> None:
    assert "truth" not in json.dumps(first_turn.asked)
    assert len(first_turn.asked) >= 7


def test_no_secret_and_no_contact_in_logs_reports_mails_or_tasks(turned: Company, first_turn: FirstTurn) -> None:
    """Every token and every e-mail and phone of the world's people, looked for in all that leaves the warehouse."""
    secrets = ("sandbox-hubspot-token", "sandbox-jira-token", "sandbox-google-ads-token", "sandbox-typeform-token",
               "sandbox-yandex-direct-token", "sandbox-yandex-metrica-token", "sandbox-ga4-token",
               "sandbox-yclients-partner", "sandbox-yclients-user")  # fmt: skip
    listed = requests.get(
        f"{turned.sandbox_url}/hubspot/crm/v3/objects/contacts",
        params={"limit": 100, "properties": "email,phone"},
        headers={"Authorization": "Bearer sandbox-hubspot-token"},
        timeout=30,
    ).json()["results"]
    people = {row["properties"].get(name) for row in listed for name in ("email", "phone")} - {None, ""}
    assert len(people) > 50
    outgoing = [path.read_bytes() for path in Path(turned.home, "mails").rglob("*.eml")]
    issues = json.dumps([_issue(turned, issue["key"]) for issue in turned.tasks()], ensure_ascii=False)
    warehouse = [json.dumps(_rows(turned, table), ensure_ascii=False) for table in ("marts.objection", "core.contact")]
    assert '"stage": "tell"' in first_turn.said
    for text in [*(mail.decode("utf-8", "replace") for mail in outgoing), issues, *warehouse, first_turn.said]:
        assert [value for value in (*secrets, *people) if value in text] == []


def _issue(place: Company, key: str) -> object:
    answer = requests.get(
        f"{place.sandbox_url}/jira/rest/api/3/issue/{key}", auth=("loop@example.com", "sandbox-jira-token"), timeout=30
    )
    assert answer.ok
    return answer.json()


def _rows(place: Company, table: str) -> list[list[str]]:
    from sqlalchemy import create_engine, text

    engine = create_engine(f"duckdb:///{place.home / 'warehouse.duckdb'}", connect_args={"read_only": True})
    with engine.connect() as connection:
        rows = [[str(value) for value in row] for row in connection.execute(text(f"SELECT * FROM {table}"))]
    engine.dispose()
    assert rows
    return rows


def test_a_wrong_token_stops_one_source_and_the_rest_goes_on(first_turn: FirstTurn, tmp_path: Path) -> None:
    with company(first_turn.copy(tmp_path / "company"), WORLD) as place:
        before = _batches(place)
        place.advance(7)
        wrong = {"conn_type": "http", "host": f"{place.sandbox_url}/hubspot", "password": "not-the-token-9f"}
        place.env["AIRFLOW_CONN_HUBSPOT"] = json.dumps(wrong | {"extra": {"portal": "8675309"}})
        week_later = date.fromisoformat(WORLD.until) + timedelta(days=7)
        done = place.run("loop", "--until", week_later.isoformat(), check=False)
        assert done.returncode == 1
        assert "hubspot" in done.stderr
        assert "not-the-token-9f" not in done.stdout + done.stderr
        landed = _batches(place) - before
    assert set(landed) == {"google_ads", "yandex_direct", "yandex_metrica", "ga4", "typeform", "yclients"}
    assert before["hubspot"] > 0


def _batches(place: Company) -> Counter[str]:
    """Source -> how many batches of it have landed."""
    return Counter(batch["source"] for batch in json.loads(place.run("account", "--json").stdout)["batches"])


def test_postgres_gives_the_same_marts(turned: Company, tmp_path: Path, postgres_url) -> None:
    """Same world, same addresses are not needed: links to tasks carry the port, so they are compared without it."""
    warehouse, state = postgres_url(), postgres_url()
    expected = fingerprints(f"duckdb:///{turned.home / 'warehouse.duckdb'}", ("marts",))
    with company(tmp_path, WORLD, env={"REBUTTAL_WAREHOUSE_URL": warehouse, "REBUTTAL_STATE_URL": state}) as place:
        place.loop()
        got = fingerprints(warehouse, ("marts",))
    assert len(expected) >= 12
    unlike = {line.split(":")[0] for line in differences(expected, got)}
    assert unlike <= {"marts.content_task", "marts.decision"}  # they hold the tracker's address, which has another port


def test_an_erased_person_is_in_no_store_and_does_not_come_back(turned: Company) -> None:
    """Somebody whose words a task quotes. The company is another one afterwards."""
    issues = {issue["key"]: json.dumps(_issue(turned, issue["key"]), ensure_ascii=False) for issue in turned.tasks()}
    said = {(row[0], row[1]) for row in _query(turned, """
        select evidence.quote, label.contact_id from marts.objection_evidence as evidence
        join marts.text_label as label on label.source_id = evidence.source_id and label.source = evidence.source
        where label.contact_id is not null and evidence.quote in
            (select quote from marts.objection_evidence group by quote having count(distinct source_id) = 1)
    """)}  # fmt: skip
    quote, contact = next(one for one in sorted(said) if any(one[0] in text for text in issues.values()))
    deals = f"select deal_id from core.deal where contact_id = '{contact}'"
    bodies = [body for (body,) in _query(turned, f"""
        select body from core.conversation
        where length(body) > 30 and (contact_id = '{contact}' or deal_id in ({deals}))
    """)]  # fmt: skip
    assert bodies
    traces = [quote, contact, *(deal for (deal,) in _query(turned, deals)), *bodies]
    names = ("warehouse.duckdb", "published.duckdb", "state.sqlite")
    assert all(any(trace.encode() in (turned.home / name).read_bytes() for name in names) for trace in traces)
    accounted = json.loads(turned.run("account", "--json").stdout)["total"]

    receipt = json.loads(turned.run("erase", f"hubspot:{contact}", "--by", "olena", "--json").stdout)
    by_store = {line["store"]: line["removed"] for line in receipt["details"]}
    assert by_store["tracker"] >= 1
    assert by_store["ledger"] >= 1
    assert by_store["warehouse"] >= 3
    again = json.loads(turned.run("erase", f"hubspot:{contact}", "--json").stdout)
    assert not again["changed"]
    turned.loop()
    total = json.loads(turned.run("account", "--json").stdout)["total"]
    assert total["suppressed"] - accounted["suppressed"] >= len(bodies)
    assert not any(quote in json.dumps(_issue(turned, key), ensure_ascii=False) for key in issues)
    # Mails that were sent, and what the sandbox keeps of the vendors' side, are not ours to take back.
    theirs = ("mails", "journal-seed")
    files = [path for path in turned.home.rglob("*") if path.is_file() and not _is_theirs(path, theirs)]
    assert {path.name for path in files} >= set(names)
    held = []
    for path in files:
        content = path.read_bytes()
        held += [(path.name, trace) for trace in traces if trace.encode() in content]
    assert held == []


def _is_theirs(path: Path, names: tuple[str, ...]) -> bool:
    return any(part.startswith(names) for part in path.parts)


def _query(place: Company, query: str) -> list[tuple[str, ...]]:
    with duckdb.connect(str(place.home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


DEATHS = ("fast_way.after_claim", "fast_way.after_pull", "fast_way.after_admit", "fast_way.after_listen",
          "fast_way.after_answer", "fast_way.before_acknowledge")  # fmt: skip


def test_a_deal_lost_now_is_one_task_at_once_and_the_scheduled_way_doubles_nothing(
    turned: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its worker dies after each step. Last here: it goes on where the others stand, a day later."""
    day = date.fromisoformat(turned.world.until) + timedelta(days=1)
    settings = load_settings(turned.env)
    key = environment(settings, turned.env)["REBUTTAL_IDENTITY_KEY"].encode()
    context = Context(settings, Clock.until(day), from_environment(settings, turned.env), key)
    before = {task["key"]: task for task in turned.tasks()}
    deal_id, category, quote = _waiting_theme(turned)
    asked = {"deal": deal_id, "words": quote}
    requests.post(f"{turned.sandbox_url}/_sandbox/lose-deal", json=asked, timeout=60).raise_for_status()
    events = [
        Arrival("hubspot", name, "deal.propertyChange", b"{}", b"{}", "deal", deal_id)
        for name in ("first", "second", "first")
    ]
    with open_state(settings) as sessions:
        assert sorted(receive(sessions, events)) == ["repeated", "stored", "stored"]
        for place in DEATHS:
            monkeypatch.setenv("FAILPOINT", f"{place}:raise")
            with pytest.raises(FailpointReached, match=place):
                fast_way.work(context)
            with sessions.begin() as session:  # as if its worker's lease were over
                free = {"state": "new", "attempts": 0, "lease_token": None, "lease_until": None, "next_try_at": AT_ONCE}
                session.execute(update(InboxEvent).where(InboxEvent.state == "leased").values(**free))
        monkeypatch.delenv("FAILPOINT")
        report = fast_way.work(context)
        assert report.problems == []
        made = [task for task in turned.tasks() if task["key"] not in before]
        assert report.counts["done"] == 2
        assert report.counts.get("sent", 0) == 0, "it was sent before the last death"
        assert len(made) >= 1
        assert any(f"objection-{category}" in task["fields"]["labels"] for task in made)

        worked = tables(turned)
        with sessions() as session:
            ids = list(session.scalars(select(InboxEvent.event_id)))
        assert replay(sessions, ids) == 2
        assert fast_way.work(context).changed is False
    for run in (partial(sources.run, source="hubspot"), quality.run, objections.run, content.run):
        again = run(context)
        assert again.problems == []
        # The full pull lands the changed objects once more, and all of it is known.
        assert again.counts.get("new", 0) == again.counts.get("changed", 0) == again.counts.get("written", 0) == 0
    unlike = {line.split(":")[0] for line in differences(worked, tables(turned))}
    assert not any(
        name.startswith(("core.", "marts.objection", "state.outbox", "state.content_task")) for name in unlike
    )
    assert len(turned.tasks()) == len(before) + len(made)


def _waiting_theme(place: Company) -> tuple[str, str, str]:
    """An open deal that told of a theme that several tell of and that has no task; its category, and the words."""
    with duckdb.connect(str(place.home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "SELECT deal.deal_id, told.category, told.quote FROM core.deal AS deal"
            " INNER JOIN marts.objection AS told ON told.deal_id = deal.deal_id"
            " WHERE NOT deal.is_closed AND told.category <> 'no_decision' AND (told.category, told.theme) IN ("
            "   SELECT (category, theme) FROM marts.objection GROUP BY category, theme HAVING count(*) >= 3)"
            " AND told.category || '/' || told.theme NOT IN (SELECT theme FROM marts.content_task)"
            " ORDER BY deal.deal_id, told.category, told.theme LIMIT 1"
        ).fetchone()
    assert found is not None
    return found
