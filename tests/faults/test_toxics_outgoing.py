"""Toxics between the pipeline and whom it calls: a vendor, a tracker, a mail server (46, 49, 53, 54, 108, 121-123)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select, text
from tests.content.conftest import Hours
from tests.faults.desks import Desk, Served, desk_of, objections, start
from tests.faults.table import fault
from tests.faults.toxics import DOWN, HEALTHY, Passed, Proxy, Toxic, proxied
from tests.reports.conftest import Company, Post, post  # noqa: F401 - a mail server
from tests.reports.conftest import company as company_told  # noqa: F401 - with its marts published
from tests.sources.conftest import KEY, QUICK, write_config

from rebuttal import reports, sources
from rebuttal.clock import Clock
from rebuttal.connections import Connection, from_environment
from rebuttal.content.delivery import Delivery
from rebuttal.content.rules import load_rules
from rebuttal.content.trackers import wire
from rebuttal.content.trackers.opening import open_tracker
from rebuttal.context import Context
from rebuttal.errors import UnavailableError
from rebuttal.records import Report
from rebuttal.reports.mail import Postman
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.sources import typeform
from rebuttal.state import DigestDelivery, Outbox, open_state
from rebuttal.state.failpoint import FailpointReached
from rebuttal.warehouse import open_warehouse

PASSES = (
    Toxic("every piece late", latency_s=0.02),
    Toxic("a narrow line", bytes_per_s=400_000, piece=4000),
    Toxic("pieces of a few bytes", piece=7),
)
BREAKS = (
    DOWN,
    Toxic("reset before the question is whole", "up", resets_after=40),
    Toxic("reset before the answer", resets_after=0),
    Toxic("ended in the head of the answer", ends_after=20),
    Toxic("ended in the answer", ends_after=400),
    Toxic("reset in a later answer", resets_after=3000),
    Toxic("half open in the answer", resets_after=300, is_half_open=True),
    Toxic("nothing comes back", holds_after=0),
    Toxic("nothing comes any more", holds_after=400),
)
names = lambda toxic: toxic.name  # noqa: E731

# --- a vendor --------------------------------------------------------------------------------------------------------


@dataclass
class Pulled:
    """Typeform of a small sandbox behind a proxy, pulled into a home of its own."""

    proxy: Proxy
    context: Context

    def pull(self) -> Report:
        return sources.run(self.context, "typeform")

    def landed(self) -> dict[str, list[tuple[Any, ...]]]:
        """Rows and batches, by table."""
        with open_warehouse(self.context.settings) as engine, engine.connect() as connection:
            names = connection.execute(
                text("select table_schema, table_name from information_schema.tables where table_schema = 'landing'")
            ).all()
            tables = [f'{schema}."{name}"' for schema, name in names] + ["ops.batch"]
            return {
                one: sorted(map(tuple, connection.execute(text(f"select * from {one}")).all()), key=repr)
                for one in tables
            }


@pytest.fixture(scope="module", autouse=True)
def no_polite_gaps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typeform, "SECONDS_BETWEEN_CALLS", 0.0)
        yield


@pytest.fixture(scope="module")
def vendor() -> Iterator[Served]:
    served = start()
    yield served
    served.stop()


def pulled(vendor: Served, proxy: Proxy, home: Path) -> Pulled:
    config = write_config(home / "config", limits={**QUICK, "read_seconds": 0.4, "total_seconds": 3})
    (config / "connections.env").write_bytes((PROJECT_ROOT / "include/config/connections.env").read_bytes())
    settings = Settings(
        home, config, proxy.base, f"duckdb:///{home / 'warehouse.duckdb'}", f"sqlite:///{home / 'state.sqlite'}"
    )
    now = vendor.sandbox.site.world.now
    return Pulled(proxy, Context(settings, Clock(now), from_environment(settings, {}), KEY))


@pytest.fixture(scope="module")
def undisturbed(vendor: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    with proxied(address(vendor)) as proxy:
        one = pulled(vendor, proxy, tmp_path_factory.mktemp("undisturbed"))
        assert one.pull().problems == []
        landed = one.landed()
    assert len(landed['landing."typeform__responses"']) > 5
    return landed


def address(served: Served) -> tuple[str, int]:
    host, port = served.url.removeprefix("http://").split(":")
    return host, int(port)


@pytest.mark.long_form("a slow line is no fault of the table: the tracker's is (110)")
@pytest.mark.parametrize("toxic", PASSES, ids=names)
def test_what_is_slow_is_pulled_whole(vendor: Served, undisturbed: Any, toxic: Toxic, tmp_path: Path) -> None:
    with proxied(address(vendor)) as proxy:
        one = pulled(vendor, proxy, tmp_path)
        proxy.always = toxic
        assert one.pull().problems == []
        assert proxy.struck > 0
        assert one.landed() == undisturbed


@fault(46, "the vendor's line is down, reset, half open or silent", "connection", "asked again; every row lands once")
@fault(53, "an answer that stops coming", "connection", "the read times out; asked again; every row lands once")
@fault(
    54, "an answer that is cut anywhere", "connection", "thrown away whole and asked for again; every row lands once"
)
@pytest.mark.parametrize("toxic", BREAKS, ids=names)
def test_what_breaks_for_a_while_is_pulled_whole(
    vendor: Served, undisturbed: Any, toxic: Toxic, tmp_path: Path
) -> None:
    with proxied(address(vendor)) as proxy:
        one = pulled(vendor, proxy, tmp_path)
        proxy.next.extend([toxic] * 3)  # one fewer than are tried
        assert one.pull().problems == []
        assert proxy.struck == 3
        assert one.landed() == undisturbed


@fault(49, "a vendor that stays away, cut or silent", "connection", "told in words; the next pull lands all, once")
def test_what_stays_broken_is_told_and_the_next_pull_heals(vendor: Served, undisturbed: Any, tmp_path: Path) -> None:
    with proxied(address(vendor)) as proxy:
        one = pulled(vendor, proxy, tmp_path)
        for toxic in (DOWN, BREAKS[4], BREAKS[7]):
            proxy.always = toxic
            report = one.pull()
            assert len(report.problems) == len(report.details) == 1, report.problems
            assert all("UnavailableError" in line or "CutBodyError" in line for line in report.problems)
            assert not report.changed
        proxy.sever()
        assert one.pull().problems == []
        assert one.landed() == undisturbed


# --- a tracker -------------------------------------------------------------------------------------------------------

ANYWHERE = 17  # toxics


def anywhere(healthy: Passed) -> list[Toxic]:
    """Toxics that strike at shares of what a healthy call of the same kind takes, up or down."""
    up, down = (lambda share: int(healthy.up * share)), (lambda share: int(healthy.down * share))
    return [
        DOWN,
        *(Toxic(f"reset at {at:.1%} of the question", "up", resets_after=up(at)) for at in (0.05, 0.5, 0.8, 0.95)),
        *(Toxic(f"reset at {at:.1%} of the answer", resets_after=down(at)) for at in (0, 0.5, 0.8, 0.9, 0.96, 0.999)),
        *(Toxic(f"silent at {at:.1%} of the answer", holds_after=down(at)) for at in (0, 0.7, 0.97)),
        Toxic("half open at 90% of the answer", resets_after=down(0.9), is_half_open=True),
        Toxic("every piece late", latency_s=0.1),
        Toxic("pieces of a few bytes", piece=7),
    ]


LOST = (0, 20, 100)  # bytes of the answer to the task that still come


def lost(healthy: Passed) -> list[Toxic]:
    """Toxics that strike when nearly all has gone up, and the task with it: it is the last and largest question."""
    return [Toxic(f"{count} bytes of the answer", resets_after=count, from_up=healthy.up * 4 // 5) for count in LOST]


APART = 1000.0  # seconds between two tasks, by a clock that passes only when somebody sleeps


@fault(108, "the tracker's line breaks at any byte of the call", "tracker", "one task for each theme, known to us")
@fault(110, "a tracker's line that is slow or comes in pieces", "tracker", "sent once")
@pytest.mark.parametrize("kind", ["jira", "trello"])
def test_wherever_the_trackers_line_breaks_each_theme_has_one_task(
    kind: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_TIMEOUT", (1.0, 0.4))
    with desk_of(kind, settings, tmp_path) as desk, proxied(address(desk.served)) as proxy:
        propose(desk, 1 + ANYWHERE + len(LOST))
        rule, hours = load_rules(desk.settings.config).tracker, Hours()
        rule = rule.model_copy(update={"run_budget_seconds": 100})
        behind = replace(desk, through=proxy.base).connection()
        with open_state(desk.settings) as sessions:
            for number in range(1 + ANYWHERE + len(LOST)):
                toxic = [*anywhere(proxy.passed[0]), *lost(proxy.passed[0])][number - 1] if number else HEALTHY
                proxy.next.append(toxic)
                delivered = Delivery(sessions, open_tracker(rule, behind, hours), rule, hours.now(), hours).drain()
                rows = desk.outbox()
                assert sum(row.state in ("sent", "adopted") for row in rows) == number + 1, (toxic.name, delivered)
                assert sorted(str(row.remote_id) for row in rows if row.remote_id) == sorted(
                    task["id"] for task in desk.tasks()
                ), toxic.name
                hours.sleep(APART)
        assert proxy.struck >= ANYWHERE - 1  # tasks are not all of one length
        assert {"sent", "adopted"} == {row.state for row in rows}, "no toxic struck after the task was made"


def propose(desk: Desk, count: int) -> None:
    """So many tasks in the outbox, each to be sent long after the one before."""
    taxonomy = yaml.safe_load((desk.settings.config / "taxonomy.yml").read_text(encoding="utf-8"))
    told = [(one["code"], theme["code"]) for one in taxonomy["categories"] for theme in one.get("themes", [])]
    themes = [one for one in told if one[0] not in ("none", "no_decision")][:count]
    desk.hear([row for category, theme in themes for row in objections(category, theme, 4)])
    desk.configure("choose", new_per_week=count, max_open=count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAILPOINT", "content.after_propose:raise")
        with pytest.raises(FailpointReached):
            desk.run()
    with open_state(desk.settings) as sessions, sessions.begin() as session:
        rows = session.scalars(select(Outbox).order_by(Outbox.outbox_id)).all()
        assert len(rows) == count
        for number, row in enumerate(rows):
            row.not_before = Hours().now() + timedelta(seconds=number * APART)


# --- a mail server ---------------------------------------------------------------------------------------------------


def letter(to: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "loop@example.com", to, "Objections of the week"
    message.set_content("Price is what they doubt.\n" * 40)
    return message


@fault(
    121, "the mail server's line is down, or ends before the text", "mail", "later: no text went out, it is tried again"
)
@fault(123, "the line breaks at any byte of a mail", "mail", "unknown where its text may have arrived; nobody gets two")
def test_wherever_the_mail_servers_line_breaks_the_outcome_is_honest(post: Post) -> None:  # noqa: F811
    server = post.controller.server.sockets[0].getsockname()
    told = {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com", "timeout": 0.4}
    seen: set[tuple[str, int]] = set()
    with proxied(server[:2]) as proxy:
        postman = Postman(Connection("smtp", host="127.0.0.1", port=proxy.port, extra=told))

        def deliver(toxic: Toxic) -> None:
            proxy.next.append(toxic)
            post.received.clear()
            try:
                outcome, code = postman.deliver(letter("kate@example.com"), "kate@example.com", lambda: True)
            except UnavailableError as error:
                outcome = "later" if error.next_step else "does not say what to do"  # as the stage takes it
            time.sleep(0.02)  # for what is under way
            arrived = len(post.received)
            assert (outcome, arrived) in {("sent", 1), ("later", 0), ("unknown", 0), ("unknown", 1)}, (toxic.name, code)
            seen.add((outcome, arrived))

        deliver(HEALTHY)
        assert seen == {("sent", 1)}
        healthy = proxy.passed[0]
        for toxic in anywhere(healthy):
            deliver(toxic)
        for left in range(1, 40, 4):  # the last answers are short
            deliver(Toxic(f"reset {left} bytes before the end, up", "up", resets_after=healthy.up - left))
            deliver(Toxic(f"ended {left} bytes before the end, down", ends_after=healthy.down - left))
        assert proxy.struck == ANYWHERE + 20
    assert seen == {("sent", 1), ("later", 0), ("unknown", 0), ("unknown", 1)}, "the toxics miss a part of the talk"


@fault(
    123, "the answers to the texts of two mails are lost, then all is well", "mail", "told; the others get one; no two"
)
def test_readers_whose_answer_was_lost_are_told_of_and_not_mailed_again(company_told: Company) -> None:  # noqa: F811
    server = company_told.post.controller.server.sockets[0].getsockname()
    told = {"disable_tls": True, "disable_ssl": True, "from_email": "loop@example.com", "timeout": 0.5}
    with proxied(server[:2]) as proxy:
        company_told.post.cut_after_text = 1
        proxy.next.extend([HEALTHY, Toxic("in the text", "up", resets_after=5000), DOWN])
        reports.run(company_told.context(port=proxy.port, extra=told))
        with open_state(company_told.settings) as sessions, sessions() as session:
            states = sorted(session.scalars(select(DigestDelivery.state)))
        proxy.sever()
        assert states.count("unknown") == 2
        assert states.count("sent") == 0
        report = reports.run(company_told.context(port=proxy.port, extra=told))
        assert report.problems == []
        assert not reports.run(company_told.context(port=proxy.port, extra=told)).changed
    recipients = [to for _, (to,), _ in company_told.post.received]
    assert sorted(recipients) == sorted(set(recipients))
    assert (
        len(recipients) == 2
    )  # the first, whose answer was lost, and the last; of the one between the text never came
