"""Running an entity's suite with Great Expectations over a staged batch, inside the warehouse.

One GX context and one data source serve all batches of a run; importing GX costs seconds and is done on first use.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, select, text
from sqlalchemy.pool import NullPool

from rebuttal.errors import StoreError, UnavailableError
from rebuttal.quality.checks import Check
from rebuttal.settings import Settings
from rebuttal.warehouse import sql
from rebuttal.warehouse.dialects import escaped, quoted
from rebuttal.warehouse.staging import Staged, narrowed
from rebuttal.warehouse.tables import INT, TEXT


class Gate:
    """Great Expectations over one warehouse, for the length of a run. It holds no connection between checks."""

    def __init__(self, settings: Settings, latest: datetime) -> None:
        self._url = settings.warehouse_url
        self._latest = latest
        self._suites: dict[str, Any] = {}
        self._source: Any = None
        self._gx: Any = None

    def check(self, staged: Staged) -> list[tuple[Check, Any]]:
        """Count the rows that break each rule of the entity's suite; pairs of the finding and its expectation."""
        self._open()
        suite = self._suite(staged.entity.name)
        schema, name = staged.table.split(".")
        with warnings.catch_warnings():  # the scratch schema is no schema of the connection
            warnings.simplefilter("ignore", DeprecationWarning)
            asset = self._source.add_table_asset(name=name, table_name=name, schema_name=schema)
        validated = asset.add_batch_definition_whole_table("whole").get_batch().validate(suite, result_format="BASIC")
        self._source.delete_asset(name)
        # Results come in another order when one of them could not be computed.
        results = {result.expectation_config.meta["name"]: result for result in validated.results}
        found = []
        for expectation in suite.expectations:
            result = results[expectation.meta["name"]]
            if result.exception_info and "observed_value" not in (result.result or {}):
                raise StoreError(
                    f"Rule {expectation.meta['name']} could not be run on {staged.batch.name}",
                    next_step="Look at the rule's condition and the engine's log; the batch waits",
                )
            found.append((_check(staged, expectation, int(result.result["observed_value"])), expectation))
        return found

    def _open(self) -> None:
        if self._source is not None:
            return
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        url = self._url
        if url.startswith("duckdb"):
            importlib.import_module("rebuttal.quality.buffered_duckdb")
            url = url.replace("duckdb://", "duckdb+buffered://", 1)
        self._gx = importlib.import_module("great_expectations")
        context = self._gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        # After each asset it would write its whole configuration as YAML, into memory where nobody reads it.
        context.variables.save = lambda: None
        with warnings.catch_warnings():  # it would rather have `add_postgres`, which refuses socket addresses
            warnings.simplefilter("ignore")
            # Without a pool no connection outlives its query: none blocks a DROP, none keeps DuckDB's file locked.
            refused = importlib.import_module("great_expectations.datasource.fluent.interfaces").TestConnectionError
            try:
                self._source = context.data_sources.add_sql(
                    name="warehouse", connection_string=url, kwargs={"poolclass": NullPool}
                )
            except refused:  # its own error would show the address
                raise UnavailableError(
                    "The checks cannot reach the warehouse; nothing of this batch was admitted",
                    next_step="Check that the server runs and takes one more connection, then run this again",
                ) from None

    def _suite(self, entity: str) -> Any:
        if entity not in self._suites:
            module = importlib.import_module(f"rebuttal.quality.suites.{entity}")
            self._suites[entity] = self._gx.ExpectationSuite(name=entity, expectations=module.suite(self._latest))
        return self._suites[entity]


def keep_failed_rows(
    connection: Connection, staged: Staged, found: list[tuple[Check, Any]]
) -> tuple[Table, list[Check]]:
    """Put the rows that break a quarantine rule into the scratch table `gate.failed_<n>`, one row per rule and row.

    Returns that table and the findings with examples and the query that finds the rows again.
    """
    failed = Table(
        f"failed_{staged.batch.sequence}",
        MetaData(),
        *(Column(name, INT) for name in ("_row", "position")),
        *(Column(name, TEXT) for name in ("check_name", "reason", "value")),
        schema="gate",
    )
    sql.drop(connection, str(failed))
    failed.create(connection)
    broken = {position: pair for position, pair in enumerate(found) if not pair[0].is_passed}
    kept_out = {position: pair for position, pair in broken.items() if pair[0].severity == "quarantine"}
    if kept_out:
        _find_rows(connection, staged, kept_out, failed)
    shown = {
        position: _kept_out(connection, failed, position) if position in kept_out else _let_in(connection, staged, rule)
        for position, (_, rule) in broken.items()
    }
    checks = [
        check.with_examples(f"row {row}: {value}" if value else f"row {row}" for row, value in shown.get(position, []))
        for position, (check, _) in enumerate(found)
    ]
    return failed, checks


def _find_rows(connection: Connection, staged: Staged, broken: dict[int, tuple[Check, Any]], failed: Table) -> None:
    """One pass over the batch for all rules; what is to be shown of the rows is worked out for the found ones only."""
    rows = f"broken_{staged.batch.sequence}"
    connection.execute(text(f"drop table if exists {rows}"))
    rules = [
        {
            "position": position,
            "condition": escaped(rule.condition),
            "check_name": quoted(check.name),
            "reason": quoted(check.description),
            "value": escaped(rule.meta["value"]),
        }
        for position, (check, rule) in broken.items()
    ]
    sql.run_file(
        connection,
        "find_failed.sql",
        broken=rows,
        staged=staged.table,
        found=narrowed(connection, staged, f"_row in (select _row from {rows})"),
        failed=str(failed),
        rules=rules,
    )
    connection.execute(text(f"drop table {rows}"))


def _kept_out(connection: Connection, failed: Table, position: int) -> list[tuple[int, str | None]]:
    rows = select(failed.c._row, failed.c.value).where(failed.c.position == position).order_by(failed.c._row).limit(3)
    return [(row, value) for row, value in connection.execute(rows)]


def _let_in(connection: Connection, staged: Staged, rule: Any) -> list[tuple[int, str | None]]:
    """The first rows that are found: an order over all of them would cost another pass."""
    query = f"select _row, {rule.meta['value']} from {staged.table} where {rule.condition} limit 3"
    return sorted((row, value) for row, value in connection.execute(text(escaped(query))))


def _check(staged: Staged, expectation: Any, failed_count: int) -> Check:
    meta, batch_id = expectation.meta, staged.batch.batch_id
    if meta["severity"] == "quarantine":
        again = f"select * from ops.quarantine where batch_id = '{batch_id}' and reasons like '%\"{meta['name']}\"%'"
    else:
        again = f"select * from core.{staged.entity.name} where batch_id = '{batch_id}' and ({expectation.condition})"
    return Check(
        name=meta["name"],
        severity=meta["severity"],
        description=expectation.description,
        next_step=meta["next_step"],
        row_count=staged.row_count,
        failed_count=failed_count,
        query=again if failed_count else None,
        condition=expectation.condition,
    )
