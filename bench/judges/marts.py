"""What the judges of the model read: the one place to change when a mart changes its name or its columns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.judges.measure import Query

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
    """What a person, as we know them, is predicted to bring from `made_on` on, within `horizon_days`."""

    person_id: str
    made_on: date
    horizon_days: int
    value: float


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
    name, value = ("name", "value") if "dimension" in held else ("channel", "value_base")
    only = "WHERE dimension = 'channel'" if "dimension" in held else ""
    found: dict[tuple[str, str], dict[str, Credit]] = {}
    for kind, model, channel, conversions, money in query(
        f"SELECT conversion_type, model, {name}, sum(conversions), sum({value}) FROM marts.attribution {only} "
        f"GROUP BY conversion_type, model, {name} ORDER BY conversion_type, model, {name}"
    ):
        found.setdefault((kind, model), {})[channel] = Credit(float(conversions or 0), float(money or 0))
    return found


def ltv(query: Query) -> list[Predicted] | None:
    """Predictions by person; None while no mart holds any."""
    held = columns(query, "marts", "ltv_predicted")
    if not {"person_id", "predicted_on", "horizon_days", "predicted_value"} <= set(held):
        return None
    rows = query("SELECT person_id, predicted_on, horizon_days, predicted_value FROM marts.ltv_predicted")
    return [Predicted(row[0], row[1], int(row[2]), float(row[3])) for row in rows if row[3] is not None]


def columns(query: Query, schema: str, table: str) -> tuple[str, ...]:
    """The columns of a table, none where there is no such table."""
    where = f"table_schema = '{schema}' AND table_name = '{table}'"
    return tuple(row[0] for row in query(f"SELECT column_name FROM information_schema.columns WHERE {where}"))


def _utc(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
