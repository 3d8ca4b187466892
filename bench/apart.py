"""Stages in processes of their own, forked from one that has the libraries loaded: a second each, not five."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path

# All that a stage loads, also what it loads when it runs: half of a short run. None of it starts a Python thread.
_PRELOADED = ["rebuttal.loop", "rebuttal.quality", "rebuttal.journeys.model", "rebuttal.planning.stage",
              "rebuttal.objections", "rebuttal.effects", "rebuttal.sources", "rebuttal.content", "rebuttal.reports",
              "rebuttal.quality.data_docs_site", "rebuttal.quality.expectations.rows", "great_expectations",
              "alembic.command", "duckdb_sqlalchemy", "phonenumbers", "psycopg", "pyarrow",
              "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql"]  # fmt: skip
BUSY, FAILED = 3, 1


def start(stage: str, until: str, env: Mapping[str, str], log: Path) -> ForkServerProcess:
    """Start the stage `stage` (`loop` for all of them) as of the end of the day `until`; its words go to `log`."""
    process = loaded().Process(target=_work, args=(stage, until, dict(env), str(log)))
    process.start()
    return process


def loaded() -> ForkServerContext:
    """Where processes come from that have all libraries loaded."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(_PRELOADED)
    return server


def run(stage: str, until: str, env: Mapping[str, str], log: Path, failpoint: str = "") -> int:
    """Run it to its end; its exit code, negative for the signal that killed it."""
    process = start(stage, until, {**env, "FAILPOINT": failpoint}, log)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _work(stage: str, until: str, env: dict[str, str], log: str) -> None:
    take_over(env, log, log)
    from datetime import date

    from rebuttal.clock import Clock
    from rebuttal.context import Context
    from rebuttal.errors import BusyError, RebuttalError
    from rebuttal.loop import run_loop, run_stage

    context = Context.from_environment(Clock.until(date.fromisoformat(until)))
    try:
        name, _, what = stage.partition(":")
        reports = run_loop(context) if name == "loop" else [run_stage(name, context, what=what or "digest")]
        problems = [f"{report.stage}: {problem}" for report in reports for problem in report.problems]
    except BusyError as error:
        print(f"busy: {error}", flush=True)
        sys.exit(BUSY)
    except RebuttalError as error:
        problems = [f"{stage}: {type(error).__name__}: {error}"]
    print(*problems, sep="\n", flush=True)
    sys.exit(FAILED if problems else 0)


def take_over(env: Mapping[str, str], out: str, error: str) -> None:
    """Make a forked process one of its own: its environment, its group, and the files that its words are added to."""
    os.environ.clear()
    os.environ.update(env)
    os.setsid()  # with all its children it can be killed or stopped at once
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    for number, path in ((1, out), (2, error)):
        with open(path, "a", encoding="utf-8") as file:
            os.dup2(file.fileno(), number)


def _end_with(starter: BaseProcess | None) -> None:
    """Who started it may be killed too: nobody is to go on in a company that the next one takes up."""
    if starter is not None:
        starter.join()
        os.killpg(0, signal.SIGKILL)
