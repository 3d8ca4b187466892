"""The batch check that compares the rows with what the vendor itself says that they add up to."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from rebuttal.quality.checks import Check
from rebuttal.warehouse.staging import Staged
from rebuttal.warehouse.tables import vendor_total

# A measure of this name counts different records; all others are columns that add up.
RECORDS = "records"
# By how much (a share) two answers of a vendor that are both right may differ, where its counts are not exact.
APPROXIMATE = {
    # Sessions are estimated by HyperLogLog++ of precision 12: within 4.88 % in 99 of 100 cases
    # (developers.google.com/analytics/blog/2022/hll).
    ("ga4.traffic", "sessions"): 0.05,
    ("ga4.traffic", "engaged_sessions"): 0.05,
    # The reports are counted while visits stay open: 99 of 100 are closed within three days.
    ("yandex_metrica.visits", RECORDS): 0.05,
    # Rows and sums are two reports, made one after the other while the day runs.
    **{("yandex_direct.ad_performance", measure): 0.01 for measure in ("impressions", "clicks", "cost")},
}


def totals_agree(connection: Connection, staged: Staged, bad_rows: int) -> list[Check]:
    """The check, or nothing where the vendor gave no totals. `bad_rows` is how many rows broke a quarantine rule.

    The total is that of all slices of the batch's window. With bad rows it only warns: values that cannot be read may
    be all that is missing.
    """
    columns = [*staged.entity.columns, RECORDS]
    query = select(vendor_total.c.measure, vendor_total.c.total).where(
        vendor_total.c.batch_id == staged.batch.batch_id, vendor_total.c.measure.in_(columns)
    )
    totals = connection.execute(query.order_by(vendor_total.c.measure)).all()
    if not totals:
        return []
    listed = ", ".join(f"{_added_up(measure)} as {measure}" for measure, _ in totals)
    sums = connection.execute(text(f"select {listed} from {staged.table}")).mappings().one()
    wrong = [
        (measure, sums[measure], total)
        for measure, total in totals
        if abs(float(sums[measure]) - float(total)) > _slack(staged, measure, float(total))
    ]
    return [
        Check(
            "totals_agree",
            "warning" if bad_rows else "hold",
            "The rows add up to the vendor's own totals",
            "Rows are missing or twice in the vendor's answer: pull this window again; compare by hand before release",
            staged.row_count,
            staged.row_count if wrong else 0,
            tuple(
                f"{measure}: rows {float(found):.15g}, vendor {float(total):.15g}" for measure, found, total in wrong
            )[:3],
        )
    ]


def _added_up(measure: str) -> str:
    return "count(distinct _key)" if measure == RECORDS else f"coalesce(sum({measure}), 0)"


def _slack(staged: Staged, measure: str, total: float) -> float:
    # Money is kept to the millionth; a fraction that a platform rounds may differ in the last place of each row.
    exact = 0.000001 * staged.row_count + (staged.erased_count if measure == RECORDS else 0)
    return exact + APPROXIMATE.get((f"{staged.batch.source}.{staged.batch.stream}", measure), 0.0) * total
