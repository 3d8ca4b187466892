"""From bytes to values, all text: numbers keep their literal, so that no id or amount ever passes through a float.

JSON is decoded by msgspec where that gives the same as the standard library's decoder, and by the latter where bytes or
literals are odd: msgspec refuses NaN, control characters, lone surrogates and wrong UTF-8, and takes `-0` for 0.

Bytes that are not valid UTF-8 and code points that no store takes (lone surrogates, NUL) are replaced by U+FFFD, and
the row says so. A value above a million bytes is replaced by its head.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from rebuttal.errors import ContractError, CutBodyError
from rebuttal.sources.declare import Page

MAX_VALUE_BYTES = 1_000_000
HEAD_CHARACTERS = 1_000
_UNFIT = re.compile("[\x00\ud800-\udfff]")


class Number(str):
    """A number's literal as it stood in the JSON text."""

    __slots__ = ()


class MalformedLine(str):
    """A TSV line whose fields do not match the header."""

    __slots__ = ()


class SuspectFields(dict[str, str | None]):
    """Fields of a TSV line whose bytes were not clean UTF-8 text."""

    __slots__ = ()


# Python's own integers are as long as they need to be, and their text is the literal.
_quick = msgspec.json.Decoder(float_hook=Number)
_MINUS_ZERO = re.compile(rb"-0(?![0-9.eE])")
_decoder = json.JSONDecoder(strict=False, parse_int=Number, parse_float=Number, parse_constant=Number)


def decode_json(body: bytes) -> tuple[Any, bool]:
    """The decoded value, and whether its text is suspect. Raises CutBodyError (incomplete), ContractError (deep).

    Integers come as `int` or `Number`, other numbers as `Number`; `as_text` gives the literal of both.
    """
    if not _MINUS_ZERO.search(body):
        try:
            return _quick.decode(body), b"\\" in body and b"\\u0000" in body
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # the other decoder reads it, or says what is wrong
    return _decode_oddities(body)


def _decode_oddities(body: bytes) -> tuple[Any, bool]:
    try:
        text, is_suspect = body.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text, is_suspect = body.decode("utf-8-sig", "surrogateescape"), True
    is_suspect = is_suspect or b"\\ud" in body or b"\\uD" in body or b"\\u0000" in body or b"\x00" in body
    try:
        return _decoder.decode(text), is_suspect
    except ValueError:
        raise CutBodyError("An answer is not complete JSON", next_step="Run the pull again") from None
    except RecursionError:
        raise ContractError("An answer is JSON nested too deep to read", next_step="Ask the vendor") from None


def compact(value: Any) -> str:
    """Compact JSON of a decoded value, numbers with their literals."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(str(name))}:{compact(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value)


def as_text(value: Any) -> str | None:
    """A landing value: text as it came, literals, compact JSON for what is nested; None for null and for empty text.

    Empty text counts as missing because TSV cannot tell the two apart, nor can a bulk load into Postgres.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return str(value) if type(value) is not str else value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return compact(value)


def fit(text: str) -> tuple[str, str | None]:
    """The text as a store can keep it, and the defect (`encoding`, `oversize`) that was found, if any."""
    defect = None
    if _UNFIT.search(text):
        text, defect = clean(text), "encoding"
    if is_oversize(text):
        text, defect = text[:HEAD_CHARACTERS], "oversize"
    return text, defect


def clean(text: str) -> str:
    """The text with U+FFFD for what no store takes; bytes that were no UTF-8 get one mark for each run of them."""
    return re.sub("[\udc80-\udcff]+|[\x00\ud800-\udfff]", "\ufffd", text)


def is_oversize(text: str) -> bool:
    """Whether the value is above a million bytes of UTF-8."""
    return len(text) * 4 > MAX_VALUE_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES


def sha256_of(text: str) -> str:
    """The SHA-256 (hex) of the text's UTF-8 bytes, surrogates included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_clean(line: str) -> bool:
    return (line.isascii() and "\x00" not in line) or not _UNFIT.search(line)


def tsv_items(page: Page, *, total_line: str | None = None, missing: str = "") -> Iterator[dict[str, str | None] | str]:
    """Rows of a spooled TSV as header -> value, streamed. `missing` is the vendor's word for no value.

    With `total_line` the last line must be that word and the number of rows. A line of another width comes as
    MalformedLine. Raises CutBodyError when the header or the end is missing or the count disagrees.
    """
    count, total = 0, None
    with page.path.open("rb") as lines:
        header = lines.readline().decode("utf-8", "surrogateescape").rstrip("\r\n").split("\t")
        if header == [""]:
            raise CutBodyError("A table came without its header line", next_step="Run the pull again")
        for raw in lines:
            line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if total_line is not None and line.startswith(total_line):
                total = line[len(total_line) :].strip()
                continue
            values = line.split("\t")
            count += 1
            if len(values) == len(header):
                row = {
                    name: None if value in (missing, "") else value for name, value in zip(header, values, strict=True)
                }
                yield row if _is_clean(line) else SuspectFields(row)
            elif raw.endswith(b"\n"):
                yield MalformedLine(line)
            else:
                raise CutBodyError("A table ends in the middle of a line", next_step="Run the pull again")
    if total_line is not None and total != str(count):
        raise CutBodyError(f"A table says it has {total} rows but has {count}", next_step="Run the pull again")
