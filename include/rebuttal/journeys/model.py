"""The model stage: who is who, the marts, and their publication. Run twice on the same input, it changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import OperationalError

from rebuttal.context import Context
from rebuttal.errors import LockedError
from rebuttal.journeys.changes import Due, find_changes, settle
from rebuttal.journeys.configuration import ModelConfig, load_model_config
from rebuttal.journeys.people import update_people
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import dbt
from rebuttal.warehouse.engine import LOCK_WAIT_SECONDS, is_duckdb, open_warehouse
from rebuttal.warehouse.model_tables import channel_rule, exchange_rate, lifecycle_stage
from rebuttal.warehouse.promote import promote
from rebuttal.warehouse.publish import fingerprint_of, publish
from rebuttal.warehouse.replace import replace_rows

# Small tables that decide rows of any person: another content asks for a whole build. `core.pipeline_stage` is one of
# them: what a stage means is configuration, kept in the CRM.
SETTLED = ("core.pipeline_stage", "ops.channel_rule", "ops.exchange_rate", "ops.lifecycle_stage")
BOOKKEEPING = frozenset({"batch_id", "row_number", "row_hash"})
# Models that need the shares that Markov chains and Shapley values give the channels: built after them.
AFTER_SHARES = "after_shares"


def run(context: Context) -> Report:
    """Resolve identity, build the marts where their input has changed, and publish them as a whole.

    Counts: persons, identifiers, refusals, models, tests, marts_changed, published. Raises what the dbt runner raises;
    the marts then stay as they were.
    """
    report = Report("model")
    config = load_model_config(context.settings.config)
    variables = _variables(config, context)
    with _alone(context.settings):
        fingerprint = _build(context, config, variables, report)
        published = publish(context)
        if fingerprint:
            with open_warehouse(context.settings) as engine:
                settle(engine, fingerprint, variables["running_week_start"])
    report.counts["published"] = published.counts["published"]
    report.changed |= published.changed
    return report


def _build(context: Context, config: ModelConfig, variables: dict[str, Any], report: Report) -> str | None:
    """Build and promote what is due; returns what was built from, None when nothing was due."""
    with open_warehouse(context.settings) as engine:
        written = _load_configuration(engine, config)
        people = update_people(engine, config.journey.identity)
        written += people.pop("written")
        report.counts |= people | {"models": 0, "tests": 0, "marts_changed": 0, "changed_persons": 0}
        fingerprint = _fingerprint(engine, variables)
        due = find_changes(engine, fingerprint, variables["running_week_start"])
    report.changed = bool(written or due.is_due)
    if not due.is_due:
        return None
    failpoint("model.before_dbt")
    _run_dbt(context.settings, variables, due, report)
    failpoint("model.after_dbt")
    with open_warehouse(context.settings) as engine:
        changed = promote(engine, dbt.units(context.settings), only_changed=not due.is_whole)
    failpoint("model.after_promote")
    report.counts["marts_changed"] = len(changed)
    report.counts["changed_persons"] = people["persons"] if due.is_whole else due.changed_count - 1
    return fingerprint


def _run_dbt(settings: Settings, variables: dict[str, Any], due: Due, report: Report) -> None:
    first = dbt.build(settings, variables, exclude=f"tag:{AFTER_SHARES}", full_refresh=due.is_whole)
    if dbt.has_tagged(settings, AFTER_SHARES):
        shares = import_module("rebuttal.journeys.shares")  # numpy and scipy: loaded only when they are needed
        with open_warehouse(settings) as engine:
            shares.update_shares(engine)
        second = dbt.build(settings, variables, select=f"tag:{AFTER_SHARES}", full_refresh=due.is_whole)
        first = {name: count + second[name] for name, count in first.items()}
    report.counts |= first


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two builds must not share `marts_build`. DuckDB's file lock sees to it; on a server an advisory lock does."""
    if is_duckdb(settings):
        yield
        return
    with open_warehouse(settings) as engine, engine.connect() as connection:
        try:
            connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT_SECONDS:.0f}s'"))
            connection.execute(text("SELECT pg_advisory_lock(hashtext('rebuttal model'))"))
            connection.commit()
        except OperationalError as error:
            raise LockedError(
                "Another model run is building the marts", next_step="Wait for it to end, then run this again"
            ) from error
        yield


def _variables(config: ModelConfig, context: Context) -> dict[str, Any]:
    journey = config.journey
    today = context.clock.now().date()
    return {
        "base_currency": journey.base_currency,
        "lookback_days": journey.lookback_days,
        "half_life_days": journey.time_decay_half_life_days,
        "first_weight": journey.position_weights.first,
        "last_weight": journey.position_weights.last,
        "sales_touches_earn_credit": journey.sales_touches_earn_credit,
        "mql_from": journey.lifecycle.mql_from,
        "sql_min_probability": journey.deal_stages.sql_min_probability,
        "proposal_min_probability": journey.deal_stages.proposal_min_probability,
        "running_week_start": (today - timedelta(days=today.weekday())).isoformat(),
    }


def _load_configuration(engine: Engine, config: ModelConfig) -> int:
    """Put rates, channel rules and lifecycle words where SQL can join them; returns the number of rows written."""
    words = [
        {"lifecycle_stage": word, "stage_order": order} for order, word in enumerate(config.journey.lifecycle.order)
    ]
    with engine.begin() as connection:
        return (
            _replace(connection, exchange_rate, config.rates, ("currency", "valid_from"))
            + _replace(connection, channel_rule, config.channel_rules, ("rule_order",))
            + _replace(connection, lifecycle_stage, words, ("lifecycle_stage",))
        )


def _replace(connection: Connection, table: Table, rows: Iterable[dict[str, Any]], key: tuple[str, ...]) -> int:
    columns = [column.name for column in table.columns]
    return replace_rows(connection, table, pd.DataFrame(rows, columns=columns, dtype=object), key)


def _fingerprint(engine: Engine, variables: dict[str, Any]) -> str:
    """What decides rows of any person: the configuration, small tables, and the models' own text."""
    lasting = {name: value for name, value in variables.items() if name != "running_week_start"}
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True).encode())
    for path in sorted(dbt.PROJECT.rglob("*")):
        if path.suffix in (".sql", ".yml") and path.is_file():
            digest.update(f"{path.relative_to(dbt.PROJECT)}\n".encode() + path.read_bytes())
    with engine.connect() as connection:
        digest.update(fingerprint_of(connection, list(SETTLED), without=BOOKKEEPING).encode())
    return digest.hexdigest()
