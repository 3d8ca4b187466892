"""The truth accounts for everything that is recorded, to the row and to the cent, and the awkward cases are there."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from worlds import truth, world

from sandbox.parameters import CHANNELS, DEFAULT, DOUBTS
from sandbox.world.links import ADS, LINKS, OFFICIAL


def by_id() -> dict[tuple[str, str], str]:
    """(stream, id) -> the text as it stands there."""
    recorded = world().recorded()
    texts = {("notes", one.id): one.properties["hs_note_body"] for one in recorded.crm["notes"]}
    texts |= {("calls", one.id): one.properties["hs_call_body"] for one in recorded.crm["calls"]}
    texts |= {("deals", one.id): one.properties["closed_lost_reason"] for one in recorded.crm["deals"]}
    texts |= {("responses", one.token): one.answers.get("comment") for one in recorded.responses}
    return {key: text for key, text in texts.items() if text}


def test_truth_is_json_and_does_not_change_when_asked_again() -> None:
    told = truth()
    assert json.loads(json.dumps(told)) == told
    assert world().truth(False) == told


def test_every_recorded_visit_has_its_truth() -> None:
    visits, told = world().recorded().visits, truth()["visits"]
    assert len(told) == len({row["visit_id"] for row in told}) > 5_000
    assert {row["visit_id"] for row in told} == set(visits["visit_id"])
    people = {row["person"] for row in truth()["persons"]}
    assert all(row["is_bot"] or (row["person"] in people and row["channel"] in CHANNELS) for row in told)


def test_every_copy_has_a_recorded_original() -> None:
    recorded = world().recorded()
    counts = {
        "visits": Counter(recorded.visits["visit_id"]),
        "hits": Counter(recorded.hits["watch_id"]),
        "responses": Counter(one.token for one in recorded.responses),
    }
    copies = truth()["copies"]
    kinds = Counter((copy["stream"], copy["kind"]) for copy in copies)
    assert set(kinds) == {
        ("visits", "resent"),
        ("hits", "resent"),
        ("hits", "double"),
        ("hits", "refired"),
        ("responses", "resubmitted"),
    }
    for copy in copies:
        wanted = 2 if copy["kind"] == "resent" else 1
        assert counts[copy["stream"]][copy["id"]] >= wanted
        assert counts[copy["stream"]][copy["original_id"]] >= 1
        assert (copy["id"] == copy["original_id"]) is (copy["kind"] == "resent")
    for stream in ("visits", "hits"):
        resent = [copy["id"] for copy in copies if copy["stream"] == stream and copy["kind"] == "resent"]
        assert sum(count - 1 for count in counts[stream].values()) == len(resent)


def test_copies_look_as_copies_do() -> None:
    recorded = world().recorded()
    hits = recorded.hits.drop_duplicates("watch_id").set_index("watch_id")
    answers = {one.token: one for one in recorded.responses}
    looked_at = 0
    for copy in truth()["copies"]:
        if copy["stream"] == "hits" and copy["kind"] in ("double", "refired"):
            one, other = hits.loc[copy["id"]], hits.loc[copy["original_id"]]
            assert one["client_id"] == other["client_id"]
            assert one["url"] == other["url"]
            assert 0 <= (one["at"] - other["at"]).total_seconds() <= 2
            looked_at += 1
        if copy["kind"] == "resubmitted":
            twin, first = answers[copy["id"]], answers[copy["original_id"]]
            assert twin.answers == first.answers
            assert 0 < (twin.submitted_at - first.submitted_at).total_seconds() < 60
            looked_at += 1
    assert looked_at > 100
    assert recorded.visits.astype(str).duplicated().sum() == sum(
        copy["stream"] == "visits" for copy in truth()["copies"]
    )


def test_a_true_reload_is_no_copy() -> None:
    hits = world().recorded().hits.drop_duplicates("watch_id")
    copies = {copy["id"] for copy in truth()["copies"]}
    views = hits[hits["is_page_view"] & ~hits["watch_id"].isin(copies)].sort_values("at")
    gaps = views.groupby(["visit_id", "url"])["at"].diff().dt.total_seconds().dropna()
    assert (gaps > 2).sum() > 50
    bots = {row["visit_id"] for row in truth()["visits"] if row["is_bot"]}
    people = views[~views["visit_id"].isin(bots)]
    assert (people.groupby(["visit_id", "url"])["at"].diff().dt.total_seconds().dropna() > 2).all()


def test_spend_is_the_accounts_to_the_cent() -> None:
    ads, money = world().recorded().ads, truth()["money"]
    amounts = {row["platform"]: Decimal(row["amount"]) for row in money["spend"]}
    for platform, frame in ads.items():
        assert Decimal(int(frame["cost_micros"].sum())) / 10**6 == amounts[platform] > 0
    per_channel: Counter[str] = Counter()
    for row in truth()["channels"].values():
        for currency, amount in row["spend"].items():
            per_channel[currency] += Decimal(amount)
    assert per_channel == {"EUR": amounts["google-ads"], "RUB": amounts["yandex-direct"]}


def test_revenue_is_the_won_deals_to_the_cent() -> None:
    told, recorded = truth(), world().recorded()
    deals = {one.id: one.properties for one in recorded.crm["deals"]}
    total: Counter[str] = Counter()
    orders = 0
    for row in told["deals"]:
        if row["outcome"] == "won" and row["closed_at"] >= told["from"]:
            total[row["currency"]] += Decimal(row["amount"])
            orders += 1
            left = Decimal(row["amount"]) - Decimal(row["refund"] or 0)
            shown = deals[row["deal_id"]]
            assert Decimal(shown["amount"]) == (left or Decimal(row["amount"]))
            assert shown["hs_is_closed_won"] == ("true" if left else "false")
    assert orders == told["money"]["orders"] > 50
    assert total == {currency: Decimal(amount) for currency, amount in told["money"]["revenue"].items()}
    assert {one.id for one in recorded.crm["deals"]} == {row["deal_id"] for row in told["deals"]} | {
        fault["ids"][0] for fault in told["faults"] if fault["kind"] == "deal_made_twice"
    }


def test_doubts_stand_where_the_truth_says() -> None:
    texts = by_id()
    checked = 0
    for row in truth()["texts"]:
        text = texts[row["stream"], row["id"]]
        for span in row["says"]:
            assert text[span["start"] : span["end"]] == span["quote"] != ""
            assert span["code"] in DOUBTS
            checked += 1
    assert checked > 300
    assert {(row["stream"], row["id"]) for row in truth()["texts"]} >= {
        key for key, text in texts.items() if key[0] in ("notes", "calls")
    }


def test_stopped_deals_are_lost_and_carry_their_money() -> None:
    deals = {row["deal_id"]: row for row in truth()["deals"]}
    stopped = [(row, deal) for row in truth()["doubts"] for deal in row["stopped_deals"]]
    assert len(stopped) > 20
    for row, deal in stopped:
        assert deals[deal]["outcome"] == "lost"
        assert deals[deal]["person"] == row["person"]
        assert row["code"] in deals[deal]["stopped_by"]
        assert deals[deal]["amount"] in [money["amount"] for money in row["money"]]


def test_reps_blame_price_more_than_buyers_do() -> None:
    rows = [
        row
        for row in truth()["texts"]
        if row["manner"] in ("list", "text", "wrongly", "badly", "well") and row["speaker"] == "rep"
    ]
    written = Counter(span["code"] for row in rows for span in row["says"] if not span["is_quoted"])
    voiced = Counter(code for row in rows for code in row["voiced"])
    share = written["price"] / sum(written.values()), voiced["price"] / sum(voiced.values())
    assert share[0] > 1.25 * share[1]
    manners = Counter(row["manner"] for row in truth()["texts"])
    assert all(manners[name] >= 5 for name in ("transcript", "chat", "wrongly", "badly", "nothing", "list", "text"))


def test_faults_come_at_about_their_rates() -> None:
    told, recorded = truth(), world().recorded()
    faults = Counter(fault["kind"] for fault in told["faults"])
    tagged = sum(1 for row in told["visits"] if row["tags"])
    rates = DEFAULT.tags
    for kind, rate in (
        ("missing", rates.missing * 0.6),
        ("misspelt", rates.misspelt),
        ("case", rates.case),
        ("swapped", rates.swapped),
    ):
        assert rate * 0.5 < faults[f"tag_{kind}"] / tagged < rate * 2.5, kind
    for kind in (
        "tag_unregistered",
        "tag_stripped",
        "tag_contradicts_click",
        "tag_contradicts_referrer",
        "tag_old_link",
        "clock_skew",
        "cut_at_midnight",
        "bot_burst",
        "merged",
        "duplicate_not_merged",
        "test_record",
        "stage_jump",
        "reopened",
        "refund",
        "back_dated",
        "quoted_mail",
        "owner_left",
        "deal_made_twice",
    ):
        assert faults[kind] >= 2, kind
    assert 0.5 < len(recorded.visits) / sum(row["visits"] for row in told["channels"].values()) < 0.95
    assert len(recorded.sessions) < len(recorded.visits)


def test_tags_and_click_ids_arrive_as_they_were_spoilt() -> None:
    visits = world().recorded().visits.drop_duplicates("visit_id").set_index("visit_id")
    seen: Counter[str] = Counter()
    for row in truth()["visits"]:
        shown = visits.loc[row["visit_id"]]
        tags = {key: shown[key] for key in ("utm_source", "utm_medium", "utm_campaign", "utm_content") if shown[key]}
        if row["cut_at_midnight"] or row["is_bot"]:
            continue
        fault = row["tag_fault"]
        seen[fault] += 1
        if fault in ("", "contradicts_referrer"):
            assert tags == row["tags"]
        elif fault in ("misspelt", "case", "swapped", "contradicts_click", "old_link"):
            assert tags
            assert tags != row["tags"]
        elif fault in ("missing", "stripped"):
            assert not tags
            assert row["tags"]
        if row["click_id_arrived"]:
            assert row["click_id"] in shown["landing_url"]
        if fault == "contradicts_click":
            assert ("gclid" in shown["landing_url"]) <= (tags["utm_source"] == "yandex")
    assert len(seen) >= 9


def test_near_twins_stay_apart() -> None:
    campaigns = Counter(world().recorded().visits["utm_campaign"].dropna())
    for one, other in (("brand_us_q1", "brand_us_q2"), ("generic_training_ua", "generic_training_uk")):
        assert campaigns[one] > 10
        assert campaigns[other] > 10
    spelled = {value for link in OFFICIAL for value in (link.utm_source, link.utm_medium, link.utm_campaign)}
    wrong = Counter(row["tag_fault"] for row in truth()["visits"] if row["tag_fault"] == "misspelt")
    assert wrong["misspelt"] > 20
    contents = {content for link in OFFICIAL for content in link.contents}
    for row in truth()["visits"]:
        if row["tag_fault"] == "misspelt":
            assert row["slip"]["typed"] not in spelled | contents, "a slip must not make another registered value"


def test_spend_without_tags_and_tags_without_spend() -> None:
    recorded = world().recorded()
    yandex = recorded.ads["yandex-direct"]
    untagged = yandex[~yandex["final_url"].str.contains("utm_")]
    assert untagged["cost_micros"].sum() > 0
    assert (recorded.visits["utm_campaign"] == "black_friday_2024").sum() >= 2
    assert "20100099" not in set(recorded.ads["google-ads"]["campaign_id"])
    unregistered = {link.utm_campaign for link in LINKS if not link.is_registered and link.is_tagged}
    assert unregistered & set(recorded.visits["utm_campaign"].dropna()) == unregistered
    assert {ad.ad_id for ads in ADS.values() for ad in ads} >= set(yandex["ad_id"])


def test_slips_are_told_with_what_they_hit() -> None:
    slips = [row for row in truth()["visits"] if row["slip"]]
    assert len(slips) > 50
    for row in slips:
        slip = row["slip"]
        assert row["tag_fault"] == "misspelt"
        assert row["arrived"][slip["field"]] == slip["typed"] != slip["meant"] == row["tags"][slip["field"]]
        digits = ["".join(filter(str.isdigit, slip[name])) for name in ("typed", "meant")]
        assert (slip["kind"] == "number") == (digits[0] != digits[1] and slip["kind"] != "separator")
    assert {row["slip"]["kind"] for row in slips} >= {"separator", "letters", "number", "short"}


def test_twins_are_registered_and_relatives_are_not() -> None:
    registered = {link.utm_campaign for link in OFFICIAL}
    twins = [row for row in truth()["visits"] if row["tag_fault"] == "twin"]
    relatives = [row for row in truth()["visits"] if row["tag_fault"] == "relative"]
    assert len(twins) > 3
    assert len(relatives) > 3
    for row in twins:
        assert row["arrived"]["utm_campaign"] in registered - {row["tags"]["utm_campaign"]}
    for row in relatives:
        assert row["arrived"] == row["tags"]
        assert row["arrived"]["utm_campaign"] not in registered


def test_an_outage_takes_the_tags_of_all_clicks_of_a_campaign() -> None:
    looked_at = 0
    for seed in (1, 2, 3):
        for campaign in truth(seed)["campaigns"]:
            for outage in campaign["outages"]:
                during = [
                    row
                    for row in truth(seed)["visits"]
                    if row["campaign_id"] == campaign["campaign_id"] and outage["first"] <= row["at"] < outage["until"]
                ]
                assert not any(row["arrived"] for row in during)
                assert all(row["tag_fault"] == "missing" for row in during if not row["cut_at_midnight"])
                looked_at += len(during)
    assert looked_at > 10


def test_campaigns_add_up_to_the_spend() -> None:
    told = truth()["campaigns"]
    assert sum(row["cost_micros"] for row in told) == sum(row["cost_micros"] for row in truth()["spend"]) > 0
    assert [row["name"] for row in told if row["cost_micros"] and not row["tagged_visits"]] == ["РСЯ | Смарт-баннеры"]
    assert [row["name"] for row in told if row["tagged_visits"] and not row["cost_micros"]] == ["Black Friday 2024"]


def test_platforms_claim_more_than_there_is() -> None:
    ads, told = world().recorded().ads, truth()
    claimed = sum(frame["conversions"].sum() for frame in ads.values())
    paid = {link.channel for link in LINKS if link.platform}
    leads = [row for row in told["persons"] if row["lead_at"] and told["from"] <= row["lead_at"] < told["now"]]
    touched_last = sum(row["first_channel"] in paid for row in leads)
    assert claimed > 1.1 * touched_last > 0


def test_merges_form_chains_and_point_at_living_records() -> None:
    chains = 0
    for seed in (1, 2, 3):
        crm = world(seed).recorded().crm["contacts"]
        contacts = {one.id: one for one in crm}
        for one in crm:
            for loser in filter(None, (one.properties["hs_merged_object_ids"] or "").split(";")):
                assert contacts[loser].is_archived
                chains += one.is_archived
        assert sum(one.is_archived for one in crm) >= 10
    assert chains >= 1, "no A -> B -> C in three worlds"


def test_phones_are_shared_and_addresses_are_unique() -> None:
    crm = world().recorded().crm["contacts"]
    emails = Counter(one.properties["email"] for one in crm if one.properties["email"])
    assert max(emails.values()) == 1
    assert sum(email.startswith("info@") for email in emails) > 10
    told = {row["contact_id"]: row for row in truth()["contacts"]}
    owners: dict[str, set[Any]] = {}
    for row in told.values():
        if row["phone"] and row["person"]:
            owners.setdefault(row["phone"], set()).add(row["person"])
    assert sum(len(people) > 1 for people in owners.values()) >= 3


def test_links_between_identifiers_need_evidence() -> None:
    people = truth()["persons"]
    assert len(people) > 2_000
    apart = [row for row in people if row["contacts"] and len(row["linked"]) > 1]
    assert len(apart) > 30, "everything about everybody can be known: too easy"
    for row in people:
        listed = [one for group in row["linked"] for one in group]
        assert len(listed) == len(set(listed)) > 0
    holders: Counter[str] = Counter(one for row in people for one in row["client_ids"])
    assert max(holders.values()) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_channel_added_is_measured_without_it(seed: int) -> None:
    told = truth(seed, 12, 1.0, True)
    added = {name: row["incremental"]["leads"] for name, row in told["channels"].items()}
    leads = sum(row["leads_first_touched"] for row in told["channels"].values())
    assert leads > 400
    assert abs(added["search_brand"]) < 0.05 * leads, "brand search finds those who would come anyway"
    assert abs(added["display"]) < 0.05 * leads
    assert added["organic"] > 0.05 * leads
    assert added["social"] > 0
    for row in told["content"]:
        effect = next(iter(row["effects"].values()))
        if effect == 0:
            assert row["incremental"]["deals_won"] == 0, row["key"]
    helped = sum(row["incremental"]["deals_won"] for row in told["content"] if next(iter(row["effects"].values())) > 0)
    assert helped > 0
