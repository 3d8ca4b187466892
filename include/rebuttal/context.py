"""What a stage is given to work with: settings, the clock, how to reach the outside. Nothing comes from globals."""

from __future__ import annotations

from dataclasses import dataclass

from rebuttal.clock import Clock
from rebuttal.connections import Resolver, environment, from_environment
from rebuttal.errors import ConfigError
from rebuttal.settings import Settings, load_settings


@dataclass(frozen=True)
class Context:
    """The arguments that every stage's `run(context, ...)` takes."""

    settings: Settings
    clock: Clock
    resolve: Resolver
    identity_key: bytes

    @classmethod
    def from_environment(cls, clock: Clock | None = None, resolve: Resolver | None = None) -> Context:
        """A context from the process environment; raises ConfigError when the identity key is missing or short."""
        settings = load_settings()
        key = environment(settings).get("REBUTTAL_IDENTITY_KEY", "")
        if len(key) < 16:
            raise ConfigError(
                "REBUTTAL_IDENTITY_KEY is missing or shorter than 16 characters",
                next_step="Set it to a long random text and never change it: person ids are made with it",
            )
        return cls(settings, clock or Clock(), resolve or from_environment(settings), key.encode())
