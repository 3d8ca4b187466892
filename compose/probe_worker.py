"""A health check of a Celery worker that asks Redis: has this container's worker spoken to the queue lately?

A worker that lives beats every two seconds and asks for work every second, over connections of its own; Redis tells how
long each has been silent. `celery inspect ping` says the same, but starts for seconds of a core every time, and on a
busy machine does not end in time: a worker would be called ill for being busy.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

SILENT_SECONDS = 60


def main() -> int:
    """Ask once; what is wrong is one line, which `docker inspect` shows."""
    host, port = os.environ.get("REDIS_ADDRESS", "redis:6379").rsplit(":", 1)
    password = Path(os.environ.get("REDIS_PASSWORD_FILE", "/run/secrets/redis_password")).read_bytes().strip()
    try:
        with socket.create_connection((host, int(port)), timeout=8) as connection, connection.makefile("rb") as answers:
            connection.sendall(_command(b"AUTH", password) + _command(b"CLIENT", b"LIST"))
            if (said := answers.readline()) != b"+OK\r\n":
                return _ill(f"Redis does not take the password: {said.decode(errors='replace').strip()}")
            length = answers.readline()
            if not length.startswith(b"$"):
                return _ill(f"Redis lists no clients: {length.decode(errors='replace').strip()}")
            clients = [_fields(line) for line in answers.read(int(length[1:])).decode().splitlines()]
            here = connection.getsockname()
    except OSError as error:
        return _ill(f"Redis at {host}:{port}: {error}")
    mine = f"{here[0]}:{here[1]}"
    of_worker = [one for one in clients if one["addr"].rsplit(":", 1)[0] == here[0] and one["addr"] != mine]
    silent = min((int(one["idle"]) for one in of_worker), default=None)
    if silent is None:
        return _ill("the worker has no connection to Redis")
    return 0 if silent <= SILENT_SECONDS else _ill(f"the worker has been silent for {silent} s")


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _fields(line: str) -> dict[str, str]:
    return dict(field.partition("=")[::2] for field in line.split(" ") if "=" in field)


def _ill(why: str) -> int:
    sys.stdout.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
