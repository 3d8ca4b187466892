"""History follows the rules: when the registry or the accepted aliases change, every visit is judged again.

Each combination of tags is judged once; only visits whose verdict changes are written, and only their verdict.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, delete, insert, select, text

from rebuttal.quality.utm import Tags, judge
from rebuttal.quality.utm_registry import Registry
from rebuttal.quality.utm_suggestions import PLATFORM_OF_CLICK
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.entities import UTM_FOUND
from rebuttal.warehouse.tables import rule_version

RULE = "utm"
_TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def renormalise(connection: Connection, registry: Registry) -> int:
    """Judge all of `core.visit` by this registry, unless it was the last one; the number of visits that changed.

    In the caller's transaction. An unchanged registry costs one look at `ops.rule_version`.
    """
    by_now = select(rule_version.c.fingerprint).where(rule_version.c.name == RULE)
    if connection.execute(by_now).scalar() == registry.fingerprint:
        return 0
    changed = _judge_again(connection, registry)
    connection.execute(delete(rule_version).where(rule_version.c.name == RULE))
    connection.execute(insert(rule_version).values(name=RULE, fingerprint=registry.fingerprint))
    return changed


def _judge_again(connection: Connection, registry: Registry) -> int:
    dialect = dialect_of(connection)
    host = dialect.found("referrer", "^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]*)")
    seen = {**{name: name for name in _TAGS}, "has_gclid": "gclid is not null", "has_yclid": "yclid is not null"}
    listed = ", ".join(f"{expression} as {name}" for name, expression in seen.items())
    rows = connection.execute(
        text(f"select distinct {listed}, {host} as host, {', '.join(UTM_FOUND)} from core.visit")
    ).mappings()
    verdicts: dict[str, dict[str, str | None]] = {}
    for row in rows:
        verdict = _verdict(row, registry)
        if any(row[name] != verdict[name] for name in UTM_FOUND):
            verdicts[_combination(row)] = {"combination": _combination(row), **verdict}
    if not verdicts:
        return 0
    # Equal to `_combination`: what is absent is told apart from what is empty.
    parts = [f"coalesce({name}, chr(30))" for name in _TAGS]
    parts += [f"case when {seen[name]} then '1' else '0' end" for name in PLATFORM_OF_CLICK]
    parts.append(f"coalesce({host}, chr(30))")
    result = sql.run_file(
        connection,
        "rejudge.sql",
        {"verdicts": json.dumps(list(verdicts.values()))},
        combination=f"concat_ws(chr(31), {', '.join(parts)})",
        columns=UTM_FOUND,
        verdicts=dialect.records(":verdicts", ("combination", *UTM_FOUND)),
    )
    return result.rowcount


def _verdict(row: RowMapping, registry: Registry) -> dict[str, str | None]:
    clicks = frozenset(platform for name, platform in PLATFORM_OF_CLICK.items() if row[name])
    found = judge(Tags(**{name: row[name] for name in _TAGS}, clicks=clicks, referrer_host=row["host"]), registry)
    facts = asdict(found)
    return {"utm_status": facts.pop("status"), "utm_detail": facts.pop("detail"), **facts}


def _combination(row: RowMapping) -> str:
    values = [row[name] for name in (*_TAGS, *PLATFORM_OF_CLICK, "host")]
    words = ["\x1e" if value is None else {True: "1", False: "0"}.get(value, value) for value in values]
    return "\x1f".join(words)
