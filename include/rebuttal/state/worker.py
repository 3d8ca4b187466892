"""Which process holds a lease, told so that another one on the same host can see whether it still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_worker() -> str:
    """`host:pid:start`, so that another process on this host can tell whether we still live."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_gone(worker: str | None) -> bool:
    """Whether `worker` ran on this host and is gone, so that its lease need not end first. False when unknown."""
    host, _, rest = (worker or "").partition(":")
    pid, _, started = rest.partition(":")
    return host == socket.gethostname() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When process `pid` was started, in the kernel's words; 'alive' where /proc is missing, '' for no process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "alive"
    return "" if fields[0] == "Z" else fields[19]
