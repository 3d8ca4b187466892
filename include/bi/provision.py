"""`python -m bi.provision`: bring Superset up to what include/bi declares. A second run changes nothing.

Run it in Superset's environment with SUPERSET_CONFIG_PATH set (launch/bi.py does). It makes or upgrades Superset's own
database, its roles and accounts, then writes datasets, charts and dashboards by uuid. They are marked as managed from
outside; what is so marked and no longer declared is removed. What people made themselves is never touched.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import Counter
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

# Marks what this file wrote; what stands beside it is of people.
OURS = "include/bi"


def identity(kind: str, name: str) -> UUID:
    """The same uuid on every machine."""
    return uuid5(NAMESPACE_URL, f"rebuttal:bi:{kind}:{name}")


class Writer:
    """Sets what differs and counts what it did: `new`, `changed`, `unchanged`, `removed`."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.counts: Counter[str] = Counter()

    def set(self, row: Any, **values: Any) -> None:
        """Set the attributes that differ, so that nothing is written where nothing changed."""
        differing = {name: value for name, value in values.items() if not _same(getattr(row, name), value)}
        for name, value in differing.items():
            setattr(row, name, value)
        self.counts["changed" if differing else "unchanged"] += 1

    def upsert(self, model: Any, uuid: UUID, **values: Any) -> Any:
        """The row of `model` with this uuid, made or brought up to `values`."""
        row = self.session.query(model).filter_by(uuid=uuid).one_or_none()
        if row is None:
            row = model(uuid=uuid, **values)
            self.session.add(row)
            self.session.flush()
            self.counts["new"] += 1
        else:
            self.set(row, **values)
        return row

    def rule(self, name: str, kind: str, clause: str, roles: list[Any], tables: list[Any]) -> None:
        """A row-level rule by its name."""
        from superset.connectors.sqla.models import RowLevelSecurityFilter

        row = self.session.query(RowLevelSecurityFilter).filter_by(name=name).one_or_none()
        values = {"filter_type": kind, "clause": clause, "roles": roles, "tables": tables, "description": OURS}
        if row is None:
            self.session.add(RowLevelSecurityFilter(name=name, **values))
            self.counts["new"] += 1
        else:
            self.set(row, **values)


def _same(old: Any, new: Any) -> bool:
    if isinstance(new, list):
        return sorted(map(id, old)) == sorted(map(id, new))
    if isinstance(new, str) and isinstance(old, str) and new.startswith("{"):
        return bool(json.loads(old) == json.loads(new))
    return bool(old == new)


def main() -> int:
    """Provision; prints one line of counts."""
    logging.disable(logging.INFO)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, db

        _quick_sqlite(db)
        upgrade(directory=os.path.join(os.path.dirname(sys.modules["superset"].__file__ or ""), "migrations"))
        manager = appbuilder.sm
        if manager.find_role("Gamma") is None or manager.find_permission_view_menu("can_read", "Dashboard") is None:
            appbuilder.add_permissions(update_perms=True)
            manager.sync_role_definitions()
        elif os.environ.get("REBUTTAL_BI_SYNC"):
            manager.sync_role_definitions()
        write = Writer(db.session)
        provision(write, manager)
        db.session.commit()
    told = ", ".join(f"{write.counts[word]} {word}" for word in ("new", "changed", "unchanged", "removed"))
    sys.stdout.write(f"{told}\n")
    return 0


def provision(write: Writer, manager: Any) -> None:
    """Write everything that is declared and remove what no longer is."""
    from flask import g
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    from bi.accounts import ensure_accounts
    from bi.charts import definition, form_data
    from bi.declarations import load_dashboards, load_datasets
    from bi.layout import CSS, position, settings
    from bi.places import warehouse_url

    session = write.session
    managed = {"is_managed_externally": True, "external_url": OURS}
    database = write.upsert(
        Database,
        identity("database", "marts"),
        database_name="Marts",
        sqlalchemy_uri=warehouse_url(),
        expose_in_sqllab=True,
        allow_dml=False,
        allow_ctas=False,
        allow_cvas=False,
        allow_run_async=False,
        extra=json.dumps({"metadata_params": {}, "engine_params": {}}),
        **managed,
    )
    tables = {}
    for name, dataset in load_datasets().items():
        tables[name] = (_dataset(write, database, dataset, managed), dataset.is_for_partners)
    ensure_accounts(manager, tables, write)
    g.user = manager.find_user(username="admin")
    numbers = {name: table.id for name, (table, _) in tables.items()}
    charts, boards = {}, []
    for board in load_dashboards():
        for chart in board.charts:
            number = numbers[chart.dataset]
            params = form_data(chart) | {"datasource": f"{number}__table"}
            charts[chart.slug] = write.upsert(
                Slice,
                identity("chart", chart.slug),
                slice_name=chart.title,
                viz_type=params["viz_type"],
                datasource_type="table",
                datasource_id=number,
                params=json.dumps(params, sort_keys=True),
                description=definition(chart),
                **managed,
            )
        ids = {chart.slug: charts[chart.slug].id for chart in board.charts}
        uuids = {chart.slug: str(charts[chart.slug].uuid) for chart in board.charts}
        uuid = identity("dashboard", board.slug)
        there = session.query(Dashboard).filter_by(uuid=uuid).one_or_none()
        boards.append(
            write.upsert(
                Dashboard,
                uuid,
                dashboard_title=board.title,
                slug=board.slug,
                description=board.about,
                css=CSS,
                published=True,
                position_json=json.dumps(position(board, ids, uuids), sort_keys=True),
                json_metadata=json.dumps(_kept(there) | settings(board, ids, numbers), sort_keys=True),
                slices=[charts[chart.slug] for chart in board.charts],
                **managed,
            )
        )
    for model, kept in (
        (Dashboard, boards),
        (Slice, list(charts.values())),
        (SqlaTable, [table for table, _ in tables.values()]),
    ):
        for row in session.query(model).filter_by(is_managed_externally=True, external_url=OURS):
            if row not in kept:
                session.delete(row)
                write.counts["removed"] += 1


def _dataset(write: Writer, database: Any, dataset: Any, managed: dict[str, Any]) -> Any:
    from superset.connectors.sqla.models import SqlaTable, SqlMetric, TableColumn

    from bi.charts import MONEY
    from bi.declarations import FORMATS
    from bi.marts_connection import TYPES
    from bi.palette import base_currency

    # A mart's dataset has its name; a query over a mart keeps apart from it.
    is_physical = dataset.mart is not None and dataset.mart == dataset.name
    sql = dataset.sql if dataset.sql else None if is_physical else f"select * from {dataset.mart}"
    table = write.upsert(
        SqlaTable,
        identity("dataset", dataset.name),
        table_name=dataset.name,
        database_id=database.id,
        schema=None,
        sql=sql,
        main_dttm_col=dataset.time,
        description=dataset.about,
        filter_select_enabled=True,
        **managed,
    )
    columns = {name: (TYPES[kind], None, kind in ("date", "time")) for name, kind in dataset.columns.items()}
    columns |= {dataset.shown(name): ("VARCHAR", sql, False) for name, sql in dataset.computed.items()}
    for name, (kind, expression, is_time) in columns.items():
        write.upsert(
            TableColumn,
            identity("column", f"{dataset.name}.{name}"),
            table_id=table.id,
            column_name=name,
            verbose_name=dataset.labels.get(name) or name.replace("_", " ").capitalize(),
            type=kind,
            is_dttm=is_time,
            expression=expression,
            groupby=True,
            filterable=True,
        )
    for name, measure in dataset.measures.items():
        currency = {"symbol": base_currency(), "symbolPosition": "prefix"} if measure.format in MONEY else None
        write.upsert(
            SqlMetric,
            identity("measure", f"{dataset.name}.{name}"),
            table_id=table.id,
            # Its shown name: a code could be taken for the column of that name.
            metric_name=measure.label,
            verbose_name=measure.label,
            expression=measure.sql,
            description=measure.definition,
            d3format=FORMATS[measure.format],
            currency=currency,
        )
    write.session.flush()
    write.session.refresh(table)
    labels = {measure.label for measure in dataset.measures.values()}
    gone = [row for row in table.columns if row.column_name not in columns]
    for row in gone + [row for row in table.metrics if row.metric_name not in labels]:
        write.session.delete(row)
        write.counts["removed"] += 1
    return table


def _kept(dashboard: Any) -> dict[str, Any]:
    """What Superset itself notes in a dashboard's settings when somebody looks at it."""
    if dashboard is None:
        return {}
    names = (
        "shared_label_colors",
        "map_label_colors",
        "color_scheme_domain",
        "chart_configuration",
        "global_chart_configuration",
    )
    found = json.loads(dashboard.json_metadata or "{}")
    return {name: found[name] for name in names if name in found}


def _quick_sqlite(db: Any) -> None:
    """Superset's three hundred migrations wait for the disk thousands of times; a torn first start is made anew."""
    if db.engine.dialect.name == "sqlite":
        from sqlalchemy import event

        @event.listens_for(db.engine, "connect")
        def _(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous = OFF")


if __name__ == "__main__":
    sys.exit(main())
