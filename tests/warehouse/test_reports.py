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
