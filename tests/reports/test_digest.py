"""What the digest says, to whom, in which language, and what it says when it does not know."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from rebuttal import reports
from rebuttal.configuration import load_vocabulary
from rebuttal.errors import ConfigError, StoreError
from rebuttal.reports.compose import MAX_HTML_BYTES, compose
from rebuttal.reports.figures import Figures, ThemeWeek, Voices
from rebuttal.reports.language import plural_form, words_of
from rebuttal.reports.people import LANGUAGES, Person
from rebuttal.reports.week import Week, week_of
from rebuttal.settings import PROJECT_ROOT, Settings

READERS = {"olena": "uk", "marina": "ru", "kate": "en"}


def text_for(company: Any, person: str = "kate") -> str:
    return reports.preview(company.context(), person)[1]


def test_it_opens_with_what_changed_and_tells_the_week_in_order(company: Any) -> None:
    lines = [line for line in text_for(company).splitlines() if line]
    assert lines[:2] == ["Hello Kate,", "New this week: “Reviews and reputation” (4 voices), €10,000 at stake."]
    text = "\n".join(lines)
    order = [
        "What they say",
        "Did it help?",
        "What we are answering",
        "Published this week",
        "A question",
        "About the data",
    ]
    assert sorted(order, key=text.index) == order
    assert "18 voices, usually 7" in text
    # Eleven deals: the four of 2,500 voiced reviews and price, three of them delivery too; seven are of 1,500.
    assert "€20,500 at stake, each deal once" in text
    assert "* Trust / reputation / proof: Reviews and reputation [new]" in text
    assert "* Price / budget: Too expensive [rising]\n  11 voices, usually 4 · €16,500 at stake" in text
    assert "* Availability / delivery / location: delivery time\n  3 voices" in text
    assert "> Отзывов в сети нет, боюсь связываться" in text
    assert (
        "* MKT-1 Price / budget: Too expensive · In Progress · with Daria Koval https://jira.example/browse/MKT-1"
        in text
    )
    assert "* Contract / payment terms https://brand.example/pay" in text
    assert "became rarer by 31% against all others (−48% to −12%, 412 deals): confirmed" in text
    assert "Of 47 texts heard, 7 were not understood" in text


@pytest.mark.parametrize(
    ("person", "order"),
    [
        ("olena", ("Опубліковано за тиждень", "На що відповідаємо", "Чи допомогло?")),
        ("marina", ("На что отвечаем", "Помогло ли?", "Опубликовано за неделю")),
        ("kate", ("Did it help?", "What we are answering", "Published this week")),
    ],
)
def test_each_role_reads_first_what_it_acts_on(company: Any, person: str, order: tuple[str, ...]) -> None:
    html, text = reports.preview(company.context(), person)
    for said in (html, text):
        assert all(heading in said for heading in order)
        assert sorted(order, key=said.index) == list(order)


@pytest.mark.parametrize(("person", "keys"), [("marina", ["MKT-8", "MKT-7"]), ("kate", ["MKT-7", "MKT-8"])])
def test_writers_see_tasks_that_nobody_has_before_others(company: Any, rows: Any, person: str, keys: list[str]) -> None:
    company.fill(tasks=[
        rows.task("7", "price/too_high", "open", assignee="Iryna"),
        rows.task("8", "trust/reviews", "open", assignee=""),
    ])  # fmt: skip
    assert re.findall(r"^\* (MKT-\d+) ", text_for(company, person), re.MULTILINE) == keys


def test_html_and_text_say_the_same(company: Any) -> None:
    html, text = reports.preview(company.context(), "kate")
    visible = " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL).split())
    for sentence in ("New this week:", "€10,000 at stake", "MKT-1", "became rarer by 31%", "7 were not understood"):
        assert sentence in text
        assert sentence in visible
    assert html.count("data:image/png;base64,") == 2


@pytest.mark.parametrize(("person", "language"), READERS.items())
def test_every_reader_gets_their_own_language_and_question(company: Any, person: str, language: str) -> None:
    html, text = reports.preview(company.context(), person)
    assert f'lang="{language}"' in html
    assert {
        "uk": "Нове цього тижня: «Відгуки і репутація» (4 голоси), під загрозою 10\u202f000\u202f€.",
        "ru": "Новое на этой неделе: «Отзывы и репутация» (4 голоса), под угрозой 10\u202f000\u202f€.",
        "en": "New this week: “Reviews and reputation” (4 voices), €10,000 at stake.",
    }[language] in text
    assert {"uk": "слово в слово", "ru": "Ответьте ссылкой", "en": "Reply with yes or no"}[language] in text


def test_the_mail_is_small_enough_not_to_be_cut(company: Any) -> None:
    html, _ = reports.preview(company.context(), "olena")
    without_pictures = re.sub(r"data:image/png;base64,[^\"]+", "", html)
    assert 5_000 < len(without_pictures.encode()) < MAX_HTML_BYTES // 2


def test_an_empty_week_says_so_and_shows_no_chart(company: Any) -> None:
    company.fill(objections=[], tasks=[], effects=[])
    html, text = reports.preview(company.context(), "kate")
    assert "No objection was heard this week." in text
    assert "0 voices" in text
    assert "€0 at stake" in text
    assert "No content task is open." in text
    assert "Which doubt did a customer tell you this week" in text
    assert "data:image/png" not in html


def test_a_query_that_fails_is_never_a_zero(company: Any) -> None:
    company.fill(without=("objection", "text_label"))
    html, text = reports.preview(company.context(), "kate")
    assert "This week's objections could not be computed" in text
    assert text.count("This part could not be computed. It is not zero: it is not known.") == 2
    assert "— voices" in text
    assert "0 voices" not in text
    assert "data:image/png" not in html
    assert "MKT-1" in text


def test_late_held_and_missing_data_are_told_by_name(company: Any, rows: Any) -> None:
    late = rows.batch("google_ads", datetime(2026, 11, 12, tzinfo=UTC))
    held = rows.batch("hubspot", company.now, "held")
    company.fill(batches=[rows.batch("hubspot", company.now), late, held, rows.batch("ga4", company.now, "landed")])
    text = text_for(company)
    assert "* Google Ads: no data after 11\u00a0November" in text
    assert "* HubSpot: 1 batch held back by a check; the last good data is shown." in text
    assert "* GA4: no data yet." in text
    assert "Rows set aside because they were wrong: 3." in text
    assert "at stake. The data is incomplete (see below)." in text
    assert "All sources reach" not in text


def test_sources_that_end_alike_are_told_in_one_line(company: Any, rows: Any) -> None:
    late = [rows.batch(source, datetime(2026, 11, 12, tzinfo=UTC)) for source in ("google_ads", "ga4")]
    company.fill(batches=[rows.batch("hubspot", company.now), *late])
    assert "* GA4, Google Ads: no data after 11\u00a0November" in text_for(company)


def test_a_theme_says_what_is_there_to_answer_it(company: Any, rows: Any) -> None:
    day = datetime(2026, 10, 12, tzinfo=UTC)
    pieces = [
        rows.task(str(n), "price/too_high", "published", published_url=f"https://brand.example/{n}", published_at=at)
        for n, at in ((7, day), (8, day - timedelta(days=1)))
    ]
    company.fill(tasks=[*pieces, rows.task("9", "trust/reviews", "open")])
    html, text = reports.preview(company.context(), "kate")
    price, reviews, delivery = (text.index(name) for name in ("Too expensive [", "reputation [", ": delivery time"))
    assert price < text.index("Published, to send them: https://brand.example/7")
    assert "https://brand.example/8" not in text
    assert reviews < text.index("Being answered: MKT-9 · In Progress") < price
    assert delivery < text.index("No task for it yet.")
    assert text.count("No task for it yet.") == 1
    assert 'href="https://brand.example/7"' in html


@pytest.mark.parametrize(
    ("person", "named", "nobody"),
    [("kate", "· with ", "· nobody has it yet"), ("marina", "· кто занимается: ", "· пока никто не взял"),
     ("olena", "· хто займається: ", "· поки ніхто не взяв")],
)  # fmt: skip
def test_who_has_a_task_is_told_beside_the_theme_and_in_the_list(
    company: Any, rows: Any, person: str, named: str, nobody: str
) -> None:
    name = "Iryna <b>D'Arc</b>, {editor}"
    company.fill(tasks=[
        rows.task("7", "price/too_high", "open", assignee=name),
        rows.task("8", "trust/reviews", "unknown", assignee=""),
        rows.task("9", "availability/delivery_time", "open", assignee=None),
        rows.task("10", "terms/general", "proposed", task_key=None, task_url=None, tracker_status=None),
    ])  # fmt: skip
    html, text = reports.preview(company.context(), person)
    assert text.count(named + name) == 2, "beside the theme, and in the list of what is answered"
    assert text.count(nobody) == 3, "a theme's and two of the list: what is being sent nobody can have"
    (unread,) = [line for line in text.splitlines() if line.startswith("* MKT-9 ")]
    assert unread.endswith("· In Progress https://jira.example/browse/MKT-9"), "not read is not nobody"
    assert html.count("Iryna &lt;b&gt;D&#39;Arc&lt;/b&gt;, {editor}") == 2
    assert html.count(nobody) == 3


def test_all_but_partners_are_told_a_colleagues_name() -> None:
    vocabulary = load_vocabulary(PROJECT_ROOT / "include" / "config")
    week = Week(date(2026, 11, 9))
    theme = ThemeWeek(category="price", theme="too_high", count=3, usual=1.0, trend="", money=10.0, quotes=[])
    task = {"theme": "price/too_high", "status": "open", "tracker_status": "To Do", "assignee": "Daria Koval",
            "task_key": "MKT-1", "task_url": None, "published_at": None, "published_url": None}  # fmt: skip
    figures = Figures(week, Voices([theme], [(week, 3)], "EUR", 10.0), [task], [], None, [])
    for role, count in (("partner", 0), ("sales", 2), ("content", 2), ("lead", 2)):
        more = {"partner": "salon-01"} if role == "partner" else {}
        person = Person.model_validate(
            {"id": "p", "email": "p@example.com", "role": role, "language": "en", "time_zone": "UTC", **more}
        )
        digest = compose(figures, person, vocabulary)
        assert (digest.text.count("Daria Koval"), digest.html.count("Daria Koval")) == (count, count)


def test_silence_because_nothing_has_arrived_is_not_told_as_silence(company: Any, rows: Any) -> None:
    company.fill(objections=[], batches=[rows.batch("hubspot", datetime(2026, 11, 9, tzinfo=UTC))])
    text = text_for(company)
    assert "This week's objections could not be computed" in text
    assert "No objection was heard" not in text
    assert "0 voices" not in text


def test_a_source_that_never_came_is_missing_too(company: Any) -> None:
    (company.settings.config / "sources.yml").write_text("sources: {hubspot: {}, yandex_metrica: {}}", encoding="utf-8")
    assert "* Yandex Metrica: no data yet." in text_for(company)


def test_few_voices_come_with_a_warning(company: Any, rows: Any) -> None:
    company.fill(objections=rows.voices("price", "too_high", 0, 4))
    assert "Few voices: shares and comparisons mean little this week." in text_for(company)


def test_without_earlier_weeks_nothing_is_called_new_or_rising(company: Any, rows: Any) -> None:
    company.fill(objections=rows.voices("price", "too_high", 0, 12))
    text = text_for(company)
    assert "Nothing out of the ordinary: 12 voices in all" in text
    assert "[new]" not in text
    assert "[rising]" not in text


def test_unknown_money_is_not_zero(company: Any, rows: Any) -> None:
    company.fill(objections=rows.voices("price", "too_high", 0, 4, None))
    text = text_for(company)
    assert "how much is at stake is not known" in text
    assert "€0" not in text


def test_money_that_nobody_knows_is_not_zero_because_some_deals_were_won(company: Any, rows: Any) -> None:
    won = [{**row, "outcome": "won"} for row in rows.voices("service", "rude", 0, 4, 0.0)]
    people = [{**row, "outcome": None, "deal_id": None} for row in rows.voices("service", "rude", 0, 6, None)]
    people = [{**row, "objection_id": f"person-{number}"} for number, row in enumerate(people)]
    company.fill(objections=[*won, *people])
    text = text_for(company)
    assert "10 voices · how much is at stake is not known" in text
    assert "not known at stake, each deal once" in text
    assert "€0" not in text
    company.fill(objections=won)
    assert "4 voices · €0 at stake" in text_for(company)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "(4 voices), how much is at stake is not known."),
        ("ru", "(4 голоса), сколько под угрозой, неизвестно."),
        ("uk", "(4 голоси), скільки під загрозою, невідомо."),
    ],
)
def test_the_first_sentence_says_that_money_is_not_known(language: str, told: str) -> None:
    week = Week(date(2026, 11, 9))
    new = ThemeWeek("trust", "reviews", count=4, usual=0.0, money=None, trend="new")
    figures = Figures(week, Voices([new], [(week, 4)], "EUR", None), None, None, None, [])
    reader = Person(id="a", name="", email="a@example.com", role="lead", language=language, time_zone="UTC")
    assert told in compose(figures, reader, load_vocabulary(PROJECT_ROOT / "include" / "config")).text


def test_quotes_with_personal_data_are_not_shown_and_hostile_ones_stay_text(company: Any, rows: Any) -> None:
    hostile = '<img src=x onerror=alert(1)> {{7*7}} <a href="https://evil.example">тут</a>'
    objections = rows.voices("price", "too_high", 0, 2, quote=hostile)
    objections += rows.voices("trust", "reviews", 0, 3, quote="Пишите на anna@salon.example")
    company.fill(objections=objections)
    html, text = reports.preview(company.context(), "kate")
    assert "anna@salon.example" not in html + text
    assert "No quote can be shown." in text
    assert "<img src=x" not in html
    assert 'href="https://evil.example"' not in html
    assert "&lt;img src=x" in html
    assert "{{7*7}}" in text


def test_only_web_addresses_become_links(company: Any, rows: Any) -> None:
    bad = {"published_url": "javascript:alert(1)", "published_at": datetime(2026, 11, 12, tzinfo=UTC)}
    company.fill(tasks=[rows.task("9", "terms/general", "published", **bad)])
    html, text = reports.preview(company.context(), "kate")
    assert "javascript:" not in html + text
    assert "* Contract / payment terms" in text


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("rejected", "no drop that chance does not explain (−48% to −12%, 412 deals): rejected"),
     ("not_enough_data", "not enough deals for a verdict (412)")],
)  # fmt: skip
def test_every_verdict_has_its_words(company: Any, rows: Any, verdict: str, words: str) -> None:
    company.fill(effects=[rows.effect("3", "terms/general", verdict, date(2026, 11, 16))])
    assert words in text_for(company)


def test_a_verdict_is_told_in_its_week_only(company: Any, rows: Any) -> None:
    company.fill(effects=[rows.effect("3", "terms/general", "confirmed", date(2026, 11, 9))])
    assert "No verdict fell due this week." in text_for(company)


def test_nothing_published_is_an_error_in_words(company: Any) -> None:
    company.settings.published_path.unlink()
    with pytest.raises(StoreError, match="Nothing has been published yet"):
        text_for(company)


def test_an_unknown_person_is_named_with_those_who_exist(company: Any) -> None:
    with pytest.raises(ConfigError, match=r"no person 'kata' in people\.yml\. Use one of olena, marina, kate"):
        text_for(company, "kata")


@pytest.mark.parametrize(
    ("now", "zone", "iso"),
    [
        ("2026-11-15T22:30:00+00:00", "Europe/Kyiv", "2026-W46"),  # Monday 00:30 there: the week has just ended
        ("2026-11-15T22:30:00+00:00", "Europe/London", "2026-W45"),  # still Sunday there
        ("2026-10-25T23:30:00+00:00", "Europe/Berlin", "2026-W43"),  # the night the clocks went back
        ("2026-03-29T21:30:00+00:00", "Europe/Kyiv", "2026-W13"),  # the day they went forward
        ("2027-01-04T09:00:00+00:00", "Europe/Kyiv", "2026-W53"),  # over the new year
        ("2026-01-05T09:00:00+00:00", "Europe/Kyiv", "2026-W01"),
    ],
)
def test_the_week_is_the_one_that_ended_where_the_reader_lives(now: str, zone: str, iso: str) -> None:
    assert week_of(datetime.fromisoformat(now), ZoneInfo(zone), "last").iso == iso


@pytest.mark.parametrize(
    ("language", "counts"),
    [
        ("en", {0: 2, 1: 0, 2: 2, 21: 2}),
        ("ru", {0: 2, 1: 0, 2: 1, 4: 1, 5: 2, 11: 2, 12: 2, 14: 2, 21: 0, 22: 1, 111: 2, 122: 1}),
        ("uk", {1: 0, 3: 1, 5: 2, 11: 2, 21: 0}),
    ],
)
def test_plurals(language: Any, counts: dict[int, int]) -> None:
    assert {n: plural_form(language, n) for n in counts} == counts


def test_numbers_money_and_dates_are_written_as_the_language_does() -> None:
    en, ru = words_of("en"), words_of("ru")
    assert (en.number(1234.5, 1), ru.number(1234.5, 1)) == ("1,234.5", "1\u202f234,5")
    assert (en.money(1234, "EUR"), ru.money(1234, "EUR")) == ("€1,234", "1\u202f234\u202f€")
    assert (en.money(5, "PLN"), ru.money(None, "EUR")) == ("PLN 5", "неизвестно")
    assert (en.percent(-0.31, signed=True), ru.percent(0.31)) == ("−31%", "31\u202f%")
    week = Week(date(2026, 11, 9))
    assert (en.range(week), ru.range(week)) == ("9–15\u00a0November 2026", "9–15\u00a0ноября 2026")
    assert en.range(Week(date(2026, 11, 30))) == "30\u00a0November – 6\u00a0December 2026"
    assert en.range(Week(date(2026, 12, 28))) == "28\u00a0December 2026 – 3\u00a0January 2027"


def test_the_three_languages_have_the_same_words_with_the_same_blanks() -> None:
    def blanks(data: Any, path: str = "") -> dict[str, set[str]]:
        if isinstance(data, dict):
            return {k: v for key, value in data.items() for k, v in blanks(value, f"{path}.{key}").items()}
        if isinstance(data, list):
            return {f"{path}[{n}]": set(re.findall(r"{(\w+)}", value)) for n, value in enumerate(data)}
        return {path: set(re.findall(r"{(\w+)}", data))}

    folder = PROJECT_ROOT / "include" / "rebuttal" / "reports" / "strings"
    seen = {name: blanks(yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))) for name in LANGUAGES}
    assert len(seen["en"]) > 70
    assert seen["ru"] == seen["en"]
    assert seen["uk"] == seen["en"]


@pytest.mark.parametrize("seed", range(5))
def test_any_figures_give_a_mail(seed: int) -> None:
    """Long names, huge numbers, many themes, missing parts: it is composed, in every language, within its size."""
    draw = random.Random(seed)
    vocabulary = load_vocabulary(PROJECT_ROOT / "include" / "config")
    themes = [
        ThemeWeek(
            category=draw.choice(["price", "trust", "x" * 60]),
            theme=f"theme_{n}" * draw.choice([1, 12]),
            count=draw.choice([1, 7, 40_000]),
            usual=draw.choice([None, draw.random() * 20]),
            trend=draw.choice(["", "new", "rising", "falling", "steady"]),
            money=draw.choice([None, 0.0, 1e9]),
            quotes=["ж" * 220] * draw.choice([0, 2]),
        )
        for n in range(draw.choice([1, 30]))
    ]
    week = Week(date(2026, 11, 9))
    trend = [(week.before(n), draw.choice([0, 3, 100_000])) for n in range(draw.choice([1, 12]))][::-1]
    voices = draw.choice(
        [None, Voices(themes, trend, "EUR", draw.choice([None, 1e9])), Voices([], [(week, 0)], "EUR", 0.0)]
    )
    figures = Figures(week, voices, None, None, None, [])
    for language in LANGUAGES:
        person = Person(id="a", name="", email="a@example.com", role="lead", language=language, time_zone="UTC")
        digest = compose(figures, person, vocabulary)
        assert len(digest.html.encode()) < MAX_HTML_BYTES
        assert compose(figures, person, vocabulary) == digest
        assert digest.text.count("==") >= 6


def test_the_same_digest_on_postgres(company: Any, postgres_url: Any) -> None:
    expected = text_for(company)
    settings: Settings = replace(company.settings, warehouse_url=postgres_url())
    other = replace(company, settings=settings)
    other.fill()
    assert text_for(other) == expected
