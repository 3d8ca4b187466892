"""Briefs and reviews: the marts' own figures, once per reader and period, and never a zero for what is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.faults.table import fault

from rebuttal import reports
from rebuttal.connections import Connection
from rebuttal.metrics import load_metrics
from rebuttal.reports.period import KINDS
from rebuttal.reports.review_figures import TOLD, is_far
from rebuttal.reports.stage import preview
from rebuttal.settings import PROJECT_ROOT
from rebuttal.state import DigestDelivery, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import publish

# The world of conftest tells of Monday, 16 November 2026. Sunday the 15th had 30 leads; usual Sundays have 9 and 11.
TABLES = {
    "kpi_daily": """
        SELECT CAST(DATE '2026-11-15' - n AS DATE) AS date_day, TRUE AS is_complete, 100 + n AS visits,
            CASE WHEN n = 0 THEN 30 WHEN mod(n, 2) = 0 THEN 11 ELSE 9 END AS leads, 4 AS deals_created, 2 AS deals_won,
            1 AS deals_lost, CAST(1234.4 AS NUMERIC(18, 6)) AS revenue_base,
            CAST(77.7 AS NUMERIC(18, 6)) AS ad_cost_base, 'EUR' AS currency
        FROM {numbers}""",
    "kpi_weekly": """
        SELECT CAST(DATE '2026-11-09' - 7 * n AS DATE) AS week_start, n > 0 AS is_complete, 700 AS visits,
            60 + n AS leads, 8 AS deals_created, 12 AS sqls, 5 AS deals_won, 10 AS deals_lost, 0.25 AS win_rate,
            CAST(9876 AS NUMERIC(18, 6)) AS revenue_base, 1975.2 AS average_order_value_base,
            CAST(543 AS NUMERIC(18, 6)) AS ad_cost_base, 9.05 AS cost_per_lead_base, 18.2 AS roas,
            CASE WHEN n = 0 THEN NULL ELSE 40.0 END AS nps, 'EUR' AS currency
        FROM {numbers} WHERE n < 20""",
    "channel_performance": """
        SELECT CAST('2026-11-09' AS DATE) AS week_start, 'organic' AS channel, 300 AS visits, 25 AS leads,
            3 AS deals_won, CAST(4321 AS NUMERIC(18, 6)) AS revenue_base,
            CAST(0 AS NUMERIC(18, 6)) AS cost_base, 'EUR' AS currency""",
    "unit_economics": """
        SELECT CAST(month_start AS DATE) AS month_start, channel, TRUE AS is_complete,
            CAST(cost AS NUMERIC(18, 6)) AS ad_cost_base, CAST(cost AS NUMERIC(18, 6)) AS acquisition_cost_base,
            customers AS new_customers, customers AS orders, CAST(1000 * customers AS NUMERIC(18, 6)) AS revenue_base,
            'EUR' AS currency
        FROM (VALUES ('2026-10-01', 'social', 500, 0), ('2026-10-01', 'video', 900, 1),
            ('2026-10-01', 'display', 200, 9), ('2026-09-01', 'video', 800, 4), ('2026-05-01', 'video', 600, 3))
            AS told (month_start, channel, cost, customers)
        """,
    "channel_role": """
        SELECT 'video' AS channel, 'assist' AS expected_role, 'opener' AS observed_role, FALSE AS is_as_declared,
            TRUE AS is_turning, CAST(1 AS NUMERIC(18, 6)) AS ad_cost_base, 'EUR' AS currency""",
    "channel_removal": """
        SELECT 'won' AS conversion_type, 'video' AS channel, 7 AS journeys_touched, 0.5 AS removal_effect,
            3.5 AS conversions_lost, CAST(3500 AS NUMERIC(18, 6)) AS value_lost_base, 'EUR' AS currency""",
    "decision": """
        SELECT 'd' AS decision_id, 'task' AS kind, 'price/too_high' AS subject, 'proposed' AS decision,
            CAST('2026-09-20 00:00:00+00' AS TIMESTAMPTZ) AS review_at, CAST(NULL AS TIMESTAMPTZ) AS reviewed_at""",
}  # fmt: skip


def fill(company: Any, *, without: tuple[str, ...] = (), **changes: str) -> None:
    numbers = "(SELECT CAST(range AS INTEGER) AS n FROM range(0, 90)) AS numbers"
    with open_warehouse(company.settings) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE marts.objection ADD COLUMN IF NOT EXISTS first_voiced_at TIMESTAMPTZ"))
        connection.execute(text("UPDATE marts.objection SET first_voiced_at = CAST(week_start AS TIMESTAMPTZ)"))
        for name, query in (TABLES | changes).items():
            connection.execute(text(f"DROP TABLE IF EXISTS marts.{name}"))
            if name not in without:
                connection.execute(text(f"CREATE TABLE marts.{name} AS {query.format(numbers=numbers)}"))
    publish(company.context())


@pytest.fixture
def reviewed(company: Any) -> Any:
    text = (PROJECT_ROOT / "include" / "config" / "metrics.yml").read_text(encoding="utf-8")
    (company.settings.config / "metrics.yml").write_text(text, encoding="utf-8")
    fill(company)
    return company


def told(company: Any, kind: str, **changes: Any) -> str:
    company.configure(lambda data: data["people"][2].update(changes))
    return preview(company.context(), "kate", kind)[1]


def test_every_figure_that_a_mail_tells_has_a_definition() -> None:
    known = {metric.id: metric for metric in load_metrics(PROJECT_ROOT / "include" / "config")}
    for kind in KINDS:
        for metric, column in TOLD[kind].items():
            assert column in {place.split(".")[1] for place in known[metric].columns}, (kind, metric)


def test_a_brief_says_first_what_is_out_of_the_ordinary(reviewed: Any) -> None:
    words = told(reviewed, "daily")
    assert "Leads: 30 instead of the usual 10." in words.splitlines()
    assert "* ● Leads: yesterday 30, usual 10" in words
    assert "* Reach (visits): yesterday 100, usual 132" in words
    assert "* Revenue: yesterday €1,234, usual €1,234" in words
    assert "Price / budget: Too expensive: 11 voices" not in words, "they were voiced earlier in the week"


def test_a_week_stands_beside_the_eight_before(reviewed: Any) -> None:
    words = told(reviewed, "weekly")
    assert "* Leads: this week 60, usual 64" in words.splitlines(), "61 to 68 are 64.5 on average, told without a half"
    assert "* Net promoter score (NPS): this week —, usual 40" in words, "not known is no zero"
    assert "* Win rate: this week 25%, usual 25%" in words
    assert "* Organic search: leads 25, orders 3, revenue €4,321, cost €0" in words
    assert "Price / budget: Too expensive: 11 voices" in words
    assert "The period's data is not complete yet" in words
    assert "* price/too_high: proposed (to look at since 20\u00a0September)" in words


def test_a_month_says_what_was_spent_for_what(reviewed: Any) -> None:
    words = told(reviewed, "monthly")
    assert "€1,600 spent (+100% on the period before), 10 new customers: €160 each." in words.splitlines()
    assert "* Social media: €500 spent and no new customer seen." in words
    assert "* Video: a new customer costs €900, 8.2 times the company's €110." in words
    assert "* Display: a new customer costs €22, the least of all with cost." in words
    assert "* Social media: cost €500, customers 0, CAC —, revenue €0" in words


def test_a_quarter_adds_its_months_and_asks_what_hangs_on_a_channel(reviewed: Any) -> None:
    words = told(reviewed, "quarterly")
    assert "Quarterly strategy review · third quarter of 2026" in words
    assert "* Advertising cost: quarter €800, before €600" in words
    assert "* Video: planned to assist, seen to open." in words
    assert "* Video: journeys 7, orders 3.5, revenue €3,500" in words


def test_a_quarter_that_began_before_the_data_says_so(reviewed: Any) -> None:
    window = """
        SELECT family, CAST(first_date AS DATE) AS first_date, CAST('2026-11-16' AS DATE) AS until_date
        FROM (VALUES ('ads', '{ads}'), ('visits', '2026-06-01'), ('crm', '2020-01-01')) AS told (family, first_date)"""
    fill(reviewed, source_window=window.format(ads="2026-08-24"))
    words = told(reviewed, "quarterly")
    assert "* Data begin on 24\u00a0August: what was before is missing." in words
    assert "The period's data is not complete yet" in words
    fill(reviewed, source_window=window.format(ads="2026-07-01"))
    assert "Data begin on" not in told(reviewed, "quarterly")


def test_a_sum_with_an_unknown_part_is_unknown(reviewed: Any) -> None:
    query = TABLES["unit_economics"].replace(
        "CAST(cost AS NUMERIC(18, 6)) AS ad_cost_base,",
        "CASE WHEN channel <> 'social' THEN CAST(cost AS NUMERIC(18, 6)) END AS ad_cost_base,",
    )
    fill(reviewed, unit_economics=query)
    assert "* Advertising cost: month —, before €800" in told(reviewed, "monthly")


def test_every_sentence_exists_in_every_language(reviewed: Any) -> None:
    latin = {"Kate", "CAC", "AOV", "CPA", "ROAS", "NPS", "SQL", "UTC", "Rebuttal", "delivery", "time"}
    for language in ("ru", "uk"):
        for kind in KINDS:
            words = told(reviewed, kind, language=language)
            plain = re.sub(r"https?://\S+|price/too_high: proposed", "", words)
            assert set(re.findall(r"[A-Za-z]{3,}", plain)) <= latin, (language, kind)
            assert len(words.splitlines()) > 10


@pytest.mark.parametrize(("kind", "mart"), [("daily", "kpi_daily"), ("monthly", "unit_economics")])
def test_what_could_not_be_computed_is_said(reviewed: Any, kind: str, mart: str) -> None:
    fill(reviewed, without=(mart,))
    now = reviewed.now if kind == "daily" else reviewed.now.replace(day=3)
    report = reports.run(reviewed.context(now), kind)
    assert any("could not be computed" in problem for problem in report.problems)
    mail = reviewed.post.received[0][2].get_body(("plain",)).get_content()
    assert "please do not read the rest as “nothing happened”" in mail
    assert not re.search(r"Leads|customers: [^y]", mail.split("== ")[1])


def test_a_lead_gets_each_review_once_and_sales_none(reviewed: Any) -> None:
    for kind in KINDS:
        fresh = {"daily": 1, "weekly": 1, "monthly": 0, "quarterly": 0}[kind]  # 16 November: October is old news
        report = reports.run(reviewed.context(), kind)
        assert report.counts == {"people": 1, **({"sent": 1} if fresh else {"too_late": 1})}
        again = reports.run(reviewed.context(), kind)
        assert (again.changed, again.counts.get("sent", 0)) == (False, 0)
    assert [mail["Subject"] for _, _, mail in reviewed.post.received] == [
        "Daily brief: 15\u00a0November 2026",
        "Weekly review: 9–15\u00a0November 2026",
    ]
    tomorrow = reports.run(reviewed.context(reviewed.now + timedelta(days=1)), "daily")
    assert tomorrow.counts == {"people": 1, "sent": 1}


def test_a_room_reads_the_brief_beside_people(reviewed: Any, channel: Any) -> None:
    rooms = [
        {"kind": "webhook", "connection": "team_slack", "tells": ["daily"]},
        {"kind": "telegram", "connection": "team_telegram", "language": "ru", "tells": ["daily"]},
    ]
    reviewed.configure(lambda data: data.update(channels=rooms))
    context, resolve = reviewed.context(), reviewed.context().resolve
    made = {
        "team_slack": {"host": channel.url, "password": "/T0/B0/x"},
        "team_telegram": {"host": channel.url, "password": "12:token", "extra": {"chat_id": "-100"}},
    }
    context = replace(context, resolve=lambda name: Connection(name, **made[name]) if name in made else resolve(name))
    assert reports.run(context, "daily").counts == {"people": 3, "sent": 3}
    assert reports.run(context, "daily").counts == {"people": 3, "already_told": 3}
    (slack_path, slack), (chat_path, chat) = channel.received
    assert slack_path == "/T0/B0/x"
    assert "Leads: 30 instead of the usual 10." in slack["text"]
    assert chat_path == "/bot12:token/sendMessage"
    assert chat["chat_id"] == "-100"
    assert "вместо обычных 10" in chat["text"]
    assert "unsubscribe" not in slack["text"]


def test_who_has_unsubscribed_gets_no_more_of_that_kind(reviewed: Any) -> None:
    from rebuttal.reports.unsubscribing import subscribe, unsubscribe

    with open_state(reviewed.settings) as sessions:
        assert unsubscribe(sessions, "kate", "daily", "person:kate", reviewed.now)
        assert not unsubscribe(sessions, "kate", "daily", "person:kate", reviewed.now)
    assert reports.run(reviewed.context(), "daily").counts == {"people": 1, "unsubscribed": 1}
    assert reports.run(reviewed.context(), "weekly").counts == {"people": 1, "sent": 1}
    with open_state(reviewed.settings) as sessions:
        assert subscribe(sessions, "kate", "daily", "person:kate", reviewed.now)
    assert reports.run(reviewed.context(), "daily").counts == {"people": 1, "sent": 1}
    with open_state(reviewed.settings) as sessions, sessions() as session:
        assert {row.period for row in session.query(DigestDelivery)} == {"2026-11-15", "2026-W46"}


def test_every_mail_says_how_to_end_it_in_one_click(reviewed: Any) -> None:
    reports.run(reviewed.context(), "daily")
    ((_, _, mail),) = reviewed.post.received
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(mail["List-Unsubscribe"]).strip("<>")
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/unsubscribe/kate/daily/[0-9a-f]{40}", link)
    assert link in mail.get_body(("plain",)).get_content()
    assert f'href="{link}"' in mail.get_body(("html",)).get_content()


@fault(130, "readers of two partners, one after the other", "mail", "each is told its own rows only")
def test_a_partner_reads_its_own_customers_only(reviewed: Any) -> None:
    with open_warehouse(reviewed.settings) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE marts.objection ADD COLUMN IF NOT EXISTS partner_id TEXT"))
        connection.execute(text("UPDATE marts.objection SET partner_id = 'salon-1' WHERE category = 'availability'"))
        connection.execute(text("UPDATE marts.objection SET partner_id = 'salon-2' WHERE category = 'price'"))
    publish(reviewed.context())
    words = told(reviewed, "digest", role="partner", partner="salon-1", alerts=False)
    assert "delivery time" in words
    assert "3 voices" in words
    for hidden in ("Too expensive", "reviews", "MKT-", "confirmed", "What we are answering", "No task for it"):
        assert hidden not in words
    words = told(reviewed, "digest", role="partner", partner="salon-2", alerts=False)
    assert "Too expensive" in words
    assert "delivery time" not in words


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=8))
def test_what_lies_within_what_was_seen_is_never_far(past: list[int]) -> None:
    values = [float(value) for value in past]
    assert not is_far(sum(values) / len(values), values)
    assert is_far(max(values) + 10 * (max(values) + 10), values)
    assert not is_far(1e9, values[:3]), "three are too few to know what is usual"
