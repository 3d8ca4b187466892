"""The mailbox as a process: it takes mails over SMTP, keeps them as files and shows them safely."""

from __future__ import annotations

import json
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@dataclass
class Running:
    """A mailbox process and its addresses."""

    process: subprocess.Popen[str]
    smtp_port: int
    web: str

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def mails(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.web}api/mails", timeout=10).json())


def start(folder: Path) -> Running:
    command = [sys.executable, "-m", "sandbox.mailbox", "--smtp-port", "0", "--http-port", "0", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    return Running(process, int(told["smtp"].rpartition(":")[2]), told["web"])


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / "mails")
    yield running
    assert running.stop() == 0


def a_mail(
    subject: str = "Возражения недели", html: str | None = "<p>Здравствуйте</p><img src='cid:chart'>"
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "loop@example.com", "Anna <anna@example.com>"
    message["Message-ID"] = "<digest.2026-W46.abc@example.com>"
    message.set_content("Здравствуйте, простой текст")
    if html is not None:
        message.add_alternative(html, subtype="html")
        message.get_payload()[1].add_related(PIXEL, "image", "png", cid="<chart>")  # type: ignore[index, union-attr]
    return message


def send(running: Running, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", running.smtp_port, timeout=10) as client:
        assert client.send_message(message) == {}


def test_a_mail_is_kept_listed_and_shown_with_its_parts(mailbox: Running, tmp_path: Path) -> None:
    send(mailbox, a_mail())
    (mail,) = mailbox.mails()
    assert mail["subject"] == "Возражения недели"
    assert mail["recipients"] == ["anna@example.com"]
    assert mail["message_id"] == "<digest.2026-W46.abc@example.com>"
    assert [path.name for path in (tmp_path / "mails").iterdir()] == [f"{mail['id']}.eml"]

    index = requests.get(mailbox.web, timeout=10)
    assert "Возражения недели" in index.text
    page = requests.get(f"{mailbox.web}mails/{mail['id']}", timeout=10)
    assert "простой текст" in page.text
    assert f'<iframe sandbox src="/mails/{mail["id"]}/html"' in page.text
    frame = requests.get(f"{mailbox.web}mails/{mail['id']}/html", timeout=10)
    assert f"/mails/{mail['id']}/images/chart" in frame.text
    image = requests.get(f"{mailbox.web}mails/{mail['id']}/images/chart", timeout=10)
    assert (image.content, image.headers["Content-Type"]) == (PIXEL, "image/png")
    raw = requests.get(f"{mailbox.web}mails/{mail['id']}/raw", timeout=10)
    assert "Message-ID: <digest.2026-W46.abc@example.com>" in raw.text
    assert raw.headers["Content-Type"].startswith("text/plain")
    by_id = requests.get(f"{mailbox.web}message/digest.2026-W46.abc@example.com", timeout=10)
    assert by_id.url.endswith(f"/mails/{mail['id']}")


def test_what_a_mail_brings_cannot_run_or_call_home(mailbox: Running) -> None:
    hostile = "<script>alert(1)</script>"
    send(mailbox, a_mail(subject=hostile, html=f"{hostile}<img src='https://tracker.example/x.png'>"))
    (mail,) = mailbox.mails()
    for path in ("", f"mails/{mail['id']}"):
        page = requests.get(mailbox.web + path, timeout=10)
        assert "&lt;script&gt;" in page.text
        assert hostile not in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    frame = requests.get(f"{mailbox.web}mails/{mail['id']}/html", timeout=10)
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; img-src 'self' data:")


def test_mails_outlive_a_restart(tmp_path: Path) -> None:
    first = start(tmp_path / "mails")
    send(first, a_mail(subject="Erster"))
    send(first, a_mail(subject="Zweiter", html=None))
    assert first.stop() == 0
    second = start(tmp_path / "mails")
    assert [mail["subject"] for mail in second.mails()] == ["Zweiter", "Erster"]
    page = requests.get(f"{second.web}mails/{second.mails()[0]['id']}", timeout=10)
    assert "iframe sandbox" not in page.text
    assert second.stop() == 0


@pytest.mark.parametrize(
    "path", ["mails/none", "mails/none/html", "mails/none/raw", "mails/none/images/x", "message/x@y", "else"]
)
def test_what_is_not_there_is_a_404(mailbox: Running, path: str) -> None:
    assert requests.get(mailbox.web + path, timeout=10).status_code == 404


def test_an_empty_mailbox_says_so(mailbox: Running) -> None:
    assert "No mail yet" in requests.get(mailbox.web, timeout=10).text


@pytest.mark.parametrize("option", ["--smtp-port", "--http-port"])
def test_a_taken_port_is_one_clear_line(tmp_path: Path, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = {"--smtp-port": "0", "--http-port": "0", option: port}
        command = [sys.executable, "-m", "sandbox.mailbox", "--dir", str(tmp_path)]
        command += [part for pair in ports.items() for part in pair]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"cannot use port {port}" in done.stderr
