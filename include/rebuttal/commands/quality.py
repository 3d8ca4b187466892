"""`rebuttal report quality` for people, and `rebuttal docs`: what the gate found, in words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click

from rebuttal.commands.shown import JSON, UNTIL, context_until, print_report
from rebuttal.display import as_json_text, print_table
from rebuttal.settings import Settings

_QUERY_SHOWN = 240
MEANING = {
    "hold": "The whole batch waits; people see the last good data",
    "alarm": "A total or a link between tables does not hold; do not trust the figures it names",
    "quarantine": "Such rows are kept out until somebody looks",
    "warning": "Such rows are let in; the figures may be off",
    "notice": "Such rows are as they should be; it is good to know that they are there",
}


def print_quality(settings: Settings) -> None:
    """The data-quality report on standard output, the gravest first. Raises StoreError when nothing is published."""
    from rebuttal.warehouse.reports import read_quality

    quality = read_quality(settings)
    totals = quality.totals
    waiting = sum(row["quarantined_row_count"] for row in quality.kept_out)
    click.echo(f"Failing checks: {len(quality.failing)}; never failed: {quality.passing_count}.")
    click.echo(f"Held batches: {len(quality.held)}. In quarantine: {waiting:,} of {totals['landed_row_count']:,} rows.")
    for severity, meaning in MEANING.items():
        found = [check for check in quality.checks if check["severity"] == severity]
        if found:
            click.echo(f"\n{severity.upper()}: {meaning}.")
            for check in found:
                _print_check(check)
    if quality.held:
        click.echo("\nHELD BATCHES")
        columns = ["batch", "landed", "rows", "why"]
        print_table(columns, [[r["batch_id"], _day(r["landed_at"]), r["row_count"], r["reason"]] for r in quality.held])
    kept_out = [row for row in quality.kept_out if row["quarantined_row_count"]]
    if kept_out:
        click.echo("\nIN QUARANTINE, BY REASON")
        names = ("source", "stream", "check_name", "quarantined_row_count", "released_row_count")
        rows = [[*(row[name] for name in names), _day(row["since_at"]), row["description"]] for row in kept_out]
        print_table(["source", "stream", "check", "rows", "released", "since", "what should hold"], rows)
    if quality.duplicates:
        click.echo("\nDUPLICATES, FOLDED INTO ONE ROW EACH")
        names = ("source", "entity", "kind", "folded_row_count", "undone_row_count")
        rows = [[row[name] for name in names] for row in quality.duplicates]
        print_table(["source", "entity", "kind", "folded", "undone"], rows)
    click.echo("\nWHERE EVERY LANDED ROW ENDED")
    print_table(*_accounting(quality.streams, totals))


def _print_check(check: dict[str, Any]) -> None:
    where = f"{check['source']}.{check['stream']}" if check["stream"] else "all data"
    if check["is_failing"]:
        share = check["failed_share_latest"]
        of = f" ({share:.1%})" if share is not None else ""
        now = f"{check['failed_row_count_latest']:,} of {check['row_count_latest']:,} rows{of}, {check['trend']}"
    else:
        now = "healed: the newest data is clean"
    click.echo(f"\n  {check['description']}  [{where}: {check['check_name']}]")
    click.echo(f"    now       {now}; since {_day(check['since_at'])}, last seen {_day(check['last_seen_at'])}")
    for number, example in enumerate(json.loads(check["examples"] or "[]")):
        click.echo(f"    {'' if number else 'examples':<9} {example}")
    click.echo(f"    do        {check['next_step']}")
    if check["query"]:
        query = " ".join(check["query"].split())
        shown = query if len(query) <= _QUERY_SHOWN else f"{query[:_QUERY_SHOWN]} ... (whole with --json)"
        click.echo(f"    see       {shown}")


def _accounting(streams: list[dict[str, Any]], totals: dict[str, int]) -> tuple[list[str], list[list[Any]]]:
    columns = [name.removesuffix("_row_count") for name in totals]
    rows = [
        [f"{row['source']}.{row['stream']}", *(row[name] for name in totals), _day(row["covered_until"])]
        for row in streams
    ]
    return ["stream", *columns, "covered until"], [*rows, ["total", *totals.values(), ""]]


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment else ""


@click.command()
def docs() -> None:
    """Draw the data-quality pages (Great Expectations Data Docs) from the published results."""
    from rebuttal.quality.data_docs import build

    print_report(build(context_until().settings))


@click.command()
@UNTIL
@JSON
def alerts(until: datetime | None, as_json: bool) -> None:
    """What stands open: late sources, held batches, alarms, rows kept out, unmapped words, spend without tags, messages
    that did not arrive; each with what to do. Nothing is sent.
    """
    from rebuttal.reports.alerts import open_findings
    from rebuttal.reports.findings import compose_alert

    context = context_until(until)
    findings = open_findings(context)
    if as_json:
        click.echo(as_json_text(findings.sections))
    elif findings.is_empty:
        click.echo("Nothing stands open.")
    else:
        click.echo(compose_alert(findings, "en", context.clock.now().date().isoformat(), None).text)
