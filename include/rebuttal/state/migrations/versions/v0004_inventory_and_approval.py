"""The content inventory, tasks that wait for a person, and a journal that nothing can write over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT, TIME = sa.Text(), sa.DateTime(timezone=True)
_OPEN_BEFORE = "'proposed', 'open', 'unknown'"


def upgrade() -> None:
    """Add what a task was planned as, the inventory, and the journal's last two locks."""
    for name in ("format", "role", "updates_url", "merged_into"):
        op.add_column("content_task", sa.Column(name, TEXT, nullable=True))
    is_open = sa.text(f"status IN ({_OPEN_BEFORE}, 'awaiting_approval')")
    op.drop_index("one_open_task_per_theme", "content_task")
    op.create_index(
        "one_open_task_per_theme",
        "content_task",
        ["theme"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "content_item",
        sa.Column("item_id", TEXT, primary_key=True),
        sa.Column("url", TEXT, nullable=False, unique=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("title", "kind", "source")),
        sa.Column("is_title_given", sa.Boolean(), nullable=False),
        sa.Column("role", TEXT),
        *(sa.Column(name, TIME) for name in ("published_at", "updated_at", "gone_at")),
        *(sa.Column(name, TIME, nullable=False) for name in ("first_imported_at", "changed_at")),
    )
    op.create_table(
        "content_answer",
        sa.Column("item_id", TEXT, sa.ForeignKey("content_item.item_id"), primary_key=True),
        sa.Column("answer", TEXT, primary_key=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("status", "told_by")),
        *(sa.Column(name, sa.Float()) for name in ("share", "confidence")),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("told_at", TIME, nullable=False),
    )
    _lock_the_journal()
    _fix_hypotheses()


def _lock_the_journal() -> None:
    """`INSERT OR REPLACE` on SQLite and `TRUNCATE` on Postgres pass by the triggers on UPDATE and DELETE."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision "
            "WHEN EXISTS (SELECT 1 FROM decision WHERE decision_id = NEW.decision_id) "
            "BEGIN SELECT RAISE(ABORT, 'the decision journal is append-only'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_journal_change()"
    )


def _fix_hypotheses() -> None:
    """What was registered is not changed once the piece is out."""
    is_out = "EXISTS (SELECT 1 FROM content_task WHERE task_id = OLD.task_id AND published_at IS NOT NULL)"
    told = "a hypothesis is fixed once the piece is published"
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER hypothesis_no_{action.lower()} BEFORE {action} ON hypothesis WHEN {is_out} "
                f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_hypothesis_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {is_out} THEN RAISE EXCEPTION '{told}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER hypothesis_fixed BEFORE UPDATE OR DELETE ON hypothesis "
        "FOR EACH ROW EXECUTE FUNCTION refuse_hypothesis_change()"
    )
