"""Tags against the registry: each kind of fault, its detail, and what is (never) changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landed import context, land, read, row

from rebuttal import quality
from rebuttal.errors import ConfigError
from rebuttal.quality.utm import Tags, judge, suggested
from rebuttal.quality.utm_registry import Link, Registry, folded, load_registry
from rebuttal.settings import PROJECT_ROOT, Settings

REGISTRY = Registry(
    tuple(
        Link(
            utm_source=source,
            utm_medium=medium,
            utm_campaign=campaign,
            utm_content=content,
            platform=paid,
            channel="x",
        )
        for source, medium, campaign, content, paid in [
            ("google", "cpc", "brand_us_q1", ["rsa1", "Banner_Long"], "google-ads"),
            ("google", "cpc", "brand_us_q2", [], "google-ads"),
            ("google", "display", "lookalike", [], "google-ads"),
            ("yandex", "cpc", "brand_ru", [], "yandex-direct"),
            ("newsletter", "email", "weekly_letter", [], ""),
            ("Partner", "referral", "Spring Catalogue", [], ""),
        ]
    )
)
GOOGLE, YANDEX = frozenset({"google-ads"}), frozenset({"yandex-direct"})
BRAND = ("google", "cpc", "brand_us_q1")
SUGGESTED = "suggested: utm_source=google, utm_medium=cpc, utm_campaign=brand_us_q1"

CASES = [
    (Tags(*BRAND, "rsa1", clicks=GOOGLE), "ok", None),
    (Tags(*BRAND), "ok", None),
    (Tags("google", "cpc", "brand_us_q2", "anything"), "ok", None),
    (Tags(), "untagged", None),
    (Tags(referrer_host="www.google.com"), "untagged", None),
    (Tags(clicks=GOOGLE), "missing_on_paid_click", "paid click of google-ads without tags"),
    (Tags("google", None, "brand_us_q1", clicks=GOOGLE), "missing_on_paid_click", None),
    (Tags("Google", "CPC", "brand_us_q1"), "case_variant", "registered: utm_source=google, utm_medium=cpc"),
    (Tags("google", "cpc", " brand_us_q1 "), "case_variant", "registered: utm_campaign=brand_us_q1"),
    (Tags("partner", "referral", "spring  catalogue"), "case_variant", None),
    (Tags(*BRAND, "banner_long"), "case_variant", "registered: utm_content=Banner_Long"),
    (Tags("gogle", "cpc", "brand_us_q1"), "spelling_variant", SUGGESTED),
    (Tags("google", "cpc", "brand-us-q1"), "spelling_variant", SUGGESTED),
    (Tags("google", "cpc", "brnad_us_q1", clicks=GOOGLE), "spelling_variant", SUGGESTED),
    (Tags("google", "cpc", "brand_us_q3"), "unregistered", "utm_campaign=brand_us_q3"),
    (Tags("google", "cpc", "brand_uk_q1"), "unregistered", "utm_campaign=brand_uk_q1"),
    (Tags("google", "cpc", "weekly_letter"), "unregistered", "no registered link has these tags together"),
    (Tags("chatgpt.com"), "ai_assistant", "tagged by chatgpt"),
    (Tags("ChatGPT.com", "referral"), "ai_assistant", "tagged by chatgpt"),
    (Tags("perplexity"), "ai_assistant", "tagged by perplexity"),
    (Tags(referrer_host="www.perplexity.ai"), "ai_assistant", "came from perplexity"),
    (Tags(referrer_host="gemini.google.com"), "ai_assistant", "came from gemini"),
    (Tags(referrer_host="notclaude.ai"), "untagged", None),
    (Tags("chatgpt.com", "social", "spring"), "unregistered", None),
    (Tags(*BRAND, referrer_host="chatgpt.com"), "ok", None),
    (Tags(referrer_host="chatgpt.com", clicks=GOOGLE), "missing_on_paid_click", None),
    (
        Tags("chatgpt.com", clicks=GOOGLE),
        "contradicts_click_id",
        "click id of google-ads, tags of the AI assistant chatgpt",
    ),
    (Tags("gogle", "cpc", "brnad_us_q1"), "spelling_variant", SUGGESTED),
    (Tags("gogle", "email", "brand_us_q1"), "unregistered", "utm_source=gogle"),
    (Tags(*BRAND, "rsa9"), "unregistered", "utm_content=rsa9"),
    (Tags(*BRAND, "banner_lnog"), "spelling_variant", "suggested: utm_content=Banner_Long"),
    (
        Tags("Google", "cpc", "brand_us_q1", "x"),
        "case_variant",
        "registered: utm_source=google; unregistered: utm_content=x",
    ),
    (Tags("cpc", "google", "brand_us_q1"), "swapped_fields", None),
    (Tags("brand_us_q1", "cpc", "google"), "swapped_fields", None),
    (Tags(*BRAND, clicks=YANDEX), "contradicts_click_id", "click id of yandex-direct, tags of google-ads"),
    (Tags("newsletter", "email", "weekly_letter", clicks=GOOGLE), "contradicts_click_id", None),
    (Tags("yandex", "cpc", "unheard_of", clicks=GOOGLE), "contradicts_click_id", None),
    (Tags(*BRAND, clicks=GOOGLE | YANDEX), "ok", None),
    (Tags(*BRAND, referrer_host="www.facebook.com"), "contradicts_referrer", None),
    (Tags(*BRAND, referrer_host="yandex.com.tr"), "contradicts_referrer", None),
    (Tags("newsletter", "email", "weekly_letter", referrer_host="t.me"), "contradicts_referrer", None),
    (Tags("newsletter", "email", "weekly_letter", referrer_host="mail.google.com"), "ok", None),
    (Tags(*BRAND, referrer_host="www.google.com.ua"), "ok", None),
    (Tags(*BRAND, referrer_host="some-forum.example"), "ok", None),
    (Tags(*BRAND, referrer_host="notgoogle.com"), "ok", None),
    (Tags("google", "display", "lookalike", referrer_host="facebook.com"), "ok", None),
]


@pytest.mark.parametrize(("tags", "status", "detail"), CASES)
def test_each_kind_of_fault(tags: Tags, status: str, detail: str | None) -> None:
    found = judge(tags, REGISTRY)
    assert found.status == status
    assert detail is None or found.detail == detail
    assert (found.detail is None) == (status in ("ok", "untagged"))


def test_only_case_and_spaces_are_mended() -> None:
    variant = judge(Tags("GOOGLE", "Cpc ", "Brand_US_Q1", "BANNER_LONG", "Term"), REGISTRY)
    assert (variant.utm_source_norm, variant.utm_medium_norm, variant.utm_campaign_norm) == BRAND
    assert (variant.utm_content_norm, variant.utm_term_norm) == ("Banner_Long", "Term")
    slip = judge(Tags("Google", "cpc", "brnad_us_q1"), REGISTRY)
    assert (slip.utm_source_norm, slip.utm_campaign_norm) == ("google", "brnad_us_q1")
    swapped = judge(Tags("cpc", "google", "brand_us_q1"), REGISTRY)
    assert (swapped.utm_source_norm, swapped.utm_medium_norm) == ("cpc", "google")


def test_an_accepted_alias_means_the_registered_value_and_nothing_more() -> None:
    aliases = {("utm_source", "gogle"): "Google", ("utm_content", "banner_lnog"): "Banner_Long"}
    registry = replace(REGISTRY, aliases=aliases)
    found = judge(Tags("Gogle ", "cpc", "brand_us_q1", "banner_lnog", "gogle"), registry)
    assert found.status == "alias"
    assert found.detail == "accepted: utm_source=Gogle  means google, utm_content=banner_lnog means Banner_Long"
    assert (found.utm_source_norm, found.utm_content_norm, found.utm_term_norm) == ("google", "Banner_Long", "gogle")
    assert judge(Tags("gogle", "cpc", "brand_us_q1", clicks=YANDEX), registry).status == "contradicts_click_id"
    unknown = judge(Tags("gogle", "cpc", "brand_us_q3", "banner_lnog"), registry)
    assert (unknown.status, unknown.utm_source_norm, unknown.utm_content_norm) == (
        "unregistered",
        "google",
        "banner_lnog",
    )
    assert judge(Tags("google", "cpc", "brand_us_q2", "banner_lnog"), registry).utm_content_norm == "banner_lnog"


def test_an_alias_never_goes_before_the_registry() -> None:
    """A value that is registered means itself, and an alias of a value that is gone is idle."""
    aliases = {("utm_campaign", "brand_us_q2"): "brand_us_q1", ("utm_source", "gogle"): "goggle"}
    registry = replace(REGISTRY, aliases=aliases)
    assert judge(Tags("google", "cpc", "brand_us_q2"), registry).utm_campaign_norm == "brand_us_q2"
    assert judge(Tags("gogle", "cpc", "brand_us_q2"), registry).utm_source_norm == "gogle"


def test_a_rejected_variant_is_no_suggestion() -> None:
    registry = replace(REGISTRY, rejected=frozenset({("utm_source", "gogle", "google")}))
    assert judge(Tags("gogle", "cpc", "brand_us_q1"), registry).status == "unregistered"
    assert judge(Tags("goggle", "cpc", "brand_us_q1"), registry).status == "spelling_variant"


VALUES = st.one_of(
    st.none(),
    st.sampled_from([tag for link in REGISTRY.links for tag in link.tags]),
    st.sampled_from(["gogle", "brnad_us_q1", "brand_us_q3", "Google", "chatgpt.com", "brand_uk_q1", ""]),
    st.text(max_size=8),
)


@given(VALUES, VALUES, VALUES, VALUES, st.sampled_from([frozenset(), GOOGLE, YANDEX]))
def test_without_a_person_no_tag_becomes_another(source, medium, campaign, content, clicks) -> None:  # type: ignore[no-untyped-def]
    """Whatever comes: what a tag means is what was written, but for case and spaces."""
    tags = Tags(source, medium, campaign, content, None, clicks)
    found = judge(tags, REGISTRY)
    norms = (found.utm_source_norm, found.utm_medium_norm, found.utm_campaign_norm, found.utm_content_norm)
    for written, meant in zip((source, medium, campaign, content), norms, strict=True):
        assert (written is None) == (meant is None)
        assert written is None or folded(written) == folded(meant or "")


@given(st.sampled_from(REGISTRY.links), st.sampled_from(REGISTRY.links))
def test_a_registered_link_is_never_suggested_for_another(one: Link, other: Link) -> None:
    assert judge(Tags(*one.tags), REGISTRY).status == "ok"
    assert suggested(Tags(*one.tags), REGISTRY) is None
    mixed = Tags(one.utm_source, other.utm_medium, other.utm_campaign)
    assert suggested(mixed, REGISTRY) is None


def test_visits_keep_their_raw_tags_and_none_is_dropped(any_settings: Settings) -> None:
    stream = "yandex_metrica.visits"
    click = "https://b.example/?gclid=AbC"
    rows = [
        row(stream, visit_id="1", utm_source="Google", utm_medium="cpc", utm_campaign="brand_us_q1"),
        row(stream, visit_id="2", utm_source="gogle", utm_medium="cpc", utm_campaign="brand_us_q1", referer=""),
        row(stream, visit_id="3", start_url=click),
        row(stream, visit_id="4"),
        row(stream, visit_id="5", utm_source="yandex", utm_medium="cpc", utm_campaign="brand_ru", start_url=click),
        row(stream, visit_id="6", utm_source="google", utm_medium="cpc", utm_campaign="brand_us_q1",
            referer="https://www.facebook.com:443/a?b"),
        row(stream, visit_id="7", utm_term="only"),
    ]  # fmt: skip
    land(any_settings, stream, rows)
    assert quality.run(context(any_settings)).counts["new"] == 7
    found = read(
        any_settings, "select utm_status, utm_source, utm_source_norm, utm_detail from core.visit order by visit_id"
    )
    assert [visit["utm_status"] for visit in found] == [
        "case_variant",
        "spelling_variant",
        "missing_on_paid_click",
        "untagged",
        "contradicts_click_id",
        "contradicts_referrer",
        "unregistered",
    ]
    assert (found[0]["utm_source"], found[0]["utm_source_norm"]) == ("Google", "google")
    assert (found[1]["utm_source"], found[1]["utm_source_norm"]) == ("gogle", "gogle")
    assert found[1]["utm_detail"] == SUGGESTED


def test_the_companys_registry_is_sound() -> None:
    registry = load_registry(PROJECT_ROOT / "include" / "config")
    assert len(registry.by_tags) == len(registry.links) > 10
    for link in registry.links:
        content = link.utm_content[0] if link.utm_content else None
        assert judge(Tags(*link.tags, content), registry).status == "ok"


def test_a_mistake_in_the_registry_names_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "utm.yml").write_text("links:\n  - {utm_sorce: a, utm_medium: b, utm_campaign: c, channel: d}\n")
    with pytest.raises(ConfigError, match=r"utm\.yml.*links\.0\.utm_s"):
        load_registry(tmp_path)
    assert load_registry(tmp_path / "nowhere").links == ()
