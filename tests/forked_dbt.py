"""dbt in a process forked from one that has loaded it: what `$REBUTTAL_DBT` names while tests run.

A start of dbt takes 1.3 seconds of work for its libraries, and the first one in a new home 3 more to parse the
project; a session of tests starts it some hundred times. It is dbt's own command line that runs here, with the
arguments, folder, environment and streams of whoever started it, and it ends with whoever started it. What was parsed
is given to the next new home: dbt itself compares it with the files, the variables and the connection, and parses again
what differs. The connection is the same wherever the home lies: the product names DuckDB's file from its folder.

Run as a program it is the client, with the standard library alone: it starts the server when there is none, and is
replaced by the real dbt where there can be none.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

FOLDER = "FORKED_DBT_FOLDER"  # the folder of the socket; the environment of dbt holds no names of ours
OWNER = "FORKED_DBT_OWNER"  # the process with which the server ends
DBT = Path(__file__).resolve().parents[1] / ".venv-dbt" / "bin" / "dbt"


def install(folder: Path) -> None:
    """Let this process and all that it starts find dbt here; the server ends with this process.

    Does nothing where that was done already, as in a worker of a session of tests.
    """
    if FOLDER in os.environ or not hasattr(os, "pidfd_open") or not DBT.is_file():
        return
    client = folder / "dbt"
    client.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{__file__}" "$@"\n', encoding="utf-8")
    client.chmod(0o700)
    os.environ |= {FOLDER: str(folder), OWNER: str(os.getpid()), "REBUTTAL_DBT": str(client)}


# --- the client ------------------------------------------------------------------------------------------------------


def ask(arguments: list[str]) -> int:
    """Run dbt with these arguments and our streams; its exit code."""
    try:
        server = _connected(Path(os.environ[FOLDER]))
    except (KeyError, OSError):
        os.execv(DBT, [str(DBT), *arguments])
    told = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    socket.send_fds(server, [b"+"], [0, 1, 2])
    server.sendall(json.dumps(told).encode() + b"\n")
    return int(server.makefile().readline() or -1)


def _connected(folder: Path) -> socket.socket:
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            return _connect(folder)
        subprocess.Popen(
            [DBT.parent / "python", __file__, "--serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(folder / "errors", "ab"),  # noqa: SIM115
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while not (folder / "socket").exists() and time.monotonic() < until:
            time.sleep(0.05)
        return _connect(folder)


def _connect(folder: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(folder / "socket"))
    return server


# --- the server ------------------------------------------------------------------------------------------------------


def serve(folder: Path, owner: int) -> None:
    """Fork a dbt for each that asks, until `owner` ends."""
    ends = os.pidfd_open(owner)
    import dbt.adapters.duckdb.impl
    import dbt.adapters.postgres.impl
    import dbt.cli.main  # noqa: F401

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "new"))
    listening.listen(64)
    (folder / "new").rename(folder / "socket")
    running: dict[int, tuple[int, socket.socket]] = {}
    while ends not in (ready := select.select([listening, ends, *running], [], [])[0]):
        for ended in running.keys() & set(ready):
            process, client = running.pop(ended)
            # Told when it is gone, with its hold on the warehouse.
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with contextlib.suppress(OSError):
                client.sendall(f"{code}\n".encode())
            client.close()
            os.close(ended)
        if listening in ready:
            client, _ = listening.accept()
            process = os.fork()
            if process == 0:
                listening.close()
                _end(_work(client, folder / "parsed"))
            running[os.pidfd_open(process)] = (process, client)
    (folder / "socket").unlink()
    shutil.rmtree(folder / "parsed", ignore_errors=True)


def _work(client: socket.socket, parsed: Path) -> int:
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    asked = json.loads(client.makefile().readline())
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.stdout, sys.stderr = (open(place, "w", buffering=1, encoding="utf-8") for place in (1, 2))  # noqa: SIM115
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    threading.Thread(target=_end_with, args=(client,), daemon=True).start()
    return _run(asked["arguments"], parsed)


def _end(code: int) -> None:
    """What was registered for the end is done, but nothing is torn down: libraries loaded before the fork bear that
    badly.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with(client: socket.socket) -> None:
    """Whoever asked is gone, killed perhaps: dbt would be gone too."""
    with contextlib.suppress(OSError):
        client.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _run(arguments: list[str], parsed: Path) -> int:
    from dbt.cli.main import cli

    kept = target = None
    if os.environ.get("REBUTTAL_DBT_TARGET") == "duckdb":
        named = dict(itertools.pairwise(arguments))
        if "--target-path" in named:
            told = [named.get("--vars"), named.get("--project-dir"), os.environ["REBUTTAL_DBT_PATH"]]
            kept = parsed / hashlib.sha256(json.dumps(told).encode()).hexdigest()
            target = Path(named["--target-path"]) / "partial_parse.msgpack"
            if kept.is_file() and not target.exists():
                shutil.copyfile(kept, target)
    sys.argv = [str(DBT), *arguments]
    code: Any = 0
    try:
        cli()
    except SystemExit as ended:
        code = ended.code
    if kept and target and target.is_file() and not kept.exists():
        parsed.mkdir(exist_ok=True)
        new = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copyfile(target, new)
        new.rename(kept)
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve(Path(os.environ[FOLDER]), int(os.environ[OWNER]))
    else:
        sys.exit(ask(sys.argv[1:]))
