"""Judges see what goes wrong: each case spoils a good warehouse in one way and must be told of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.judges import Measures, judge_gate
from bench.judges.tags import possible
from sqlalchemy import create_engine

if TYPE_CHECKING:
    from conftest import Admitted

_ONE_VISIT = "(SELECT min(visit_id) FROM core.visit WHERE visit_id NOT IN ({bad}))"
# What is done to the warehouse -> the measure that must tell, and whether it must rise above 0 or fall below 1.
CASES = {
    "a bad row in core": (
        "UPDATE core.deal SET deal_id = '{deal}' WHERE deal_id = (SELECT min(deal_id) FROM core.deal)",
        "bad_rows_admitted_lower_is_better",
    ),
    "a bad row in core, by its kind": (
        "UPDATE core.deal SET deal_id = '{deal}' WHERE deal_id = (SELECT min(deal_id) FROM core.deal)",
        "bad_row_negative_amount_ended_right",
    ),
    "a bad row nowhere": (
        "DELETE FROM ops.quarantine WHERE raw LIKE '%{deal}%'",
        "bad_row_negative_amount_ended_right",
    ),
    "a good row in quarantine": (
        "UPDATE ops.quarantine SET raw = replace(raw, '{deal}', '1')",
        "good_rows_quarantined_lower_is_better",
    ),
    "a new word guessed": (
        "UPDATE core.contact SET segment = 'salon_owner' WHERE segment LIKE 'unknown:%'",
        "bad_row_new_segment_ended_right",
    ),
    "an oddity that nobody is warned of": (
        "DELETE FROM ops.check_result WHERE check_name = 'duration_sane'",
        "bad_row_endless_visit_ended_right",
    ),
    "a visit lost": (f"DELETE FROM core.visit WHERE visit_id = {_ONE_VISIT}", "visits_lost_lower_is_better"),
    "a copy not folded": ("DELETE FROM ops.duplicate WHERE kind = 'same_event'", "duplicate_recall_double"),
    "a fold undone": (
        "UPDATE ops.duplicate SET undone_by_batch_id = 'x' WHERE kind = 'resubmitted' OR kind = 'same_key'",
        "duplicate_recall_resent",
    ),
    "a true row folded": (
        "UPDATE ops.duplicate SET survivor_key = natural_key || '9' WHERE kind = 'same_event'",
        "duplicate_precision_same_event",
    ),
    "a row not accounted for": (
        "UPDATE ops.batch_outcome SET landed = landed + 1, new = new + 1 WHERE batch_id = "
        "(SELECT min(batch_id) FROM ops.batch_outcome)",
        "batches_not_adding_up_lower_is_better",
    ),
    "a sum that does not hold": (
        "UPDATE ops.batch_outcome SET new = new + 1", "batches_not_adding_up_lower_is_better",
    ),
    "a row landed twice": (
        "INSERT INTO landing.yandex_metrica__visits SELECT * FROM landing.yandex_metrica__visits LIMIT 1",
        "rows_landed_vs_sent_visits",
    ),
    "mismatches not seen": ("UPDATE core.visit SET utm_status = 'ok'", "tags_case_variant_recall"),
    "good tags blamed": (
        "UPDATE core.visit SET utm_status = 'swapped_fields' WHERE utm_status = 'ok'", "tags_swapped_fields_precision",
    ),
    "good visits flagged": (
        "UPDATE core.visit SET utm_status = 'swapped_fields' WHERE utm_status = 'ok'",
        "tags_good_visits_flagged_lower_is_better",
    ),
    "a wrong merge applied": (
        "UPDATE core.visit SET utm_campaign_norm = 'brand_us_q2' WHERE utm_campaign = 'brand_us_q1'",
        "wrong_merges_applied_lower_is_better",
    ),
    "a raw value changed": (
        "UPDATE core.visit SET utm_source = lower(trim(utm_source))", "raw_tags_changed_lower_is_better",
    ),
    "a wrong suggestion": (
        "UPDATE core.visit SET utm_detail = 'suggested: utm_campaign=rmk_visitors' "
        "WHERE utm_status = 'spelling_variant'",
        "suggestion_precision",
    ),
    "a near-twin suggested": (
        "UPDATE core.visit SET utm_status = 'spelling_variant', utm_detail = 'suggested: utm_campaign=brand_us_q2' "
        "WHERE utm_campaign = 'brand_us_q1'",
        "suggestions_between_near_twins_lower_is_better",
    ),
    "a near-twin merged by whoever accepts": (
        "UPDATE core.visit SET utm_status = 'spelling_variant', utm_detail = 'suggested: utm_campaign=brand_us_q2' "
        "WHERE utm_campaign = 'brand_us_q1'",
        "wrong_merges_if_all_accepted_lower_is_better",
    ),
}  # fmt: skip


def judged(warehouse: Path, admitted: Admitted) -> Measures:
    engine = create_engine(f"duckdb:///{warehouse}", connect_args={"read_only": True})
    with engine.connect() as connection:
        found = judge_gate(connection, admitted.truth)
    engine.dispose()
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_judge_tells(case: str, admitted: Admitted, tmp_path: Path) -> None:
    statement, name = CASES[case]
    bad = [row for row in admitted.truth["bad_rows"] if row["stream"] == "visits"]
    deal = next(row["id"] for row in admitted.truth["bad_rows"] if row["kind"] == "negative_amount")
    spoilt = tmp_path / "warehouse.duckdb"
    shutil.copy(admitted.warehouse, spoilt)
    engine = create_engine(f"duckdb:///{spoilt}")
    with engine.begin() as connection:
        listed = ", ".join(f"'{row['id']}'" for row in bad)
        changed = connection.exec_driver_sql(statement.format(deal=deal, bad=listed)).fetchall()
    engine.dispose()
    assert changed[0][0] > 0, "the case spoils nothing"
    value = judged(spoilt, admitted)[name]
    assert value is not None
    assert value > 0 if name.endswith("lower_is_better") else value != 1


def visit(**changed: object) -> dict[str, object]:
    """A visit of the truth whose tags arrived as they should."""
    tags = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand_us_q1"}
    row = {"arrived": tags, "tags": tags, "tag_fault": "", "click_id_arrived": True, "referrer": "", "slip": None}
    return row | {"is_registered": True} | changed


@pytest.mark.parametrize(
    ("row", "statuses"),
    [
        (visit(), {"ok"}),
        (visit(arrived={}, tag_fault="missing"), {"missing_on_paid_click"}),
        # A redirect that loses the click id too leaves nothing to tell it by.
        (visit(arrived={}, tag_fault="stripped", click_id_arrived=False), {"untagged"}),
        (visit(arrived={}, click_id_arrived=False, referrer="https://claude.ai/"), {"ai_assistant"}),
        (visit(tag_fault="contradicts_click"), {"contradicts_click_id"}),
        (
            visit(tag_fault="contradicts_click", click_id_arrived=False),
            {"ok", "contradicts_referrer", "unregistered"},
        ),
        (visit(tag_fault="contradicts_referrer", referrer="https://t.me/"), {"contradicts_referrer"}),
        (visit(tag_fault="contradicts_referrer", referrer="https://beautyforum.example/"), {"ok"}),
        (visit(tag_fault="case"), {"case_variant"}),
        # A capital in the name of a campaign that nobody registered: there is nothing that it varies.
        (visit(tag_fault="case", is_registered=False), {"unregistered"}),
        (visit(tag_fault="misspelt", slip={"kind": "letters"}), {"spelling_variant"}),
        (visit(tag_fault="misspelt", slip={"kind": "number"}), {"unregistered"}),
        (visit(tag_fault="twin"), {"ok"}),
        (visit(tag_fault="relative"), {"unregistered"}),
    ],
)
def test_only_what_arrived_can_be_told(row: dict[str, object], statuses: set[str]) -> None:
    assert possible(row) == statuses
