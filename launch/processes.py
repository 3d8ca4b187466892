"""Starting and stopping the programs of a run: each in a group of its own, so that its children end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


class StoppedError(Exception):
    """A program that should run has ended; the message names it and its log."""


class Processes:
    """The programs that this run started, in order; `stop` ends them in reverse."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.logs.mkdir(parents=True, exist_ok=True)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        """Start `command`; its output goes to `<logs>/<name>.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._running.append((name, process))

    def run(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        """Run `command` to its end. Raises StoppedError when it fails."""
        with (self.logs / f"{name}.log").open("ab") as log:
            code = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if code.returncode:
            raise StoppedError(f"{name} failed; see {self.logs / name}.log")

    @contextlib.contextmanager
    def beside(self, name: str, command: Sequence[str], env: dict[str, str]) -> Iterator[None]:
        """Run `command` beside the body, to its end. Raises StoppedError when it fails."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._running.append((name, process))
        yield
        if process.wait():
            raise StoppedError(f"{name} failed; see {self.logs / name}.log")
        self._running.remove((name, process))

    def check(self) -> None:
        """Raise StoppedError when one of the programs has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                raise StoppedError(f"{name} ended with code {process.returncode}; see {self.logs / name}.log")

    def stop(self, patience: float = 20.0) -> None:
        """End all groups, kindly first; returns when nothing of them is left."""
        for _, process in reversed(self._running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + patience
        for _, process in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()
        self._running.clear()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
