"""Checks of a batch as a whole. A broken `hold` check keeps all of it out: the last good data stays visible."""

from __future__ import annotations

import json
from statistics import median

from sqlalchemy import Connection, text

from rebuttal.quality.checks import Check
from rebuttal.quality.field_checks import fields_keep_type
from rebuttal.quality.money_checks import money_checks
from rebuttal.quality.thresholds import Hold
from rebuttal.quality.vendor_totals import totals_agree
from rebuttal.warehouse import batches
from rebuttal.warehouse.batches import Batch
from rebuttal.warehouse.dialects import quoted
from rebuttal.warehouse.promote import columns_of
from rebuttal.warehouse.staging import Staged

# Which landing column says whose data a row is.
_ACCOUNT = {
    "google_ads.ad_performance": "customer_id",
    "yandex_direct.ad_performance": "client_login",
    "ga4.traffic": "property",
    "yandex_metrica.visits": "counter_id",
    "yandex_metrica.hits": "counter_id",
}
_FIRST_ROWS = 1000
_EARLIER = 20  # admitted batches of the stream that say what is usual
# Holds that nobody can wave through: there is nothing whole, or nothing of ours, to admit.
FINAL = ("landed_whole", "account_is_ours")


def batch_checks(connection: Connection, staged: Staged, bad_rows: int, limits: Hold) -> list[Check]:
    """All batch checks, passed ones included. `bad_rows` is how many rows broke a quarantine rule."""
    return [
        _landed_whole(staged),
        _account_is_ours(connection, staged),
        _rows_mostly_good(staged, bad_rows, limits),
        _columns_still_filled(connection, staged, limits),
        _volume_usual(connection, staged, limits),
        _fields_as_declared(staged),
        _no_new_fields(connection, staged),
        fields_keep_type(connection, staged, bad_rows),
        *money_checks(connection, staged),
        *totals_agree(connection, staged, bad_rows),
    ]


def _landed_whole(staged: Staged) -> Check:
    found, told = staged.row_count + staged.erased_count, staged.batch.row_count
    return Check(
        "landed_whole",
        "hold",
        "All rows that the batch says it has are in the landing table",
        f"Pull {staged.batch.source} again; if it stays so, restore the landing table",
        told,
        abs(told - found),
        (f"{found} of {told} rows",) if found != told else (),
    )


def _account_is_ours(connection: Connection, staged: Staged) -> Check:
    batch = staged.batch
    column = _ACCOUNT.get(f"{batch.source}.{batch.stream}")
    foreign = 0
    if column and column not in staged.missing:
        query = text(
            f"select count(*) from {batch.landing} where _batch_id = :batch_id and _defect is null"
            f" and {column} <> :account and {_account(column)} <> {_account('cast(:account as text)')}"
        )
        found = connection.execute(query, {"batch_id": batch.batch_id, "account": batch.account_id})
        foreign = int(found.scalar_one())
    return Check(
        "account_is_ours",
        "hold",
        "Every row belongs to the account that was asked for",
        "Stop: the vendor answered with another account's data. Check the connection's account and token",
        staged.row_count,
        foreign,
    )


def _account(expression: str) -> str:
    return f"lower(replace(replace({expression}, 'properties/', ''), '-', ''))"


def _rows_mostly_good(staged: Staged, bad_rows: int, limits: Hold) -> Check:
    too_many = bad_rows >= limits.bad_rows and bad_rows > limits.bad_share * staged.row_count
    return Check(
        "rows_mostly_good",
        "hold",
        f"At most {limits.bad_share:.0%} of the rows are bad",
        "Look at the checks of this batch with the most failures: the vendor probably changed its answer",
        staged.row_count,
        bad_rows if too_many else 0,
    )


def _columns_still_filled(connection: Connection, staged: Staged, limits: Hold) -> Check:
    """Judged by the vendor's fields as they landed: counting what is there costs next to nothing."""
    emptied: list[str] = []
    if staged.row_count >= limits.filled_rows:
        fields = [name for name in _fields(connection, staged.batch) if not name.startswith("utm_")]
        ours = [staged.batch.batch_id]
        # A field that the first rows fill needs no look at the others.
        for limit in (_FIRST_ROWS, None):
            filled = _filled(connection, staged.batch, fields, ours, limit)
            fields = [name for name in fields if filled[name] == 0]
        earlier = [one.batch_id for one in batches.earlier(connection, staged.batch, _EARLIER)]
        if fields and earlier:
            before = _filled(connection, staged.batch, fields, earlier, None)
            emptied = [
                name for name in fields if before["rows"] and before[name] >= limits.filled_share * before["rows"]
            ]
    return Check(
        "columns_still_filled",
        "hold",
        "No column that used to be filled is empty in the whole batch",
        "Compare a raw row with an earlier batch: a field was renamed, dropped, or lost its permission",
        staged.row_count,
        len(emptied),
        tuple(emptied)[:3],
    )


def _fields(connection: Connection, batch: Batch) -> list[str]:
    return [name for name, _ in columns_of(connection, batch.landing) if not name.startswith("_")]


def _filled(
    connection: Connection, batch: Batch, fields: list[str], batch_ids: list[str], limit: int | None
) -> dict[str, int]:
    """How many landed rows of these batches have each field, and how many `rows` were looked at."""
    if not fields:
        return {}
    counted = ", ".join(f"count(nullif({name}, '')) as {name}" for name in fields)
    listed = ", ".join(quoted(batch_id) for batch_id in batch_ids)
    rows = f"select {', '.join(fields)} from {batch.landing} where _batch_id in ({listed})"
    rows += f" limit {limit}" if limit else ""
    query = text(f"select count(*) as rows, {counted} from ({rows}) as landed")
    return {name: int(value) for name, value in connection.execute(query).mappings().one().items()}


def _volume_usual(connection: Connection, staged: Staged, limits: Hold) -> Check:
    batch = staged.batch
    earlier = batches.earlier(connection, batch, _EARLIER)
    surplus, told = 0, ""
    if len(earlier) >= limits.volume_history and staged.row_count >= limits.volume_rows:
        usual = median(_daily(one.row_count, one) for one in earlier)
        now = _daily(staged.row_count, batch)
        if now > limits.volume_factor * usual:
            surplus, told = staged.row_count, f"{now:.0f} rows a day, usually {usual:.0f}"
    return Check(
        "volume_usual",
        "hold",
        f"The batch is not more than {limits.volume_factor:g} times as large as usual",
        "If the rows are real (a mass change, a new campaign), release the hold; else look at the vendor's page",
        staged.row_count,
        surplus,
        (told,) if told else (),
    )


def _daily(rows: int, window: Batch) -> float:
    if window.window_from is None or window.window_to is None:
        return float(rows)
    days = (window.window_to - window.window_from).total_seconds() / 86400
    return rows / max(days, 1.0)


def _fields_as_declared(staged: Staged) -> Check:
    return Check(
        "fields_as_declared",
        "warning",
        "The vendor sends every field that we read",
        "Check whether the field was renamed; until then its column stays empty",
        staged.row_count,
        len(staged.missing),
        staged.missing[:3],
    )


def _no_new_fields(connection: Connection, staged: Staged) -> Check:
    batch = staged.batch
    has_extra = any(name == "_extra" for name, _ in columns_of(connection, batch.landing))
    found: list[str] = []
    if has_extra:
        rows = text(
            f"select distinct _extra from (select _extra from {batch.landing} where _batch_id = :batch_id"
            " and _extra is not null and _defect is null order by _row limit 50) as first_rows"
        )
        for (extra,) in connection.execute(rows, {"batch_id": batch.batch_id}):
            try:
                found += [name for name in json.loads(extra) if name not in found]
            except ValueError:
                continue
    return Check(
        "no_new_fields",
        "warning",
        "The vendor sends no field that we do not know",
        "The values are kept in landing (`_extra`); add the field to the source if it is useful",
        staged.row_count,
        len(found),
        tuple(sorted(found))[:3],
    )
