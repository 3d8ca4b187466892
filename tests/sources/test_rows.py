"""From items to rows: literals, defects, unexpected fields, people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebuttal.errors import CutBodyError
from rebuttal.personal import email_identity, phone_identity, scrub
from rebuttal.sources.declare import Page, Stream
from rebuttal.sources.decode import MalformedLine, as_text, compact, decode_json, tsv_items
from rebuttal.sources.rows import Row, RowMaker

KEY = b"an identity key for tests only"
STREAM = Stream(
    name="things",
    entity="deal",
    columns={"id": "id", "amount": "money.amount", "suffix": "low.suffix|high.suffix", "tags": "tags", "note": "note"},
    key=("id",),
    pages=lambda *_: iter(()),
    items=lambda _: (),
    personal={"email": "email", "phone": "phone"},
    ignored=("name", "money.symbol"),
)


def made(item: Any, is_suspect: bool = False) -> tuple[dict[str, str | None], Row]:
    row = RowMaker(STREAM, KEY, ("UA", "RU")).make(item, {}, is_suspect)
    return dict(zip(STREAM.column_names, row.values, strict=True)), row


def from_wire(body: bytes) -> tuple[dict[str, str | None], Row]:
    item, is_suspect = decode_json(body)
    return made(item, is_suspect)


def test_numbers_keep_their_literal() -> None:
    values, _ = from_wire(
        b'{"id": 9007199254740993, "money": {"amount": 1.50}, "tags": [1.0, {"n": 1e400, "b": true}]}'
    )
    assert values["id"] == "9007199254740993"
    assert values["amount"] == "1.50"
    assert values["tags"] == '[1.0,{"n":1e400,"b":true}]'


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_compact_json_says_the_same(value: Any) -> None:
    decoded, _ = decode_json(json.dumps(value).encode())
    assert json.loads(compact(decoded)) == value


def test_missing_null_and_empty_are_null_and_the_first_alternative_counts() -> None:
    values, row = from_wire(b'{"id": "1", "money": null, "low": {"suffix": null}, "high": {"suffix": "h"}, "note": ""}')
    assert values == {**dict.fromkeys(values), "id": "1", "suffix": "h"}
    assert row.key == "1"
    assert as_text("") is None


def test_unexpected_fields_are_kept_and_named_and_ignored_ones_are_not() -> None:
    maker = RowMaker(STREAM, KEY, ("UA",))
    item, _ = decode_json(
        b'{"id": "1", "name": "Anna", "money": {"amount": 1, "symbol": "E", "tax": 0.10}, "new": [1]}'
    )
    row = maker.make(item, {}, False)
    assert row.extra == '{"money.tax":0.10,"new":[1]}'
    assert maker.extra_names == {"money.tax", "new"}


def test_people_in_unexpected_fields_are_blotted_out() -> None:
    text = "write to anna.k@salon.com or +38 067 111-22-99, order 2026-10-01"
    assert scrub({"a": [text]}, ("UA",)) == {"a": ["write to [email] or [phone], order 2026-10-01"]}


def test_a_field_that_became_an_object_is_kept_as_text() -> None:
    values, row = from_wire(b'{"id": {"a": 1}, "money": "12 EUR"}')
    assert values["id"] == '{"a":1}'
    assert row.extra == '{"money":"12 EUR"}'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"id": "1", "note": "a\xd0\xff\xc3(b"}', "a\ufffd(b"),
        (b'{"id": "1", "note": "a\\ud800b"}', "a\ufffdb"),
        (b'{"id": "1", "note": "a\\u0000b"}', "a\ufffdb"),
    ],
    ids=["bytes", "lone surrogate", "NUL"],
)
def test_what_no_store_takes_is_replaced_and_told(body: bytes, text: str) -> None:
    values, row = from_wire(body)
    assert values["note"] == text
    assert row.defect == "encoding"
    assert values["id"] == "1"


def test_good_text_of_any_script_has_no_defect() -> None:
    values, row = from_wire('{"id": "1", "note": "дорого \\ud83d\\udcb8 їжак 💸\\u202e"}'.encode())
    assert values["note"] == "дорого 💸 їжак 💸\u202e"
    assert row.defect is None


def test_a_value_above_a_million_bytes_is_cut_and_hashed() -> None:
    values, row = made({"id": "1", "note": "ж" * 600_000})
    assert values["note"] == "ж" * 1000
    assert row.defect == "oversize"
    assert set(json.loads(row.extra or "")) == {"note__sha256"}
    other = made({"id": "1", "note": "ж" * 600_001})[1]
    assert other.row_hash != row.row_hash
    assert made({"id": "1", "note": "ж" * 400_000})[1].defect is None


def test_an_item_that_is_no_object_is_a_malformed_row() -> None:
    rows = [made(item)[1] for item in ("text of anna.k@salon.com", ["a"], None)]
    assert [row.defect for row in rows] == ["malformed"] * 3
    assert len({row.key for row in rows}) == 3
    assert all(set(row.values) == {None} for row in rows)
    assert rows[0].extra == '{"item":"text of [email]"}'


def test_a_row_without_any_of_its_key_is_nobodys_copy() -> None:
    first, second = made({"note": "a"})[1], made({"note": "b"})[1]
    assert first.key != second.key


def test_the_hash_tells_null_from_text_and_columns_apart() -> None:
    hashes = {
        made(item)[1].row_hash
        for item in ({"id": "1"}, {"id": "1", "note": "1"}, {"id": "1", "tags": "1"}, {"id": "2"})
    }
    assert len(hashes) == 4


def test_one_person_has_one_hash_however_the_address_is_written() -> None:
    ways = [" Anna.K+news@GMail.com ", "annak@googlemail.com", "mailto:anna.k@gmail.com", "a.n.n.a.k@gmail.com"]
    assert {email_identity(way, KEY) for way in ways} == {email_identity("annak@gmail.com", KEY)}
    assert email_identity("annak@gmail.com", b"another key of another company")[0] != email_identity(ways[0], KEY)[0]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("olena@salon.ua", "personal"),
        ("devonshire@salon.ua", "personal"),
        ("info@salon.ua", "role"),
        ("no-reply@salon.ua", "role"),
        ("test+7@brand.ua", "test"),
        ("someone@example.com", "test"),
        ("олена@салон.укр", "personal"),
        ("olena@salon", "invalid"),
        ("olena", "invalid"),
        ("a" * 64, "invalid"),  # a hash is no address, so it is never hashed again
        (" ", None),
    ],
)
def test_kinds_of_addresses(address: str, kind: str | None) -> None:
    hashed, found = email_identity(address, KEY)
    assert found == kind
    assert (hashed is None) == (kind in ("invalid", None))


def test_one_phone_has_one_hash_however_it_is_written() -> None:
    ways = [
        "+380671112299",
        "067 111-22-99",
        "0 67 111 22 99",
        "38067-1112299",
        "+38 (067) 1112299 ext. 7",
        "００380671112299",
    ]
    assert {phone_identity(way, KEY, ("UA", "RU")) for way in ways} == {phone_identity(ways[0], KEY, ("UA",))}
    assert phone_identity("8 (912) 345-67-80", KEY, ("UA", "RU")) == phone_identity("+79123456780", KEY, ())


@pytest.mark.parametrize(
    ("number", "kind"),
    [("+380671112299", "personal"), ("+380000000000", "test"), ("12", "invalid"), ("call me", "invalid"), ("", None)],
)
def test_kinds_of_phones(number: str, kind: str | None) -> None:
    assert phone_identity(number, KEY, ("UA",))[1] == kind


def table(tmp_path: Path, body: bytes) -> Page:
    path = tmp_path / "table"
    path.write_bytes(body)
    return Page(path, 200, {}, len(body))


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    page = table(tmp_path, "a\tb\r\n1\t--\nшум\t\nTotal rows: 2\n".encode())
    rows = list(tsv_items(page, total_line="Total rows:", missing="--"))
    assert rows == [{"a": "1", "b": None}, {"a": "шум", "b": None}]


def test_a_line_of_another_width_is_malformed(tmp_path: Path) -> None:
    rows = list(tsv_items(table(tmp_path, b"a\tb\n1\t2\t3\n1\t2\n")))
    assert rows == [MalformedLine("1\t2\t3"), {"a": "1", "b": "2"}]
    assert made(rows[0])[1].defect == "malformed"


@pytest.mark.parametrize("body", [b"\n", b"a\tb\n1", b"a\tb\n1\t2\n", b"a\tb\n1\t2\nTotal rows: 2\n"])
def test_a_table_that_ends_early_is_cut(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(CutBodyError):
        list(tsv_items(table(tmp_path, body), total_line="Total rows:"))
