"""Stages of the deal pipelines."""

from __future__ import annotations

from datetime import datetime

from rebuttal.quality.expectations import ExpectNoRowWhere, rows_as_promised, rule
from rebuttal.warehouse.entities import ENTITIES


def suite(latest: datetime) -> list[ExpectNoRowWhere]:  # noqa: ARG001
    """Rules for `pipeline_stage`."""
    return [
        *rows_as_promised(ENTITIES["pipeline_stage"].key),
        rule(
            "probability_in_range",
            "probability < 0 or probability > 1",
            "The chance of winning is between 0 and 1",
            "Correct the stage in the CRM's pipeline settings",
            value="cast(probability as text)",
        ),
    ]
