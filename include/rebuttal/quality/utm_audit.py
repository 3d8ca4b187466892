"""Judging the tags of visits: once for each distinct combination, joined back in SQL."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from rebuttal.quality.utm import Tags, judge
from rebuttal.quality.utm_registry import Registry
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import Dialect, dialect_of
from rebuttal.warehouse.entities import UTM_FOUND
from rebuttal.warehouse.staging import Staged

_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_PLATFORM_OF_CLICK = {"has_gclid": "google-ads", "has_yclid": "yandex-direct"}
_SEEN = {**{name: name for name in _TAGS}, "has_gclid": "gclid is not null", "has_yclid": "yclid is not null"}


def audit(connection: Connection, staged: Staged, registry: Registry) -> Staged:
    """The same batch of visits, its `found` with `utm_*_norm`, `utm_status` and `utm_detail` filled in.

    No row is dropped, and rows of equal tags are judged alike.
    """
    tags = f"gate.tags_{staged.batch.sequence}"
    sql.drop(connection, tags)
    keep_verdicts(connection, tags, verdicts_of(connection, staged.table, registry))
    columns = ", ".join(
        f"{'tags' if name in UTM_FOUND else 'visit'}.{name}"
        for name in ("source", "account_id", *staged.entity.columns, "batch_id", "row_hash", "_row", "_key")
    )
    same = f"tags.combination = {combination(dialect_of(connection), 'visit.')}"
    found = f"(select {columns} from {staged.table} as visit left join {tags} as tags on {same})"
    return replace(staged, found=found, beside=(tags,))


def verdicts_of(connection: Connection, visits: str, registry: Registry) -> list[dict[str, Any]]:
    """What is to be said of each combination of tags in `visits` (a FROM item): `combination` and UTM_FOUND."""
    seen = ", ".join(f"{expression} as {name}" for name, expression in _SEEN.items())
    host = _host(dialect_of(connection))
    rows = connection.execute(text(f"select distinct {seen}, {host} as host from {visits} as visit")).mappings()
    verdicts = []
    for row in rows:
        clicks = frozenset(platform for name, platform in _PLATFORM_OF_CLICK.items() if row[name])
        found = judge(Tags(**{name: row[name] for name in _TAGS}, clicks=clicks, referrer_host=row["host"]), registry)
        facts = asdict(found)
        told = {"utm_status": facts.pop("status"), "utm_detail": facts.pop("detail"), **facts}
        verdicts.append({"combination": _combination(row), **told})
    return verdicts


def keep_verdicts(connection: Connection, table: str, verdicts: list[dict[str, Any]]) -> None:
    """Make the scratch table `table` of them, to be joined on `combination`."""
    dialect = dialect_of(connection)
    sql.run_file(
        connection,
        "scratch_verdicts.sql",
        {"verdicts": json.dumps(verdicts)},
        scratch=dialect.scratch,
        table=table,
        columns=("combination", *UTM_FOUND),
        verdicts=dialect.records(":verdicts", ("combination", *UTM_FOUND)),
    )


def combination(dialect: Dialect, row: str = "") -> str:
    """SQL of a visit's combination as text; equal to `verdicts_of`'s. `row` is put before the columns (`visit.`)."""
    # What is absent is told apart from what is empty.
    parts = [f"coalesce({row}{name}, chr(30))" for name in _TAGS]
    parts += [f"case when {row}{_SEEN[name]} then '1' else '0' end" for name in _PLATFORM_OF_CLICK]
    parts.append(f"coalesce({_host(dialect, row)}, chr(30))")
    return f"concat_ws(chr(31), {', '.join(parts)})"


def _host(dialect: Dialect, row: str = "") -> str:
    return dialect.found(f"{row}referrer", "^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]*)")


def _combination(row: RowMapping) -> str:
    values = [row[name] for name in (*_TAGS, *_PLATFORM_OF_CLICK, "host")]
    words = ["\x1e" if value is None else {True: "1", False: "0"}.get(value, value) for value in values]
    return "\x1f".join(words)
