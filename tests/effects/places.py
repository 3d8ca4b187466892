"""Deals, conversations, reads and tasks written where PROVE reads them, for both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, MetaData, Table, insert, inspect, text

from rebuttal.clock import Clock
from rebuttal.connections import Connection
from rebuttal.context import Context
from rebuttal.settings import Settings
from rebuttal.warehouse import mart, open_published, open_warehouse
from rebuttal.warehouse.tables import TEXT, TIME

PUBLISHED = datetime(2026, 8, 3, 10, tzinfo=UTC)
DEADLINE = date(2026, 11, 16)
URL = "https://brand.example/blog/answer"
THEME = "price/too_high"
ACCOUNT = {"source": "hubspot", "account_id": "1"}
_METADATA = MetaData()


def _table(name: str, texts: str, times: str) -> Table:
    columns = [*(Column(one, TEXT) for one in texts.split()), *(Column(one, TIME) for one in times.split())]
    return Table(name, _METADATA, *columns, schema="marts")


DEAL = _table("deal", "deal_id source account_id person_id outcome segment owner_id channel", "created_at closed_at")
OBJECTION = _table("objection", "objection_id deal_id category theme", "first_voiced_at")
EVIDENCE = _table(
    "objection_evidence", "objection_id source account_id source_kind source_id source_role", "occurred_at"
)


@dataclass
class Place:
    """Rows to be written, by table."""

    deals: list[dict[str, Any]] = field(default_factory=list)
    objections: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    hits: list[dict[str, Any]] = field(default_factory=list)
    identifiers: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def deal(self, name: str, created_at: datetime, outcome: str = "open", closed_at: datetime | None = None) -> None:
        """A deal of the person of the same name, whose browser we know."""
        row = {"deal_id": name, **ACCOUNT, "person_id": f"p-{name}", "outcome": outcome, "segment": "salon"}
        self.deals.append(
            {**row, "owner_id": "o", "channel": "organic", "created_at": created_at, "closed_at": closed_at}
        )
        self.identifiers.append(
            {"identifier_kind": "client_id", "source": "", "account_id": "", "identifier": f"c-{name}",
             "person_id": f"p-{name}", "rule": "form"}
        )  # fmt: skip

    def talk(
        self, deal: str, at: datetime, theme: str | None = None, body: str = "<p>.</p>", role: str = "buyer"
    ) -> None:
        """A note; with `theme` the customer voices it there, in their own words or (`role` rep) in a rep's."""
        name = f"n{len(self.conversations)}"
        self.conversations.append(
            {**ACCOUNT, "kind": "note", "conversation_id": name, "occurred_at": at, "deal_id": deal, "body": body}
        )
        if theme is not None:
            category, _, sub = theme.partition("/")
            key = f"{deal}-{theme}"
            if all(row["objection_id"] != key for row in self.objections):
                row = {"objection_id": key, "deal_id": deal, "category": category, "theme": sub}
                self.objections.append({**row, "first_voiced_at": at})
            self.evidence.append(
                {
                    "objection_id": key,
                    **ACCOUNT,
                    "source_kind": "note",
                    "source_id": name,
                    "source_role": role,
                    "occurred_at": at,
                }
            )

    def read(self, deal: str, at: datetime, url: str = URL, is_page_view: bool = True) -> None:
        """The deal's person opens a page."""
        row = {"source": "yandex_metrica", "account_id": "1", "hit_id": f"h{len(self.hits)}", "client_id": f"c-{deal}"}
        self.hits.append({**row, "occurred_at": at, "url": url, "is_page_view": is_page_view})

    def write(self, settings: Settings) -> None:
        """Everything into the warehouse."""
        with open_warehouse(settings) as engine:
            with engine.begin() as connection:
                _METADATA.drop_all(connection)
                _METADATA.create_all(connection)
                marts = ((DEAL, self.deals), (OBJECTION, self.objections), (EVIDENCE, self.evidence))
                core = (("conversation", self.conversations), ("hit", self.hits))
                for table, rows in marts:
                    if rows:
                        connection.execute(insert(table), rows)
                for name, rows in (*core, ("person_identifier", self.identifiers)):
                    table = Table(name, MetaData(), schema="core", autoload_with=connection)
                    connection.execute(table.delete())
                    filled = {column.name: _filler(column) for column in table.columns if not column.nullable}
                    if rows:
                        connection.execute(insert(table), [{**filled, **row} for row in rows])
            mart.mirror_rows(engine, mart.content_task, self.tasks or [task()])


def _filler(column: Any) -> Any:
    kind = column.type.python_type
    return {"str": "x", "int": 0, "bool": False}.get(kind.__name__, PUBLISHED)


def task(
    theme: str = THEME, published_at: datetime | None = PUBLISHED, url: str | None = URL, **other: Any
) -> dict[str, Any]:
    """A row of marts.content_task."""
    words = ("change", "reason", "success_criterion")
    return {
        "task_id": f"task-{theme}",
        "theme": theme,
        "category": theme.split("/")[0],
        "title": theme,
        "score": 1.0,
        "score_parts": "{}",
        "subject_count": 9,
        "money_at_risk_base": 1.0,
        "currency": "EUR",
        "status": "published",
        **dict.fromkeys(("tracker_status", "task_key", "task_url", "closed_at")),
        "published_url": url,
        "published_at": published_at,
        "created_at": PUBLISHED - timedelta(days=10),
        **{f"hypothesis_{word}": "x" for word in words},
        "hypothesis_metric": "objection_rate",
        "hypothesis_direction": "decrease",
        "hypothesis_expected_size": 0.25,
        "hypothesis_minimum_sample": 40,
        "hypothesis_baseline_days": 84,
        "hypothesis_horizon_days": 14,
        "hypothesis_deadline": DEADLINE,
        **other,
    }


def context(settings: Settings, day: date) -> Context:
    """A context whose clock stands at the beginning of `day`; proving asks for no connection."""

    def resolve(connection_id: str) -> Connection:
        raise AssertionError(f"proving needs no connection, but asked for {connection_id}")

    return Context(settings, Clock(datetime.combine(day, datetime.min.time(), UTC)), resolve, b"0123456789abcdef")


def rows_of(settings: Settings, query: str, **values: Any) -> Sequence[dict[str, Any]]:
    """What the published marts answer."""
    with open_published(settings) as engine, engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query), values).mappings()]


def effect_of(settings: Settings, theme: str = THEME) -> dict[str, Any]:
    """The one row of marts.effect about `theme`."""
    (row,) = rows_of(settings, "SELECT * FROM marts.effect WHERE theme = :theme", theme=theme)
    return row


def estimates_of(settings: Settings) -> dict[tuple[str, str], dict[str, Any]]:
    """marts.effect_estimate by metric and estimator."""
    rows = rows_of(settings, "SELECT * FROM marts.effect_estimate")
    return {(row["metric"], row["estimator"]): row for row in rows}


def has_table(settings: Settings, name: str) -> bool:
    """Whether marts has the table."""
    with open_warehouse(settings) as engine:
        return bool(inspect(engine).has_table(name, schema="marts"))
