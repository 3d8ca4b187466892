"""sources.yml: read strictly; an error names file, key and the nearest valid word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import Setup

from rebuttal.errors import ConfigError
from rebuttal.settings import PROJECT_ROOT
from rebuttal.sources import load_sources, registry, source_of, stream_of
from rebuttal.warehouse import ENTITIES


def error_of(folder: Path, text: str) -> str:
    (folder / "sources.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_sources(folder)
    assert str(folder / "sources.yml") in str(caught.value)
    return str(caught.value)


def test_the_default_configuration_names_every_source() -> None:
    config = load_sources(PROJECT_ROOT / "include" / "config")
    assert list(config.sources) == list(registry())
    assert config.history_days == 90
    assert set(config.sources["typeform"].options["forms"].values()) == {"nps", "lost_deal", "exit"}


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        ("history_day: 3\nsources: {}", "history_day ", "history_days"),
        ("sources:\n  hubspt: {}", "sources.hubspt", "hubspot"),
        ("sources:\n  hubspot: {conection: x}", "sources.hubspot.conection", "connection"),
        ("sources:\n  typeform: {options: {form: x}}", "sources.typeform.options.form", "forms"),
        ("limits: {atempts: 2}\nsources: {}", "limits.atempts", "attempts"),
    ],
)
def test_a_wrong_word_is_named_with_the_nearest_right_one(tmp_path: Path, text: str, key: str, word: str) -> None:
    message = error_of(tmp_path, text)
    assert key in message
    assert f"Did you mean '{word}'" in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("sources: [", "sources.yml:1 is not valid YAML"),
        ("a text", "must be a mapping"),
        ("history_days: 3", "sources: Field required"),
        ("history_days: many\nsources: {}", "history_days: "),
        ("limits: {attempts: 0}\nsources: {}", "limits.attempts: "),
        ("phone_regions: [Ukraine]\nsources: {}", "phone_regions.0: "),
        ("sources:\n  typeform: {options: {forms: nps7Qx}}", "sources.typeform.options.forms must be a mapping"),
        ("sources:\n  typeform: {options: {forms: {a: 1}}}", "sources.typeform.options.forms must be a mapping"),
        (
            "sources:\n  yandex_direct: {options: {currency: 5}}",
            "sources.yandex_direct.options.currency must be a text",
        ),
        ("sources: !!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, part: str) -> None:
    assert part in error_of(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources\.yml does not exist"):
        load_sources(tmp_path)


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'google_ads'"):
        source_of("google-ads")
    with pytest.raises(ConfigError, match="Did you mean 'deals'"):
        stream_of("hubspot", "deal")
    assert stream_of("hubspot", "deals").entity == "deal"


def test_every_stream_feeds_a_known_entity() -> None:
    streams = [stream for source in registry().values() for stream in source.streams]
    assert len(streams) == 17
    assert {stream.entity for stream in streams} == set(ENTITIES)
    assert all(set(stream.key) <= set(stream.column_names) for stream in streams)


def test_a_disabled_source_is_not_pulled_unless_it_is_named(make_setup: Any) -> None:
    off = {name: {"enabled": False} for name in registry()}
    setup: Setup = make_setup("ga4", sources=off)
    from rebuttal import sources

    assert sources.run(setup.context).details == []
    assert setup.pull().details[0]["status"] == "landed"


AGREED = """
google_ads.ad_performance: date customer_id time_zone currency campaign_id campaign_name campaign_status ad_group_id
    ad_group_name ad_id final_url final_url_suffix tracking_url_template impressions clicks cost_micros conversions
    conversions_value
google_ads.clicks: date customer_id gclid campaign_id ad_group_id ad
yandex_direct.ad_performance: date client_login time_zone currency campaign_id campaign_name ad_group_id ad_group_name
    ad_id impressions clicks cost_micros conversions revenue_micros
yandex_metrica.visits: visit_id counter_id client_id date_time_utc is_new_user start_url end_url page_views
    visit_duration bounce goals_id traffic_source direct_campaign_id utm_source utm_medium utm_campaign utm_content
    utm_term referer device watch_ids
yandex_metrica.hits: watch_id visit_id counter_id client_id date_time time_zone url referer is_page_view goals_id title
ga4.traffic: date property time_zone currency session_source session_medium session_campaign device sessions
    engaged_sessions total_users key_events is_estimated
hubspot.pipelines: pipeline_id pipeline_label stage_id stage_label display_order is_closed probability
hubspot.owners: owner_id team archived updated_at
hubspot.companies: company_id created_at updated_at archived name domain type city country
hubspot.contacts: contact_id created_at updated_at archived email_hash email_kind phone_hash phone_kind lifecycle_stage
    owner_id language gclid yclid client_id original_source merged_ids segment self_reported_source company_id
hubspot.deals: deal_id created_at updated_at archived closed_at pipeline stage_id amount currency is_closed is_won
    lost_reason deal_type product owner_id contact_ids company_ids
hubspot.contact_stage_changes: contact_id lifecycle_stage changed_at source_type
hubspot.deal_stage_changes: deal_id stage_id changed_at source_type
hubspot.notes: conversation_id updated_at created_at archived occurred_at body direction duration_ms disposition status
    owner_id contact_ids deal_ids
hubspot.calls: conversation_id updated_at created_at archived occurred_at body direction duration_ms disposition status
    owner_id contact_ids deal_ids
typeform.responses: form_id form_kind response_id landed_at submitted_at nps reason comment source_answer email_hash
    email_kind hidden
yclients.bookings: booking_id partner_id service specialist starts_at created_at updated_at status attendance is_online
    amount currency archived email_hash email_kind phone_hash phone_kind
"""


def test_landing_tables_have_the_columns_that_the_other_stages_read() -> None:
    agreed = {
        name: set(columns.split())
        for name, columns in (block.split(":") for block in AGREED.strip().replace("\n    ", " ").splitlines())
    }
    declared = {
        f"{source.name}.{stream.name}": set(stream.column_names)
        for source in registry().values()
        for stream in source.streams
    }
    assert declared == agreed
