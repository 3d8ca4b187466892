"""What every command has in common: its options, the context it works in, and how its report is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from rebuttal.clock import Clock
from rebuttal.context import Context
from rebuttal.records import Report

DAY = click.DateTime(formats=["%Y-%m-%d"])
UNTIL = click.option("--until", type=DAY, help="Look no further than the end of this day (UTC); default: now.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def context_until(until: datetime | None = None) -> Context:
    """The context of a command; `until` is the last day it knows (UTC), None is now."""
    return Context.from_environment(Clock.until(until.date() if until else None))


def finish(reports: Sequence[Report]) -> None:
    """Every problem as a line on standard error; with any, exit code 1."""
    problems = [f"{report.stage}: {problem}" for report in reports for problem in report.problems]
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    if problems:
        raise SystemExit(1)


def print_report(report: Report) -> None:
    """One line: the stage and what it counted."""
    counts = ", ".join(f"{name} {value:,}" for name, value in report.counts.items()) or "nothing to do"
    click.echo(f"{report.stage:<7} {counts}")
