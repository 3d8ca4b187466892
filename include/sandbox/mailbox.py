"""A mail server that delivers to nobody, and a page to read what it got. It serves this machine only.

    python -m sandbox.mailbox --smtp-port 8825 --http-port 8826 --dir DIR

Every mail is kept as an `.eml` file, so that a restart loses none. HTML is shown in a sandboxed frame: no scripts, no
requests to anywhere. It asks nobody for a password: another `--host` than this machine belongs into a closed network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

MAX_MAIL = 32 * 1024 * 1024
HOST = "127.0.0.1"
_FRAME_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Mail:
    """One kept mail. `id` is its file's name without the ending; sorted by it they are in order of arrival."""

    id: str
    path: Path

    @cached_property
    def message(self) -> EmailMessage:
        """The mail as parsed, whatever state it is in."""
        return message_from_bytes(self.path.read_bytes(), policy=default)

    @property
    def received_at(self) -> datetime:
        """When it came (UTC)."""
        return datetime.strptime(self.id[:20], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)

    def header(self, name: str) -> str:
        """A header as one line of text; '' when it is missing."""
        return " ".join(str(self.message.get(name, "")).split())

    def part(self, kind: str) -> str | None:
        """The text of the `html` or `plain` part; None when there is none."""
        found = self.message.get_body((kind,))
        return None if found is None else str(found.get_content())

    def image(self, cid: str) -> tuple[bytes, str] | None:
        """An inline part by its content id: data and type."""
        for part in self.message.walk():
            if str(part.get("Content-ID", "")).strip("<> ") == cid and part.get_content_maintype() == "image":
                return bytes(part.get_payload(decode=True)), part.get_content_type()
        return None

    def summary(self) -> dict[str, Any]:
        """What a list shows."""
        return {
            "id": self.id,
            "subject": self.header("Subject") or "(no subject)",
            "from": self.header("From"),
            "to": self.header("To"),
            "recipients": self.header("X-Envelope-To").split(),
            "message_id": self.header("Message-ID"),
            "received_at": self.received_at.isoformat(timespec="seconds"),
            "byte_count": self.path.stat().st_size,
        }


class Mailbox:
    """The folder of mails."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def keep(self, content: bytes, sender: str, recipients: Sequence[str]) -> str:
        """Write a mail to disk, whole or not at all, with its envelope; returns its id."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
        envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {' '.join(recipients)}\r\n".encode()
        new = self.folder / f".{name}.new"
        with new.open("wb") as file:
            file.write(envelope + content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.folder / f"{name}.eml")
        return name

    def all(self) -> list[Mail]:
        """Every mail, the newest first."""
        return [Mail(path.stem, path) for path in sorted(self.folder.glob("*.eml"), reverse=True)]

    def find(self, mail_id: str) -> Mail | None:
        """A mail by its id."""
        return next((mail for mail in self.all() if mail.id == mail_id), None)


class _Door:
    """What the SMTP server does with a mail: it keeps it."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        mail_id = await asyncio.to_thread(self._mailbox.keep, content, str(envelope.mail_from), envelope.rcpt_tos)
        return f"250 OK kept as {mail_id}"


def web(mailbox: Mailbox) -> Starlette:
    """The pages: a list, one mail with its parts, and the same as JSON under /api/mails."""
    templates = Environment(loader=PackageLoader("sandbox", "pages"), autoescape=True, undefined=StrictUndefined)

    def page(name: str, status: int = 200, **values: Any) -> Response:
        headers = {"Content-Security-Policy": _PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(templates.get_template(name).render(**values), status, headers)

    def missing(what: str) -> Response:
        return page("mailbox.html.j2", 404, mails=[m.summary() for m in mailbox.all()], notice=f"There is no {what}.")

    async def index(_: Request) -> Response:
        return page("mailbox.html.j2", mails=[mail.summary() for mail in mailbox.all()], notice="")

    async def listing(_: Request) -> Response:
        return JSONResponse([mail.summary() for mail in mailbox.all()])

    async def show(request: Request) -> Response:
        mail = mailbox.find(request.path_params["mail"])
        if mail is None:
            return missing("such mail")
        html = mail.part("html")
        return page("mail.html.j2", mail=mail.summary(), has_html=html is not None, plain=mail.part("plain"))

    async def frame(request: Request) -> Response:
        mail = mailbox.find(request.path_params["mail"])
        html = mail.part("html") if mail else None
        if html is None:
            return PlainTextResponse("This mail has no HTML part.", 404)
        html = html.replace("cid:", f"/mails/{request.path_params['mail']}/images/")
        return HTMLResponse(html, headers={"Content-Security-Policy": _FRAME_POLICY})

    async def image(request: Request) -> Response:
        mail = mailbox.find(request.path_params["mail"])
        found = mail.image(request.path_params["cid"]) if mail else None
        if found is None:
            return PlainTextResponse("There is no such picture.", 404)
        return Response(found[0], media_type=found[1], headers={"X-Content-Type-Options": "nosniff"})

    async def raw(request: Request) -> Response:
        mail = mailbox.find(request.path_params["mail"])
        if mail is None:
            return PlainTextResponse("There is no such mail.", 404)
        return Response(mail.path.read_bytes(), media_type="text/plain; charset=utf-8")

    async def by_message_id(request: Request) -> Response:
        wanted = request.path_params["message_id"].strip("<>")
        for mail in mailbox.all():
            if mail.header("Message-ID").strip("<>") == wanted:
                return RedirectResponse(f"/mails/{mail.id}")
        return missing("mail with this Message-ID")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/api/mails", listing),
            Route("/mails/{mail}", show),
            Route("/mails/{mail}/html", frame),
            Route("/mails/{mail}/raw", raw),
            Route("/mails/{mail}/images/{cid}", image),
            Route("/message/{message_id}", by_message_id),
        ]
    )


def _bind(host: str, port: int, what: str) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        print(  # noqa: T201 - the command's own words
            f"The mailbox cannot use port {port} for {what} ({error.strerror}). Stop what uses it, or choose another.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    return listener


class _Pages(uvicorn.Server):
    """A web server that leaves signals to us: it would raise them again at its end, and we want to end quietly."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


async def serve(mailbox: Mailbox, smtp: socket.socket, http: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM. Prints one JSON line with both addresses once it can be used."""
    loop = asyncio.get_running_loop()
    door = _Door(mailbox)
    server = await loop.create_server(
        lambda: SMTP(door, hostname="mailbox.localhost", data_size_limit=MAX_MAIL, loop=loop), sock=smtp
    )
    pages = _Pages(uvicorn.Config(web(mailbox), log_level="warning", access_log=False, lifespan="off"))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: setattr(pages, "should_exit", True))
    addresses = {
        "smtp": "{}:{}".format(*smtp.getsockname()),
        "web": "http://{}:{}/".format(*http.getsockname()),
        "folder": str(mailbox.folder),
    }
    print(json.dumps(addresses), flush=True)  # noqa: T201 - the command's own words
    async with server:
        await pages.serve(sockets=[http])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exit code 2 when a port is taken or the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--smtp-port", type=int, default=8825)
    parser.add_argument("--http-port", type=int, default=8826)
    parser.add_argument("--dir", type=Path, default=Path(".rebuttal") / "mails", help="where mails are kept")
    options = parser.parse_args(arguments)
    smtp = _bind(options.host, options.smtp_port, "mail")
    http = _bind(options.host, options.http_port, "its page")
    try:
        mailbox = Mailbox(options.dir.resolve())
    except OSError as error:
        print(f"The mailbox cannot use the folder {options.dir} ({error.strerror}).", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    asyncio.run(serve(mailbox, smtp, http))


if __name__ == "__main__":
    main()
