"""Named places where a test can make this process die, to prove that nothing is lost or done twice.

`FAILPOINT=<name>:kill` ends the process as `kill -9` does, `:stop` halts it until it gets SIGCONT, `:raise` raises,
`:sleep` waits a minute; `:kill@3` acts the third time the place is passed. Without the variable a failpoint does
nothing. Names are written out where they stand (`stage.place`), so that a test finds each of them in the source.
"""

from __future__ import annotations

import os
import signal
import time

_passed: dict[str, int] = {}


class FailpointReached(RuntimeError):
    """Raised by `FAILPOINT=<name>:raise`."""


def failpoint(name: str) -> None:
    """Die here if the environment asks for it."""
    wanted = os.environ.get("FAILPOINT")
    if not wanted:
        return
    place, _, action = wanted.partition(":")
    action, _, nth = action.partition("@")
    if place != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if nth and _passed[name] != int(nth):
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "sleep":
        time.sleep(60)
    else:
        raise FailpointReached(name)
