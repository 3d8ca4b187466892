"""Python code in a process of its own, to be killed, halted and woken up: forked from one that has its libraries.

In place of `subprocess.run([sys.executable, "-c", code, ...])`, which takes seconds to load them each time.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import apart

SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """How it ended: its exit code, negative for the signal that killed it, and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Started:
    """A process that runs `code`, with `arguments` in `sys.argv[1:]`."""

    def __init__(self, code: str, arguments: tuple[object, ...], env: Mapping[str, str]) -> None:
        self._words = Path(tempfile.mkdtemp(prefix="rebuttal-apart-"))
        names = [str(self._words / name) for name in ("out", "error")]
        self._process = apart.loaded().Process(target=_work, args=(code, [*map(str, arguments)], dict(env), *names))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self) -> Ended:
        """Wait for its end."""
        self._process.join(SECONDS)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        said = [(self._words / name).read_text(encoding="utf-8") for name in ("out", "error")]
        shutil.rmtree(self._words)
        assert code is not None, f"it did not end within {SECONDS} s: {said[1]}"
        return Ended(code, *said)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """What is done inside is done while the process stands still at its failpoint; then it is woken up."""
        while (state := _state(self.pid)) != "T":
            assert state not in ("", "Z"), self.end()
            time.sleep(0.01)
        try:
            yield
        except BaseException:
            self.send_signal(signal.SIGKILL)
            raise
        self.send_signal(signal.SIGCONT)


def start(code: str, *arguments: object, env: Mapping[str, str] | None = None) -> Started:
    """Let `code` run; `env` is its whole environment, None: ours."""
    return Started(code, arguments, os.environ if env is None else env)


def run(code: str, *arguments: object, env: Mapping[str, str] | None = None) -> Ended:
    """Let it run to its end."""
    return start(code, *arguments, env=env).end()


def _state(pid: int) -> str:
    """R, S, T (stopped), Z (dead) ..., '' when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def _work(code: str, arguments: list[str], env: dict[str, str], out: str, error: str) -> None:
    apart.take_over(env, out, error)
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<apart>", "exec"), {"__name__": "__main__"})  # noqa: S102
