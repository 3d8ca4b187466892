"""Many items at once and one after the other: the same rows, to the byte. And two decoders that say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from rebuttal.errors import RebuttalError
from rebuttal.sources import decode
from rebuttal.sources.columns import Rows
from rebuttal.sources.declare import Page, Stream
from rebuttal.sources.decode import as_text, compact, decode_json, tsv_items
from rebuttal.sources.identify import Identifier
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.spool import RowSpool

KEY = b"an identity key for tests only"
STREAM = Stream(
    name="things",
    entity="deal",
    columns={"id": "id", "part": "part", "amount": "money.amount", "suffix": "low.suffix|high.suffix", "note": "note"},
    key=("id", "part"),
    pages=lambda *_: iter(()),
    items=lambda _: (),
    personal={"email": "email"},
    ignored=("name", "money.symbol"),
)
SCHEMA = RowSpool(STREAM, Path()).schema
IDENTIFIER = Identifier(STREAM)
# Literals and texts on which decoders and engines are known to differ.
LITERALS = (
    "18446744073709551615", "18446744073709551616", "9007199254740993", "-9223372036854775809", "1e400", "1E-5", "1.10",
    "-0.0", "-0", "0", "1" * 5000, "NaN", "-Infinity", "null", "true", '""', '"-0 "', '"\\u0041\\ud83d\\udcb8"',
    '"\\ud800"', '"\\udc00x"', '"\\u0000"', '"a\x01b"', '"\x1f"', '"\u202e"', "[1.0, -0]", '{"n":1e400}', "[[]]", "{}",
    '"someone@salon.com"', '"ID"', "01", "1.", '"\\x"', '"cut', "[1,]", "",
)  # fmt: skip
literal = st.sampled_from(LITERALS) | st.integers().map(str) | st.floats().map(json.dumps) | st.text().map(json.dumps)
plain = st.sampled_from(["1", "20", '"a"', '"b"', '""', "null", "1.50", "true", '"anna@salon.ua"'])


def members(value: st.SearchStrategy[str], names: list[str]) -> st.SearchStrategy[str]:
    """JSON objects as text, with members that come twice now and then."""
    pair = st.tuples(st.sampled_from(names), value)
    return st.lists(pair, max_size=9).map(lambda pairs: "{" + ",".join(f'"{name}": {v}' for name, v in pairs) + "}")


def items(value: st.SearchStrategy[str], others: list[str]) -> st.SearchStrategy[str]:
    nested = members(value, ["amount", "symbol", "suffix", *others])
    return members(value | nested, ["id", "part", "note", "money", "low", "high", "email", "name", *others])


def written(found: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}": {value}' for name, value in found.items()) + "}"


def whole(names: str, **others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Items that have all fields, and now and then one more."""
    fields = dict.fromkeys(names.split(), plain) | others
    return st.fixed_dictionaries(fields, optional={"new": st.just("1")}).map(written)


WHOLE = whole(
    "id part email name", note=st.sampled_from(["true", "false", "null"]), money=whole("amount symbol"),
    low=whole("suffix"), high=whole("suffix") | st.just("null"),
)  # fmt: skip


def one_by_one(found: list[Any], constants: dict[str, str], is_suspect: bool) -> Rows:
    maker = RowMaker(STREAM, KEY, ("UA",))
    return Rows.of(maker.make(item, constants, is_suspect) for item in found)


@settings(max_examples=400)
@given(
    st.lists(WHOLE, min_size=1, max_size=6)
    | st.lists(items(plain, []), min_size=1, max_size=6)
    | st.lists(items(plain | literal, ["new"]) | literal, min_size=1),
    st.sampled_from([{}, {"note": "from the account", "id": "7"}]),
)
@example(['{"money": {"amount": 1}}', '{"money": null}', '{"money": "12 EUR"}'], {})
@example(['{"note": "' + "x" * 1_000_001 + '"}', '{"id": 1}'], {})
def test_a_group_gives_the_rows_that_its_items_give_one_by_one(texts: list[str], constants: dict[str, str]) -> None:
    try:
        found, is_suspect = decode_json(("[" + ",".join(texts) + "]").encode())
    except RebuttalError:
        reject()
    assume(found)
    expected = one_by_one(found, constants, is_suspect)
    maker = RowMaker(STREAM, KEY, ("UA",))
    made = maker.make_all(found, constants, is_suspect)
    in_duckdb, lines = IDENTIFIER.many([made], SCHEMA, 7)
    assert in_duckdb.equals(pa.Table.from_batches([expected.to_arrow(SCHEMA, 7)]))
    assert b"".join(lines) == bytes(expected.fingerprint())
    rows = made.identified(STREAM.key_places)
    for name in ("values", "key", "row_hash", "defect", "extra"):
        assert getattr(rows, name) == getattr(expected, name)
    assert rows.to_arrow(SCHEMA, 7).equals(expected.to_arrow(SCHEMA, 7))
    assert (
        bytes(rows.fingerprint())
        == "".join(
            f"{key}\x1e{row_hash}\n"
            for key, row_hash in zip(rows.key.to_pylist(), rows.row_hash.to_pylist(), strict=True)
        ).encode()
    )


def test_plain_items_take_the_quick_way_and_odd_ones_do_not() -> None:
    maker = RowMaker(STREAM, KEY, ("UA",))

    def is_quick(*found: Any) -> bool:
        return maker._plain(found, {}) is not None

    assert is_quick({"id": 1, "money": {"amount": decode.Number("1.10")}, "name": "Anna"}, {"id": None, "note": "x"})
    assert not is_quick({"id": 1, "note": ["x"]})
    assert not is_quick({"id": 1}, {"id": 2, "new": 1})
    assert not is_quick({"id": 1}, "text")
    assert not is_quick({"id": 1}, {"money": "12 EUR"})
    assert not is_quick({"note": "x" * 300_000})


def plainly(value: Any) -> Any:
    """Numbers as their literals, told apart from text; members in their order."""
    if isinstance(value, dict):
        return [(name, plainly(part)) for name, part in value.items()]
    if isinstance(value, list):
        return [plainly(part) for part in value]
    is_number = isinstance(value, decode.Number) or type(value) is int
    return (is_number, value if value is None else as_text(value), compact(value))


def pages(rows: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Pages of rows, with members of their own that come twice now and then, too."""
    found = st.lists(rows, max_size=4).map(lambda made: "[" + ", ".join(made) + "]")
    return members(found | plain, ["rows", "next", "total"])


FLAT = members(plain, ["id", "part", "note"])


@settings(max_examples=400)
@given(literal | items(plain | literal, ["new"]) | pages(FLAT) | pages(items(plain, []) | plain))
@example('"' + "\ud83d" * 3)
@example(b"\xef\xbb\xbf[1]")
@example(b'"a\xd0\xff"')
@example(b"[" * 100_000)
@example(b'{"a": 1, "b": 2, "a": 3}')
@example(b'{"rows": [{"a": 1, "b": 2}, {"a": 1, "b": 2, "a": 3}], "next": "2"}')
@example(b'{"rows": [{"a": 1, "b": "\\":"}, {"a": {"a": 3}}], "rows": [], "next": "2"}')
@example("1 ")
@example("1 2")
def test_the_quick_decoder_says_what_the_patient_one_says(text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        expected, is_suspect = decode._decode_oddities(body)
    except RebuttalError as error:
        with pytest.raises(type(error)):
            decode_json(body)
        return
    found, is_found_suspect = decode_json(body)
    assert plainly(found) == plainly(expected)
    # Clean surrogate pairs are a suspicion that only the quick decoder can lift.
    told = compact(found)
    is_odd = "\\u0000" in told or decode.fit(told)[1] == "encoding"
    assert is_found_suspect >= is_odd
    assert is_suspect >= is_found_suspect


@pytest.mark.parametrize("literal", [text for text in LITERALS if text[:1].isdigit() or text[:1] == "-"])
def test_the_spool_keeps_each_literal(literal: str, tmp_path: Path) -> None:
    try:
        found, is_suspect = decode_json(f'[{{"id": {literal}}}]'.encode())
    except RebuttalError:
        assert literal in ("01", "1.")
        return
    rows = RowSpool(STREAM, tmp_path)
    rows.add(RowMaker(STREAM, KEY, ()).make_all(found, {}, is_suspect))
    rows.keep_slice()
    (chunk,) = rows.take().chunks
    table = pq.read_table(chunk)
    assert table["id"].to_pylist() == [literal]
    assert table["_row"].to_pylist() == [0]
    assert set(table.drop(["_row"]).schema.types) == {pa.string()}


def test_a_table_row_with_odd_bytes_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes("id\tnote\n1\tшум\n2\ta".encode() + b"\xff\xfeb\n3\tc\x00d\n4\tx\n")
    page = Page(path, 200, {}, 0)
    rows = RowMaker(STREAM, KEY, ()).make_all(list(tsv_items(page)), {}, page.is_suspect)
    assert rows.values[4].to_pylist() == ["шум", "a\ufffdb", "c\ufffdd", "x"]
    assert rows.defect.to_pylist() == [None, "encoding", "encoding", None]


def test_a_field_name_that_no_store_takes_is_cleaned() -> None:
    found, is_suspect = decode_json(b'[{"id": 1, "n\\ud800": 2}]')
    rows = RowMaker(STREAM, KEY, ()).make_all(found, {}, is_suspect)
    assert rows.extra.to_pylist() == ['{"n\ufffd":2}']
