"""The error tree of the pipeline, classed by what the caller does next.

    RebuttalError
    ├── AbortError          stop this work; a person has to change something
    │   ├── ConfigError         a file, key or value in the configuration
    │   ├── CredentialsError    a connection is missing, empty or refused
    │   ├── ContractError       the vendor's answer is not what its contract says
    │   ├── AccountingError     rows in and rows out disagree; the transaction was rolled back
    │   └── StoreError          a store is missing, of an unknown schema version, or unreadable
    ├── RetryError          the same call may succeed later
    │   ├── ThrottledError      the vendor asked us to wait longer than this run may
    │   ├── UnavailableError    5xx, reset, time-out
    │   ├── CutBodyError        the body ended early or is not what its length says
    │   ├── LockedError         another process writes to the warehouse
    │   │   └── BusyError           another process does this very work just now
    │   ├── LeaseLostError      another process has taken over this work; what this one wrote since was refused
    │   └── UncertainError      a write was sent and its answer lost: reconcile, never repeat blindly
    └── HeldError           a batch failed a batch check: last good data stays visible

A row that is wrong is not an error: it goes to `ops.quarantine` with its reason.
Messages say what happened, to what, and what to do next. They never hold secrets or personal data.
"""

from __future__ import annotations


class RebuttalError(Exception):
    """What happened and to what, and in `next_step` what a person does about it."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}. {self.next_step}" if self.next_step else self.message


class AbortError(RebuttalError):
    """Stop this work: repeating it changes nothing until a person does something."""


class ConfigError(AbortError):
    """A file, key or value in the configuration is wrong."""


class CredentialsError(AbortError):
    """A connection is missing, empty, or was refused by the vendor."""


class ContractError(AbortError):
    """A vendor's answer does not keep the vendor's contract (error page with status 200, missing envelope...)."""


class AccountingError(AbortError):
    """Landed rows and their outcomes do not add up; the transaction was rolled back."""


class StoreError(AbortError):
    """A store is missing, of an unknown schema version, or cannot be read."""


class RetryError(RebuttalError):
    """The same call may succeed later."""

    def __init__(self, message: str, *, next_step: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after = retry_after


class ThrottledError(RetryError):
    """The vendor asked us to wait longer than this run's budget (`retry_after` in seconds)."""


class UnavailableError(RetryError):
    """5xx, connection refused or reset, or a time-out."""


class CutBodyError(RetryError):
    """The body ended early, is not valid in its encoding, or disagrees with its declared length."""


class LockedError(RetryError):
    """Another process holds the warehouse."""


class BusyError(LockedError):
    """Another process does this very work just now: there is nothing to do but to let it end."""


class LeaseLostError(RetryError):
    """This process was away for too long and another one has taken over: its transaction was rolled back."""


class UncertainError(RetryError):
    """A write was sent and its answer was lost: look whether it happened before doing it again."""


class HeldError(RebuttalError):
    """A batch check failed; the batch waits and the last good data stays visible."""
