"""Bring the state store and the warehouse up to this version, and let the dashboards' role read what it may.

Run once before the services start (`init` in docker-compose.yml); a second run changes nothing. Airflow's own database
is migrated by `airflow db migrate`.
"""

from __future__ import annotations

import os
import sys

from sqlalchemy import text

from rebuttal.errors import RebuttalError, StoreError
from rebuttal.settings import load_settings
from rebuttal.state import open_state
from rebuttal.warehouse import open_warehouse

# Marts are read by default privileges (compose/postgres/databases.sh); of `ops` only this, which names nobody.
READABLE = ("ops.publication",)
POSTGRES = 16  # pg_input_is_valid, with which columns of text are read


def migrate() -> None:
    """Migrate and grant. Raises StoreError when a store cannot be reached or the server is too old."""
    settings = load_settings()
    with open_state(settings):
        pass
    with open_warehouse(settings) as engine:
        if engine.dialect.name == "postgresql":
            version = int((engine.dialect.server_version_info or (0,))[0])
            if version < POSTGRES:
                raise StoreError(
                    f"The warehouse's server is PostgreSQL {version}; {POSTGRES} or later is needed",
                    next_step="Upgrade the server, or name another in POSTGRES_IMAGE or REBUTTAL_WAREHOUSE_URL",
                )
        reader = os.environ.get("REBUTTAL_BI_ROLE", "")
        if engine.dialect.name == "postgresql" and reader:
            name = engine.dialect.identifier_preparer.quote(reader)
            with engine.begin() as connection:
                connection.execute(text(f"GRANT USAGE ON SCHEMA marts, ops TO {name}"))
                connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {name}"))
                connection.execute(text(f"GRANT SELECT ON {', '.join(READABLE)} TO {name}"))


if __name__ == "__main__":
    try:
        migrate()
    except RebuttalError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write("State store and warehouse are at this version.\n")
