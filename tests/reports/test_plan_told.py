"""What mails and alerts tell of the plan: budgets off their pace once in a while, goals where they stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.reports.alerting import NOW, Loud
from tests.reports.test_reviews import fill as fill_reviewed
from tests.reports.test_reviews import reviewed, told

from rebuttal.reports.alerts import open_findings
from rebuttal.reports.pace import due
from rebuttal.state import PaceTold, open_state
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import publish

__all__ = ["reviewed"]  # a fixture

PACE = """
    SELECT CAST({month} AS DATE) AS month_start, channel, CAST(budget AS NUMERIC(18, 6)) AS budget_base,
        CAST(spent AS NUMERIC(18, 6)) AS spent_base, CAST(forecast AS NUMERIC(18, 6)) AS forecast_base,
        CAST({until} AS DATE) AS measured_until, {complete} AS is_complete, state, 'EUR' AS currency
    FROM (VALUES {rows}) AS told (channel, budget, spent, forecast, state)"""
GOALS = """
    SELECT goal_id, metric, 'kate' AS owner, CAST('2026-10-01' AS DATE) AS first_date,
        CAST('2026-12-31' AS DATE) AS last_date, direction, CAST(target AS DOUBLE PRECISION) AS target,
        CAST(current_value AS DOUBLE PRECISION) AS current_value, CAST(forecast AS DOUBLE PRECISION) AS forecast,
        CAST('2026-11-16' AS DATE) AS measured_until, state
    FROM (VALUES ('a', 'orders', 'at_least', 60, 20, 40, 'behind'), ('b', 'cpa', 'at_most', 15, 12.4, 12.4, 'on_track'),
        ('c', 'win_rate', 'at_least', 0.3, NULL, NULL, 'incomplete')) AS g
        (goal_id, metric, direction, target, current_value, forecast, state)"""
OVER, UNDER, CALM = "('video', 100, 90, 180, 'over')", "('email', 50, 0, 0, 'under')", "('social', 70, 35, 70, 'on')"


def pace(*rows: str, month: str = "'2026-11-01'", until: str = "'2026-11-16'", complete: str = "FALSE") -> str:
    return PACE.format(month=month, until=until, complete=complete, rows=", ".join(rows))


def set_pace(loud: Loud, *rows: str) -> None:
    with open_warehouse(loud.settings) as engine, engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS marts.plan_pace"))
        connection.execute(text(f"CREATE TABLE marts.plan_pace AS {pace(*rows)}"))
    publish(loud.context())


def test_a_budget_off_its_pace_is_told_then_rests_and_another_state_is_news(loud: Loud) -> None:
    loud.configure(people=[])
    loud.land(1)
    set_pace(loud, CALM)
    assert loud.tell().counts == {"channels": 1, "nothing_to_tell": 1}
    set_pace(loud, OVER, CALM)
    assert loud.tell().counts == {"channels": 1, "sent": 1}
    message = loud.channel.received[0][1]["text"]
    assert message.startswith("Plan and budget: 1 problem (2026-11-16)")
    assert "about €180 by the end of the month, €90 so far, of a budget of €100 (Video)" in message
    assert "What to do: Lower the channel's daily limits" in message
    assert "Social" not in message
    for days in (1, 6):
        assert loud.tell(NOW + timedelta(days=days)).counts == {"channels": 1, "nothing_to_tell": 1}
    assert loud.tell(NOW + timedelta(days=7)).counts == {"channels": 1, "sent": 1}
    set_pace(loud, OVER, UNDER)
    assert loud.tell(NOW + timedelta(days=8)).counts == {"channels": 1, "sent": 1}
    assert "Video" not in loud.channel.received[2][1]["text"], "it rests, the other budget is news"
    with open_state(loud.settings) as sessions, sessions() as session:
        assert {(row.month, row.subject, row.state) for row in session.query(PaceTold)} == {
            ("2026-11", "video", "over"), ("2026-11", "email", "under")
        }  # fmt: skip
    assert [row["channel"] for row in open_findings(loud.context()).sections["pace"]] == ["video", "email"]


@pytest.mark.parametrize("answer", [503, 404])
def test_what_was_not_delivered_is_not_taken_for_told(loud: Loud, answer: int) -> None:
    loud.configure(people=[])
    loud.land(1)
    set_pace(loud, OVER)
    loud.channel.answers.append(answer)
    loud.tell()
    tomorrow = loud.tell(NOW + timedelta(days=1))
    assert tomorrow.counts == {"channels": 1, "sent": 1}


def test_a_cool_down_is_counted_from_the_last_time_of_that_state() -> None:
    row: dict[str, Any] = {"month_start": NOW.date().replace(day=1), "channel": "video", "state": "over"}
    seen = {("2026-11", "video"): ("over", NOW - timedelta(days=3))}
    assert due([row], {}, NOW, 7) == [row]
    assert due([row], seen, NOW, 7) == []
    assert due([row], seen, NOW, 3) == [row]
    assert due([row | {"state": "under"}], seen, NOW, 7) == [row | {"state": "under"}]


def test_reviews_tell_budgets_and_goals(reviewed: Any) -> None:
    fill_reviewed(reviewed, plan_pace=pace(OVER, CALM), goal_progress=GOALS)
    for kind in ("daily", "weekly"):
        words = told(reviewed, kind)
        assert "* Video: about €180 by the end of the month, €90 so far, of a budget of €100." in words, kind
        assert "* Orders (deals won): 20, goal 60 by 31\u00a0December; behind, about 40." in words
        assert "* Cost per lead (CPA): €12, goal at most €15 by 31\u00a0December; on track, about €12." in words
        assert "* Win rate: —, goal 30% by 31\u00a0December; not known" in words
        assert "Social media: €35" not in words
    fill_reviewed(reviewed, plan_pace=pace(CALM), goal_progress=GOALS)
    assert "* Every budget of the month goes down as planned." in told(reviewed, "daily")


def test_a_month_lists_every_budget_and_what_is_not_known_is_no_zero(reviewed: Any) -> None:
    october = {"month": "'2026-10-01'", "until": "'2026-11-01'"}
    rows = ("('video', 100, 190, 190, 'over')", "('email', 50, NULL, NULL, 'missing_rate')",
            "('social', NULL, 5, NULL, 'unplanned')")  # fmt: skip
    fill_reviewed(reviewed, plan_pace=pace(*rows, complete="TRUE", **october), goal_progress=GOALS)
    words = told(reviewed, "monthly")
    assert "* Video: budget €100, spent €190,  over" in words
    assert "* E-mail: budget €50, spent —,  no rate" in words
    assert "* Social media: budget —, spent €5,  no budget" in words
    assert "* Orders (deals won): 20, goal 60" in words
    fill_reviewed(reviewed, without=("plan_pace", "goal_progress"), plan_pace="", goal_progress="")
    assert "There is no plan for this period." in told(reviewed, "monthly")


@pytest.mark.parametrize("language", ["ru", "uk"])
def test_every_word_of_the_plan_exists_in_every_language(reviewed: Any, language: str) -> None:
    states = ("over", "under", "unplanned", "missing_rate", "on", "too_early", "no_data_yet", "before_data")
    rows = [f"('video{n}', 100, 90, 180, '{state}')" for n, state in enumerate(states)]
    goals = ("reached", "missed", "on_track", "behind", "too_early", "incomplete", "no_data_yet")
    told_goals = ", ".join(f"('{state}', 'orders', 'at_most', 60, 20, 40, '{state}')" for state in goals)
    query = GOALS[: GOALS.index("(VALUES")] + f"(VALUES {told_goals}) AS g" + GOALS.split("AS g")[1]
    for kind, month in (("daily", "'2026-11-01'"), ("monthly", "'2026-10-01'")):
        fill_reviewed(reviewed, plan_pace=pace(*rows, month=month), goal_progress=query)
        words = told(reviewed, kind, language=language)
        section = words.split("== ")[2]
        assert section.count("*") >= 11, (kind, section)
        assert not {"over", "under", "budget", "spent", "of"} & set(section.replace(",", " ").split())
