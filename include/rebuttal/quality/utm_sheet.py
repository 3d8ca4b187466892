"""Reading a company's table of links: CSV (comma, semicolon or tab; UTF-8) or the first sheet of an XLSX file.

An XLSX file is a ZIP of XML parts (ECMA-376); only cells' values are read. Everything is text: ids keep their digits.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.etree import ElementTree

from rebuttal.errors import ConfigError

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_LARGEST = 20_000_000  # bytes of one part: a table of links is far smaller, and a ZIP may hide a lot
_MOST_ROWS = 50_000
# Spreadsheets keep numbers in 15 digits; an id beyond that has already lost its end, and its cell is marked so.
_EXACT_DIGITS = 15
ROUNDED = "<rounded by the spreadsheet>"

Row = tuple[int, list[str]]


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """The header, and every row that is not blank with its number in the file (the header's is 1 or more).

    Raises ConfigError when the file cannot be read as a table.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", next_step="Check the path") from None
    read = _xlsx(path, content) if content[:2] == b"PK" else _csv(path, content)
    rows: list[Row] = []
    for number, row in read:
        values = [value.strip() for value in row]
        if any(values):
            rows.append((number, values))
        if len(rows) > _MOST_ROWS:
            raise ConfigError(f"{path} has more than {_MOST_ROWS} rows", next_step="Give the table of links only")
    if not rows:
        raise ConfigError(f"{path} has no rows", next_step="Its first row names the columns")
    return rows[0][1], rows[1:]


def _csv(path: Path, content: bytes) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", next_step="Save it as 'CSV UTF-8'") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num} is not CSV: {error}", next_step="Save it as CSV again") from None


def _xlsx(path: Path, content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            strings = _shared_strings(parts)
            for element in _part(parts, _first_sheet(parts)).iter(f"{_MAIN}row"):
                yield _row(element, strings)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError, ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"{path} is not a readable XLSX file ({type(error).__name__})", next_step="Save it as CSV UTF-8 instead"
        ) from None


def _part(parts: zipfile.ZipFile, name: str) -> ElementTree.Element:
    info = parts.getinfo(name)
    with parts.open(info) as file:
        data = file.read(_LARGEST + 1)
    # Real files declare no entities; a declaration is how an XML file becomes a bomb.
    if len(data) > _LARGEST or b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise ValueError(name)
    return ElementTree.fromstring(data)


def _shared_strings(parts: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in parts.namelist():
        return []
    return [_text(item) for item in _part(parts, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    """The text of a string item, of all its formatted runs, without the phonetic hints."""
    runs = [*item.findall(f"{_MAIN}t"), *item.findall(f"{_MAIN}r/{_MAIN}t")]
    return "".join(run.text or "" for run in runs)


def _first_sheet(parts: zipfile.ZipFile) -> str:
    sheets = [one for one in _part(parts, "xl/workbook.xml").iter(f"{_MAIN}sheet") if one.get("state") is None]
    relation = sheets[0].attrib[_LINK]
    for one in _part(parts, "xl/_rels/workbook.xml.rels"):
        if one.get("Id") == relation:
            target = one.attrib["Target"]
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(relation)


def _row(element: ElementTree.Element, strings: list[str]) -> Row:
    number = int(element.attrib["r"])
    values: list[str] = []
    for cell in element.findall(f"{_MAIN}c"):
        place = cell.attrib["r"]
        column = 0
        for letter in re.match(r"[A-Z]{1,3}", place).group():  # type: ignore[union-attr]
            column = column * 26 + ord(letter) - 64
        values += [""] * (column - 1 - len(values))
        values.append(_value(cell, strings))
    return number, values


def _value(cell: ElementTree.Element, strings: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v") or ""
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return _text(inline) if inline is not None else ""
    if kind == "s":
        return strings[int(value)] if value else ""
    return value if kind != "n" or not value else _number(value)


def _number(value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(value) from None
    if number != number.to_integral_value():
        return value
    digits = str(int(number))
    return digits if len(digits) <= _EXACT_DIGITS else f"{digits} {ROUNDED}"
