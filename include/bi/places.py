"""Where Superset keeps its things and which warehouse it reads, from the same variables as the rest of the project.

| variable | default | meaning |
|---|---|---|
| REBUTTAL_HOME | `.rebuttal` in the project | `superset/` in it holds metadata, secret key and passwords |
| REBUTTAL_CONFIG | `include/config` | metric names, categories, accounts |
| REBUTTAL_WAREHOUSE_URL | the DuckDB file | on Postgres BI reads the warehouse, on DuckDB the published copy |
| REBUTTAL_BI_WAREHOUSE_URL | REBUTTAL_WAREHOUSE_URL | a Postgres role that may only read, if there is one |
| REBUTTAL_BI_METADATA_URL | SQLite in `superset/` | Superset's own database, Postgres for a team |
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """`$REBUTTAL_HOME/superset`, made when it is missing."""
    chosen = Path(os.environ.get("REBUTTAL_HOME") or ROOT / ".rebuttal").expanduser().resolve() / "superset"
    chosen.mkdir(parents=True, exist_ok=True, mode=0o700)
    return chosen


def config() -> Path:
    """The folder that a company edits."""
    return Path(os.environ.get("REBUTTAL_CONFIG") or ROOT / "include" / "config").expanduser().resolve()


def metadata_url() -> str:
    """SQLAlchemy URL of Superset's own database."""
    return os.environ.get("REBUTTAL_BI_METADATA_URL") or f"sqlite:///{home() / 'superset.db'}"


def warehouse_url() -> str:
    """What BI reads: a Postgres warehouse, or the copy that is published beside a DuckDB one."""
    url = os.environ.get("REBUTTAL_BI_WAREHOUSE_URL") or os.environ.get("REBUTTAL_WAREHOUSE_URL") or "duckdb:"
    if url.startswith("postgresql"):
        return "postgresql+psycopg2:" + url.split(":", 1)[1]
    return f"duckdb:///{home().parent / 'published.duckdb'}"


def secret(name: str, length: int = 42) -> str:
    """The secret kept in `superset/<name>`, made at the first start and readable to its owner only."""
    path = home() / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(length), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
