"""Who has a task in the tracker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add `content_task.assignee`; what is there was not read yet."""
    op.add_column("content_task", sa.Column("assignee", sa.Text(), nullable=True))
