"""Where the pipeline may connect to: real servers on this machine, names that lead to them, and what refuses to go."""

from __future__ import annotations

import ast
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.table import fault

from rebuttal import hosts
from rebuttal.connections import Connection
from rebuttal.content.inventory_fetch import fetcher
from rebuttal.content.trackers.jira import JiraTracker
from rebuttal.content.trackers.trello import TrelloTracker
from rebuttal.errors import ContractError, RebuttalError
from rebuttal.hosts import ForbiddenHostError, Reach, ReachSmtp, ReachSmtpTls, ReachTransport
from rebuttal.reports.mail import Postman
from rebuttal.reports.telegram import Telegram
from rebuttal.reports.webhook import Webhook
from rebuttal.settings import PROJECT_ROOT

SECRET = "canary-9f13-token"
OUTSIDE = "api.vendor.example"


class Server:
    """Answers everything with 200 and remembers what it was told; `location` makes it redirect."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.location = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.heard.append(f"{self.command} {self.path} {dict(self.headers)} {body!r}")
                self.send_response(302 if outer.location else 200)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT = do_GET

            def log_message(self, *_: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.http.server_address[1])
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.http.shutdown()
    one.http.server_close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server: host -> the addresses that it gives, one after the other, the last one for ever."""
    table: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        known = table.get(host)
        if known is None:
            return real(host, port, *arguments, **options)
        return real(known.pop(0) if len(known) > 1 else known[0], port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def connection(host: str, port: int | None = None, **extra: Any) -> Connection:
    return Connection("x", host=host, login="login", password=SECRET, port=port, extra=extra)


# How each client of the pipeline says its first word to a host; every one carries the secret.
CLIENTS: dict[str, Callable[[str, int], Any]] = {
    "session": lambda host, port: Reach([f"http://{host}:{port}"]).get(
        f"http://{host}:{port}/", headers={"Authorization": SECRET}, timeout=5
    ),
    "language model": lambda host, port: httpx.Client(transport=ReachTransport(f"http://{host}:{port}")).get(
        f"http://{host}:{port}/", headers={"Authorization": SECRET}
    ),
    "jira": lambda host, port: JiraTracker(
        connection(f"http://{host}:{port}", project="MKT"), "Task", patience=0
    ).workspace(),
    "trello": lambda host, port: TrelloTracker(
        connection(f"http://{host}:{port}", board="b", list="l"), patience=0
    ).workspace(),
    "sitemap": lambda host, port: fetcher(f"http://{host}:{port}/sitemap.xml")(f"http://{host}:{port}/sitemap.xml"),
    "smtp": lambda host, port: ReachSmtp(host, port, timeout=5),
}


@fault(
    77,
    "a public name that leads into the private network",
    "connection",
    "looked at when connected; not a byte is sent",
)
@fault(142, "a tracker, mail server or site whose name leads inside", "connection", "refused; not a byte is sent")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_public_name_that_leads_inside_gets_not_a_byte(
    client: str, server: Server, names: dict[str, list[str]]
) -> None:
    names[OUTSIDE] = ["127.0.0.1"]
    with pytest.raises(ForbiddenHostError, match="private network; nothing was sent"):
        CLIENTS[client](OUTSIDE, server.port)
    assert server.heard == []


@pytest.mark.parametrize("client", [name for name in CLIENTS if name not in ("smtp", "trello", "jira")])
def test_the_same_client_reaches_a_host_that_is_inside_by_name(client: str, server: Server) -> None:
    CLIENTS[client]("localhost", server.port)
    assert len(server.heard) == 1


def test_a_name_that_is_listed_may_be_inside(
    server: Server, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names[OUTSIDE] = ["127.0.0.1"]
    monkeypatch.setenv("REBUTTAL_PRIVATE_HOSTS", f"jira.corp.example, {OUTSIDE.upper()}")
    assert CLIENTS["session"](OUTSIDE, server.port).status_code == 200


@fault(77, "a name that is bound anew between two look-ups", "connection", "the connected address decides")
def test_a_name_that_changes_its_address_between_two_questions_is_looked_at_when_connected(
    server: Server, names: dict[str, list[str]]
) -> None:
    """Whoever looks a name up, finds it public, and lets the library look it up again, is rebound."""
    names[OUTSIDE] = ["93.184.215.14", "127.0.0.1"]
    assert socket.getaddrinfo(OUTSIDE, 80)[0][4][0] == "93.184.215.14"
    with pytest.raises(ForbiddenHostError):
        CLIENTS["session"](OUTSIDE, server.port)
    assert server.heard == []


def test_channels_that_lead_inside_are_refused_and_their_message_is_not_sent(
    server: Server, names: dict[str, list[str]]
) -> None:
    names[OUTSIDE] = ["127.0.0.1"]
    webhook = Webhook(connection(f"https://{OUTSIDE}:{server.port}"))
    telegram = Telegram(connection(f"https://{OUTSIDE}:{server.port}", chat_id=1))
    assert [one.post("hello", lambda: True) for one in (webhook, telegram)] == [("refused", "host")] * 2
    with pytest.raises(RebuttalError, match="nothing was sent"):
        Postman(connection(OUTSIDE, server.port, from_email="a@b.example", disable_ssl=True))._open()
    with pytest.raises((ForbiddenHostError, OSError)):
        ReachSmtpTls(OUTSIDE, server.port, timeout=5, context=ssl.create_default_context())
    assert server.heard == []


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "fe80::1%eth0"],
)
def test_metadata_services_are_never_called_even_when_a_connection_names_them(address: str) -> None:
    with pytest.raises(ForbiddenHostError):
        hosts.refuse_inside(address, address)


@given(st.ip_addresses())
def test_only_global_addresses_stand_behind_public_names(address: Any) -> None:
    plain = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    try:
        hosts.refuse_inside(OUTSIDE, str(address))
        is_refused = False
    except ForbiddenHostError:
        is_refused = True
    if getattr(address, "teredo", None) is None:
        assert is_refused == (not plain.is_global or plain.is_link_local)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}@evil.example/", "http://evil.example/", "https://127.0.0.1:{port}/", "http://127.0.0.1:1/",
     "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://127.0.0.1.evil.example:{port}/",
     "http://[::ffff:127.0.0.1]:{port}/", "http://127.0.0.1:{port}.evil.example/", ""],
)  # fmt: skip
def test_no_other_origin_than_the_connections_is_called(server: Server, url: str) -> None:
    session = Reach([f"http://127.0.0.1:{server.port}"])
    with pytest.raises((ForbiddenHostError, ValueError)):
        session.get(url.format(port=server.port), headers={"Authorization": SECRET}, timeout=5)
    assert server.heard == []


def test_redirects_are_not_followed_not_even_to_the_same_host(server: Server) -> None:
    server.location = f"http://127.0.0.1:{server.port}/elsewhere"
    session = Reach([f"http://127.0.0.1:{server.port}"])
    assert session.get(f"http://127.0.0.1:{server.port}/", allow_redirects=True, timeout=5).status_code == 302
    assert len(server.heard) == 1


def test_a_sitemap_that_redirects_elsewhere_is_refused(server: Server) -> None:
    server.location = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(ContractError, match="sends us to another host"):
        CLIENTS["sitemap"]("127.0.0.1", server.port)
    assert len(server.heard) == 1


def test_a_netrc_password_does_not_replace_the_token(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login root password from-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    CLIENTS["session"]("127.0.0.1", server.port)
    assert SECRET in server.heard[0]


def test_every_client_is_made_in_one_place() -> None:
    """Nobody else makes a session, opens a socket, or starts a mail client."""
    made = {"Session", "get", "post", "put", "request", "Client", "HTTPTransport", "SMTP", "SMTP_SSL", "urlopen",
            "create_connection", "HTTPConnection", "HTTPSConnection"}  # fmt: skip
    libraries = {"requests", "httpx", "smtplib", "urllib", "http", "socket", "urllib3", "httpcore", "ftplib", "aiohttp"}
    found = []
    files = sorted((PROJECT_ROOT / "include" / "rebuttal").rglob("*.py"))
    assert len(files) > 200
    for path in files:
        if path.name == "hosts.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in made:
                root = node.func.value
                while isinstance(root, ast.Attribute):
                    root = root.value
                guarded = any(keyword.arg == "transport" for keyword in node.keywords)
                if isinstance(root, ast.Name) and root.id in libraries and not guarded:
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
