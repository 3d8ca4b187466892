"""`rebuttal tasks`: the content tasks, and people's word on those that wait for approval."""

from __future__ import annotations

from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table

BY = click.option("--by", required=True, help="Who decides; the name goes into the journal.")
REASON = click.option("--reason", help="Why, for those who read the journal.")
_WORDS = {"approved": "Approved", "rejected": "Rejected", "merged": "Merged"}


@click.group()
def tasks() -> None:
    """Content tasks: list, show, approve, reject, merge."""


@tasks.command("list")
@click.option("--all", "is_all", is_flag=True, help="Not only those that wait for approval.")
@JSON
def tasks_list(is_all: bool, as_json: bool) -> None:
    """Tasks that wait for approval, the highest score first."""
    from rebuttal.content.approval import AWAITING
    from rebuttal.content.approval import tasks as read

    found = read(context_until(), None if is_all else AWAITING)
    if as_json:
        click.echo(as_json_text(found))
        return
    if not found:
        click.echo("There are no tasks yet." if is_all else "No task waits for approval.")
        return
    columns = ["id", "status", "score", "voices", "money", "format", "title", "task"]
    print_table(
        columns,
        [
            [row["task_id"][:12], row["status"], row["score"], row["subject_count"],
             None if row["money_at_risk_base"] is None else f"{row['money_at_risk_base']:,.0f} {row['currency']}",
             row["format"], row["title"], row["task_key"]]
            for row in found
        ],
    )  # fmt: skip
    if not is_all:
        click.echo("Decide with `rebuttal tasks approve|reject ID --by NAME` or `merge ID OTHER --by NAME`.")


@tasks.command("show")
@click.argument("task")
@JSON
def tasks_show(task: str, as_json: bool) -> None:
    """The whole brief of TASK (its id, the beginning of it, or its key in the tracker) and what became of it."""
    from rebuttal.content.approval import show

    found = show(context_until(), task)
    if as_json:
        click.echo(as_json_text(found))
        return
    click.echo(found["title"])
    told = [found["status"], found["task_key"], found["task_url"], found["published_url"]]
    click.echo(f"{found['task_id'][:12]}  " + "  ".join(str(value) for value in told if value))
    for line in _lines(found["brief"]["blocks"]):
        click.echo(line)


@tasks.command("approve")
@click.argument("task")
@BY
@REASON
def tasks_approve(task: str, by: str, reason: str | None) -> None:
    """Let TASK be sent by the next `rebuttal answer`."""
    from rebuttal.content.approval import approve

    _told(approve(context_until(), task, by, reason), "The next `rebuttal answer` sends it.")


@tasks.command("reject")
@click.argument("task")
@BY
@REASON
def tasks_reject(task: str, by: str, reason: str | None) -> None:
    """Turn TASK down; its theme is not proposed again within the cool-down."""
    from rebuttal.content.approval import reject

    _told(reject(context_until(), task, by, reason), "Its theme rests for the cool-down.")


@tasks.command("merge")
@click.argument("task")
@click.argument("into")
@BY
@REASON
def tasks_merge(task: str, into: str, by: str, reason: str | None) -> None:
    """Make TASK a part of INTO, another task that is open or waits."""
    from rebuttal.content.approval import merge

    _told(merge(context_until(), task, into, by, reason), "Its theme waits for what becomes of the other.")


def _told(done: Any, then: str) -> None:
    if done.is_new:
        click.echo(f"{_WORDS[done.decision]}: {done.title}. {then}")
    else:
        click.echo(f"{done.title}: had been {done.decision} before; nothing changed.")


def _lines(blocks: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        if block["kind"] == "heading":
            lines += ["", block["text"]]
        elif block["kind"] == "quote":
            lines.append("  “" + "”  ".join(block["items"]))
        else:
            lines += [f"  {block['text']}"] if block["text"] else []
            lines += [f"  - {item}" for item in block["items"]]
    return lines
