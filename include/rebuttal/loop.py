"""The loop without a scheduler: every stage once, in order, with the same functions that the DAGs call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from rebuttal.context import Context
from rebuttal.errors import RebuttalError
from rebuttal.records import Report
from rebuttal.state.suppressions import has_erased

STAGES = ("pull", "admit", "model", "listen", "answer", "prove", "tell")


def run_stage(
    name: str,
    context: Context,
    *,
    source: str | None = None,
    window: tuple[date, date] | None = None,
    what: str = "digest",
) -> Report:
    """Run one stage. Imports stand here: a stage's libraries cost seconds, and one command needs one.

    Before it, a store that was restored from a backup forgets again who was erased since.
    """
    _keep_erased(context)
    if name == "pull":
        from rebuttal import sources

        return sources.run(context, source=source, window=window)
    if name == "tell":
        from rebuttal import reports

        return reports.run(context, what=what)
    return _plain(name)(context)


def run_loop(context: Context) -> Iterator[Report]:
    """All stages once. A stage that fails is reported and the next goes on with the last good data."""
    for name in STAGES:
        try:
            yield run_stage(name, context)
        except RebuttalError as error:
            yield Report(stage=name, problems=[str(error)])


def _keep_erased(context: Context) -> None:
    if has_erased(context.settings):
        from rebuttal.erasure import keep_erased

        keep_erased(context)


def _plain(name: str) -> Callable[[Context], Report]:
    if name == "admit":
        from rebuttal import quality

        return quality.run
    if name == "model":
        from rebuttal import journeys

        return journeys.run
    if name == "listen":
        from rebuttal import objections

        return objections.run
    if name == "answer":
        from rebuttal import content

        return content.run
    if name == "prove":
        from rebuttal import effects

        return effects.run
    raise ValueError(f"no stage {name!r}; stages are {', '.join(STAGES)}")
