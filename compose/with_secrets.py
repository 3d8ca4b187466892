#!/usr/bin/env python3
"""Start a program with its secrets: `with-secrets PROGRAM ARGUMENTS...`, the entry point of every image of ours.

`{{name}}` in a variable's value stands for the file `name` in the folder of secrets; inside a URL it is escaped. The
file `connections` there adds variables (`KEY=VALUE` lines, the value as it is or in single quotes, `#` comments):
AIRFLOW_CONN_<ID> and whatever else a company keeps secret; the environment wins over it. So no secret stands in an
image, in the compose file, in a command line or in what `docker inspect` shows. `docker compose exec` does not pass an
entry point: say `exec worker with-secrets rebuttal ...`. Exit code 78 (EX_CONFIG) with one line that names the file
when a secret is missing or empty.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

FOLDER = Path("/run/secrets")
_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


class SecretError(Exception):
    """A secret cannot be had; the message never shows one."""


def with_secrets(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`environment` with the secrets of `folder` put in. Raises SecretError for a file that is missing or empty."""
    filled = {name: _filled(value, folder) for name, value in environment.items()}
    return {**_connections(folder / "connections"), **filled}


def _filled(value: str, folder: Path) -> str:
    is_url = "://" in value

    def secret(found: re.Match[str]) -> str:
        path = folder / found[1]
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SecretError(f"The secret {path} cannot be read ({error.strerror}): `make compose-secrets`") from None
        if not text:
            raise SecretError(f"The secret {path} is empty: write it, or delete it and `make compose-secrets`")
        return quote(text, safe="") if is_url else text

    return _PLACE.sub(secret, value)


def _connections(path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, separator, value = line.strip().partition("=")
        if name.startswith("#") or not line.strip():
            continue
        if not separator:
            raise SecretError(f"{path}:{number} is not KEY=VALUE: mend or comment out the line")
        value = value.strip()
        is_quoted = len(value) > 1 and value[0] == value[-1] == "'"
        values[name.strip()] = value[1:-1] if is_quoted else value
    return values


def main() -> None:
    """Fill the environment and become the program."""
    if len(sys.argv) < 2:
        sys.exit("usage: with-secrets PROGRAM ARGUMENTS...")
    try:
        environment = with_secrets(os.environ, FOLDER)
        os.execvpe(sys.argv[1], sys.argv[1:], environment)
    except SecretError as error:
        sys.stderr.write(f"with-secrets: {error}\n")
        sys.exit(78)
    except FileNotFoundError:
        sys.stderr.write(f"with-secrets: there is no program {sys.argv[1]}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
