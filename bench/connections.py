"""Ten thousand connections on the receiver: slow ones are closed, good ones are served. By hand:

`python -m bench.connections [COUNT]`. Each slow connection sends half a head and then nothing. Prints how many stood
at once, how long deliveries took meanwhile, when the slow ones were closed, and the receiver's memory.
Client and receiver are two processes, each with COUNT descriptors: `ulimit -n` must allow for COUNT and some.
"""

from __future__ import annotations

import json
import resource
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from tests.inbox.receivers import ReceiverProcess, post, write_config

from rebuttal.settings import Settings

DELIVERIES = 200
BEGUN = b"POST /hooks/hubspot HTTP/1.1\r\nhost: x\r\nx-slow: "


def measure(count: int) -> dict[str, float | int]:
    """Hold `count` slow connections, deliver beside them: seconds, megabytes. Raises OSError without descriptors."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(home, write_config(home / "config"), "", "", f"sqlite:///{home / 'state.sqlite'}")
        receiver = ReceiverProcess(settings)
        address = receiver.start()
        parts = urlsplit(address)
        assert parts.hostname
        assert parts.port
        slow: list[socket.socket] = []
        try:
            _timed(address, range(20))  # warm
            quiet, before = _timed(address, range(100, 100 + DELIVERIES)), _memory(receiver)
            begun = time.monotonic()
            for number in range(count):
                source = (f"127.0.0.{2 + number // 20_000}", 0)
                slow.append(socket.create_connection((parts.hostname, parts.port), 30, source))
                slow[-1].sendall(BEGUN)
            opened = time.monotonic() - begun
            waited = _timed(address, range(1000, 1000 + DELIVERIES))
            during = _memory(receiver)
            closed = [_closed(one) for one in slow]
            ended = time.monotonic() - begun
            after = _timed(address, range(2000, 2000 + DELIVERIES))
        finally:
            receiver.kill()
            for one in slow:
                one.close()
    return {
        "connections": count,
        "opened_in_s": round(opened, 2),
        "closed_by_receiver": sum(closed),
        "all_closed_after_s": round(ended, 1),
        "deliveries_answered_200": len(quiet) + len(waited) + len(after),
        "deliveries_sent": 3 * DELIVERIES,
        "p50_quiet_s": round(statistics.median(quiet), 4),
        "p50_with_them_s": round(statistics.median(waited), 4),
        "p99_quiet_s": round(sorted(quiet)[-3], 4),
        "p99_with_them_s": round(sorted(waited)[-3], 4),
        "receiver_mb_before": round(before),
        "receiver_mb_with_them": round(during),
    }


def _timed(address: str, numbers: range) -> list[float]:
    """Seconds of each delivery that was answered 200, four at a time."""

    def one(number: int) -> float | None:
        begun = time.perf_counter()
        return time.perf_counter() - begun if post(address, number) == 200 else None

    with ThreadPoolExecutor(4) as threads:
        return [seconds for seconds in threads.map(one, numbers) if seconds is not None]


def _closed(slow: socket.socket) -> bool:
    slow.settimeout(30)
    try:
        return slow.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def _memory(receiver: ReceiverProcess) -> float:
    pages = int(Path(f"/proc/{receiver.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000), indent=2))
