"""Copies of one event: caught within and across batches, and core does not depend on the order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as effort
from landed import land_in, read, row
from sqlalchemy import Engine, create_engine, delete, insert, inspect, text
from sqlalchemy.pool import StaticPool

from rebuttal.records import OUTCOMES
from rebuttal.settings import Settings
from rebuttal.warehouse import ENTITIES, batches, create_tables, open_warehouse, sql
from rebuttal.warehouse.accounting import account, recount
from rebuttal.warehouse.events import fold
from rebuttal.warehouse.merge import merge
from rebuttal.warehouse.staging import stage
from rebuttal.warehouse.tables import metadata, suppression

HITS, SURVEYS = "yandex_metrica.hits", "typeform.responses"
START = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)  # told without a zone: the counter's wall clock


def hit(
    number: int | str, second: float, client: str = "100", url: str = "/", view: str = "1", goals: str = "[]"
) -> Any:
    at = f"{START + timedelta(seconds=second):%Y-%m-%d %H:%M:%S.%f}"
    return row(HITS, watch_id=str(number), client_id=client, date_time=at, url=url, is_page_view=view, goals_id=goals)


def survey(token: str, second: int, **changed: str | None) -> Any:
    at = f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"
    return row(SURVEYS, **{"response_id": token, "landed_at": at, "submitted_at": at, **changed})


def admit_all(engine: Engine) -> None:
    """The admission without the gate: every landed batch is staged and merged whole."""
    with engine.begin() as connection:
        for batch in batches.pending(connection):
            staged = stage(connection, batch)
            connection.execute(
                text(
                    "create table gate.failed (_row bigint, position bigint, check_name text, reason text, value text)"
                )
            )
            outcome = merge(connection, staged, "gate.failed")
            outcomes = text(
                f"insert into ops.batch_outcome (batch_id, landed, {', '.join(OUTCOMES)})"
                f" values (:batch_id, :landed, {', '.join(f':{name}' for name in OUTCOMES)})"
            )
            connection.execute(outcomes, {"batch_id": batch.batch_id, "landed": batch.row_count, **outcome})
            batches.set_status(connection, batch, batches.ADMITTED, None)
            sql.drop(connection, "gate.failed", staged.table)


def arrive(settings: Settings, stream: str, *arrivals: list[Any]) -> list[dict[str, int]]:
    """Land each list as a batch and admit it before the next; the outcomes that are not zero."""
    with open_warehouse(settings) as engine:
        for rows in arrivals:
            land_in(engine, stream, rows)
            admit_all(engine)
        assert recount(engine) == []
        return [{name: one[name] for name in OUTCOMES if one[name]} for one in account(engine)]


def ids(settings: Settings, table: str = "core.hit", column: str = "hit_id") -> list[str]:
    return [found[column] for found in read(settings, f"select {column} from {table} order by {column}")]


def test_a_hit_sent_by_tag_and_server_is_one_event(any_settings: Settings) -> None:
    outcomes = arrive(any_settings, HITS, [hit(2, 1), hit(1, 0), hit(3, 2)])
    assert outcomes == [{"new": 1, "deduplicated": 2}]
    assert ids(any_settings) == ["1"]
    evidence = read(
        any_settings, "select row_number, natural_key, survivor_key, kind from ops.duplicate order by row_number"
    )
    assert evidence == [
        {"row_number": 0, "natural_key": "2", "survivor_key": "1", "kind": "same_event"},
        {"row_number": 2, "natural_key": "3", "survivor_key": "1", "kind": "same_event"},
    ]


def test_true_hits_are_never_lost(any_settings: Settings) -> None:
    kept = [
        hit(1, 0),
        hit(2, 1, url="/price"),  # two pages in a second
        hit(3, 1, client="101"),  # somebody else
        hit(4, 1, view="0", goals="[7]"),  # a goal on the same page
        hit(5, 1, view="0", goals="[8]"),  # another goal
        hit(6, 2.000001),  # just outside the window
        row(HITS, watch_id="7", client_id=None),
        row(HITS, watch_id="8", client_id=None),  # nobody's events are never one
    ]
    assert arrive(any_settings, HITS, kept) == [{"new": 8}]


def test_of_equal_times_the_smallest_key_survives(any_settings: Settings) -> None:
    arrive(any_settings, HITS, [hit("b", 0), hit("B", 0), hit("a", 0)])
    assert ids(any_settings) == ["B"]


def test_a_long_series_is_thinned_and_not_glued(any_settings: Settings) -> None:
    outcomes = arrive(any_settings, HITS, [hit(number, number) for number in range(10)])
    assert ids(any_settings) == ["0", "3", "6", "9"]
    assert outcomes == [{"new": 4, "deduplicated": 6}]


def test_a_copy_that_arrives_later_is_deduplicated(any_settings: Settings) -> None:
    assert arrive(any_settings, HITS, [hit(1, 0)], [hit(2, 1)]) == [{"new": 1}, {"deduplicated": 1}]
    assert ids(any_settings) == ["1"]
    assert ids(any_settings, "core.hit_copy") == ["2"]


def test_an_original_that_arrives_after_its_copy_takes_its_place(any_settings: Settings) -> None:
    outcomes = arrive(any_settings, HITS, [hit(2, 1), hit(9, 500)], [hit(1, 0)])
    assert outcomes == [{"new": 2}, {"changed": 1}]
    assert ids(any_settings) == ["1", "9"]
    [evidence] = read(any_settings, "select * from ops.duplicate")
    assert (evidence["natural_key"], evidence["survivor_key"], evidence["row_number"]) == ("2", "1", 0)
    assert (evidence["batch_id"], evidence["folded_by_batch_id"]) == (
        "yandex_metrica__hits__0001",
        "yandex_metrica__hits__0002",
    )


def test_a_late_original_sets_free_what_was_no_copy_of_it(any_settings: Settings) -> None:
    outcomes = arrive(any_settings, HITS, [hit(2, 0), hit(3, 1.5)], [hit(1, -1)])
    assert outcomes == [{"new": 1, "deduplicated": 1}, {"changed": 1}]
    assert ids(any_settings) == ["1", "3"]  # 3 is two and a half seconds after 1
    evidence = read(
        any_settings, "select natural_key, survivor_key, undone_by_batch_id from ops.duplicate order by natural_key"
    )
    assert evidence == [
        {"natural_key": "2", "survivor_key": "1", "undone_by_batch_id": None},
        {"natural_key": "3", "survivor_key": "2", "undone_by_batch_id": "yandex_metrica__hits__0002"},
    ]


def test_copies_that_are_read_again_are_copies_again(any_settings: Settings) -> None:
    rows = [hit(1, 0), hit(2, 1), hit(3, 100)]
    outcomes = arrive(any_settings, HITS, rows, [*rows, hit(4, 101)])
    assert outcomes == [{"new": 2, "deduplicated": 1}, {"unchanged": 2, "deduplicated": 2}]
    assert ids(any_settings) == ["1", "3"]


def test_a_hit_whose_time_was_corrected_lets_its_copies_go(any_settings: Settings) -> None:
    outcomes = arrive(any_settings, HITS, [hit(1, 0), hit(2, 1)], [hit(1, 60)])
    assert outcomes == [{"new": 1, "deduplicated": 1}, {"changed": 1}]
    assert ids(any_settings) == ["1", "2"]


def test_a_series_longer_than_the_first_look_is_still_seen_whole(any_settings: Settings) -> None:
    rows = [hit(f"{number:05d}", number * 1.5) for number in range(3000)]  # an hour and a quarter of reloads
    together = fold([("x", round(n * 1.5e6), f"{n:05d}") for n in range(-1, 3000)], 2_000_000)
    arrive(any_settings, HITS, rows, [hit("-0001", -1.5)])
    expected = [found["watch_id"] for found in rows if found["watch_id"] not in together]
    assert len(expected) == 1500
    assert ids(any_settings) == ["-0001", *expected]


def test_a_survey_sent_again_at_once_is_one_response(any_settings: Settings) -> None:
    rows = [
        survey("b", 40),
        survey("a", 0),
        survey("c", 61),  # a minute later
        survey("d", 10, comment="Иначе"),  # another answer
        survey("e", 10, email_hash="bb22", hidden=None),  # somebody else
        survey("f", 10, email_hash=None, hidden=None, comment=None),
        survey("g", 10, email_hash=None, hidden=None, comment=None),  # two bare scores of nobody knows whom
        survey("i", 10, email_hash=None, hidden=None, comment="Не понял, зачем"),
        survey("h", 20, email_hash=None, hidden=None, comment="Не понял, зачем"),  # the same words again
    ]
    assert arrive(any_settings, SURVEYS, rows) == [{"new": 7, "deduplicated": 2}]
    assert ids(any_settings, "core.survey_response", "response_id") == ["a", "c", "d", "e", "f", "g", "i"]
    evidence = read(any_settings, "select natural_key, survivor_key, kind from ops.duplicate order by natural_key")
    assert evidence == [
        {"natural_key": f"nps7Qx\x1f{copy}", "survivor_key": f"nps7Qx\x1f{kept}", "kind": "resubmitted"}
        for copy, kept in (("b", "a"), ("h", "i"))
    ]


# --- properties ------------------------------------------------------------------------------------------------------


def test_folding_by_hand() -> None:
    assert fold([], 2) == {}
    assert fold([("g", 3, "c"), ("g", 0, "a"), ("g", 2, "b"), ("h", 1, "d")], 2) == {"b": "a"}


@given(strategies.lists(strategies.tuples(strategies.sampled_from("gh"), strategies.integers(0, 12)), max_size=25))
def test_folding_is_sound_whatever_comes(events: list[tuple[str, int]]) -> None:
    rows = [(group, at, f"{number:02d}") for number, (group, at) in enumerate(events)]
    copies = fold(rows, 2)
    at = {key: (group, time) for group, time, key in rows}
    survivors = [key for key in at if key not in copies]
    for copy, kept in copies.items():
        assert kept in survivors
        assert at[copy][0] == at[kept][0]
        assert 0 <= at[copy][1] - at[kept][1] <= 2
    for one in survivors:
        for other in survivors:
            apart = at[one][0] != at[other][0] or abs(at[one][1] - at[other][1]) > 2
            assert one == other or apart
    assert fold(list(reversed(rows)), 2) == copies


def _core(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Core without the provenance of its rows."""
    found = {}
    with engine.connect() as connection:
        for place in ("hit", "hit_copy"):
            listed = ", ".join(("source", "account_id", *ENTITIES["hit"].columns))
            found[place] = sorted(map(tuple, connection.execute(text(f"select {listed} from core.{place}"))), key=str)
        current = "undone_by_batch_id is null and kind <> 'same_key'"
        folds = f"select distinct natural_key, survivor_key from ops.duplicate where {current} order by 1"
        found["folds"] = sorted(map(tuple, connection.execute(text(folds))))
    return found


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """A DuckDB in memory with all tables, for many small worlds one after another."""
    engine = create_engine("duckdb:///:memory:", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.execute(text("set TimeZone = 'UTC'"))
    create_tables(engine)
    yield engine
    engine.dispose()


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(delete(table))
        for name in inspect(connection).get_table_names(schema="landing"):
            connection.execute(text(f"drop table landing.{name}"))


SECONDS = strategies.integers(0, 9).map(lambda number: number / 2)
ROWS = strategies.lists(
    strategies.tuples(SECONDS, strategies.sampled_from(("/", "/price")), strategies.integers(0, 2)),
    min_size=1,
    max_size=9,
)


@pytest.mark.long_form("the same of hits, that have no versions: any order at random")
@effort(max_examples=15, suppress_health_check=list(HealthCheck))
@given(ROWS, strategies.randoms(use_true_random=False))
def test_core_is_the_same_whatever_the_order_of_arrival(memory: Engine, rows: Any, chance: Any) -> None:
    """Hits spread over batches in any way and order, some of them re-sent: the same core, and every batch adds up."""
    made = [(hit(f"{number:02d}", second, url=url), batch) for number, (second, url, batch) in enumerate(rows)]
    again = [(found, chance.randrange(3)) for found, _ in made if chance.random() < 0.4]
    results = []
    for order in (made, chance.sample(made + again, len(made) + len(again))):
        parts = [[found for found, batch in order if batch == number] for number in range(3)]
        chance.shuffle(parts)
        _empty(memory)
        for part in parts:
            if part:
                land_in(memory, HITS, part)
                admit_all(memory)
        assert recount(memory) == []
        results.append(_core(memory))
    assert results[0] == results[1]
    at = [
        (found["url"], round(second * 1e6), found["watch_id"])
        for (found, _), (second, _, _) in zip(made, rows, strict=True)
    ]
    copies = fold(at, 2_000_000)
    assert results[0]["folds"] == sorted(copies.items())
    assert len(results[0]["hit"]) == len(made) - len(copies)


def test_any_order_of_arrival_on_postgres_gives_duckdbs_core(
    settings: Settings, postgres_url: Callable[[], str], tmp_path: Path
) -> None:
    parts = [[hit(1, 0), hit(4, 3.5)], [hit(2, 1.5), hit(1, 0)], [hit(3, -1), hit(5, 2)]]
    found = []
    for number, order in enumerate(permutations(parts)):
        server = number % 2 == 1
        url = postgres_url() if server else f"duckdb:///{tmp_path / f'{number}.duckdb'}"
        one = replace(settings, warehouse_url=url)
        arrive(one, HITS, *order)
        with open_warehouse(one) as engine:
            core = _core(engine)
        found.append(
            {place: [str(fact).replace("datetime.timezone.utc", "<UTC>") for fact in core[place]] for place in core}
        )
    assert len(found) == 6
    assert all(core == found[0] for core in found)


@effort(max_examples=12, suppress_health_check=list(HealthCheck))
@given(strategies.permutations([(1, "a"), (2, "b"), (2, "c"), (3, "d"), (None, "e")]))
def test_versions_decide_not_arrival(memory: Engine, order: list[tuple[int | None, str]]) -> None:
    """The newest version is in core whatever the order; every landed row is counted once."""
    _empty(memory)
    for day, stage_id in order:
        updated = None if day is None else f"2026-11-0{day}T00:00:00Z"
        land_in(memory, "hubspot.deals", [row("hubspot.deals", stage_id=stage_id, updated_at=updated)])
        admit_all(memory)
    with memory.connect() as connection:
        assert connection.execute(text("select stage_id from core.deal")).scalars().all() == ["d"]
    assert [one["new"] for one in account(memory)] == [1, 0, 0, 0, 0]
    assert recount(memory) == []


@effort(max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    strategies.lists(
        strategies.lists(
            strategies.tuples(strategies.integers(1, 4), strategies.integers(1, 3), strategies.booleans())
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_landed_row_is_counted_exactly_once(memory: Engine, arrivals: list[list[tuple[int, int, bool]]]) -> None:
    """Any mixture of keys, versions and repeats, bad rows and erased people included."""
    _empty(memory)
    with memory.begin() as connection:
        connection.execute(insert(suppression), [{"identifier": "gone"}])
    for rows in arrivals:
        if not rows:
            continue
        contacts = [
            row("hubspot.contacts", contact_id=str(key), updated_at=f"2026-11-0{day}T00:00:00Z",
                email_hash="gone" if erased else "here")
            for key, day, erased in rows
        ]  # fmt: skip
        land_in(memory, "hubspot.contacts", contacts)
        admit_all(memory)
    assert recount(memory) == []
    for one in account(memory):
        assert one["landed"] == sum(one[name] for name in OUTCOMES)
    newest = {key: max(day for rows in arrivals for k, day, erased in rows if k == key and not erased)
              for rows in arrivals for key, _, gone in rows if not gone}  # fmt: skip
    with memory.connect() as connection:
        kept = connection.execute(text("select contact_id, extract(day from updated_at) from core.contact")).all()
    assert {int(key): int(day) for key, day in kept} == newest
