"""Which hooks are open: `hooks.yml`, with the secrets of its connections. Nothing opens with a secret that is none."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator

from rebuttal.configuration import Section, read_yaml
from rebuttal.connections import Connection, Resolver, environment
from rebuttal.errors import ConfigError, CredentialsError
from rebuttal.settings import Settings

Vendor = Literal["hubspot", "typeform", "jira", "trello", "yclients", "standard"]
SHORTEST_SECRET = 16


class HookLimits(Section):
    """What one hook takes. Rates are events a second, averaged over the burst."""

    body_bytes: int = Field(default=1_000_000, ge=1, le=50_000_000)
    events_per_second: float = Field(default=500, gt=0)
    burst: float = Field(default=2000, ge=1)
    partner_per_second: float = Field(default=100, gt=0)
    partner_burst: float = Field(default=500, ge=1)


class HookEntry(Section):
    """One hook as it stands in `hooks.yml`."""

    vendor: Vendor
    source: str | None = None  # of sources.yml; the hook's own name
    connection: str | None = None  # <hook>_hook
    partner: str | None = None  # whose all its events are
    account: str | None = None  # events of another account of the vendor are not worked on
    handled: tuple[str, ...] = ()  # standard only: types of events that are worked on
    challenge: Literal["none", "hub", "body"] = "none"
    limits: HookLimits | None = None


class HooksFile(Section):
    """`hooks.yml`."""

    public_url: str
    limits: HookLimits = HookLimits()
    hooks: dict[str, HookEntry] = Field(min_length=1)

    @field_validator("hooks")
    @classmethod
    def _named(cls, hooks: dict[str, HookEntry]) -> dict[str, HookEntry]:
        for name in hooks:
            if name in ("health", "metrics") or not name.replace("_", "").replace("-", "").isalnum():
                raise ValueError(f"{name!r} cannot be the name of a hook")
        return hooks


@dataclass(frozen=True)
class Secret:
    """What a vendor signs with, and until when it counts; without an end it is the current one."""

    value: bytes = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True)
class Hook:
    """One open hook. `url` is what the vendor was given, without the secret of those who sign nothing."""

    name: str
    vendor: Vendor
    source: str
    url: str
    secrets: tuple[Secret, ...] = field(repr=False)
    limits: HookLimits = field(default_factory=HookLimits)
    partner: str | None = None
    partners: Mapping[str, str] = field(default_factory=dict)  # the vendor's branch -> partner
    account: str | None = None
    handled: frozenset[str] = frozenset()
    challenge: Literal["none", "hub", "body"] = "none"
    verify_token: bytes = field(default=b"", repr=False)

    def keys(self, now: datetime) -> list[bytes]:
        """The secrets that count at `now`, the current one first."""
        return [secret.value for secret in self.secrets if secret.until is None or now < secret.until]


class _Previous(BaseModel):
    secret: str
    until: datetime


class _SourceEntry(BaseModel):
    options: dict[str, Any] = {}


class _Sources(BaseModel):
    sources: dict[str, _SourceEntry] = {}


def load_hooks(settings: Settings, resolve: Resolver) -> dict[str, Hook]:
    """The hooks of `hooks.yml` by name. Raises ConfigError, and CredentialsError for a secret that is missing, shorter
    than 16 characters or, among the previous ones, without an end."""
    path = settings.config / "hooks.yml"
    told = read_yaml(path, HooksFile)
    base = (environment(settings).get("REBUTTAL_HOOKS_URL") or told.public_url).rstrip("/")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
        raise ConfigError(
            f"{path}: public_url is no http(s) address", next_step="Write the address that the vendors were given"
        )
    found = {}
    for name, entry in told.hooks.items():
        source = entry.source or name
        connection = resolve(entry.connection or f"{name}_hook")
        found[name] = Hook(
            name=name,
            vendor=entry.vendor,
            source=source,
            url=f"{base}/{name}",
            secrets=_secrets(connection, entry.vendor),
            limits=entry.limits or told.limits,
            partner=entry.partner,
            partners=_branches(settings.config, source),
            account=entry.account,
            handled=frozenset(entry.handled),
            challenge=entry.challenge,
            verify_token=connection.option("verify_token").encode() if entry.challenge == "hub" else b"",
        )
    return found


def _secrets(connection: Connection, vendor: Vendor) -> tuple[Secret, ...]:
    previous = connection.extra.get("previous") or []
    try:
        kept = [_Previous.model_validate(entry) for entry in previous]
    except (ValidationError, TypeError):
        raise CredentialsError(
            f"The previous secrets of connection {connection.id!r} are not understood",
            next_step='Write extra {"previous": [{"secret": "...", "until": "2026-12-01T00:00:00Z"}]}',
        ) from None
    if any(entry.until.tzinfo is None for entry in kept):
        raise CredentialsError(
            f"A previous secret of connection {connection.id!r} ends at a time without a zone",
            next_step="Add Z for UTC",
        )
    given = [(connection.secret(), None), *((entry.secret, entry.until) for entry in kept)]
    found = tuple(Secret(_key(text, vendor, connection.id), until) for text, until in given)
    if any(len(secret.value.strip()) < SHORTEST_SECRET for secret in found):
        raise CredentialsError(
            f"A secret of connection {connection.id!r} has fewer than {SHORTEST_SECRET} characters",
            next_step="Give the vendor a long random one; nothing is received with a secret that can be guessed",
        )
    return found


def _key(secret: str, vendor: Vendor, connection_id: str) -> bytes:
    """The bytes that a secret stands for: those of Standard Webhooks are base64, after `whsec_`."""
    if vendor != "standard":
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise CredentialsError(
            f"A secret of connection {connection_id!r} is not base64",
            next_step="Copy it from the sender as it is, whsec_ included",
        ) from None


def _branches(config: Path, source: str) -> dict[str, str]:
    """Whose a vendor's branches are, as `sources.yml` says for the pull."""
    path = config / "sources.yml"
    entry = read_yaml(path, _Sources).sources.get(source) if path.exists() else None
    branches = entry.options.get("branches") if entry else None
    return {str(key): str(value) for key, value in branches.items()} if isinstance(branches, dict) else {}
