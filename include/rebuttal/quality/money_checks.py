"""Batch checks of money: its currency, and its unit (millionths, cents).

A rule that needs history is silent without it: the first batch of an account is what "usual" begins with.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from rebuttal.quality.checks import Check
from rebuttal.warehouse import sql
from rebuttal.warehouse.staging import Staged

# A click does not become a thousand times dearer or cheaper; a unit that changed does at least that.
UNIT_FACTOR = 1000
# Cents are a hundredth. Known deals must show it exactly; among new ones the median must move by half of it.
CENTS, CENTS_DEALS, CENTS_MEDIAN, CENTS_NEW_DEALS = 100, 3, 50, 20
_HISTORY_DAYS, _HISTORY_MIN_DAYS = 92, 3


def money_checks(connection: Connection, staged: Staged) -> list[Check]:
    """The money checks of the batch's entity; none for entities without money."""
    if staged.entity.name == "ad_performance":
        return [
            _currency_one(connection, staged),
            _currency_kept(connection, staged),
            _cost_in_units(connection, staged),
        ]
    return [_amounts_in_units(connection, staged)] if staged.entity.name == "deal" else []


def _currency_one(connection: Connection, staged: Staged) -> Check:
    query = (
        f"select currency, count(*) from {staged.table} where currency is not null group by currency order by 2 desc, 1"
    )
    found = connection.execute(text(query)).all()
    return Check(
        "currency_one",
        "warning",
        "The account's rows are in one currency",
        "Look at the account's settings: each row keeps its own currency and is converted at its day's rate",
        staged.row_count,
        sum(int(rows) for _, rows in found[1:]),
        tuple(f"{currency}: {rows} rows" for currency, rows in found)[:3] if len(found) > 1 else (),
    )


def _currency_kept(connection: Connection, staged: Staged) -> Check:
    found = sql.run_file(connection, "currencies_new.sql", _ours(staged), staged=staged.table).all()
    return Check(
        "currency_kept",
        "warning",
        "The account keeps its currency",
        "If somebody changed the account's currency, budgets and comparisons need its day; else ask the vendor",
        staged.row_count,
        sum(int(one.rows) for one in found),
        tuple(f"{one.currency}: {one.rows} rows" for one in found)[:3],
    )


def _cost_in_units(connection: Connection, staged: Staged) -> Check:
    """Days whose cost per click is a thousand times off the account's median day."""
    names = {"factor": UNIT_FACTOR, "days": _HISTORY_DAYS, "least_days": _HISTORY_MIN_DAYS}
    found = sql.run_file(connection, "cost_per_click.sql", _ours(staged), staged=staged.table, **names).all()
    return Check(
        "cost_in_units",
        "hold",
        f"A click costs less than {UNIT_FACTOR} times more or less than it usually does",
        "The vendor changed the unit of cost (millionths, cents, units): change the staging file; release real prices",
        staged.row_count,
        sum(int(day.rows) for day in found),
        tuple(
            f"{day.report_date}: {day.per_click:.6g} {day.currency} a click, usually {day.usual:.6g}" for day in found
        )[:3],
    )


def _amounts_in_units(connection: Connection, staged: Staged) -> Check:
    """Known deals whose amount is now exactly a hundred times as much or little, or new deals of another size."""
    known = sql.run_file(connection, "amounts_moved.sql", staged=staged.table, cents=CENTS).one()
    if known.moved >= CENTS_DEALS and known.moved * 2 >= known.changed:
        failed = int(known.moved)
        told = [f"{known.moved} of {known.changed} changed amounts are exactly {CENTS} times as much or as little"]
    else:
        names = {"deals": CENTS_NEW_DEALS, "median": CENTS_MEDIAN}
        found = sql.run_file(connection, "amounts_new.sql", _ours(staged), staged=staged.table, **names).all()
        failed = sum(int(one.deals) for one in found)
        told = [
            f"{one.deals} new deals in {one.currency}: median {one.amount:g}, usually {one.usual:g}" for one in found
        ]
    return Check(
        "amounts_in_units",
        "hold",
        "Amounts of deals stay in units of their currency",
        "The CRM changed from units to cents or back: change the staging file; release only if the amounts are real",
        staged.row_count,
        failed,
        tuple(told)[:3],
    )


def _ours(staged: Staged) -> dict[str, str]:
    return {"source": staged.batch.source, "account": staged.batch.account_id}
