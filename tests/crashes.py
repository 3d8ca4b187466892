"""What a worker of a session of tests died of, told with the test that it died in.

Its last words, Python's own of a fatal signal, go to standard error among everything else, and a SIGKILL has none.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from xdist.workermanage import WorkerController

FOLDER = Path(os.environ["XDG_RUNTIME_DIR"])  # the workers have it from the session


@pytest.hookimpl(trylast=True)  # pytest has given them to standard error by then
def pytest_configure() -> None:
    """In a worker: have the last words of this process in a file."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        faulthandler.enable(_words_of(worker).open("w", encoding="utf-8"))


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """In the session: add them, and how the process ended."""
    node: WorkerController = report.node  # type: ignore[attr-defined]
    report.longrepr = f"{report.longrepr}: {_end_of(node)}\n{_last_words(node.gateway.id)}"


def _end_of(node: WorkerController) -> str:
    code = None
    with suppress(AttributeError, subprocess.TimeoutExpired):
        code = node.gateway._io.popen.wait(10)  # what execnet has of the process is not told elsewhere
    if code is None:
        return "nobody knows how its process ended"
    return f"its process got {signal.Signals(-code).name}" if code < 0 else f"its process ended with {code}"


def _last_words(worker: str) -> str:
    with suppress(OSError):
        return _words_of(worker).read_text(encoding="utf-8", errors="replace")
    return ""


def _words_of(worker: str) -> Path:
    return FOLDER / f"last-words-{worker}"
