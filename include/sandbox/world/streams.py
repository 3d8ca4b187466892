"""Random streams of their own for each person and event, so that worlds differ only where a cause does.

A stream is named by its parts (seed first); Philox is counter-based, so any stream can be opened without the others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from hashlib import blake2b

import numpy as np
from numpy.random import Generator, Philox

Part = str | int
DAY = 86_400
_MASK = 0xFFFF_FFFF_FFFF_FFFF


def digest(parts: tuple[Part, ...]) -> bytes:
    """Sixteen bytes for this name."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).digest()


def stream(*parts: Part) -> Generator:
    """A generator for the stream of this name."""
    return Generator(Philox(key=np.frombuffer(digest(parts), dtype=np.uint64)))


def number(*parts: Part, bits: int = 64) -> int:
    """A fixed number of `bits` bits for this name."""
    return int.from_bytes(digest(parts)[:8], "big") >> (64 - bits)


def unit(*parts: Part) -> float:
    """A fixed number in [0, 1) for this name."""
    return number(*parts, bits=53) / 2**53


def mixed(a: int, b: int) -> float:
    """A number in [0, 1) from two integers; quick, for draws that are made for each pair of a visit and an item."""
    x = (a * 0x9E37_79B9_7F4A_7C15 + b) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return float(((x ^ (x >> 31)) >> 11) / 2**53)


def between(u: float, bounds: tuple[float, float]) -> float:
    """The point of `bounds` at share `u`."""
    return bounds[0] + u * (bounds[1] - bounds[0])


def seconds(instant: date | datetime) -> int:
    """Unix seconds of an aware instant, or of a day's beginning in UTC."""
    if not isinstance(instant, datetime):
        instant = datetime.combine(instant, time(), UTC)
    return int(instant.timestamp())


def instant(at: float) -> datetime:
    """The UTC instant of Unix seconds."""
    return datetime.fromtimestamp(at, UTC)


def iso(at: float) -> str:
    """ISO 8601 with milliseconds and Z, as HubSpot writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
