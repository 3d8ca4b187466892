"""A refresh: the models and tests that dbt compiled, run for what changed in one transaction of our own.

dbt needs a fifth of a second of work for every model and test, whatever there is to do. So it compiles once, as long as
models, configuration and running week stay, and a refresh runs its SQL: models in their order, and after each one all
its tests in one statement. Declared they are in dbt's files alone; a whole build goes through dbt itself. What is not
known here of all that a model or a test may ask for is refused, so that both ways of building mean the same.

The rows that a model by person gets are kept beside it while the warehouse is open, in the temporary table
`made_<model>`: what dbt's macro `made` marks, the tests, promotion and publication read them there, for looking for a
few persons' rows among all of them costs as much as reading all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from rebuttal.errors import AbortError, ConfigError
from rebuttal.settings import Settings
from rebuttal.warehouse import dbt
from rebuttal.warehouse.dialects import dialect_of
from rebuttal.warehouse.engine import is_duckdb
from rebuttal.warehouse.promote import Columns, columns_in, made_table, row_key_of
from rebuttal.warehouse.row_changes import compare, is_changed
from rebuttal.warehouse.shape import shape
from rebuttal.warehouse.tables import MARTS_BUILD

_FORMAT = 3  # of the kept file
_MADE = re.compile(r'"(\w+)"\."(\w+)" /\* made \*/')
_IF_NOT_MADE = re.compile(r"/\* if not made \*/.*?/\* then \*/", re.DOTALL)  # a condition that all rows made fulfil


@dataclass(frozen=True)
class Check:
    """A test of dbt: `statement` gives the rows that fail, `counted` is what is made of them; 0 passes."""

    name: str
    column: str  # '' for a test of whole rows
    statement: str
    counted: str


@dataclass(frozen=True)
class Model:
    """One model: `kind` view, table or incremental; `unit` as `dbt.unit_of` says; `checks` can run once it is made."""

    name: str
    kind: str
    unit: str
    statement: str
    is_tagged: bool  # it, or one it needs, has the tag that was asked for
    checks: tuple[Check, ...]


def kept_models(settings: Settings, variables: Mapping[str, Any], fingerprint: str) -> list[Model] | None:
    """What `compile_models` gave last, if it is of the same make; None otherwise."""
    kept = _kept(settings)
    if not kept.is_file():
        return None
    told = json.loads(kept.read_text(encoding="utf-8"))
    if told["key"] != _key(settings, variables, fingerprint):
        return None
    return [Model(**one | {"checks": tuple(Check(**check) for check in one["checks"])}) for one in told["models"]]


def compile_models(
    settings: Settings, engine: Engine, variables: Mapping[str, Any], fingerprint: str, tag: str
) -> list[Model]:
    """All models in an order in which they can be made, from dbt, and kept for the next time.

    `fingerprint` changes with the models' text; `variables` are those of dbt. The warehouse stays open meanwhile.
    Raises what `dbt.compiled` raises, and ConfigError for a model that is materialised, or a test that fails, in a way
    that only dbt knows.
    """
    with shape(settings, engine) as like_it:
        models = models_of(dbt.compiled(like_it, variables), tag)
    kept = _kept(settings)
    new = kept.with_name(f"{kept.name}.new")
    told = {"key": _key(settings, variables, fingerprint), "models": [asdict(model) for model in models]}
    new.write_text(json.dumps(told), encoding="utf-8")
    new.replace(kept)
    return models


def _kept(settings: Settings) -> Path:
    return settings.home / "dbt" / "refresh.json"


def _key(settings: Settings, variables: Mapping[str, Any], fingerprint: str) -> str:
    made_of = [_FORMAT, fingerprint, sorted(variables.items()), is_duckdb(settings)]
    return hashlib.sha256(json.dumps(made_of, default=str).encode()).hexdigest()


def models_of(nodes: Mapping[str, Any], tag: str) -> list[Model]:
    """The models of a compiled manifest in order, each with the tests that need nothing made later."""
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    needs = {name: [one for one in node["depends_on"]["nodes"] if one in models] for name, node in models.items()}
    order = list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
    place = {name: number for number, name in enumerate(order)}
    tagged: set[str] = set()
    for name in order:
        if tag in models[name]["config"]["tags"] or tagged.intersection(needs[name]):
            tagged.add(name)
    order.sort(key=lambda name: (name in tagged, place[name]))
    place = {name: number for number, name in enumerate(order)}
    by_person = {
        str(node["alias"]): name in tagged for name, node in models.items() if dbt.unit_of(node) not in ("", dbt.ALL)
    }
    passing = [str(node["alias"]) for node in models.values() if dbt.unit_of(node) == dbt.ALL]
    kinds = {name: _kind(models[name]) for name in order}
    for name in order:
        outlives = kinds[name] == "view" or name in tagged
        for need in needs[name]:
            if dbt.unit_of(models[need]) == dbt.ALL and outlives and need not in tagged:
                raise ConfigError(
                    f"The dbt model {models[name]['name']} reads {models[need]['name']}, which is gone by then",
                    next_step="Only tables made in the same go can read a model with forget_all",
                )
    checks: dict[str, list[Check]] = {name: [] for name in order}
    for _, node in sorted(nodes.items()):
        if node["resource_type"] == "test":
            last = max((one for one in node["depends_on"]["nodes"] if one in place), key=lambda one: place[one])
            checks[last].append(_check(node, _at_hand(by_person, last in tagged, passing)))
    return [
        Model(
            name=models[name]["alias"],
            kind=kinds[name],
            unit=dbt.unit_of(models[name]),
            statement=_statement(
                models[name],
                _at_hand({}, False, []) if kinds[name] == "view" else _at_hand(by_person, name in tagged, passing),
            ),
            is_tagged=name in tagged,
            checks=tuple(checks[name]),
        )
        for name in order
    ]


def refresh(
    engine: Engine, models: Sequence[Model], *, is_resumed: bool = False, with_stood: Collection[str] = ()
) -> dict[str, int]:
    """Make models again for `ops.changed_person` and test them, in one transaction; nothing of `marts` is touched.

    `is_resumed`: a build of the same changes may have died before readers got it, so that what this one finds changed
    is not all that they lack; otherwise it is told for them, row by row (row_changes.py), and the rows of `with_stood`
    as they stood before stay at hand (see read_before_and_after).
    Returns the numbers of `models` and `tests`. Raises AbortError that names the model, and the test, its column and
    the number of rows that failed; `marts_build` then stays as it was.
    """
    counts = {"models": 0, "tests": 0}
    with engine.begin() as connection:
        columns = {} if is_resumed else columns_in(connection, MARTS_BUILD)
        for model in models:
            try:
                _make(connection, model, columns.get(model.name, []), model.name in with_stood)
                _pass(connection, model)
            except DBAPIError as error:
                said = " ".join(str(error.orig).split())
                raise AbortError(
                    f"The model {model.name} could not be made: {said[:300]}; the marts stay as they were",
                    next_step=f"Mend what it reads or include/dbt/models/**/{model.name}.sql, then run this again",
                ) from None
            counts["models"] += 1
            counts["tests"] += len(model.checks)
    return counts


def read_before_and_after(models: Sequence[Model], view: str, over: str) -> tuple[str, str]:
    """The SQL of a view over the model `over`, for the rows that a refresh has made again: as they stood, and as made.

    On the refresh's own connection, after one that was told to keep `over`.
    """
    statement = next(model.statement for model in models if model.name == view)
    read = f'"{MARTS_BUILD}"."{over}"'
    if read not in statement:
        raise ConfigError(
            f"The dbt model {view} does not read {over}", next_step=f"Look at include/dbt/models/**/{view}.sql"
        )
    return statement.replace(read, _stood_table(over)), statement.replace(read, made_table(over))


def _stood_table(model: str) -> str:
    return f"stood_{model}"


def _make(connection: Connection, model: Model, columns: Columns, with_stood: bool) -> None:
    table = f"{MARTS_BUILD}.{model.name}"
    if model.kind == "view":
        _run(connection, f"CREATE OR REPLACE VIEW {table} AS\n{model.statement}")
    elif model.unit == dbt.ALL:
        _fill(connection, model, table)
        _empty(connection, table)
    elif model.unit:
        _make_again(connection, model, table, columns, with_stood)
    elif model.kind == "table" and connection.dialect.name == "duckdb":
        _run(connection, f"CREATE OR REPLACE TABLE {table} AS\n{model.statement}")
    else:
        if model.kind == "table":
            _run(connection, f"TRUNCATE {table}")  # views hang on the table: it stays
        _run(connection, f"INSERT INTO {table}\n{model.statement}")


def _make_again(connection: Connection, model: Model, table: str, columns: Columns, with_stood: bool) -> None:
    made, unit, stood = _fill(connection, model, table), f"coalesce({model.unit}, '')", _stood_table(model.name)
    _run(connection, f"DROP TABLE IF EXISTS {stood}")
    # Credit that is made again is another; of what goes by person most rows come out as they were.
    if not columns or model.is_tagged or model.name.startswith(("int_", "stg_")):
        if columns and with_stood:
            _run(connection, f"CREATE TEMPORARY TABLE {stood} AS SELECT * FROM {table} WHERE {is_changed(unit)}")
        _run(connection, f"DELETE FROM {table} WHERE {is_changed(unit)}")
        _run(connection, f"INSERT INTO {table} SELECT * FROM {made}")
        return
    key, place = row_key_of(connection, columns), dialect_of(connection).place
    _run(
        connection,
        f"CREATE TEMPORARY TABLE {stood} AS SELECT {place} AS row_place, {unit} AS unit_id,"
        f" {key} AS row_key, standing.* FROM {table} AS standing WHERE {is_changed(unit)}",
    )
    told = compare(connection, model.name, made, stood, unit, key)
    _run(connection, f"DELETE FROM {table} WHERE {place} IN (SELECT row_place FROM {told.went})")
    _run(connection, f"INSERT INTO {table} SELECT * FROM {told.came}")
    if not with_stood:
        _run(connection, f"DROP TABLE {stood}")


def _fill(connection: Connection, model: Model, table: str) -> str:
    made = made_table(model.name)
    _run(connection, f"DROP TABLE IF EXISTS {made}")
    _run(connection, f"CREATE TEMPORARY TABLE {made} AS SELECT * FROM {table} LIMIT 0")  # the types are the model's own
    _run(connection, f"INSERT INTO {made}\n{model.statement}")
    return made


def _empty(connection: Connection, table: str) -> None:
    if _run(connection, f"SELECT 1 FROM {table} LIMIT 1").first() is None:
        return
    if connection.dialect.name == "duckdb":
        _run(connection, f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} LIMIT 0")  # leaves no holes
    else:
        _run(connection, f"TRUNCATE {table}")  # views hang on the table: it stays


def _pass(connection: Connection, model: Model) -> None:
    if not model.checks:
        return
    counted = "\nUNION ALL\n".join(
        f"SELECT {place} AS place, {check.counted} AS failed FROM (\n{check.statement}\n) AS failing"
        for place, check in enumerate(model.checks)
    )
    failed = [(model.checks[place], count) for place, count in _run(connection, counted).all() if count]
    if not failed:
        return
    check, count = failed[0]
    more = f" and {len(failed) - 1} more ({', '.join(other.name for other, _ in failed[1:5])})" if failed[1:] else ""
    raise AbortError(
        f"dbt test {check.name} failed on the model {model.name}{f', column {check.column}' if check.column else ''}:"
        f" {count} results{more}; the marts stay as they were",
        next_step="Look at the rows that this gives: " + " ".join(check.statement.split())[:600],
    )


def _kind(node: Mapping[str, Any]) -> str:
    config = node["config"]
    kind = str(config["materialized"])
    hooks = len(config["pre-hook"]) - bool(dbt.unit_of(node)) + len(config["post-hook"])
    if (
        kind not in ("view", "table", "incremental")
        or hooks
        or config.get("incremental_strategy") not in (None, "append")
    ):
        raise ConfigError(
            f"The dbt model {node['name']} is materialised in a way that a refresh does not know",
            next_step="Use view, table, or incremental with append and forget_changed, and no hook beside it",
        )
    return kind


def _at_hand(by_person: Mapping[str, bool], is_tagged: bool, passing: Sequence[str]) -> Callable[[str], str]:
    """SQL -> the same SQL that takes models where they were made: `passing` ones, that are kept nowhere else, and
    marked ones that were made in the same go as the one that reads them.
    """

    def read_made(found: re.Match[str]) -> str:
        return made_table(found[2]) if by_person.get(found[2]) is is_tagged else found[0]

    def at_hand(statement: str) -> str:
        for name in passing:
            statement = statement.replace(f'"{MARTS_BUILD}"."{name}"', made_table(name))
        found = [by_person.get(one[2]) is is_tagged for one in _MADE.finditer(statement)]
        read = _MADE.sub(read_made, statement)
        return _IF_NOT_MADE.sub("true", read) if found and all(found) else read

    return at_hand


def _check(node: Mapping[str, Any], at_hand: Callable[[str], str]) -> Check:
    name, config = str(node["name"]), node["config"]
    if config["severity"].upper() != "ERROR" or config["error_if"] != "!= 0" or config.get("limit"):
        raise ConfigError(
            f"The dbt test {name} has severity, error_if or limit",
            next_step="Let it fail by any row, and say in its SQL which rows those are",
        )
    return Check(name, str(node.get("column_name") or ""), _statement(node, at_hand), config["fail_calc"])


def _statement(node: Mapping[str, Any], at_hand: Callable[[str], str]) -> str:
    """The compiled SQL without the name of the database: it stays right when the file or the database is renamed."""
    return at_hand(str(node["compiled_code"]).replace(f'"{node["database"]}"."', '"'))


def _run(connection: Connection, statement: str) -> Any:
    # Compiled SQL has percent signs of its own: no placeholders are looked for.
    return connection.execution_options(no_parameters=True).exec_driver_sql(statement)
