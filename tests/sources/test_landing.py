"""What is written for Postgres' COPY comes back as it was; a load of large texts fits into the memory it is given."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import text

from rebuttal.errors import AccountingError
from rebuttal.settings import Settings
from rebuttal.sources import landing as port
from rebuttal.sources.declare import Stream
from rebuttal.sources.landing import copy_text, landing
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.spool import Piece, RowSpool
from rebuttal.warehouse import open_warehouse

STREAM = Stream("s", "deal", {"id": "id", "note": "note"}, ("id",), lambda *_: iter(()), lambda _: ())
ODD = ["\\.", "\\N", "a\tb", "a\nb\\.\nc", "\r\n", "\\", "\\\\n", '"', "'", ",", " ", "шум", "\u2028", "x" * 70_000]


def read_back(written: bytes) -> list[list[str | None]]:
    """Text of COPY as the PostgreSQL manual says it is read."""
    signs = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
    rows = []
    assert written.endswith(b"\n")
    for line in written.decode().removesuffix("\n").split("\n"):
        values: list[str | None] = []
        for field in line.split("\t"):
            parts = field.replace("\\\\", "\x00").split("\\")
            plain = parts[0] + "".join(signs[part[0]] + part[1:] for part in parts[1:] if field != "\\N")
            values.append(None if field == "\\N" else plain.replace("\x00", "\\"))
        rows.append(values)
    return rows


values = st.none() | st.sampled_from(ODD) | st.text(st.characters(exclude_characters="\x00", codec="utf-8"), min_size=1)


@given_settings(deadline=None)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=20), st.integers(0, 3))
@example([(one, None) for one in ODD], 2)
def test_what_is_copied_is_read_back_as_it_was(rows: list[tuple[str | None, str | None]], skipped: int) -> None:
    batch = pa.RecordBatch.from_pylist(
        [{"a": a, "b": b} for a, b in rows], pa.schema([("a", "string"), ("b", "string")])
    )
    batch = batch.slice(min(skipped, len(rows) - 1))
    assert read_back(bytes(copy_text(batch))) == [list(row) for row in rows[-len(batch) :]]


def spooled(folder: Path, items: list[dict[str, str]]) -> Piece:
    folder.mkdir()
    rows = RowSpool(STREAM, folder)
    maker = RowMaker(STREAM, b"key", ())
    for start in range(0, len(items), 10):
        rows.add(maker.make_all(items[start : start + 10], {}, False))
    rows.keep_slice()
    return rows.take()


def test_odd_texts_and_large_ones_land_as_they_are(
    any_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "LOAD_BYTES", 16_000_000)
    items = [{"id": f"odd-{number}", "note": note} for number, note in enumerate(ODD)]
    items += [{"id": f"large-{number}", "note": chr(97 + number % 26) * 900_000} for number in range(60)]
    piece = spooled(tmp_path / "spool", items)
    with open_warehouse(any_settings) as engine, landing(engine, any_settings, "x", STREAM) as table:
        table.prepare()
        with engine.begin() as connection:
            table.load(connection, "b1", piece.chunks)
            table.confirm(connection, "b1", len(items))
        with engine.connect() as connection:
            found = connection.execute(text('SELECT id, note, _batch_id FROM landing."x__s" ORDER BY _row')).all()
    assert [tuple(row) for row in found] == [(item["id"], item["note"], "b1") for item in items]


def test_a_missing_or_doubled_row_is_found_and_nothing_stays(any_settings: Settings, tmp_path: Path) -> None:
    piece = spooled(tmp_path / "spool", [{"id": str(number), "note": "n"} for number in range(30)])
    with open_warehouse(any_settings) as engine, landing(engine, any_settings, "x", STREAM) as table:
        table.prepare()

        def load_and(wrong: str) -> None:
            with engine.begin() as connection:
                table.load(connection, "b1", piece.chunks)
                connection.execute(text(wrong))
                table.confirm(connection, "b1", 30)

        for wrong in (
            'DELETE FROM landing."x__s" WHERE _row = 3',
            'INSERT INTO landing."x__s" SELECT * FROM landing."x__s" WHERE _row = 3',
            'UPDATE landing."x__s" SET _row = 4 WHERE _row = 3',
        ):
            with pytest.raises(AccountingError, match="30 rows were pulled"):
                load_and(wrong)
            with engine.connect() as connection:
                assert connection.execute(text('SELECT count(*) FROM landing."x__s"')).scalar_one() == 0


def test_a_column_that_the_stream_has_since_declared_is_added(any_settings: Settings, tmp_path: Path) -> None:
    before = Stream("s", "deal", {"id": "id"}, ("id",), lambda *_: iter(()), lambda _: ())
    with open_warehouse(any_settings) as engine:
        with landing(engine, any_settings, "x", before) as table:
            table.prepare()
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO landing.\"x__s\" (id, _batch_id, _row) VALUES ('old', 'b0', 0)"))
        piece = spooled(tmp_path / "spool", [{"id": "new", "note": "n"}])
        with landing(engine, any_settings, "x", STREAM) as table:
            table.prepare()
            table.prepare()
            with engine.begin() as connection:
                table.load(connection, "b1", piece.chunks)
        with engine.connect() as connection:
            found = connection.execute(text('SELECT id, note FROM landing."x__s" ORDER BY _batch_id')).all()
    assert [tuple(row) for row in found] == [("old", None), ("new", "n")]


def test_news_in_a_later_group_of_chunks_is_seen(
    any_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "CHUNKS_AT_ONCE", 1)
    asked: list[int] = []
    with open_warehouse(any_settings) as engine, landing(engine, any_settings, "x", STREAM) as table:
        table.prepare()
        piece = spooled(tmp_path / "spool", [{"id": "1", "note": "n"}])
        count_new = table._count_new

        def counted(chunks: list[Path], account: str) -> int:
            asked.append(len(chunks))
            return count_new(chunks, account)

        monkeypatch.setattr(table, "_count_new", counted)
        assert table.has_news(piece.chunks * 3, "account")
        assert asked == [1]  # the first that is new says it all
    assert pq.read_table(piece.chunks[0]).num_rows == 1
