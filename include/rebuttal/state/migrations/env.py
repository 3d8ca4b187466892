"""Run migrations in the transaction that `open_state` holds. For people who write a migration: `alembic revision` needs
`-x url=...`; everybody else never calls this."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from rebuttal.state.model import Base

connection = context.config.attributes.get("connection")
if connection is None:
    connection = create_engine(context.get_x_argument(as_dictionary=True)["url"]).connect()
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=False)
context.run_migrations()
