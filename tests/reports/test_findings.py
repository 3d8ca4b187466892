"""What an alert tells: grouped, only what is news, in each reader's words, and nothing about people."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.reports.alerting import NOW, SECRET, Loud, result, trouble

from rebuttal.reports.findings import Findings, compose_alert, gather, told_sections
from rebuttal.reports.language import words_of
from rebuttal.warehouse.reports import read_quality


def test_one_message_per_channel_holds_everything_grouped(loud: Loud) -> None:
    trouble(loud)
    report = loud.tell()
    assert (report.counts, report.problems, report.changed) == ({"channels": 2, "sent": 2}, [], True)
    ((sender, to, mail),) = loud.post.received
    assert (sender, to) == ("loop@example.com", ["kate@example.com"])
    assert mail["Subject"] == "Data quality: 1 held batch, 6 problems (2026-11-16)"
    plain, rich = mail.iter_parts()
    words = plain.get_content()
    order = [
        "Held batches", "What volume_usual asks (yandex_metrica.visits): 100 rows",
        "Alarms", "What deals_without_contact asks (all data): 9 of 100",
        "Rows newly kept out", "12 rows",
        "Words that nobody has mapped yet", "What device_known asks", "for example row 1: unknown:fridge",
        "Spend and tags", "for example google-ads brand: EUR 120",
        "New or growing warnings", "What duration_sane asks (yandex_metrica.visits): 7 of 100", "Look at duration_sane",
        "https://airflow.example/quality/",
    ]  # fmt: skip
    places = [words.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert 'href="https://airflow.example/quality/"' in rich.get_content()
    ((path, body),) = loud.channel.received
    assert path == SECRET
    assert set(body) == {"text"}
    assert all(part in body["text"] for part in order)
    assert loud.states() == {("person:kate", "2026-11-16"): "sent", ("webhook:alerts_webhook", "2026-11-16"): "sent"}


def test_the_next_day_tells_what_is_new_and_what_still_stands(loud: Loud) -> None:
    trouble(loud)
    loud.tell()
    loud.land(3, checks=(result("visit_later", 50), result("duration_sane", 7)))
    assert loud.tell(NOW + timedelta(days=1)).counts == {"channels": 2, "sent": 2}
    text_of_day = loud.channel.received[-1][1]["text"]
    assert "What visit_later asks" in text_of_day
    assert "What volume_usual asks" in text_of_day, "a held batch is told until somebody has decided"
    assert "What deals_without_contact asks" in text_of_day, "and so is an alarm"
    for old in ("duration_sane", "values_readable", "spend_without", "12 rows"):
        assert old not in text_of_day, f"{old} is no news"


def test_what_grows_is_news_again(loud: Loud) -> None:
    loud.land(1, checks=(result("duration_sane", 4),))
    loud.tell()
    loud.land(2, checks=(result("duration_sane", 4),))
    assert loud.tell(NOW + timedelta(days=1)).counts == {"channels": 2, "nothing_to_tell": 2}
    loud.land(3, checks=(result("duration_sane", 40),))
    assert loud.tell(NOW + timedelta(days=2)).counts == {"channels": 2, "sent": 2}


def test_what_healed_is_not_told(loud: Loud) -> None:
    loud.land(1, checks=(result("duration_sane", 4),))
    loud.land(2, checks=(result("duration_sane", 0),))
    assert loud.tell().counts == {"channels": 2, "nothing_to_tell": 2}


def test_examples_with_a_number_or_an_address_stay_at_home(loud: Loud) -> None:
    loud.land(1, checks=(result("a", 3, "warning", "call +380 67 123 45 67", "write jane@shop.example", "row 3"),))
    assert loud.tell().counts["sent"] == 2
    for words in (loud.channel.received[0][1]["text"], loud.post.received[0][2].as_string()):
        assert "row 3" in words
        assert "67 123" not in words
        assert "jane" not in words


def test_markup_of_a_row_is_text_and_calls_nobody(loud: Loud) -> None:
    loud.land(1, checks=(result("a", 3, "warning", "row 1: <!channel> <script>x</script> & co"),))
    loud.tell()
    assert "<!channel>" not in loud.channel.received[0][1]["text"]
    assert "&lt;!channel&gt;" in loud.channel.received[0][1]["text"]
    plain, rich = loud.post.received[0][2].iter_parts()
    assert "<!channel>" in plain.get_content()
    assert "<script>" not in rich.get_content()


@pytest.mark.parametrize(
    ("language", "subject", "expected"),
    [
        ("en", "Data quality: 1 held batch, 6 problems (2026-11-16)", "What to do: Look at duration_sane"),
        (
            "ru",
            "Качество данных: 1 задержанный пакет, 6 проблем (2026-11-16)",
            "Что делать: Ищите терминал, робота-наблюдателя",
        ),
        (
            "uk",
            "Якість даних: 1 затриманий пакет, 6 проблем (2026-11-16)",
            "Що робити: Шукайте термінал, робота-спостерігача",
        ),
    ],
)
def test_each_reader_in_their_language(loud: Loud, language: Any, subject: str, expected: str) -> None:
    trouble(loud)
    alert = compose_alert(gather(read_quality(loud.settings), None), language, "2026-11-16", None, "Оля")
    assert (alert.subject, expected in alert.text, "Оля" in alert.html) == (subject, True, True)
    assert "{" not in alert.text + alert.subject


def test_a_flood_is_counted_not_listed(loud: Loud) -> None:
    loud.land(1, checks=tuple(result(f"check_{number:02d}", 3) for number in range(40)))
    alert = compose_alert(gather(read_quality(loud.settings), None), "en", "2026-11-16", None)
    assert alert.text.count("What check_") == 5
    assert "and 35 more" in alert.text


def test_what_to_do_stands_once_for_lines_that_ask_for_the_same() -> None:
    row = {
        "month_start": date(2026, 11, 1), "measured_until": date(2026, 11, 16), "currency": "EUR",
        "budget_base": 100.0, "spent_base": 90.0, "forecast_base": 180.0,
    }  # fmt: skip
    states = {"video": "over", "social": "over", "email": "under", "display": "over"}
    rows = [{**row, "channel": channel, "state": state} for channel, state in states.items()]
    (section,) = told_sections(words_of("en"), Findings({"pace": rows}))
    assert [line["next"] != "" for line in section["lines"]] == [False, True, True, True]
    assert all(line["step"] for line in section["lines"])
