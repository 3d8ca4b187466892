"""`make compose-secrets`: the secrets that docker-compose.yml asks for, one file each, made where they are missing.

What is there already is never changed. The folder is closed to other users of this machine; the files in it are open,
because a container reads them under a user number of its own.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

CONNECTIONS = """\
# Connections and other secret variables of the loop, KEY=VALUE, one a line; .env.example shows each.
# The mail catcher of the profile `demo`. For real mail, put your server here.
AIRFLOW_CONN_SMTP={"conn_type":"smtp","host":"mailbox","port":8825,"extra":{"disable_tls":true,"disable_ssl":true,"from_email":"loop@example.com"}}
"""


def _word() -> str:
    return secrets.token_urlsafe(32)


MADE: dict[str, Callable[[], str]] = {
    "postgres_password": _word,
    "airflow_db_password": _word,
    "state_password": _word,
    "warehouse_password": _word,
    "superset_db_password": _word,
    "bi_reader_password": _word,
    "redis_password": _word,
    "fernet_key": lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "api_secret_key": _word,
    "jwt_secret": lambda: secrets.token_hex(32),
    "airflow_passwords": lambda: json.dumps({"admin": secrets.token_urlsafe(12)}),
    "identity_key": lambda: secrets.token_hex(32),
    "connections": lambda: CONNECTIONS,
}


def make(folder: Path) -> list[str]:
    """Make what is missing in `folder`; returns the names of what was made."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = []
    for name, value in MADE.items():
        path = folder / name
        if not path.exists():
            path.write_text(value(), encoding="utf-8")
            path.chmod(0o644)
            made.append(name)
    return made


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ".secrets")
    names = make(place)
    sys.stdout.write(f"{place}: {', '.join(names) or 'nothing was missing'}\n")
