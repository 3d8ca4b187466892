"""The model stage: who is who, the marts, and their publication. Run twice on the same input, it changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Table, select, text
from sqlalchemy.exc import OperationalError

from rebuttal.context import Context
from rebuttal.errors import LockedError
from rebuttal.journeys.configuration import ModelConfig, load_model_config
from rebuttal.journeys.people import update_people
from rebuttal.journeys.shares import update_shares
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.warehouse import dbt
from rebuttal.warehouse.engine import LOCK_WAIT_SECONDS, is_duckdb, open_warehouse
from rebuttal.warehouse.model_tables import channel_rule, exchange_rate, lifecycle_stage, model_build
from rebuttal.warehouse.publish import fingerprint_of, promote, publish
from rebuttal.warehouse.replace import replace_rows

# What the marts are made of; texts and bookkeeping columns change no mart.
INPUTS = (
    *(f"core.{name}" for name in ("ad_performance", "booking", "contact", "conversation", "deal", "person_identifier")),
    *(f"core.{name}" for name in ("pipeline_stage", "stage_change", "survey_response", "visit")),
    *(f"ops.{name}" for name in ("channel_rule", "exchange_rate", "lifecycle_stage", "same_booking")),
)
IGNORED = frozenset({"batch_id", "row_number", "row_hash", "body", "comment"})


def run(context: Context) -> Report:
    """Resolve identity, build the marts where their input has changed, and publish them as a whole.

    Counts: persons, identifiers, refusals, models, tests, marts_changed, published. Raises what the dbt runner raises;
    the marts then stay as they were.
    """
    report = Report("model")
    config = load_model_config(context.settings.config)
    variables = _variables(config, context)
    with _alone(context.settings):
        _build(context, config, variables, report)
    published = publish(context)
    report.counts["published"] = published.counts["published"]
    report.changed |= published.changed
    return report


def _build(context: Context, config: ModelConfig, variables: dict[str, Any], report: Report) -> None:
    with open_warehouse(context.settings) as engine:
        written = _load_configuration(engine, config)
        people = update_people(engine, config.journey.identity)
        written += people.pop("written")
        report.counts |= people | {"models": 0, "tests": 0, "marts_changed": 0}
        fingerprint, built = _fingerprint(engine, variables), _built_from(engine)
    if fingerprint != built:
        before = dbt.build(context.settings, variables, exclude="tag:after_shares+")
        with open_warehouse(context.settings) as engine:
            update_shares(engine, config.journey.lookback_days)
        after = dbt.build(context.settings, variables, select="tag:after_shares+")
        report.counts |= {name: before[name] + after[name] for name in before}
        with open_warehouse(context.settings) as engine:
            changed = promote(engine)
            _remember(engine, fingerprint)
        report.counts["marts_changed"] = len(changed)
    report.changed = bool(written or fingerprint != built)


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
    """What the marts depend on: the admitted rows, who is who, the configuration and the models' own text."""
    digest = hashlib.sha256(json.dumps(variables, sort_keys=True).encode())
    for path in sorted(dbt.PROJECT.rglob("*")):
        if path.suffix in (".sql", ".yml") and path.is_file():
            digest.update(f"{path.relative_to(dbt.PROJECT)}\n".encode() + path.read_bytes())
    with engine.connect() as connection:
        digest.update(fingerprint_of(connection, list(INPUTS), without=IGNORED).encode())
    return digest.hexdigest()


def _built_from(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return connection.execute(select(model_build.c.fingerprint)).scalar_one_or_none()


def _remember(engine: Engine, fingerprint: str) -> None:
    with engine.begin() as connection:
        connection.execute(model_build.delete())
        connection.execute(model_build.insert().values(fingerprint=fingerprint))
