"""What a client needs to log in at each face: dummy values, the same ones as in the default configuration."""

from __future__ import annotations

import os

from sandbox.recorded import ACCOUNTS

DEFAULT_PORT = 8799


def base_url(port: int | None = None) -> str:
    """Where the sandbox is reached: `port` on this machine, else $REBUTTAL_SANDBOX_URL, else the default port."""
    if port is not None:
        return f"http://127.0.0.1:{port}"
    return (os.environ.get("REBUTTAL_SANDBOX_URL") or f"http://127.0.0.1:{DEFAULT_PORT}").rstrip("/")


def credentials(url: str) -> dict[str, dict[str, str]]:
    """By vendor: `base_url`, the token, and the account (customer_id, counter, project...)."""
    return {vendor: {"base_url": f"{url}/{vendor}", **account} for vendor, account in ACCOUNTS.items()}
