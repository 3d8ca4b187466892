"""Certificates that are not right (46): nothing is sent, and the error names the kind and no secret."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.faults.table import fault
from tests.sources.conftest import QUICK
from tests.sources.vendors import CANARY_TOKEN

from rebuttal.connections import Connection
from rebuttal.errors import UnavailableError
from rebuttal.sources.auth import TokenAuth
from rebuttal.sources.client import Client, WaitBudget
from rebuttal.sources.config import Limits
from rebuttal.sources.declare import Request, Source

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(host: str, until: datetime.datetime, *, is_authority: bool) -> x509.Certificate:
    """One that signs itself; whoever trusts it trusts it as its own authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 30 * DAY)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )


@contextmanager
def served(folder: Path, found: x509.Certificate) -> Iterator[tuple[str, list[bytes]]]:
    """An HTTPS server with that certificate: its address, and what it was sent."""
    told: list[bytes] = []
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(found.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(KEY.private_bytes(*plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connected:
                    told.append(connected.recv(65536))
                    body = b'{"results": [1]}'
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    connected.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            except (ssl.SSLError, OSError):
                plain.close()

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://localhost:{listener.getsockname()[1]}", told
    listener.close()


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[[str], object]:
    def call(base: str) -> object:
        connection = Connection("vendor", host=base, password=CANARY_TOKEN)
        limits = Limits.model_validate({**QUICK, "attempts": 2})
        auth = TokenAuth(connection, "Bearer", "localhost")
        client = Client(Source("vendor", ()), base, auth, limits, WaitBudget(3))
        try:
            return client.fetch(Request("/thing"), tmp_path / "page").data
        finally:
            client.close()

    return call


def trust(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "cert.pem"))


def test_a_right_certificate_is_taken(
    tmp_path: Path, fetch: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, certificate("localhost", NOW + DAY, is_authority=True)) as (base, told):
        trust(tmp_path, monkeypatch)
        assert fetch(base) == {"results": [1]}
        assert CANARY_TOKEN.encode() in told[0]


@fault(46, "a certificate that has ended, of another host, or of nobody known", "wire", "nothing is sent; told by kind")
@pytest.mark.parametrize(
    ("host", "days", "is_trusted"),
    [("localhost", -1, True), ("other.example", 1, True), ("localhost", 1, False)],
    ids=["ended", "another host", "unknown"],
)
def test_a_wrong_certificate_is_refused(
    host: str,
    days: int,
    is_trusted: bool,
    tmp_path: Path,
    fetch: Callable[[str], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(tmp_path, certificate(host, NOW + days * DAY, is_authority=True)) as (base, told):
        if is_trusted:
            trust(tmp_path, monkeypatch)
        with pytest.raises(UnavailableError, match=r"vendor /thing cannot be reached \(SSLError\)") as caught:
            fetch(base)
    assert told == []
    assert CANARY_TOKEN not in str(caught.value)
