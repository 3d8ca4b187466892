"""What staging files may call, tried on both engines: exact, and nothing guessed."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from landed import STREAMS
from sqlalchemy import text

from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES, open_warehouse
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.staging import render


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def read_as(settings: Settings, call: str, value: str | None, *arguments: Any, **named: Any) -> tuple[Any, str | None]:
    """What `fields.<call>("field", ...)` makes of a text, and what it says is unreadable."""
    with open_warehouse(settings) as engine, engine.begin() as connection:
        # A table, because a server works constants out before it looks at the CASE that guards them.
        connection.execute(text("create table if not exists gate.tried (field text)"))
        connection.execute(text("delete from gate.tried"))
        connection.execute(text("insert into gate.tried values (:value)"), {"value": value})
        fields = render.Fields(dialect_of(connection), frozenset({"field"}), "gate.tried", lambda _: [])
        expression = getattr(fields, call)("field", *arguments, **named)
        query = f"select {expression} as found, {fields.unreadable()} from {fields.landed()}"
        found, unreadable = connection.execute(text(query)).one()
    return (found.astimezone(UTC) if isinstance(found, datetime) else found), unreadable


READABLE: list[tuple[str, str | None, tuple[Any, ...], Any]] = [
    ("text", " a ", (), " a "),
    ("text", "", (), None),
    ("integer", " 12 ", (), 12),
    ("integer", "-7.0", (), -7),
    ("integer", None, (), None),
    ("real", "-.5e-2", (), -0.005),
    ("decimal", "0.1", (), Decimal("0.1")),
    ("micros", "9007199254740993", (), Decimal("9007199254.740993")),
    ("micros", "-1", (), Decimal("-0.000001")),
    ("seconds_of_ms", "61999", (), 61),
    ("boolean", "TRUE", (), True),
    ("boolean", "0", (), False),
    ("day", "2024-02-29", (), date(2024, 2, 29)),
    ("day", "20261231", (), date(2026, 12, 31)),
    ("instant", "2026-11-01T23:30:00.123456-03:30", (), at(2026, 11, 2, 3, 0, 0, 123456)),
    ("instant", "2026-11-01T10:00:00Z", (), at(2026, 11, 1, 10)),
    ("ahead_of_utc", "2026-01-01 02:00:00", (3,), at(2025, 12, 31, 23)),
    # Kyiv: clocks go on from 03:00 to 04:00 in March, and back from 04:00 to 03:00 in October.
    (
        "local",
        "2026-03-29 02:59:59",
        (
            "zone",
            "Europe/Kyiv",
        ),
        at(2026, 3, 29, 0, 59, 59),
    ),
    (
        "local",
        "2026-03-29 03:30:00",
        (
            "zone",
            "Europe/Kyiv",
        ),
        at(2026, 3, 29, 1, 30),
    ),  # does not exist
    (
        "local",
        "2026-03-29 04:00:00",
        (
            "zone",
            "Europe/Kyiv",
        ),
        at(2026, 3, 29, 1),
    ),
    (
        "local",
        "2026-10-25 03:30:00",
        (
            "zone",
            "Europe/Kyiv",
        ),
        at(2026, 10, 25, 1, 30),
    ),  # exists twice
    (
        "local",
        "2026-03-08 02:30:00",
        (
            "zone",
            "America/New_York",
        ),
        at(2026, 3, 8, 7, 30),
    ),
    (
        "local",
        "2026-11-01 01:30:00",
        (
            "zone",
            "America/New_York",
        ),
        at(2026, 11, 1, 6, 30),
    ),
    ("known", "Lead", ("lead", "customer"), "lead"),
    ("known", "Ліди", ("lead",), "unknown:Ліди"),
    ("url_path", "https://b.example/a/Ж?x=/y#z", (), "/a/Ж"),
    ("url_path", "/only/path", (), "/only/path"),
    ("url_path", "https://b.example", (), "/"),
    ("url_path", "https://b.example#top", (), "/"),
    ("url_path", None, (), None),
    ("member", '{"a b": "x"}', ("a b",), "x"),
    ("member", '["901", 902]', ("1",), "902"),
    ("member", "[]", ("0",), None),
    ("member", '{"n": 18446744073709551615}', ("n",), "18446744073709551615"),
]
UNREADABLE = [
    ("integer", ["1e3", "12.5", "0x10", "1 000", "１２", "99999999999999999999", "-"]),
    ("real", ["NaN", "inf", "1e400", "1e-400", "1,5", ".", "1_0"]),
    ("decimal", ["1e2", "1.234,56", "12.", "€5", "1234567890123"]),
    ("micros", ["1.5", "999999999999999999"]),
    ("boolean", ["maybe", "2"]),
    ("day", ["2026-02-30", "2026-13-01", "01.11.2026", "20261301", "2026-11-01T00:00:00Z", "today"]),
    (
        "instant",
        [
            "2026-11-01",
            "2026-11-01T10:00Z",
            "2026-11-01T10:00:00",
            "2026-11-01T24:00:00Z",
            "2026-11-01T10:00:60Z",
            "1762000000000",
        ],
    ),
    ("member", ["{", "{'a': 1}", "nul"]),
]


@pytest.mark.parametrize(("call", "value", "arguments", "expected"), READABLE)
def test_readable(settings: Settings, call: str, value: str | None, arguments: tuple[Any, ...], expected: Any) -> None:
    assert read_as(settings, call, value, *arguments) == (expected, None)


def test_readable_on_postgres_alike(settings: Settings, postgres_url: Any) -> None:
    server = Settings(settings.home, settings.config, settings.sandbox_url, postgres_url(), settings.state_url)
    for call, value, arguments, expected in READABLE:
        assert read_as(server, call, value, *arguments) == (expected, None), (call, value)


def test_unreadable_is_null_and_told(any_settings: Settings) -> None:
    for call, values in UNREADABLE:
        for value in values:
            arguments = ("a",) if call == "member" else ()
            assert read_as(any_settings, call, value, *arguments) == (None, f"field={value}"), (call, value)


def wall_clocks() -> list[str]:
    """Texts near `YYYY-MM-DD hh:mm:ss`, most of them not it, some of them what one engine or the other would take."""
    days = [
        "2026-02-28",
        "2026-02-29",
        "2026-2-08",
        " 202-02-08",
        "-026-02-08",
        "2026/02/08",
        "26-02-08",
        "12026-02-08",
    ]
    times = ["00:00:00", "23:59:59", "24:00:00", "23:59:60", "7:05:09", " 7:05:09", "07:05", "070509", "07:05:09.5"]
    ends = ["", "Z", "+03", "+03:00", " ", ".123456", ".1234567"]
    whole = [f"{day}{part}{time}{end}" for day in days for part in (" ", "T", "  ") for time in times for end in ends]
    return [*whole, *days, "now", "today", "infinity", "epoch", "2026-02-08 07:05:09 (BC)"]


def test_a_wall_clock_is_read_when_it_has_the_form_and_is_a_time(any_settings: Settings) -> None:
    form = re.compile(r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.]\d{1,6})?", re.ASCII)
    tried, expected = wall_clocks(), {}
    for value in tried:
        expected[value] = None
        if form.fullmatch(value):
            with suppress(ValueError):
                expected[value] = datetime.fromisoformat(value).replace(tzinfo=UTC) - timedelta(hours=3)
    assert 10 <= len([at for at in expected.values() if at]) < len(tried) / 10

    with open_warehouse(any_settings) as engine, engine.begin() as connection:
        connection.execute(text("create table gate.tried (field text)"))
        connection.execute(text("insert into gate.tried values (:value)"), [{"value": value} for value in tried])
        fields = render.Fields(dialect_of(connection), frozenset({"field"}), "gate.tried", lambda _: [])
        expression = fields.ahead_of_utc("field", 3)
        query = f"select field, {expression} as found, {fields.unreadable()} from {fields.landed()}"
        rows = connection.execute(text(query)).all()

    assert {value: found and found.astimezone(UTC) for value, found, _ in rows} == expected
    assert {value for value, _, unreadable in rows if unreadable} == {value for value in tried if not expected[value]}


def test_click_ids_keep_their_bytes_and_tags_are_decoded(any_settings: Settings) -> None:
    url = "https://b.example/?a=gclid=no&gclid=Cj0K-_%2B&utm_term=%D0%BB%D0%B0%D0%BA+1&xgclid=2#gclid=3"
    assert read_as(any_settings, "url_parameter", url, name="gclid") == ("Cj0K-_%2B", None)
    assert read_as(any_settings, "url_parameter", "gclid=1&b=2", name="gclid") == ("1", None)
    assert read_as(any_settings, "url_parameter", "https://b.example/?gclid=&b", name="gclid") == (None, None)
    assert read_as(any_settings, "url_tag", url, name="utm_term") == ("лак 1", None)
    for broken in ("100%", "%zz%D0", "%FF%FE"):
        assert read_as(any_settings, "url_tag", f"?utm_term={broken}", name="utm_term") == (broken, None)


def test_every_stream_has_a_staging_file_and_every_file_a_stream() -> None:
    files = {path.stem for path in Path(render.__file__).parent.glob("*.sql")}
    assert files == {stream.replace(".", "__") for stream in STREAMS}
    assert {entity for entity, _, _ in STREAMS.values()} == set(ENTITIES)
