"""Published exchange rates: read exactly or refused, imported once, and used on the days they are good for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.journeys.model import run
from rebuttal.journeys.rates import import_rates, known_rates, read_rates
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse

# Friday and Monday; the lines of the bank end in a comma.
HISTORY = "Date,USD,UAH,RUB,\n2026-01-12,1.25,50,N/A,\n2026-01-09,1.20,40,100,\n"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- daily --><gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><Cube>
<Cube time="2026-01-12"><Cube currency="USD" rate="1.25"/><Cube currency="UAH" rate="50"/></Cube>
<Cube time="2026-01-09"><Cube currency="USD" rate="1.20"/><Cube currency="UAH" rate="40"/>
<Cube currency="RUB" rate="100"/></Cube></Cube></gesmes:Envelope>"""
FRIDAY, MONDAY = date(2026, 1, 9), date(2026, 1, 12)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        path = tmp_path / "rates.txt"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def stored(context: Context) -> list[Any]:
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        query = "SELECT rate_source, rate_date, currency, units_per_eur, imported_at FROM ops.reference_rate"
        return [tuple(row) for row in connection.execute(text(f"{query} ORDER BY 1, 2, 3"))]


def test_csv_and_xml_say_the_same(file: Callable[[str], Path]) -> None:
    from_csv, from_xml = read_rates(file(HISTORY)), read_rates(file(XML))
    assert from_csv.pop((MONDAY, "RUB")) is None
    assert from_csv == from_xml
    assert from_xml[FRIDAY, "USD"] == Decimal("1.20")
    assert len(from_xml) == 5


def test_the_daily_file_writes_its_day_in_words(file: Callable[[str], Path]) -> None:
    assert read_rates(file("Date, USD, JPY, \n09 January 2026, 1.20, 183.5, \n")) == {
        (FRIDAY, "USD"): Decimal("1.20"), (FRIDAY, "JPY"): Decimal("183.5"),
    }  # fmt: skip


@given(
    st.dictionaries(
        st.tuples(st.dates(date(1999, 1, 4), date(2026, 1, 1)), st.sampled_from(["USD", "UAH", "JPY"])),
        st.one_of(st.none(), st.decimals(Decimal("0.00001"), 90000, places=5)),
        min_size=1,
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rates: dict[Any, Any]) -> None:
    names = sorted({currency for _, currency in rates})
    lines = [
        ",".join([str(day), *("N/A" if rates.get((day, name)) is None else str(rates[day, name]) for name in names)])
        for day in sorted({day for day, _ in rates}, reverse=True)
    ]
    path = tmp_path_factory.mktemp("rates") / "hist.csv"
    path.write_text("\n".join([",".join(["Date", *names]), *lines]))
    assert {key: rate for key, rate in read_rates(path).items() if rate is not None} == {
        key: rate for key, rate in rates.items() if rate is not None
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "wrong header"),
        ("Day,USD\n2026-01-09,1.2\n", "wrong header"),
        ("Date,Usd\n2026-01-09,1.2\n", "wrong header"),
        ("Date,USD\n", "holds no rates"),
        ("Date,USD\n2026-01-09,1.2\n2026-01-09,1.3\n", ":3 repeats USD of 2026-01-09"),
        ("Date,USD\n09.01.2026,1.2\n", ":2: '09.01.2026' is no date"),
        ("Date,USD\n2026-01-09,1,2\n", ":2 has another number of columns"),
        ("Date,USD,UAH\n2026-01-09,1.2\n", ":2 has another number of columns"),
        ("Date,USD\n2026-01-09,one\n", ":2: 'one' of USD is no number"),
        ("Date,USD\n2026-01-09,0\n", "a rate of 0 USD"),
        ("Date,USD\n2026-01-09,-1.2\n", "cannot be"),
        ("Date,USD\n2026-01-09,NaN\n", "cannot be"),
        ("Date,USD\n2026-01-09,1e20\n", "cannot be"),
        ("Date,USD\n2026-01-09,1e-12\n", "too small"),
        ("Date,EUR\n2026-01-09,1.1\n", "cannot be"),
        ("<Cube><Cube time='2026-01-09'><Cube currency='us' rate='1'/></Cube></Cube>", "'us' is no currency"),
        ("<Cube><Cube time='2026-01-09'>", "is not XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><Cube/>", "declares a document type"),
        ("<Cube/>", "holds no rates"),
    ],
)
def test_what_is_no_rate_is_refused(file: Callable[[str], Path], content: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read_rates(file(content))
    assert "rates.txt" in str(caught.value)


def test_days_that_have_not_come_are_refused_and_nothing_is_kept(
    settings: Settings, context_of: Any, file: Callable[[str], Path]
) -> None:
    context = context_of(settings)
    with pytest.raises(ConfigError, match="2026-01-23, which has not come"):
        import_rates(context, file("Date,USD\n2026-01-12,1.1\n2026-01-23,1.2\n"), "ecb")
    assert stored(context) == []


def test_imported_once_corrected_and_withdrawn(
    any_settings: Settings, context_of: Any, file: Callable[[str], Path]
) -> None:
    context = context_of(any_settings)
    first = import_rates(context, file(HISTORY), "ecb")
    assert first.counts == {"days": 2, "rates": 5, "new": 5, "corrected": 0, "withdrawn": 0}
    before = stored(context)
    assert len(before) == 5
    later = replace(context, clock=replace(context.clock, as_of=context.clock.now() + timedelta(days=3)))
    assert not import_rates(later, file(XML), "ecb").changed
    assert stored(context) == before, "the same values keep the time they came"

    report = import_rates(later, file("Date,USD,RUB\n2026-01-09,1.21,N/A\n"), "ecb")
    assert (report.counts["new"], report.counts["corrected"], report.counts["withdrawn"]) == (0, 1, 1)
    after = stored(context)
    assert [row[1:4] for row in after] == [
        (FRIDAY, "UAH", 40), (FRIDAY, "USD", Decimal("1.21")), (MONDAY, "UAH", 50), (MONDAY, "USD", Decimal("1.25")),
    ]  # fmt: skip
    assert [row[4] > before[0][4] for row in after] == [False, True, False, False]
    assert [(row["currency"], row["days"]) for row in known_rates(context)] == [("UAH", 2), ("USD", 2)]


DAYS = {"d": "2026-01-08", "fr": "2026-01-09", "su": "2026-01-11", "mo": "2026-01-12", "last": "2026-01-19"}


def won(deal_id: str, day: str, currency: str) -> dict[str, Any]:
    return {
        "deal_id": deal_id, "created_at": f"{day} 00:00", "closed_at": f"{day} 10:00", "is_closed": True,
        "is_won": True, "amount": 100, "currency": currency, "pipeline_id": "p", "stage_id": "won",
    }  # fmt: skip


@pytest.mark.parametrize("base", ["EUR", "USD"])
def test_which_rate_counts_on_which_day(
    any_settings: Settings, context_of: Any, fill: Any, file: Callable[[str], Path], tmp_path: Path, base: str
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    for path in any_settings.config.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    journey = (
        (folder / "journey.yml").read_text(encoding="utf-8").replace("base_currency: EUR", f"base_currency: {base}")
    )
    (folder / "journey.yml").write_text(journey, encoding="utf-8")
    (folder / "rates.csv").write_text("valid_from,currency,rate_to_base\n2020-01-01,GBP,2\n2026-01-12,UAH,9\n")
    deals = [won(f"{name}-{money}", day, money) for name, day in DAYS.items() for money in ("UAH", base, "GBP", "RUB")]
    deals.append(won("late-UAH", "2026-01-20", "UAH"))
    fill(any_settings, deal=deals)
    context = context_of(replace(any_settings, config=folder))
    import_rates(context, file(HISTORY), "ecb")
    import_rates(context, file("Date,UAH,USD\n2026-01-08,1,1\n"), "another bank")
    run(context)
    euro = 1 if base == "EUR" else None  # how many of the base one euro is, by day; None: look it up
    friday, monday = (euro or 1.20), (euro or 1.25)
    expected = {
        "d-UAH": None,  # before the first rate
        "fr-UAH": 100 / 40 * friday,
        "su-UAH": 100 / 40 * friday,  # the weekend takes Friday's
        "mo-UAH": 100 / 50 * monday,  # published goes before declared of the same day
        "last-UAH": 100 / 50 * monday,  # seven days old
        "late-UAH": None,  # eight days old: too old to stand in
        "d-RUB": None,
        "fr-RUB": friday,
        "su-RUB": friday,
        "mo-RUB": friday,  # N/A on Monday: Friday's is the newest
        "last-RUB": None,
        **{f"{name}-{base}": 100 for name in DAYS},
        **{f"{name}-GBP": 200 for name in DAYS},  # declared, and never too old
    }
    with open_warehouse(any_settings) as engine, engine.connect() as connection:
        rows = connection.execute(text("SELECT deal_id, amount_base, is_rate_missing FROM marts.deal")).all()
    found = {row[0]: (None if row[1] is None else float(row[1])) for row in rows}
    assert found == pytest.approx(expected, abs=1e-6)
    assert {row[0] for row in rows if row[2]} == {name for name, value in expected.items() if value is None}


def test_a_corrected_rate_restates_and_an_equal_one_does_not(
    settings: Settings, context_of: Any, fill: Any, file: Callable[[str], Path]
) -> None:
    fill(settings, deal=[won("a", "2026-01-12", "UAH")])
    context = context_of(settings)
    import_rates(context, file(HISTORY), "ecb")
    run(context)
    assert not run(context).changed
    import_rates(context, file(XML), "ecb")
    assert not run(context).changed
    import_rates(context, file("Date,UAH\n2026-01-12,25\n"), "ecb")
    assert run(context).changed
    with open_warehouse(settings) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT amount_base FROM marts.deal")).scalar_one() == 4
