"""What the judges of the model read: the one place to change when a mart changes its name or its columns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.judges.measure import Query

# Of a mart that tells several dimensions and periods, the rows that are judged.
WHOLE = {"dimension": "channel", "period_kind": "all"}
Identifier = tuple[str, str]  # kind (contact_id, client_id), value


@dataclass(frozen=True)
class Credit:
    """What one model gives one channel, over all weeks: conversions, and their money in the base currency."""

    conversions: float
    value: float


@dataclass(frozen=True)
class Touchpoint:
    """One published touch. `is_credited`: it may earn credit; `visit_id` is empty where it is no visit."""

    person_id: str
    at: datetime
    channel: str
    kind: str
    visit_id: str
    is_credited: bool


@dataclass(frozen=True)
class DealRow:
    """One published deal: outcome is won, lost or open; amounts in its own currency."""

    deal_id: str
    outcome: str
    closed_at: datetime | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Predicted:
    """What the customers of one cohort (month of their first purchase) are predicted to bring between two days, in all
    and in the base currency, and between what it is said to lie."""

    cohort_month: date
    since: date
    until: date
    value: float
    low: float
    high: float


def people(query: Query) -> dict[Identifier, str]:
    """Our person of each contact and client id."""
    rows = query(
        "SELECT identifier_kind, identifier, person_id FROM core.person_identifier "
        "WHERE identifier_kind IN ('contact_id', 'client_id')"
    )
    return {(kind, value): person for kind, value, person in rows}


def touchpoints(query: Query) -> list[Touchpoint]:
    """All published touches of known people, in their order."""
    rows = query(
        "SELECT person_id, occurred_at, channel, kind, coalesce(visit_id, ''), is_credited FROM marts.touchpoint "
        "WHERE person_id IS NOT NULL ORDER BY person_id, occurred_at, touchpoint_id"
    )
    return [Touchpoint(row[0], _utc(row[1]), *row[2:]) for row in rows]


def mql_times(query: Query) -> dict[str, datetime]:
    """Our person -> since when an MQL."""
    rows = query("SELECT person_id, ended_at FROM marts.journey WHERE conversion_type = 'mql'")
    return {person: _utc(at) for person, at in rows}


def deals(query: Query) -> list[DealRow]:
    """All published deals."""
    rows = query("SELECT deal_id, outcome, closed_at, amount, currency FROM marts.deal")
    return [
        DealRow(row[0], row[1], row[2] and _utc(row[2]), Decimal(str(row[3] or 0)), row[4]) for row in rows
    ]  # fmt: skip


def refunds(query: Query) -> dict[tuple[str, str], Decimal] | None:
    """(month, currency) -> what was given back, where a mart says it; None where none does."""
    if not {"refunded_amount", "refunded_at"} <= set(columns(query, "marts", "deal")):
        return None
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for at, currency, amount in query("SELECT refunded_at, currency, refunded_amount FROM marts.deal"):
        if at is not None and amount:
            found[_utc(at).strftime("%Y-%m"), currency] += Decimal(str(amount))
    return found


def attribution(query: Query) -> dict[tuple[str, str], dict[str, Credit]]:
    """(conversion type, model) -> channel -> credit, for whatever models and types the mart holds."""
    held = columns(query, "marts", "attribution")
    name = "name" if "name" in held else "channel"
    only = [f"{column} = '{value}'" for column, value in WHOLE.items() if column in held]
    where = f"WHERE {' AND '.join(only)}" if only else ""
    found: dict[tuple[str, str], dict[str, Credit]] = {}
    for kind, model, channel, conversions, money in query(
        f"SELECT conversion_type, model, {name}, sum(conversions), sum(value_base) FROM marts.attribution {where} "
        f"GROUP BY conversion_type, model, {name} ORDER BY conversion_type, model, {name}"
    ):
        found.setdefault((kind, model), {})[channel] = Credit(float(conversions or 0), float(money or 0))
    return found


def ltv(query: Query) -> list[Predicted]:
    """What is still to come by cohort, up to the horizon; empty while no mart predicts anything."""
    if "ltv_predicted_base" not in columns(query, "marts", "ltv_predicted"):
        return []
    return [
        Predicted(
            cohort_month=cohort,
            since=_month_after(cohort, observed + 1),
            until=_month_after(cohort, horizon + 1),
            value=float(customers) * (float(predicted) - float(known)),
            low=float(customers) * (float(low) - float(known)),
            high=float(customers) * (float(high) - float(known)),
        )
        for cohort, customers, observed, horizon, known, predicted, low, high in query(
            "SELECT cohort_month, customers, observed_months, horizon_months, ltv_observed_base, ltv_predicted_base, "
            "ltv_low_base, ltv_high_base FROM marts.ltv_predicted "
            "WHERE segment = 'all' AND observed_months < horizon_months "
            "AND ltv_predicted_base IS NOT NULL ORDER BY cohort_month"
        )
    ]


def _month_after(month: date, count: int) -> date:
    years, place = divmod(month.month - 1 + count, 12)
    return date(month.year + years, place + 1, 1)


def columns(query: Query, schema: str, table: str) -> tuple[str, ...]:
    """The columns of a table, none where there is no such table."""
    where = f"table_schema = '{schema}' AND table_name = '{table}'"
    return tuple(row[0] for row in query(f"SELECT column_name FROM information_schema.columns WHERE {where}"))


def _utc(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
