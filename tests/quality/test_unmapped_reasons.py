"""A value of a CRM's list that nobody has given a meaning is told after admission, until somebody does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from landed import context, land, read, row

from rebuttal import quality
from rebuttal.quality.lost_reasons import CHECK
from rebuttal.settings import Settings

STREAM = "hubspot.deals"
LIST = "sources: {hubspot: {field: drop_down, values: {Price: price}}}"


def answer(settings: Settings) -> dict[str, Any]:
    quality.run(context(settings))
    found = read(settings, "select * from ops.audit_result where check_name = :name order by sequence", name=CHECK)
    return found[-1] if found else {}


def test_an_unmapped_reason_is_told_until_it_is_mapped(any_settings: Settings, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for path in any_settings.config.iterdir():
        (config / path.name).write_bytes(path.read_bytes())
    reasons = config / "lost_reasons.yml"
    settings = replace(any_settings, config=config)
    said = [" price", "Slow  reply", "Slow  reply", None]
    land(settings, STREAM, [row(STREAM, deal_id=str(n), lost_reason=reason) for n, reason in enumerate(said)])

    assert answer(settings) == {}  # free text, as shipped: nothing to ask
    reasons.write_text(LIST, encoding="utf-8")
    found = answer(settings)
    assert (found["entity"], found["severity"], found["is_passed"]) == ("deal", "warning", False)
    assert (found["row_count"], found["failed_count"]) == (3, 2)
    assert json.loads(found["examples"]) == ["unknown:Slow  reply (hubspot, 2 deals)"]

    reasons.write_text(LIST.replace("price}", "price, slow reply: service}"), encoding="utf-8")
    found = answer(settings)
    assert (found["is_passed"], found["row_count"], found["failed_count"]) == (True, 3, 0)
    reasons.unlink()
    assert answer(settings)["is_passed"]
