"""History follows the rules: when the registry or the accepted aliases change, every visit is judged again.

Each combination of tags is judged once; only visits whose verdict changes are written, and only their verdict.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, insert, select

from rebuttal.quality.utm_audit import combination, verdicts_of
from rebuttal.quality.utm_registry import Registry
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.entities import UTM_FOUND
from rebuttal.warehouse.tables import rule_version

RULE = "utm"


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
    verdicts = verdicts_of(connection, "core.visit", registry)
    if not verdicts:
        return 0
    result = sql.run_file(
        connection,
        "rejudge.sql",
        {"verdicts": json.dumps(verdicts)},
        combination=combination(dialect),
        columns=UTM_FOUND,
        verdicts=dialect.records(":verdicts", ("combination", *UTM_FOUND)),
    )
    return result.rowcount
