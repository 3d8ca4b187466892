"""From bytes to values, all text: numbers keep their literal, so that no id or amount ever passes through a float.

JSON is decoded by msgspec where that gives the same as the standard library's decoder, and by the latter where bytes,
literals or names are odd: msgspec refuses NaN, control characters, lone surrogates and wrong UTF-8, takes `-0` for 0,
and of a name that comes twice forgets the first.

Bytes that are not valid UTF-8 and code points that no store takes (lone surrogates, NUL) are replaced by U+FFFD, and
the row says so. A value above a million bytes is replaced by its head, what is nested too deep by its hash and head.
"""

from __future__ import annotations

import codecs
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
MAX_DEPTH = 100
# Of a name that an object has twice with different values, the last counts; the others stand under this name.
REPEATED = "__repeated"
# Begins what stands for a value that is nested too deep. A noncharacter: no text that is interchanged has it.
TOO_DEEP = "\ufdd0"
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class Number(str):
    """A number's literal as it stood in the JSON text."""

    __slots__ = ()


class MalformedLine(str):
    """A TSV line whose fields do not match the header."""

    __slots__ = ()


class SuspectFields(dict[str, str | None]):
    """Fields of a TSV line whose bytes were not clean UTF-8 text."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        for name, value in pairs:
            if value != found[name]:
                found.setdefault(f"{name}{REPEATED}", []).append(value)
    return found


_decoder = json.JSONDecoder(
    strict=False, parse_int=Number, parse_float=Number, parse_constant=Number, object_pairs_hook=_object
)


# Python's own integers are as long as they need to be, and their text is the literal.
_quick = msgspec.json.Decoder(float_hook=Number)
_again = msgspec.json.Encoder(enc_hook=str)
# A number -0, by how it ends in JSON. In texts it may stand as well: then the slower decoder reads the page.
_MINUS_ZERO = re.compile(rb"-0(?:[,}\] \t\r\n]|\Z)")


def decode_json(body: bytes) -> tuple[Any, bool]:
    """The decoded value, and whether its text is suspect. Raises CutBodyError (incomplete), ContractError (UTF-16).

    Integers come as `int` or `Number`, other numbers as `Number`; `as_text` gives the literal of both.
    """
    refuse_utf16(body[:2])
    if not _MINUS_ZERO.search(body):
        try:
            found = _quick.decode(body)
            if _has_all_names(found, body.count(b'":')):
                return found, b"\\" in body and b"\\u0000" in body
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # the other decoder reads it, or says what is wrong
    return _decode_oddities(body)


def _has_all_names(found: Any, name_count: int) -> bool:
    """Whether no name was lost, of the `name_count` that the text seems to have: one that came twice is there once."""
    if isinstance(found, dict):
        # A page of flat rows, as most are, is counted by the lengths of its objects.
        rows = [row for part in found.values() if type(part) is list for row in part if type(row) is dict]
        if len(found) + sum(map(len, rows)) == name_count:
            return True
    # Text and nested objects count as well: written again they are all there, unless a name came twice.
    return _again.encode(found).count(b'":') == name_count


def _decode_oddities(body: bytes) -> tuple[Any, bool]:
    try:
        text, is_suspect = body.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text, is_suspect = body.decode("utf-8-sig", "surrogateescape"), True
    is_suspect = is_suspect or b"\\ud" in body or b"\\uD" in body or b"\\u0000" in body or b"\x00" in body
    try:
        try:
            return _decoder.decode(text), is_suspect
        except RecursionError:
            return _decoder.decode(shallow(text)), True
    except (ValueError, RecursionError):  # brackets that never close recurse again
        raise CutBodyError("An answer is not complete JSON", next_step="Run the pull again") from None


def refuse_utf16(start: bytes) -> None:
    """Raise ContractError for a text that begins as UTF-16 does."""
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise ContractError("An answer is UTF-16 text, not UTF-8", next_step="Ask the vendor; nothing of it was landed")


def shallow(text: str) -> str:
    """JSON text in which each part that is nested deeper than MAX_DEPTH is a string: mark, SHA-256 and head of it."""
    out: list[str] = []
    depth = place = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                start = token.start()
        elif token[0] in "]}":
            if depth == MAX_DEPTH + 1:
                out += [text[place:start], json.dumps(_deep(text[start : token.end()]), ensure_ascii=False)]
                place = token.end()
            depth -= 1
    return "".join([*out, text[place:]])


def _deep(text: str) -> str:
    return f"{TOO_DEEP}{sha256_of(text)} {text[:HEAD_CHARACTERS]}"


def compact(value: Any) -> str:
    """Compact JSON of a decoded value, numbers with their literals. See `shallow` for what is nested too deep."""
    try:
        return _compact(value)
    except RecursionError:
        return shallow(_compact_however_deep(value))


def _compact(value: Any, depth: int = 0) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list | tuple):
        if depth == MAX_DEPTH:
            raise RecursionError
        if isinstance(value, dict):
            named = (f"{_compact(str(name))}:{_compact(part, depth + 1)}" for name, part in value.items())
            return "{" + ",".join(named) + "}"
        return "[" + ",".join(_compact(part, depth + 1) for part in value) + "]"
    return json.dumps(value)


def _compact_however_deep(value: Any) -> str:
    out: list[str] = []
    waiting: list[tuple[str, Any]] = [("", value)]  # what comes before a value, and the value; no value for an end
    while waiting:
        before, part = waiting.pop()
        out.append(before)
        if isinstance(part, dict):
            named = [(f"{',' * bool(n)}{_compact(str(name))}:", one) for n, (name, one) in enumerate(part.items())]
        elif isinstance(part, list):
            named = [("," * bool(n), one) for n, one in enumerate(part)]
        else:
            out.append("" if part is _END else _compact(part))
            continue
        start, end = "{}" if isinstance(part, dict) else "[]"
        out.append(start)
        waiting += [(end, _END), *reversed(named)]
    return "".join(out)


_END = object()


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
    """The text as a store can keep it, and the defect (`encoding`, `depth`, `oversize`) that was found, if any."""
    defect = "depth" if TOO_DEEP in text else None
    if _UNFIT.search(text):
        text, defect = clean(text), "encoding"
    if is_oversize(text):
        text, defect = text[:HEAD_CHARACTERS], "oversize"
    return text, defect


def clean(text: str) -> str:
    """The text with U+FFFD for what no store takes; bytes that were no UTF-8 get one mark for each run of them."""
    return re.sub("[\udc80-\udcff]+|[\x00\ud800-\udfff]", "\ufffd", text)


def escaped(text: str) -> str:
    """The text with all that `fit` replaces written out: `\\xd0` for a byte, `\\ud800` for half a character."""
    # First the bytes that were no UTF-8, then what is left of surrogates.
    told = re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    return told.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def is_oversize(text: str) -> bool:
    """Whether the value is above a million bytes of UTF-8."""
    return len(text) * 4 > MAX_VALUE_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES


def sha256_of(text: str) -> str:
    """The SHA-256 (hex) of the text's UTF-8 bytes, surrogates included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_clean(line: str) -> bool:
    # `\\0` is how an escaped table writes NUL.
    return "\x00" not in line and "\\0" not in line and (line.isascii() or not _UNFIT.search(line))


def tsv_items(page: Page, *, total_line: str | None = None, missing: str = "") -> Iterator[dict[str, str | None] | str]:
    """Rows of a spooled TSV as header -> value, streamed. `missing` is the vendor's word for no value.

    With `total_line` the last line must be that word and the number of rows. A line of another width comes as
    MalformedLine, one with bytes that no store takes as SuspectFields. Raises CutBodyError when
    the header or the end is missing or the count disagrees, ContractError for UTF-16.
    """
    count, total = 0, None
    with page.path.open("rb") as lines:
        first = lines.readline()
        refuse_utf16(first[:2])
        header = first.decode("utf-8-sig", "surrogateescape").rstrip("\r\n").split("\t")
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
