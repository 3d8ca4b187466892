"""Reading a body to a file without trusting it: deadline, size, declared length, compression, content type.

`requests` checks none of these while streaming, so the raw stream is read here and unpacked here.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import requests
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import ReadTimeoutError

from rebuttal.errors import ContractError, CutBodyError, UnavailableError

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Body:
    """A body on disk, unpacked."""

    path: Path
    size: int


def read_body(response: requests.Response, target: Path, *, deadline: float, max_bytes: int) -> Body:
    """Write the unpacked body of a streamed response to `target`.

    `deadline` is a time.monotonic() instant for the whole body. Raises UnavailableError when it passes or none comes,
    CutBodyError when the body breaks off, ends early or disagrees with its length or checksum, ContractError when it is
    larger than `max_bytes` unpacked or packed in a way that was not asked for.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise ContractError(f"An answer is packed as {encoding[:20]!r}", next_step="Only gzip was asked for")
    unpack = _Gzip() if encoding == "gzip" else None
    size, received = 0, 0

    with target.open("wb") as out:

        def keep(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            if size > max_bytes:
                raise ContractError(
                    f"An answer is larger than {max_bytes} bytes",
                    next_step="Raise limits.max_page_bytes",
                )
            out.write(piece)

        while raw := _next_bytes(response, deadline):
            received += len(raw)
            if unpack is None:
                keep(raw)
            else:
                unpack.feed(raw, keep)
    _check_end(response, received, unpack)
    return Body(target, size)


def _next_bytes(response: requests.Response, deadline: float) -> bytes:
    if time.monotonic() > deadline:
        raise UnavailableError("An answer did not end within its deadline")
    try:
        # read1 gives what has come, so that a drip of single bytes cannot hide from the deadline.
        return bytes(response.raw.read1(_CHUNK, decode_content=False))
    except ReadTimeoutError:
        raise UnavailableError("An answer stopped coming (read time-out)") from None
    except (Urllib3Error, OSError) as error:
        raise CutBodyError(f"An answer broke off ({type(error).__name__})") from None


class _Gzip:
    """Unpacks gzip piece by piece. A body may be several packed parts, one after the other (RFC 1952)."""

    def __init__(self) -> None:
        self._part = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        """Whether the last part has ended."""
        return self._part.eof

    def feed(self, raw: bytes, keep: Callable[[bytes], None]) -> None:
        """Give what `raw` unpacks to, in bounded pieces. Raises CutBodyError when it is damaged."""
        try:
            while raw:
                if self._part.eof:
                    self._part = zlib.decompressobj(wbits=31)
                keep(self._part.decompress(raw, _CHUNK * 4))
                raw = self._part.unused_data.lstrip(b"\0") if self._part.eof else self._part.unconsumed_tail
        except zlib.error:
            raise CutBodyError("A gzip body is damaged") from None


def _check_end(response: requests.Response, received: int, unpack: _Gzip | None) -> None:
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) != received:
        raise CutBodyError(f"A body has {received} bytes where {declared} were announced")
    if unpack is not None and received and not unpack.eof:
        raise CutBodyError("A gzip body ended early")


def looks_like_html(head: bytes, content_type: str) -> bool:
    """Whether this is a page for people: a proxy's log-in, an error page."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def head_of(path: Path, count: int = 65_536) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        opened: IO[bytes] = file
        return opened.read(count)
