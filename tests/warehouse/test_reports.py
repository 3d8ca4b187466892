"""`report NAME`: what is published, errors for what is not, never zeros."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from rebuttal.errors import ConfigError, StoreError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.reports import NAMES, report


def publish_rows(settings: Settings, statement: str) -> None:
    """Run statements where readers look (on DuckDB the published copy, made here by hand)."""
    if settings.warehouse_url.startswith("duckdb"):
        settings = Settings(
            settings.home, settings.config, settings.sandbox_url, f"duckdb:///{settings.published_path}", "sqlite://"
        )
    with open_warehouse(settings) as engine, engine.begin() as connection:
        for part in statement.split(";"):
            connection.execute(text(part))


def test_a_mart_in_the_order_people_read_it(any_settings: Settings) -> None:
    publish_rows(
        any_settings,
        "CREATE TABLE marts.kpi_weekly (week_start date, roas double precision);"
        "INSERT INTO marts.kpi_weekly VALUES ('2026-01-12', NULL), ('2026-01-05', 1.5)",
    )
    columns, rows = report(any_settings, "kpi_weekly")
    assert columns == ["week_start", "roas"]
    assert [row[1] for row in rows] == [1.5, None]


def test_every_other_mart_has_a_report(any_settings: Settings) -> None:
    publish_rows(any_settings, "CREATE TABLE marts.leak (a text);INSERT INTO marts.leak VALUES ('x')")
    assert report(any_settings, "leak") == (["a"], [["x"]])


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("quality")])
def test_what_is_not_there_yet_says_so(any_settings: Settings, name: str) -> None:
    publish_rows(any_settings, "CREATE TABLE marts.other (a text)")
    with pytest.raises(StoreError, match=f"Nothing yet: no {name}"):
        report(any_settings, name)


def test_an_unknown_name_names_the_nearest(any_settings: Settings) -> None:
    publish_rows(any_settings, "CREATE TABLE marts.other (a text)")
    with pytest.raises(ConfigError, match="did you mean 'funnel_weekly'"):
        report(any_settings, "funel_weekly")
    with pytest.raises(ConfigError, match="did you mean 'other'"):
        report(any_settings, "othr")
    with pytest.raises(ConfigError, match="known are attribution"):
        report(any_settings, 'x"; DROP TABLE marts.other')


def test_nothing_published_at_all(settings: Settings) -> None:
    with pytest.raises(StoreError, match="Nothing has been published yet"):
        report(settings, "kpi_weekly")


def test_attribution_of_sources_out_of_step_is_refused_in_words(any_settings: Settings) -> None:
    publish_rows(
        any_settings,
        "CREATE TABLE marts.attribution (period_kind text, period_start date, conversion_type text, model text,"
        " dimension text, name text, conversions numeric);"
        "INSERT INTO marts.attribution VALUES ('all', NULL, 'won', 'first', 'channel', 'email', 1);"
        "CREATE TABLE marts.source_window (family text, first_date date, until_date date);"
        "INSERT INTO marts.source_window VALUES ('visits', '2026-01-01', '2026-02-01'),"
        " ('ads', '2026-01-01', '2026-02-01'), ('crm', '2026-02-01', '2026-04-01')",
    )
    with pytest.raises(StoreError, match=r"Refused: .*the CRM from 2026-02-01 .* visits from 2026-01-01 .*not one day"):
        report(any_settings, "attribution")


def test_attribution_of_sources_with_one_common_day_is_shown(any_settings: Settings) -> None:
    publish_rows(
        any_settings,
        "CREATE TABLE marts.attribution (period_kind text, period_start date, conversion_type text, model text,"
        " dimension text, name text, conversions numeric);"
        "INSERT INTO marts.attribution VALUES ('all', NULL, 'won', 'first', 'channel', 'email', 1);"
        "CREATE TABLE marts.source_window (family text, first_date date, until_date date);"
        "INSERT INTO marts.source_window VALUES ('visits', '2026-01-01', '2026-02-02'),"
        " ('crm', '2026-02-01', '2026-04-01')",
    )
    assert len(report(any_settings, "attribution")[1]) == 1
