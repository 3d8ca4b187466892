"""`rebuttal utm`: the links the company uses, the variants that people decide about, and where money and tags part."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table

BY = click.option("--by", required=True, help="Who decides; the name goes into the journal.")
REASON = click.option("--reason", help="Why, for those who read the journal.")


@click.group()
def utm() -> None:
    """The tags of links: build, import, judge variants, audit."""


@utm.command("link")
@click.argument("url")
@click.option("--source", required=True)
@click.option("--medium", required=True)
@click.option("--campaign", required=True)
@click.option("--content")
@click.option("--term")
def utm_link(url: str, source: str, medium: str, campaign: str, content: str | None, term: str | None) -> None:
    """URL with the tags of a registered link, in their registered spelling."""
    from rebuttal.quality.utm_link import build
    from rebuttal.quality.utm_registry import load_registry
    from rebuttal.settings import load_settings

    registry = load_registry(load_settings().config)
    click.echo(build(registry, url, source=source, medium=medium, campaign=campaign, content=content, term=term))


@utm.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Put what may be added and changed into utm.yml; without it, only look.")
@JSON
def utm_import(file: Path, write: bool, as_json: bool) -> None:
    """Check the links of FILE (CSV or XLSX) row by row, and take them over into utm.yml with --write."""
    from rebuttal.quality import utm_import as importing
    from rebuttal.settings import load_settings

    config = load_settings().config
    plan = importing.plan(config, file)
    is_written = write and importing.write(config, plan)
    rows: list[dict[str, Any]] = [
        {"row": one.row, "action": one.action, "tags": one.tags, "reason": one.reason} for one in plan.outcomes
    ]
    counts = {action: plan.count(action) for action in ("add", "change", "same", "refuse")}
    if as_json:
        told = {"rows": rows, **counts, "ignored_columns": plan.ignored_columns, "is_written": is_written}
        click.echo(as_json_text(told))
    else:
        shown = [row for row in rows if row["action"] != "same"]
        if shown:
            print_table(list(shown[0]), [list(row.values()) for row in shown])
        if plan.ignored_columns:
            click.echo(f"Columns that mean nothing here: {', '.join(plan.ignored_columns)}")
        done = f"written to {config / 'utm.yml'}" if is_written else "nothing written"
        click.echo(", ".join(f"{action} {count}" for action, count in counts.items()) + f"; {done}")
    if counts["refuse"]:
        click.echo(f"problem: {counts['refuse']} rows are refused; mend them and import again", err=True)
        raise SystemExit(1)


@utm.command("suggestions")
@JSON
def utm_suggestions(as_json: bool) -> None:
    """Spelling variants that wait for a person, with their evidence; and what looks alike but is refused, and why."""
    from rebuttal.quality.utm_aliases import suggestions

    found = suggestions(context_until())
    if as_json:
        click.echo(as_json_text([{**asdict(one), "is_open": one.is_open} for one in found]))
        return
    waiting, refused = [one for one in found if one.is_open], [one for one in found if not one.is_open]
    if waiting:
        columns = ["id", "tag", "written", "means", "visits", "first seen", "last seen", "click id", "campaign id"]
        print_table(
            columns,
            [
                [one.suggestion_id, one.field, one.written, one.registered, one.visits, f"{one.first_seen_at:%Y-%m-%d}",
                 f"{one.last_seen_at:%Y-%m-%d}", _share(one.click_id_share), _share(one.campaign_id_share)]
                for one in waiting
            ],
        )  # fmt: skip
        click.echo("Decide with `rebuttal utm accept ID --by NAME` or `rebuttal utm reject ID --by NAME`.")
    else:
        click.echo("No variant waits for a decision.")
    if refused:
        click.echo("Alike, but not taken for one another:")
        print_table(
            ["tag", "written", "registered", "visits", "because"],
            [[one.field, one.written, one.registered, one.visits, one.refused] for one in refused],
        )


@utm.command("accept")
@click.argument("suggestion_id")
@BY
@REASON
def utm_accept(suggestion_id: str, by: str, reason: str | None) -> None:
    """The variant means the registered value; the next admission judges history again."""
    _decide(suggestion_id, "accepted", by, reason)


@utm.command("reject")
@click.argument("suggestion_id")
@BY
@REASON
def utm_reject(suggestion_id: str, by: str, reason: str | None) -> None:
    """The variant is another value; it is never suggested again."""
    _decide(suggestion_id, "rejected", by, reason)


@utm.command("audit")
@JSON
def utm_audit(as_json: bool) -> None:
    """Campaigns that spend without tagged visits, and tagged visits of campaigns that spend nothing."""
    from rebuttal.quality.utm_registry import load_registry
    from rebuttal.quality.utm_spend import campaign_gaps, spend_checks
    from rebuttal.warehouse import open_warehouse

    settings = context_until().settings
    with open_warehouse(settings) as engine, engine.connect() as connection:
        gaps = campaign_gaps(connection, load_registry(settings.config))
        checks = spend_checks(connection, gaps)
    if as_json:
        told = [{**asdict(check), "is_passed": check.is_passed} for check in checks]
        click.echo(as_json_text({"checks": told, "campaigns": [asdict(gap) for gap in gaps]}))
        return
    for check in checks:
        click.echo(f"{check.severity if not check.is_passed else 'ok'}: {check.description} ({check.failed_count})")
        for example in check.examples:
            click.echo(f"  {example}")
        if not check.is_passed:
            click.echo(f"  {check.next_step}.")
    if gaps:
        print_table(list(asdict(gaps[0])), [list(asdict(gap).values()) for gap in gaps])


def _decide(suggestion_id: str, decision: str, by: str, reason: str | None) -> None:
    from rebuttal.quality.utm_aliases import decide

    done = decide(context_until(), suggestion_id, decision, by, reason)
    told = f"{done.field} {done.written!r} as {done.registered!r}"
    if done.is_new:
        click.echo(f"{decision.capitalize()}: {told}. The next `rebuttal admit` judges history again.")
    else:
        click.echo(f"{told} was {decision} before, by {done.decided_by}; nothing changed.")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
