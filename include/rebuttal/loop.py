"""The loop without a scheduler: every stage once, in order, with the same functions that the DAGs call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from rebuttal.context import Context
from rebuttal.errors import RebuttalError
from rebuttal.records import Report
from rebuttal.state import alone
from rebuttal.state.suppressions import has_erased

STAGES = ("pull", "admit", "model", "listen", "answer", "prove", "tell")


def run_stage(
    name: str,
    context: Context,
    *,
    source: str | None = None,
    window: tuple[date, date] | None = None,
    what: str = "digest",
    wait: float = 0.0,
) -> Report:
    """Run one stage under its lease (see state.lease): one at a time, whoever starts it.

    Before it, a store that was restored from a backup forgets again who was erased since. Raises BusyError when another
    process is still at it after `wait` seconds, LeaseLostError when one has taken over, and what the stage raises.
    Imports stand here: a stage's libraries cost seconds, and one command needs one.
    """
    _keep_erased(context)
    if name == "pull":  # a lease for each source
        from rebuttal import sources

        return sources.run(context, source=source, window=window)
    if name == "inbox":
        from rebuttal import fast_way

        return fast_way.work(context)
    if name == "tell":
        from rebuttal import reports

        with alone(context.settings, f"tell:{what}", wait=wait):
            return reports.run(context, what=what)
    run = _plain(name)
    with alone(context.settings, name, wait=wait):
        return run(context)


def run_loop(context: Context) -> Iterator[Report]:
    """All stages once. A stage that fails is reported and the next goes on with the last good data."""
    for name in STAGES:
        try:
            yield run_stage(name, context)
        except RebuttalError as error:
            yield Report(stage=name, problems=[str(error)])


def _model(context: Context) -> Report:
    """The marts compare what was with what was planned: the plan is loaded first."""
    from rebuttal import journeys, planning

    planned = planning.run(context)
    report = journeys.run(context)
    report.counts |= planned.counts
    report.changed |= planned.changed
    return report


def _keep_erased(context: Context) -> None:
    if has_erased(context.settings):
        from rebuttal.erasure import keep_erased

        keep_erased(context)


def _plain(name: str) -> Callable[[Context], Report]:
    if name == "admit":
        from rebuttal import quality

        return quality.run
    if name == "model":
        return _model
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
