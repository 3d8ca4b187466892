"""The model stage: who is who, the marts, and their publication. Run twice on the same input, it changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from rebuttal.context import Context
from rebuttal.errors import LockedError
from rebuttal.journeys.cells import Weights
from rebuttal.journeys.changes import Due, add_credit, find_changes, is_built, settle
from rebuttal.journeys.configuration import ModelConfig, load_model_config
from rebuttal.journeys.ltv import predict_ltv
from rebuttal.journeys.people import update_people
from rebuttal.journeys.shares import Changed, forget_parts, update_shares
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import dbt
from rebuttal.warehouse.bounded import MODEL_BYTES, REFRESH_BYTES, bound, keep_blocks
from rebuttal.warehouse.compiled import Model, compile_models, kept_models, read_before_and_after, refresh
from rebuttal.warehouse.engine import LOCK_WAIT_SECONDS, is_duckdb, open_warehouse
from rebuttal.warehouse.model_tables import (
    channel_declared,
    channel_rule,
    exchange_rate,
    journey_question_evidence,
    lifecycle_stage,
)
from rebuttal.warehouse.promote import promote
from rebuttal.warehouse.publish import fingerprint_of, publish_open
from rebuttal.warehouse.published_file import copying
from rebuttal.warehouse.replace import replace_rows
from rebuttal.warehouse.threads import fit_threads

# Small tables that decide rows of any person: another content asks for a whole build. `core.pipeline_stage` is one of
# them: what a stage means is configuration, kept in the CRM.
SETTLED = (
    "core.pipeline_stage",
    *(f"ops.{name}" for name in ("channel_declared", "channel_rule", "exchange_rate", "journey_question_evidence")),
    "ops.lifecycle_stage",
)
BOOKKEEPING = frozenset({"batch_id", "row_number", "row_hash", "imported_at"})
# Of hits only when, by whom and on which page is read.
UNREAD = BOOKKEEPING | {"goal_ids", "referrer", "url", "visit_id"}
# The plan decides no row of a person: another plan makes only the models again that are made whole in every build.
PLANNED = ("ops.plan_rule", "ops.plan_budget", "ops.plan_goal")
# Models that need the shares that Markov chains and Shapley values give the channels: built after them.
AFTER_SHARES = "after_shares"
MANY_PERSONS = 200_000  # changed at once: their rows do not fit the memory of a usual refresh


def run(context: Context) -> Report:
    """Resolve identity, build the marts where their input has changed, and publish them as a whole.

    Counts: persons, identifiers, refusals, models, tests, marts_changed, changed_persons (made again by an incremental
    build; 0 in a whole one), published. Raises what the dbt runner raises;
    the marts then stay as they were.
    """
    report = Report("model")
    config = load_model_config(context.settings.config)
    variables = variables_of(config, context)
    with _alone(context.settings):
        with open_warehouse(context.settings) as engine:
            written = load_settled(engine, config)
            people = update_people(engine, config.journey.identity)
        failpoint("model.after_identity")
        report.changed = bool(written + people.pop("written"))
        report.counts |= people
        build_due(context, variables, report)
    return report


def build_due(context: Context, variables: dict[str, Any], report: Report) -> None:
    """Find what changed, build it, test it, promote it and publish it; `variables` are those of dbt.

    Identity and configuration stand already. Adds to `report` the counts models, tests, marts_changed, changed_persons
    and published; nothing due means zeros and no write.
    """
    report.counts |= {"models": 0, "tests": 0, "marts_changed": 0, "changed_persons": 0}
    settings = context.settings
    with open_warehouse(settings) as engine:
        fingerprint = _fingerprint(engine, variables)
        _lend(engine, is_much=not is_built(engine, fingerprint))
        week = f"{variables['running_week_start']}+{_whole_inputs(engine)}"
        due = find_changes(engine, fingerprint, week)
        if due.person_count > MANY_PERSONS:
            bound(engine, MODEL_BYTES)
        if not due.is_due:
            _publish(settings, engine, report)
            return
        if not due.is_whole:
            with copying(settings) as copied:
                models = _models(settings, engine, variables, fingerprint)
                failpoint("model.before_dbt")
                _refresh(engine, variables, models, report, is_resumed=due.is_resumed)
                _finish(settings, engine, variables, due, report, copied)
            settle(engine, fingerprint, week)
            return
    # dbt is the one that writes now: the warehouse is closed.
    failpoint("model.before_dbt")
    _build_whole(settings, variables, report)
    with open_warehouse(settings) as engine:
        bound(engine, MODEL_BYTES)
        forget_parts(engine)
        _finish(settings, engine, variables, due, report)
        settle(engine, fingerprint, week)


def _models(settings: Settings, engine: Engine, variables: dict[str, Any], fingerprint: str) -> list[Model]:
    return kept_models(settings, variables, fingerprint) or compile_models(
        settings, engine, variables, fingerprint, AFTER_SHARES
    )


def _lend(engine: Engine, *, is_much: bool) -> None:
    """Memory and threads for a refresh; `is_much`: as much memory as a whole build has."""
    bound(engine, MODEL_BYTES if is_much else REFRESH_BYTES)
    keep_blocks(engine)
    fit_threads(engine)


def _finish(
    settings: Settings,
    engine: Engine,
    variables: dict[str, Any],
    due: Due,
    report: Report,
    copied: Future[Path] | None = None,
) -> None:
    """Let readers have what has been built; `copied` as `copying` gave it."""
    failpoint("model.after_dbt")
    predict_ltv(engine, variables["base_currency"])
    changed = promote(engine, dbt.units(settings), only_changed=not due.is_whole)
    failpoint("model.after_promote")
    report.counts["marts_changed"] = len(changed)
    report.counts["changed_persons"] = 0 if due.is_whole else due.person_count
    report.changed = True
    _publish(settings, engine, report, copied)


def _publish(settings: Settings, engine: Engine, report: Report, copied: Future[Path] | None = None) -> None:
    published = publish_open(settings, engine, copied)
    failpoint("model.after_publish")
    report.counts["published"] = published.counts["published"]
    report.changed |= published.changed


def _build_whole(settings: Settings, variables: dict[str, Any], report: Report) -> None:
    before = dbt.build(settings, variables, exclude=f"tag:{AFTER_SHARES}+")
    failpoint("model.before_shares")
    with open_warehouse(settings) as engine:
        bound(engine, MODEL_BYTES)
        weights = Weights(variables["first_weight"], variables["last_weight"], variables["half_life_days"])
        update_shares(engine, variables["lookback_days"], variables["running_week_start"], weights)
    after = dbt.build(settings, variables, select=f"tag:{AFTER_SHARES}+")
    report.counts |= {name: before[name] + after[name] for name in before}


def _refresh(
    engine: Engine, variables: dict[str, Any], models: list[Model], report: Report, *, is_resumed: bool
) -> None:
    add_credit(engine)
    untagged = [model for model in models if not model.is_tagged]
    before = refresh(engine, untagged, is_resumed=is_resumed, with_stood=("int_conversion", "touchpoint"))
    failpoint("model.before_shares")
    add_credit(engine, read_before_and_after(models, "int_attribution_unit", "attribution_credit")[1])
    changed = Changed(
        touches=read_before_and_after(models, "int_person_touch", "touchpoint"),
        conversions=read_before_and_after(models, "int_credited_conversion", "int_conversion"),
    )
    week = variables["running_week_start"]
    update_shares(engine, variables["lookback_days"], week, changed=None if is_resumed else changed)
    after = refresh(engine, [model for model in models if model.is_tagged], is_resumed=is_resumed)
    report.counts |= {name: before[name] + after[name] for name in before}


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


def variables_of(config: ModelConfig, context: Context) -> dict[str, Any]:
    """dbt's variables (see dbt_project.yml) from journey.yml and the clock."""
    journey = config.journey
    today = context.clock.now().date()
    return {
        "base_currency": journey.base_currency,
        "lookback_days": journey.lookback_days,
        "session_pause_minutes": journey.session_pause_minutes,
        "half_life_days": journey.time_decay_half_life_days,
        "first_weight": journey.position_weights.first,
        "last_weight": journey.position_weights.last,
        "sales_touches_earn_credit": journey.sales_touches_earn_credit,
        "mql_from": journey.lifecycle.mql_from,
        "sql_min_probability": journey.deal_stages.sql_min_probability,
        "proposal_min_probability": journey.deal_stages.proposal_min_probability,
        "booking_served_statuses": list(journey.booking_served_statuses),
        "rate_source": journey.rates.source,
        "rate_max_age_days": journey.rates.max_age_days,
        "spend_excludes_channels": list(journey.acquisition.spend_excludes_channels),
        "spend_lag_days": journey.acquisition.spend_lag_days,
        "gross_margin": journey.acquisition.gross_margin,
        "repeat_window_days": journey.repeat_window_days,
        "roles_min_touches": journey.roles_min_touches,
        "question_wait_days": journey.question_wait_days,
        "running_week_start": (today - timedelta(days=today.weekday())).isoformat(),
    }


def load_settled(engine: Engine, config: ModelConfig) -> int:
    """Put rates, channel rules and lifecycle words where SQL can join them; returns the number of rows written."""
    words = [
        {"lifecycle_stage": word, "stage_order": order} for order, word in enumerate(config.journey.lifecycle.order)
    ]
    with engine.begin() as connection:
        return (
            replace_rows(connection, exchange_rate, config.rates, ("currency", "valid_from"))
            + replace_rows(connection, channel_rule, config.channel_rules, ("rule_order",))
            + replace_rows(connection, lifecycle_stage, words, ("lifecycle_stage",))
            + replace_rows(connection, channel_declared, config.declared_channels, ("channel",))
            + replace_rows(connection, journey_question_evidence, config.question_evidence, ("evidence_order",))
        )


def _whole_inputs(engine: Engine) -> str:
    """What only models read that are made whole in every build: when it differs, there is a build, of nobody's rows."""
    with engine.connect() as connection:
        told = fingerprint_of(connection, ["core.hit"], without=UNREAD) + fingerprint_of(connection, list(PLANNED))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


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
