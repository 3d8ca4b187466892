"""Expectations over core as a whole: each is a query whose rows are what breaks it, run inside the warehouse.

A query gives the keys of a finding and a text column `example` for people, without personal data. It is written in
what DuckDB and Postgres share, and names its moments in UTC, whatever the session's zone is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

AuditSeverity = Literal["notice", "warning", "alarm"]
EXAMPLES = 3

# The findings are counted and shown from one execution, so that the two cannot disagree.
_FOUND = """
with failing as (
{query}
)
select 'failed' as what, cast(count(*) as text) as told from failing
union all
select 'looked_at', cast(({looked_at}) as text)
union all
select * from (select 'example', example from failing order by example limit {examples}) as shown
"""


class RowsOfQuery(TableMetricProvider):
    """What a query finds: `failed` and `looked_at` (rows), `examples` (at most three)."""

    metric_name = "table.rows_of_query"
    value_keys = ("query", "looked_at")

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],  # noqa: ARG002
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, Any]:
        statement = _FOUND.format(examples=EXAMPLES, **metric_value_kwargs)
        found = execution_engine.execute_query(sa.text(statement.replace(":", "\\:"))).all()
        told = {what: value for what, value in found if what != "example"}
        examples = [value for what, value in found if what == "example"]
        return {"failed": int(told["failed"]), "looked_at": int(told["looked_at"]), "examples": examples}


class ExpectNoRowsFrom(BatchExpectation):
    """`query` gives no row; `looked_at` gives the number of rows it judged. See `across` for the rest of the rule."""

    query: str
    looked_at: str

    domain_type: ClassVar[MetricDomainTypes] = MetricDomainTypes.TABLE
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_of_query",)
    success_keys: ClassVar[tuple[str, ...]] = ("query", "looked_at")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        found = metrics["table.rows_of_query"]
        return {"success": found["failed"] == 0, "result": {"observed_value": found["failed"], "details": found}}


class ExpectClocksAligned(ExpectNoRowsFrom):
    """The hits of a visit begin when the visit begins: no device's clock is minutes off."""


class ExpectHoursAligned(ExpectNoRowsFrom):
    """Hits and visits are told in the same time zone: they do not differ by whole hours in many visits at once."""


class ExpectEventsInsideSession(ExpectNoRowsFrom):
    """No hit lies before its visit began or after it ended."""


class ExpectNoBurst(ExpectNoRowsFrom):
    """Nobody looks at more pages in a minute than a person can."""


class ExpectGoalsWithPageViews(ExpectNoRowsFrom):
    """A visit that reached a goal has looked at a page."""


class ExpectVisitsUncut(ExpectNoRowsFrom):
    """A visit is not cut in two at midnight."""


class ExpectSegmentKnown(ExpectNoRowsFrom):
    """The audience segment is there, and is one that we know."""


class ExpectReferenceExists(ExpectNoRowsFrom):
    """What a row refers to is in core."""


class ExpectNoSameEventTwice(ExpectNoRowsFrom):
    """No event is in core twice, counted without the merge's own arithmetic."""


class ExpectMergesResolve(ExpectNoRowsFrom):
    """What the vendor merged leads to one surviving record."""


class ExpectTotalsAgree(ExpectNoRowsFrom):
    """Two tellings of the same thing keep the proportion that they usually have."""


class ExpectDaysComplete(ExpectNoRowsFrom):
    """A stream that has rows every day has rows on each of them."""


class ExpectStreamsFresh(ExpectNoRowsFrom):
    """The newest day of a stream is not older than its usual pauses explain."""


class ExpectVolumeUsual(ExpectNoRowsFrom):
    """A day has as much as the same weekday usually has."""


Rule = TypeVar("Rule", bound=ExpectNoRowsFrom)


def across(
    kind: type[Rule],
    name: str,
    entity: str,
    query: str,
    looked_at: str,
    description: str,
    next_step: str,
    *,
    reads: Sequence[str],
    severity: AuditSeverity = "warning",
) -> Rule:
    """A rule over core as a whole.

    `query`: SQL of the rows that break it, with a text column `example`. `looked_at`: SQL giving one number. `entity`
    is what the finding is about, `reads` the entities whose batches can change the answer. `alarm` asks for somebody
    today, `warning` for somebody this week, `notice` only explains numbers.
    """
    return kind(
        query=query,
        looked_at=looked_at,
        description=description,
        meta={"name": name, "entity": entity, "severity": severity, "next_step": next_step, "reads": list(reads)},
    )
