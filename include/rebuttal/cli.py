"""The `rebuttal` command: the same stages as the DAGs, for operators, tests and demonstrations.

Exit codes: 0 done; 1 some part failed (each problem is one line on standard error); 2 the command was called wrongly;
3 another process is doing this very work, so nothing was done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rebuttal.commands.content import content
from rebuttal.commands.erase import erase
from rebuttal.commands.hold import hold
from rebuttal.commands.inbox import inbox
from rebuttal.commands.journal import journal
from rebuttal.commands.metrics import metrics
from rebuttal.commands.objections import objections
from rebuttal.commands.partner import partner
from rebuttal.commands.publish import publish
from rebuttal.commands.quality import alerts, docs, print_quality
from rebuttal.commands.quarantine import quarantine
from rebuttal.commands.rates import rates
from rebuttal.commands.readers import readers
from rebuttal.commands.replay import replay
from rebuttal.commands.shown import DAY, JSON, UNTIL, context_until, finish, print_report
from rebuttal.commands.tasks import tasks
from rebuttal.commands.themes import themes
from rebuttal.commands.utm import utm
from rebuttal.context import Context
from rebuttal.display import as_json_text, print_table
from rebuttal.errors import BusyError, RebuttalError
from rebuttal.loop import run_loop, run_stage
from rebuttal.records import OUTCOMES


def main() -> None:
    """Entry point: errors of the pipeline become one line and exit code 1."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BusyError as error:
        click.echo(f"busy: {error}", err=True)
        sys.exit(3)
    except RebuttalError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A closed marketing feedback loop: hear objections, answer them with content, measure whether it helped."""


cli.add_command(quarantine)
cli.add_command(utm)
cli.add_command(rates)
cli.add_command(readers)
cli.add_command(alerts)
cli.add_command(metrics)
cli.add_command(themes)
cli.add_command(docs)
cli.add_command(hold)
cli.add_command(erase)
cli.add_command(partner)
cli.add_command(objections)
cli.add_command(replay)
cli.add_command(publish)
cli.add_command(tasks)
cli.add_command(content)
cli.add_command(journal)
cli.add_command(inbox)


def _stage(name: str, **options: Any) -> Callable[[Callable[..., None]], click.Command]:
    """A command that runs one stage and shows its report."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @cli.command(name)
        @UNTIL
        @JSON
        @wraps(function)
        def command(until: datetime | None, as_json: bool) -> None:
            report = run_stage(name, context_until(until), **options)
            click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
            finish([report])

        return command

    return decorate


@cli.command()
@click.argument("source", required=False)
@click.option("--from", "date_from", type=DAY, help="Backfill: first day.")
@click.option("--to", "date_to", type=DAY, help="Backfill: last day.")
@UNTIL
@JSON
def pull(
    source: str | None, date_from: datetime | None, date_to: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Pull all sources, or one; with --from and --to a backfill, which moves no watermark."""
    if (date_from is None) != (date_to is None):
        raise click.UsageError("A backfill needs both --from and --to")
    window = (date_from.date(), date_to.date()) if date_from and date_to else None
    report = run_stage("pull", context_until(until), source=source, window=window)
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
    finish([report])


@_stage("admit")
def admit() -> None:
    """Validate landed batches, quarantine what is wrong, merge the rest; every row is accounted for."""


@_stage("model")
def model() -> None:
    """Build identity, journeys, attribution and money, and publish the marts as a whole."""


@_stage("listen")
def listen() -> None:
    """Hear objections in notes, calls, surveys and lost reasons."""


@_stage("answer")
def answer() -> None:
    """Turn the costliest objections into tasks in the tracker, once, and read their statuses back."""


@_stage("prove")
def prove() -> None:
    """Measure whether published content helped."""


@cli.command()
@click.argument("what", default="digest")
@UNTIL
@JSON
def tell(what: str, until: datetime | None, as_json: bool) -> None:
    """Send WHAT to those who should have it, once per reader and period.

    digest: the weekly objections; daily, weekly, monthly, quarterly: figures; alerts: what is wrong with the data.
    """
    report = run_stage("tell", context_until(until), what=what)
    click.echo(as_json_text(report.as_dict())) if as_json else print_report(report)
    finish([report])


@cli.command()
@UNTIL
@JSON
def loop(until: datetime | None, as_json: bool) -> None:
    """Every stage once, in order. Run it again and nothing changes unless the world did."""
    reports = []
    for report in run_loop(context_until(until)):
        reports.append(report)
        if not as_json:
            print_report(report)
    if as_json:
        click.echo(as_json_text([report.as_dict() for report in reports]))
    finish(reports)


@cli.command()
@click.argument("name")
@JSON
def report(name: str, as_json: bool) -> None:
    """Show a mart: kpi_weekly, funnel_weekly, channel_performance, attribution, quality, objections, ..."""
    from rebuttal.warehouse.reports import report as read

    settings = Context.from_environment().settings
    if name == "quality" and not as_json:
        print_quality(settings)
        return
    columns, rows = read(settings, name)
    if as_json:
        click.echo(as_json_text([dict(zip(columns, row, strict=True)) for row in rows]))
    else:
        print_table(columns, rows)


@cli.command()
@click.option(
    "--recount", is_flag=True, help="Count again from landing, core and quarantine, and fail on a difference."
)
@JSON
def account(recount: bool, as_json: bool) -> None:
    """Where every landed row ended, per batch and in total. Fails when a sum does not hold.

    A batch is landed (not judged yet), held (waits, nothing merged), admitted, or superseded (was held; a later answer
    of the vendor stands in its place, nothing merged). The last two add up to what they landed.
    """
    from rebuttal.warehouse import open_warehouse
    from rebuttal.warehouse.accounting import account as read
    from rebuttal.warehouse.accounting import verify

    with open_warehouse(Context.from_environment().settings) as engine:
        batches = read(engine)
        if recount:
            verify(engine)
    total = {name: sum(int(row[name] or 0) for row in batches) for name in ("landed", *OUTCOMES)}
    if as_json:
        click.echo(as_json_text({"batches": batches, "total": total}))
    else:
        columns = ["source", "stream", "batch_id", "status", "landed", *OUTCOMES]
        rows = [[row.get(name) for name in columns] for row in batches]
        print_table(columns, [*rows, ["total", "", "", "", total["landed"], *(total[name] for name in OUTCOMES)]])
    wrong = [
        f"{row['source']}.{row['stream']} batch {row['batch_id']}"
        for row in batches
        if row.get("status") in ("admitted", "superseded")
        and row["landed"] != sum(int(row[name] or 0) for name in OUTCOMES)
    ]
    if wrong:
        raise RebuttalError(f"Rows do not add up in {', '.join(wrong)}", next_step="Do not trust the marts; look there")


@cli.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def classify(source: Path, target: Path) -> None:
    """Label the texts of a JSONL file (id, text, optional lang and channel) with objections."""
    from rebuttal.objections import classify_file

    count = classify_file(source, target)
    click.echo(f"{count} texts labelled into {target}")


@cli.command()
@click.argument("paths", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", "model_name", required=True, help="first, last, ..., markov, markov_2, shapley, shapley_rate")
@JSON
def attribute(paths: Path, model_name: str, as_json: bool) -> None:
    """Attribute the conversions of a path table (CSV: path, conversions, value, nulls) to its channels."""
    from rebuttal.journeys.paths import attribute as run
    from rebuttal.journeys.paths import read_paths

    credits = run(read_paths(paths), model_name)
    if as_json:
        click.echo(as_json_text(credits))
    else:
        columns = list(credits[0]) if credits else ["channel", "conversions", "value"]
        print_table(columns, [[row[column] for column in columns] for row in credits])


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Start the sandbox (serve, credentials, truth): a company in a box behind its vendors' protocols."""
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])


@cli.command()
@JSON
def doctor(as_json: bool) -> None:
    """Check settings, stores, connections and tools, and say what to do about what is wrong."""
    from rebuttal.doctor import examine

    findings = examine(Context.from_environment())
    if as_json:
        click.echo(as_json_text(findings))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding['ok'] else 'FAIL'} {finding['what']}: {finding['message']}")
    if not all(finding["ok"] for finding in findings):
        raise SystemExit(1)
