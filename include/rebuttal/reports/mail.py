"""One mail over SMTP, and exactly how far it came. TLS unless the connection says otherwise; never a silent fallback.

The connection's extra as Airflow's mail provider reads it: `from_email`, `disable_ssl` (no TLS from the first byte),
`disable_tls` (no STARTTLS), `timeout`. With neither switch port 465 speaks TLS at once and any other port must offer
STARTTLS; with both there is no TLS, and a password is then sent to this machine only.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal

from rebuttal.connections import Connection
from rebuttal.errors import ConfigError, CredentialsError, UnavailableError
from rebuttal.hosts import ReachSmtp, ReachSmtpTls
from rebuttal.reports.compose import Digest
from rebuttal.reports.people import Person

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
Outcome = Literal["sent", "refused", "later", "unknown", "yielded"]


def build_message(
    digest: Digest, person: Person, sender: str, message_id: str, date: datetime, unsubscribe: str = ""
) -> EmailMessage:
    """The mail: plain part, HTML part, charts related to the HTML by content id. `message_id` with its brackets.

    `unsubscribe` is the address that takes a POST (RFC 8058, one click); '' leaves the header out.

    Raises ConfigError when the sender is no plain address; a line break in any header is refused by the library.
    """
    # What parseaddr makes of a line break differs between versions of Python: such a sender is refused beforehand.
    name, address = ("", "") if len(sender.splitlines()) > 1 else parseaddr(sender)
    if "@" not in address:
        raise ConfigError("The mail connection's from_email is no e-mail address", next_step="Correct its extra")
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["Subject"] = digest.subject
    message["From"] = Address(name or "Rebuttal", addr_spec=address)
    message["To"] = Address(person.name, addr_spec=person.email)
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(digest.text)
    message.add_alternative(digest.html, subtype="html")
    body = message.get_payload()[1]  # type: ignore[index]
    for cid, data in sorted(digest.images.items()):
        body.add_related(data, "image", "png", cid=f"<{cid}>", filename=f"{cid}.png", disposition="inline")  # type: ignore[union-attr]
    # Set last: what begins with Content- moves into the first part when a mail becomes multipart.
    message["Content-Language"] = person.language
    return message


class Postman:
    """A session with one mail server; `deliver` may be called for several mails."""

    def __init__(self, connection: Connection) -> None:
        if not connection.host:
            raise CredentialsError(f"Connection {connection.id!r} has no host", next_step="Name the mail server")
        self._connection = connection
        self._timeout = float(connection.extra.get("timeout") or 30)
        self.sender = str(connection.extra.get("from_email") or connection.login)

    def deliver(self, message: EmailMessage, recipient: str, claim: Callable[[], bool]) -> tuple[Outcome, str]:
        """Send to one recipient. Returns the outcome and the server's code ('' without one); never its words.

        `claim` is called once the server has accepted the recipient and before the text goes out: False gives the mail
        up (`yielded`). Whatever fails before is `later` or `refused`; when the answer to the text is lost, it is
        `unknown`. Raises UnavailableError when the server cannot be used at all, CredentialsError for a refused login.
        """
        client = self._open()
        try:
            stage: Outcome = "later"
            try:
                client.ehlo_or_helo_if_needed()
                code, _ = client.mail(message["From"].addresses[0].addr_spec)
                if code == 250:
                    code, _ = client.rcpt(recipient)
                if code not in (250, 251):
                    return ("refused" if code >= 500 else "later"), str(code)
                if not claim():
                    client.rset()
                    return "yielded", ""
                stage = "unknown"
                code, _ = client.data(message.as_bytes())
            except smtplib.SMTPDataError as error:
                return ("refused" if error.smtp_code >= 500 else "later"), str(error.smtp_code)
            except (smtplib.SMTPException, OSError):
                return stage, ""
            return ("sent" if code == 250 else "refused" if code >= 500 else "later"), str(code)
        finally:
            _hang_up(client)

    def _open(self) -> smtplib.SMTP:
        connection, host = self._connection, self._connection.host
        starts_with_tls, upgrades = _tls(connection)
        port = connection.port or (465 if starts_with_tls else 587 if upgrades else 25)
        try:
            context = ssl.create_default_context()
            client = (
                ReachSmtpTls(host, port, timeout=self._timeout, context=context)
                if starts_with_tls
                else ReachSmtp(host, port, timeout=self._timeout)
            )
        except (smtplib.SMTPException, OSError) as error:
            raise UnavailableError(
                f"The mail server {host}:{port} cannot be used ({type(error).__name__})",
                next_step="Check that it runs and speaks TLS as the connection says",
            ) from None
        try:
            if upgrades:
                client.starttls(context=context)
            if connection.login and connection.password:
                self._log_in(client, starts_with_tls or upgrades)
        except smtplib.SMTPAuthenticationError:
            _hang_up(client)
            raise CredentialsError(
                f"The mail server {host} refused the login", next_step="Check the password"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            _hang_up(client)
            raise UnavailableError(
                f"The mail server {host}:{port} offers no TLS that we can trust ({type(error).__name__})",
                next_step="Mend its TLS; nothing is sent without it unless the connection says disable_tls",
            ) from None
        return client

    def _log_in(self, client: smtplib.SMTP, is_private: bool) -> None:
        if not is_private and self._connection.host not in _LOOPBACK:
            _hang_up(client)
            raise CredentialsError(
                f"The connection {self._connection.id!r} would send its password without TLS",
                next_step="Remove disable_tls or the password",
            )
        client.login(self._connection.login, self._connection.password)


def _tls(connection: Connection) -> tuple[bool, bool]:
    """(TLS from the first byte, STARTTLS)."""
    no_ssl, no_tls = (_is_on(connection.extra.get(name)) for name in ("disable_ssl", "disable_tls"))
    if no_ssl and no_tls:
        return False, False
    if no_ssl:
        return False, True
    if no_tls or connection.port in (465, None):
        return True, False
    return False, True


def _is_on(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "1", "yes")


def _hang_up(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):
        client.close()  # the server is gone already; what counted has been told
