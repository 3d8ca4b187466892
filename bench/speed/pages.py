"""A vendor with pages of 14-column JSON rows, as a process of its own: `/orders?page=N`, and `/warm` with one page.

python -m bench.speed.pages FOLDER ROWS     (prints its port when it is ready)
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE_ROWS = 1000
NOW = datetime(2026, 11, 15, tzinfo=UTC)
COLUMNS = (
    "order_id", "client_ref", "created_at", "updated_at", "status", "currency", "amount", "item_count", "channel",
    "campaign", "landing_page", "country", "is_first", "comment",
)  # fmt: skip
_STATUSES = ("paid", "open", "refunded")
_CURRENCIES = ("EUR", "UAH", "RUB")
_COMMENTS = ("Позвоните после шести, пожалуйста", "Чи можна оплатити частинами?", "Send the papers by e-mail", None)


def row(number: int) -> dict[str, Any]:
    """The order of that number: texts, numbers, a boolean and nulls, some 400 bytes of JSON."""
    created = NOW - timedelta(days=25) + timedelta(seconds=number % 2_000_000)
    values = (
        f"ord-{number:09d}", f"c{number * 7919 % 1_000_003}", created.isoformat(), created.isoformat(),
        _STATUSES[number % 3], _CURRENCIES[number % 3], round(number * 37 % 90_000 / 100, 2), number % 9 + 1,
        ("ads", "search", "social", "direct")[number % 4], f"campaign-{number % 40}" if number % 5 else None,
        f"https://brand.example/landing/{number % 60}?utm_source=ads&utm_campaign=c{number % 40}",
        ("UA", "PL", "KZ")[number % 3], number % 11 == 0, _COMMENTS[number % 4],
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def write_pages(folder: Path, rows: int) -> int:
    """Write `rows` rows as pages and one short page to warm up with; returns the number of pages."""
    count = -(-rows // PAGE_ROWS)
    for page in range(count):
        chosen = range(page * PAGE_ROWS, min(rows, (page + 1) * PAGE_ROWS))
        _write(folder / f"orders-{page}", [row(n) for n in chosen], str(page + 1) if page + 1 < count else None)
    _write(folder / "warm-0", [row(n) for n in range(100)], None)
    return count


def _write(path: Path, rows: list[dict[str, Any]], following: str | None) -> None:
    path.write_text(json.dumps({"rows": rows, "next": following}, ensure_ascii=False), encoding="utf-8")


class Pages(BaseHTTPRequestHandler):
    """Sends files; keeps connections, one write an answer."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    folder: Path

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        page = parse_qs(parts.query).get("page", ["0"])[0]
        body = (self.folder / f"{parts.path.strip('/')}-{int(page)}").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: it would be a line a page."""


@contextmanager
def served(folder: Path, rows: int) -> Iterator[str]:
    """The vendor's base URL while it runs; its pages lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bench.speed.pages", str(folder), str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the vendor of pages ended at its start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def main(arguments: list[str]) -> int:
    """Write the pages, say the port, serve until ended."""
    folder, rows = Path(arguments[0]), int(arguments[1])
    write_pages(folder, rows)
    Pages.folder = folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    print(server.server_port, flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
