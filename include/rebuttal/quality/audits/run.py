"""Running the audits: one Great Expectations suite over core, when core or the rules changed since the last time."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import warnings
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select

from rebuttal.configuration import LostReasons, read_lost_reasons
from rebuttal.context import Context
from rebuttal.quality.audits.limits import AuditLimits, load_limits
from rebuttal.quality.checks import Check
from rebuttal.quality.lost_reasons import lost_reason_checks
from rebuttal.quality.utm_registry import Registry
from rebuttal.quality.utm_spend import campaign_gaps, entity_of, record_gaps, spend_checks
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.warehouse.batches import ADMITTED
from rebuttal.warehouse.same_records import BookingRule, follow_merges, match_bookings
from rebuttal.warehouse.tables import audit_result, audit_run, batch, batch_outcome

_OF_SPEND = {"visit", "ad_performance"}
_TOLD = ("entity", "severity", "description", "next_step", "is_passed", "failed_count", "examples", "query")


def run(context: Context, engine: Engine, registry: Registry, report: Report) -> None:
    """Bring `ops.merged_record`, `ops.same_booking`, `ops.campaign_gap` and `ops.audit_result` up to the core that
    `engine` holds. `registry` has the links whose spend and visits are compared.

    Nothing is written when core and rules are as they were. What could not be asked is a problem in `report`, and
    keeps its earlier answer: a failed query is never an answer. Raises ConfigError when `audits.yml` is wrong.
    """
    limits = load_limits(context.settings.config)
    reasons = read_lost_reasons(context.settings.config)
    with engine.begin() as connection:
        state = _state(connection)
        stored = _stored(connection)
        now = Audited(max(state.values(), default=[0])[0], _hashed(limits, registry, reasons), state)
        if not state or now == stored:
            return
        changed = follow_merges(connection)
        changed |= match_bookings(connection, BookingRule(tuple(limits.booking_systems), limits.booking_minutes))
    differing = now.differing(stored)
    answers, problems = _ask(context.settings, limits, differing)
    report.problems += problems
    if differing is None or differing & _OF_SPEND:
        with engine.begin() as connection:
            gaps = campaign_gaps(connection, registry)
            changed |= bool(record_gaps(connection, gaps))
            answers += [(entity_of(check), check) for check in spend_checks(connection, gaps)]
    if differing is None or "deal" in differing:
        with engine.begin() as connection:
            answers += [("deal", check) for check in lost_reason_checks(connection, reasons)]
    with engine.begin() as connection:
        written = [check for entity, check in answers if _keep(connection, now.sequence, entity, check)]
        if not problems:
            connection.execute(delete(audit_run).where(audit_run.c.sequence >= now.sequence))
            connection.execute(
                insert(audit_run).values(
                    sequence=now.sequence, rules=now.rules, entities=json.dumps(state, sort_keys=True)
                )
            )
    report.changed = report.changed or changed or bool(written)
    for check in written:
        if not check.is_passed:
            report.add(f"audit_{check.severity}s")


@dataclass(frozen=True)
class Audited:
    """A state of core and of the rules; `entities` is entity -> newest batch, batches, outcomes."""

    sequence: int
    rules: str
    entities: dict[str, list[int]]

    def differing(self, stored: Audited | None) -> set[str] | None:
        """The entities of which something else was admitted since `stored`; None when every rule is to be asked."""
        if stored is None or stored.rules != self.rules:
            return None
        names = {*self.entities, *stored.entities}
        return {name for name in names if self.entities.get(name) != stored.entities.get(name)}


def _state(connection: Connection) -> dict[str, list[int]]:
    """What admission has made of each entity's batches; a released row changes it too."""
    names = [column for column in batch_outcome.c if column.name != "batch_id"]
    query = (
        select(batch.c.entity, func.max(batch.c.sequence), func.count(), *(func.sum(column) for column in names))
        .select_from(batch.join(batch_outcome, batch_outcome.c.batch_id == batch.c.batch_id))
        .where(batch.c.status == ADMITTED)
        .group_by(batch.c.entity)
    )
    return {entity: [int(value or 0) for value in counts] for entity, *counts in connection.execute(query)}


def _stored(connection: Connection) -> Audited | None:
    found = connection.execute(select(audit_run).order_by(audit_run.c.sequence.desc()).limit(1)).one_or_none()
    return None if found is None else Audited(found.sequence, found.rules, json.loads(found.entities))


def _hashed(limits: AuditLimits, registry: Registry, reasons: LostReasons) -> str:
    """Of the limits, the registered links, the known lost reasons and the files that make the rules: a changed rule is
    asked at once."""
    ours, theirs = Path(__file__).parent, resources.files("rebuttal.warehouse") / "statements"
    digest = hashlib.sha256(limits.model_dump_json().encode())
    for path in sorted([*ours.glob("*.py"), *ours.glob("sql/*.sql")]):
        digest.update(path.read_bytes())
    digest.update(registry.fingerprint.encode())
    digest.update(reasons.model_dump_json().encode())
    for name in ("follow_merges.sql", "same_bookings.sql", "campaign_gaps.sql"):
        digest.update((theirs / name).read_bytes())
    return digest.hexdigest()


def _ask(
    settings: Settings, limits: AuditLimits, entities: set[str] | None
) -> tuple[list[tuple[str, Check]], list[str]]:
    """The answers as (entity, check) of all rules that read one of `entities`, and which could not be asked."""
    gx = _great_expectations(settings)
    rules = importlib.import_module("rebuttal.quality.audits.catalog").audits(limits)
    rules = [rule for rule in rules if entities is None or entities & set(rule.meta["reads"])]
    suite = gx.ExpectationSuite(name="core", expectations=rules)
    with warnings.catch_warnings():  # it would rather have `add_postgres`, which refuses socket addresses
        warnings.simplefilter("ignore")
        source = _source(gx, settings.warehouse_url)
        # The suite belongs to no table: it stands at the list of what core was made of.
        asset = source.add_table_asset(name="core", table_name="batch", schema_name="ops")
    validated = asset.add_batch_definition_whole_table("whole").get_batch().validate(suite, result_format="BASIC")
    # Results come in another order when one of them could not be computed.
    results = {result.expectation_config.meta["name"]: result.result or {} for result in validated.results}
    answers, problems = [], []
    for rule in rules:
        found = results[rule.meta["name"]].get("details")
        if found is None:
            problems.append(f"Audit {rule.meta['name']} could not be asked; its earlier answer stands. See the log")
            continue
        answers.append((rule.meta["entity"], _check(rule, found)))
    return answers, problems


def _check(rule: Any, found: dict[str, Any]) -> Check:
    check = Check(
        name=rule.meta["name"],
        severity=rule.meta["severity"],
        description=rule.description,
        next_step=rule.meta["next_step"],
        row_count=found["looked_at"],
        failed_count=found["failed"],
        query=rule.query if found["failed"] else None,
    )
    return check.with_examples(found["examples"])


def _great_expectations(settings: Settings) -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    if settings.warehouse_url.startswith("duckdb"):
        importlib.import_module("rebuttal.quality.buffered_duckdb")
    return importlib.import_module("great_expectations")


def _source(gx: Any, url: str) -> Any:
    from sqlalchemy.pool import NullPool

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    context.variables.save = lambda: None  # as in the gate: nobody reads it
    url = url.replace("duckdb://", "duckdb+buffered://", 1)
    return context.data_sources.add_sql(name="core", connection_string=url, kwargs={"poolclass": NullPool})


def _keep(connection: Connection, sequence: int, entity: str, check: Check) -> bool:
    """Write an answer that differs from the one before; False when it does not."""
    values = {"entity": entity, **check.stored()}
    ours = audit_result.c.check_name == check.name
    # Rules that changed are asked again about the same core: their answer replaces the one of before.
    kept = [audit_result.c[name] for name in (*_TOLD, "row_count", "sequence")]
    before = connection.execute(
        select(*kept).where(ours, audit_result.c.sequence <= sequence).order_by(audit_result.c.sequence.desc()).limit(1)
    ).one_or_none()
    # How many rows were looked at is no news of later batches, but of the same ones it is another answer.
    if (
        before is not None
        and tuple(before)[: len(_TOLD)] == tuple(values[name] for name in _TOLD)
        and (before.sequence < sequence or before.row_count == check.row_count)
    ):
        return False
    connection.execute(delete(audit_result).where(ours, audit_result.c.sequence == sequence))
    connection.execute(insert(audit_result).values(check_name=check.name, sequence=sequence, **values))
    return True
