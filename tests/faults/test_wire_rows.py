"""Every faulty row of `wire_rows`, sent over HTTP by a vendor, landed and put through the gate, among good rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from tests.faults.long_form import SECOND_ENGINE
from tests.faults.table import Entry, each
from tests.faults.wire_rows import WIRE_ROWS, Quarantined, WireRow
from tests.sources.conftest import Setup
from tests.sources.wire import Reply

from rebuttal import quality
from rebuttal.sources import decode
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.accounting import recount

pytestmark = SECOND_ENGINE
MARK = "@@@"


def literal_row(usual: dict[str, Any], number: int, case: WireRow | None = None) -> bytes:
    """The JSON of a row with the case's literal at its path."""
    row = deepcopy(usual)
    row["adGroupAd"]["ad"]["id"] = f"row{number}"
    if case is None:
        return json.dumps(row).encode()
    *folders, last = case.path.split(".")
    node = row
    for name in folders:
        node = node[name]
    if not case.literal:
        del node[last]
        return json.dumps(row).encode()
    node[last] = MARK
    return json.dumps(row).replace(f'"{MARK}"', case.literal).encode("utf-8", "surrogateescape")


@each(
    [
        Entry(
            case.number,
            case.injected,
            "wire",
            f"quarantined for {case.outcome.check}"
            if isinstance(case.outcome, Quarantined)
            else f"admitted, {case.outcome.column} exact",
        )
        for case in WIRE_ROWS
    ]
)
def test_each_row_ends_where_the_table_says_and_the_good_rows_go_on(vendor: Callable[..., Setup]) -> None:
    setup = vendor("google_ads")
    usual = setup.vendor.data["rows"][0]
    lines = [literal_row(usual, number, case) for number, case in enumerate(WIRE_ROWS)]
    good = [literal_row(usual, len(lines) + number) for number in range(len(lines))]
    setup.wire.every = Reply(b'{"fieldMask":"x","results":[' + b",".join(lines + good) + b"]}")

    pulled = setup.pull()
    assert pulled.problems == []
    assert pulled.details[0]["rows_landed"] == 2 * len(lines)
    told = quality.run(setup.context)
    assert told.problems == []

    quarantined = {
        number: (check, value)
        for number, check, value in setup.query("select row_number, check_name, value from ops.quarantine")
    }
    for number, case in enumerate(WIRE_ROWS):
        if isinstance(case.outcome, Quarantined):
            assert number in quarantined, case
            check, value = quarantined.pop(number)
            assert check == case.outcome.check, (case.injected, check, value)
            assert case.outcome.shown is None or value.startswith(case.outcome.shown), (case.injected, value)
        else:
            found = setup.query(
                f"select cast({case.outcome.column} as text) from core.ad_performance where row_number = {number}"
            )
            assert found == [(case.outcome.value,)], case.injected
    assert quarantined == {}
    assert setup.query(f"select count(*) from core.ad_performance where row_number >= {len(lines)}") == [(len(good),)]
    with open_warehouse(setup.context.settings) as engine:
        assert recount(engine) == []
    assert not setup.pull().changed
    assert not quality.run(setup.context).changed


def test_what_was_replaced_is_kept_beside_it(vendor: Callable[..., Setup]) -> None:
    """Bytes that no store takes stay readable; what is too large or too deep has its hash and head."""
    setup = vendor("google_ads")
    usual = setup.vendor.data["rows"][0]
    chosen = [case for case in WIRE_ROWS if case.number in (74, 75) and isinstance(case.outcome, Quarantined)]
    lines = [literal_row(usual, number, case) for number, case in enumerate(chosen)]
    setup.wire.every = Reply(b'{"fieldMask":"x","results":[' + b",".join(lines) + b"]}")
    setup.pull()
    landed = dict(
        zip(
            (case.injected for case in chosen),
            setup.rows("ad_performance", "campaign_name, clicks, _defect, _extra"),
            strict=True,
        )
    )
    for injected, name, kept in (
        ("half a character", "a\ufffdb", r"a\ud800b"),
        ("NUL", "a\ufffdb", r"a\x00b"),
        ("bytes that are no UTF-8", "a\ufffd(b", r"a\xd0\xff\xc3(b"),
    ):
        assert landed[injected][0] == name
        assert json.loads(landed[injected][3]) == {"campaign_name__escaped": kept}
    name, _, _, extra = landed["a text of 10 MB"]
    assert name == "x" * 1000
    assert list(json.loads(extra)) == ["campaign_name__sha256"]
    assert len(landed["a value 5,000 deep"][0]) < 3_000
    labels = json.loads(landed["an unknown field 400 deep"][3])["campaign.labels"]
    assert len(labels) < 3_000
    _, clicks, defect, extra = landed["a name twice, two values"]
    assert (clicks, defect) == ("4", "schema:metrics.clicks__repeated")
    assert json.loads(extra) == {"metrics.clicks__repeated": [3]}


@pytest.mark.parametrize("depth", [100, 101, 400, 5_000])
def test_what_is_too_deep_is_kept_as_hash_and_head_wherever_python_gives_up(make_setup: Any, depth: int) -> None:
    setup: Setup = make_setup("google_ads")
    case = WireRow(75, "", "campaign.name", "[" * depth + "1" + "]" * depth, Quarantined("row_decoded"))
    row = literal_row(setup.vendor.data["rows"][0], 0, case)
    setup.wire.every = Reply(b'{"fieldMask":"x","results":[' + row + b"]}")
    assert setup.pull().problems == []
    [(name, defect)] = setup.rows("ad_performance", "campaign_name, _defect")
    if depth == decode.MAX_DEPTH:  # a list where a text belongs is wrong all the same
        assert (name, defect) == ("[" * 100 + "1" + "]" * 100, "schema:campaign_name")
        return
    assert defect == "depth"
    # The answer, the list of rows, the row and the campaign are levels, too, where the page itself is too deep.
    kept = decode.MAX_DEPTH - (4 if depth == 5_000 else 0)
    lost = "[" * (depth - kept) + "1" + "]" * (depth - kept)
    assert hashlib.sha256(lost.encode()).hexdigest() in name
    assert len(name) < 2_000
