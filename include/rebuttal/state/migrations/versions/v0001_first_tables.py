"""The first tables: ledger, hypotheses, outbox, journal, deliveries, corrections, suppressions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT, TIME, JSON, INT = sa.Text(), sa.DateTime(timezone=True), sa.JSON(), sa.Integer()


def _column(name: str, kind: sa.types.TypeEngine[Any], *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key)


def upgrade() -> None:
    """Create the tables and the triggers that keep the journal append-only."""
    is_open = sa.text("status IN ('proposed', 'open', 'unknown')")
    op.create_table(
        "content_task",
        _column("task_id", TEXT, key=True),
        *(_column(name, TEXT) for name in ("theme", "category")),
        _column("generation", INT),
        *(_column(name, TEXT) for name in ("status", "title")),
        _column("brief", JSON),
        _column("score", sa.Float()),
        _column("score_parts", JSON),
        _column("subject_count", INT),
        _column("money_at_risk_base", sa.Float(), null=True),
        _column("currency", TEXT),
        _column("created_at", TIME),
        *(
            _column(name, TEXT, null=True)
            for name in ("remote_id", "task_key", "task_url", "tracker_status", "published_url")
        ),
        _column("published_at", TIME, null=True),
        _column("closed_at", TIME, null=True),
        sa.UniqueConstraint("theme", "generation"),
    )
    op.create_index(
        "one_open_task_per_theme",
        "content_task",
        ["theme"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "hypothesis",
        sa.Column("task_id", TEXT, sa.ForeignKey("content_task.task_id"), primary_key=True),
        *(_column(name, TEXT) for name in ("change", "metric", "direction", "reason")),
        _column("expected_size", sa.Float()),
        _column("success_criterion", TEXT),
        _column("minimum_sample", INT),
        _column("baseline_days", INT),
        _column("horizon_days", INT),
        _column("deadline", sa.Date()),
        _column("registered_at", TIME),
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", INT, primary_key=True, autoincrement=True),
        sa.Column("effect_key", TEXT, nullable=False, unique=True),
        _column("kind", TEXT),
        sa.Column("task_id", TEXT, sa.ForeignKey("content_task.task_id"), nullable=False),
        _column("payload", JSON),
        _column("state", TEXT),
        _column("created_at", TIME),
        _column("lease_owner", TEXT, null=True),
        _column("lease_until", TIME, null=True),
        *(_column(name, INT) for name in ("fencing_token", "post_count", "search_count")),
        _column("not_before", TIME, null=True),
        _column("finished_at", TIME, null=True),
        *(_column(name, TEXT, null=True) for name in ("last_error", "remote_id", "remote_key")),
    )
    op.create_table(
        "decision",
        _column("decision_id", TEXT, key=True),
        _column("decided_at", TIME),
        *(_column(name, TEXT) for name in ("kind", "subject", "decision")),
        _column("evidence", JSON),
        _column("decided_by", TEXT),
        _column("review_at", TIME, null=True),
    )
    op.create_table(
        "digest_delivery",
        sa.Column("delivery_id", INT, primary_key=True, autoincrement=True),
        *(_column(name, TEXT) for name in ("person_id", "iso_week", "kind", "state", "message_id")),
        _column("created_at", TIME),
        _column("attempts", INT),
        _column("lease_owner", TEXT, null=True),
        _column("lease_until", TIME, null=True),
        _column("finished_at", TIME, null=True),
        _column("last_error", TEXT, null=True),
        sa.UniqueConstraint("person_id", "iso_week", "kind"),
    )
    op.create_table(
        "label_correction",
        sa.Column("correction_id", INT, primary_key=True, autoincrement=True),
        *(_column(name, TEXT) for name in ("source_kind", "source", "account_id", "source_id", "text_hash")),
        _column("labels", JSON),
        *(_column(name, TEXT) for name in ("primary_label", "corrected_by")),
        _column("corrected_at", TIME),
        _column("note", TEXT, null=True),
        sa.UniqueConstraint("source_kind", "source", "account_id", "source_id", "text_hash", "corrected_by"),
    )
    op.create_table(
        "suppression",
        _column("subject_hash", TEXT, key=True),
        _column("identifier_kind", TEXT),
        _column("requested_at", TIME),
        _column("reason", TEXT, null=True),
    )
    _make_journal_append_only()


def _make_journal_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER decision_no_{action.lower()} BEFORE {action} ON decision "
                "BEGIN SELECT RAISE(ABORT, 'the decision journal is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_journal_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the decision journal is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision "
        "FOR EACH ROW EXECUTE FUNCTION refuse_journal_change()"
    )
