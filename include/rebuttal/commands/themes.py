"""`rebuttal themes`: what people say, grouped by what the same content would answer; and deciding about it."""

from __future__ import annotations

from typing import Any

import click

from rebuttal.commands.shown import JSON, context_until
from rebuttal.display import as_json_text, print_table

BY = click.option("--by", required=True, help="Who decides; the name goes into the journal.")
REASON = click.option("--reason", default="", help="Why, for those who read the journal.")
_FOLLOWS = "The next `rebuttal listen` follows it."


@click.group()
def themes() -> None:
    """Themes of objections: list, show, accept, rename, merge, split, reject."""


@themes.command("list")
@click.option("--all", "every", is_flag=True, help="Also configured themes that nobody voices.")
@JSON
def themes_list(every: bool, as_json: bool) -> None:
    """Themes as last heard: those that wait for a decision first, then the most heard."""
    from rebuttal.objections.themes_decide import list_themes

    found = list_themes(context_until(), every=every)
    if as_json:
        click.echo(as_json_text(found))
        return
    columns = ["theme_id", "name_en", "status", "trend", "subject_count", "quote"]
    print_table(columns, [[_short(row[name]) for name in columns] for row in found])
    if any(row["status"] == "proposed" for row in found):
        click.echo("Decide: `rebuttal themes accept|rename|merge|reject ID ... --by NAME`.")


@themes.command("show")
@click.argument("theme_id")
@JSON
def themes_show(theme_id: str, as_json: bool) -> None:
    """One theme: its names, its weeks and what people say."""
    from rebuttal.objections.themes_decide import show_theme

    found = show_theme(context_until(), theme_id)
    if as_json:
        click.echo(as_json_text(found))
        return
    for name, value in found.items():
        if name not in ("weeks", "quotes") and value is not None:
            click.echo(f"{name:<16} {value}")
    for quote in found["quotes"]:
        click.echo(f"  “{quote}”")
    if found["weeks"]:
        columns = ["week_start", "trend", "subject_count", "expected", "q_value"]
        print_table(columns, [[row[name] for name in columns] for row in found["weeks"]])


@themes.command("accept")
@click.argument("theme_id")
@BY
@REASON
def themes_accept(theme_id: str, by: str, reason: str) -> None:
    """A proposed theme stands (also one that was rejected or merged before)."""
    from rebuttal.objections.themes_decide import decisions

    with decisions(context_until(), by, reason) as decide:
        _told(decide.accept(theme_id), f"{theme_id} stands")


@themes.command("reject")
@click.argument("theme_id")
@BY
@REASON
def themes_reject(theme_id: str, by: str, reason: str) -> None:
    """It is no theme: its sentences are general, and it is not proposed again."""
    from rebuttal.objections.themes_decide import decisions

    with decisions(context_until(), by, reason) as decide:
        _told(decide.reject(theme_id), f"{theme_id} is no theme")


@themes.command("rename")
@click.argument("theme_id")
@click.option("--en")
@click.option("--ru")
@click.option("--uk")
@BY
@REASON
def themes_rename(theme_id: str, en: str | None, ru: str | None, uk: str | None, by: str, reason: str) -> None:
    """Give a theme a name in one or more languages; its id stays."""
    from rebuttal.objections.themes_decide import decisions

    names = {language: name for language, name in (("en", en), ("ru", ru), ("uk", uk)) if name is not None}
    if not names:
        raise click.UsageError("Give at least one of --en, --ru, --uk")
    with decisions(context_until(), by, reason) as decide:
        _told(decide.rename(theme_id, names), f"{theme_id} is called {', '.join(names.values())}")


@themes.command("merge")
@click.argument("theme_id")
@click.argument("into")
@BY
@REASON
def themes_merge(theme_id: str, into: str, by: str, reason: str) -> None:
    """What is said of THEME_ID counts as INTO, also what was said before."""
    from rebuttal.objections.themes_decide import decisions

    with decisions(context_until(), by, reason) as decide:
        _told(decide.merge(theme_id, into), f"{theme_id} is part of {into}")


@themes.command("split")
@click.argument("theme_id")
@click.option("--name", required=True, help="What the new theme is called.")
@click.option("--words", required=True, help="Beginnings of words or phrases, separated by commas.")
@BY
@REASON
def themes_split(theme_id: str, name: str, words: str, by: str, reason: str) -> None:
    """Sentences of the theme that have one of the words become a theme of their own; the rest stays."""
    from rebuttal.objections.themes_decide import decisions

    with decisions(context_until(), by, reason) as decide:
        click.echo(f"{decide.split(theme_id, name, words.split(','))} is a theme. {_FOLLOWS}")


def _told(is_new: bool, what: str) -> None:
    click.echo(f"{what}. {_FOLLOWS}" if is_new else f"{what}: decided before, nothing changed.")


def _short(value: Any) -> Any:
    return f"{value[:57]}..." if isinstance(value, str) and len(value) > 60 else value
