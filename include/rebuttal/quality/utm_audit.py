"""Judging the tags of a staged batch of visits: once for each distinct combination, joined back in SQL."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, text

from rebuttal.quality.utm import Tags, judge
from rebuttal.quality.utm_registry import Registry
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.entities import UTM_FOUND

_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_PLATFORM_OF_CLICK = {"has_gclid": "google-ads", "has_yclid": "yandex-direct"}


def audit(connection: Connection, table: str, registry: Registry) -> dict[str, int]:
    """Fill `utm_*_norm`, `utm_status` and `utm_detail` of the visits in `table`; status -> number of combinations.

    `table` has the columns of the entity `visit`. No row is dropped, and rows of equal tags are judged alike.
    """
    dialect = dialect_of(connection)
    host = dialect.found("referrer", "^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]*)")
    seen = {**{name: name for name in _TAGS}, "has_gclid": "gclid is not null", "has_yclid": "yclid is not null"}
    listed = ", ".join(f"{expression} as {name}" for name, expression in seen.items())
    rows = connection.execute(text(f"select distinct {listed}, {host} as host from {table}")).mappings()
    verdicts, counts = [], dict[str, int]()
    for row in rows:
        clicks = frozenset(platform for name, platform in _PLATFORM_OF_CLICK.items() if row[name])
        found = judge(Tags(**{name: row[name] for name in _TAGS}, clicks=clicks, referrer_host=row["host"]), registry)
        facts = asdict(found)
        told = {"utm_status": facts.pop("status"), "utm_detail": facts.pop("detail"), **facts}
        verdicts.append({"combination": _combination(row), **told})
        counts[found.status] = counts.get(found.status, 0) + 1
    # Equal to `_combination`: what is absent is told apart from what is empty.
    parts = [f"coalesce({name}, chr(30))" for name in _TAGS]
    parts += [f"case when {seen[name]} then '1' else '0' end" for name in _PLATFORM_OF_CLICK] + [
        f"coalesce({host}, chr(30))"
    ]
    sql.run_file(
        connection,
        "join_verdicts.sql",
        {"verdicts": json.dumps(verdicts)},
        table=table,
        combination=f"concat_ws(chr(31), {', '.join(parts)})",
        columns=UTM_FOUND,
        verdicts=dialect.records(":verdicts", ("combination", *UTM_FOUND)),
    )
    return counts


def _combination(row: RowMapping) -> str:
    values = [row[name] for name in (*_TAGS, *_PLATFORM_OF_CLICK, "host")]
    words = ["\x1e" if value is None else {True: "1", False: "0"}.get(value, value) for value in values]
    return "\x1f".join(words)
