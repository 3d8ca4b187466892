"""Expectations about single rows, all of a suite counted in one pass over the staged table.

A rule is a SQL condition that holds for a *bad* row. Great Expectations bundles the counts of all rules of a suite
into one SELECT; the rows themselves are fetched by the gate, and only for rules that are broken. Conditions are
written in what DuckDB and Postgres share (patterns anchored, because DuckDB's `~` wants the whole text).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

Severity = Literal["quarantine", "warning"]


class RowsBreakingRule(TableMetricProvider):
    """How many rows of the table meet a condition; an aggregate, so that many of them share one SELECT."""

    metric_name = "table.rows_breaking_rule"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: Any,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        condition = sa.literal_column(metric_value_kwargs["condition"], sa.Boolean())
        return sa.func.count(sa.case((condition, 1))), metric_domain_kwargs, {}


class ExpectNoRowWhere(BatchExpectation):
    """No row meets `condition`. The rest of the rule stands in `meta`: see `rule`."""

    condition: str

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_breaking_rule",)
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        count = int(metrics["table.rows_breaking_rule"])
        return {"success": count == 0, "result": {"observed_value": count}}


class ExpectRowDecoded(ExpectNoRowWhere):
    """The landed row could be read at all."""


class ExpectValuesReadable(ExpectNoRowWhere):
    """Every value is of its column's type."""


class ExpectKeyPresent(ExpectNoRowWhere):
    """The natural key is there."""


class ExpectExactId(ExpectNoRowWhere):
    """Ids never passed through a floating-point number."""


class ExpectPossibleMoment(ExpectNoRowWhere):
    """A time or date that can be."""


class ExpectColumnPresent(ExpectNoRowWhere):
    """A value that the entity cannot do without."""


class ExpectNotNegative(ExpectNoRowWhere):
    """A count or an amount from zero up."""


class ExpectColumnWithin(ExpectNoRowWhere):
    """A part is not larger than its whole."""


class ExpectWordKnown(ExpectNoRowWhere):
    """A word that the company has given a meaning."""


def rule(
    name: str,
    condition: str,
    description: str,
    next_step: str,
    *,
    value: str = "cast(null as text)",
    severity: Severity = "quarantine",
    kind: type[ExpectNoRowWhere] = ExpectNoRowWhere,
) -> ExpectNoRowWhere:
    """A rule about rows.

    `condition`: SQL true for a bad row. `description`: what must hold, in words for people. `value`: SQL text of
    what is shown of a bad row. `quarantine` keeps bad rows out of core, `warning` lets them in and is reported. `kind`
    is the name under which Great Expectations knows the rule.
    """
    return kind(
        condition=condition,
        description=description,
        meta={"name": name, "severity": severity, "next_step": next_step, "value": value},
    )


def rows_as_promised(key: Sequence[str]) -> list[ExpectNoRowWhere]:
    """The rules of every entity: decoded whole, values of their types, a usable key."""
    nothing = "'(?i)^[[:space:]\u00a0]*(null|none|nan|undefined|n/a)?[[:space:]\u00a0]*$'"
    missing = " or ".join(f"{name} is null or cast({name} as text) ~ {nothing}" for name in key)
    ids = [name for name in key if name.endswith("_id")]
    rules = [
        rule(
            "row_decoded",
            "_defect is not null",
            "The row could be decoded whole and within the size limit",
            "Look at the raw row; ask the owner of the source to mend the text, then pull it again",
            value="_defect",
            kind=ExpectRowDecoded,
        ),
        rule(
            "values_readable",
            "_unreadable is not null",
            "Every value is of its column's type: whole numbers, finite numbers, real dates, JSON",
            "If the vendor changed the field's type, change the staging file; then release the rows",
            value="_unreadable",
            kind=ExpectValuesReadable,
        ),
        rule(
            "key_present",
            missing,
            f"The key ({', '.join(key)}) is there, and is not a word for nothing such as `null`",
            "Look at the raw row; a vendor that drops keys has changed its contract",
            value="_key",
            kind=ExpectKeyPresent,
        ),
    ]
    if ids:

        def may_be(name: str) -> str:  # most ids have none of these letters: a pattern costs much more than to see it
            return " or ".join(f"{name} like '%{letter}%'" for letter in ".eE")

        float_like = "'^[+-]?[0-9]+[.][0-9]*([eE][+-]?[0-9]+)?$|^[+-]?[0-9]+[eE][+-]?[0-9]+$'"
        rules.append(
            rule(
                "id_exact",
                " or ".join(f"case when {may_be(name)} then {name} ~ {float_like} end" for name in ids),
                "Ids are digits or words, never floating-point numbers, which lose their last digits",
                "Find where the id passed through a float (a spreadsheet, a JSON parser) and take it as text",
                value="_key",
                kind=ExpectExactId,
            )
        )
    return rules


def not_impossible(column: str, latest: datetime, *, may_be_planned: bool = False) -> ExpectNoRowWhere:
    """A time or date after 1999 and before `latest` (UTC); `may_be_planned` allows a future up to 2100."""
    end = datetime(2100, 1, 1, tzinfo=UTC) if may_be_planned else latest
    moment = f"cast({column} as timestamp with time zone)"
    return rule(
        f"{column}_possible",
        f"{moment} < timestamp with time zone '2000-01-01 00:00:00+00'"
        f" or {moment} > timestamp with time zone '{end.isoformat(sep=' ')}'",
        f"{column} lies after 1999 and not in the future",
        "Look at the raw row: seconds read as milliseconds, a wrong clock, or a placeholder date",
        value=f"cast({column} as text)",
        kind=ExpectPossibleMoment,
    )


def present(column: str) -> ExpectNoRowWhere:
    """A value that the entity cannot do without."""
    return rule(
        f"{column}_present",
        f"{column} is null",
        f"{column} is there",
        "Look at the raw row; if the vendor stopped sending the field, change the staging file",
        kind=ExpectColumnPresent,
    )


def not_negative(*columns: str) -> list[ExpectNoRowWhere]:
    """Counts and amounts from zero up."""
    return [
        rule(
            f"{column}_not_negative",
            f"{column} < 0",
            f"{column} is not negative",
            "Look at the raw row: a correction belongs to the day it corrects, not to a negative row",
            value=f"cast({column} as text)",
            kind=ExpectNotNegative,
        )
        for column in columns
    ]


def not_above(part: str, whole: str) -> ExpectNoRowWhere:
    """A part is not larger than its whole."""
    return rule(
        f"{part}_within_{whole}",
        f"{part} > {whole}",
        f"There are no more {part} than {whole}",
        "Compare with the vendor's own page; columns may be swapped or the report broken",
        value=f"cast({part} as text) || ' {part}, ' || cast({whole} as text) || ' {whole}'",
        kind=ExpectColumnWithin,
    )


def known_word(*columns: str) -> list[ExpectNoRowWhere]:
    """Words that we know; others are admitted as `unknown:<word>` and reported, never guessed."""
    return [
        rule(
            f"{column}_known",
            f"{column} like 'unknown:%'",
            f"{column} is a word that we know",
            "Decide what the new word means and add it to the staging file",
            value=column,
            severity="warning",
            kind=ExpectWordKnown,
        )
        for column in columns
    ]
