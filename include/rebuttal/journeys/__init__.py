"""MODEL: identity, touchpoints, journeys, attribution and money; and attribution of any path table."""

from __future__ import annotations

from rebuttal.context import Context
from rebuttal.records import Report

__all__ = ["run"]


def run(context: Context) -> Report:
    """Build and publish the marts; see `rebuttal.journeys.model`. The import stands here: it costs half a second."""
    from rebuttal.journeys.model import run as run_model

    return run_model(context)
