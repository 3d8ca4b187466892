"""Where things live and which stores are used, read once from the environment.

| variable | default | meaning |
|---|---|---|
| REBUTTAL_HOME | `.rebuttal` in the project | data, spool, published copy, run reports |
| REBUTTAL_MODELS | `$REBUTTAL_HOME/models` | trained classifiers; several homes may share one folder |
| REBUTTAL_CONFIG | `include/config` | what a company edits |
| REBUTTAL_SANDBOX_URL | http://127.0.0.1:8799 | the sandbox that the default configuration speaks to |
| REBUTTAL_WAREHOUSE_URL | duckdb:///$REBUTTAL_HOME/warehouse.duckdb | DuckDB file or postgresql+psycopg://... |
| REBUTTAL_STATE_URL | sqlite:///$REBUTTAL_HOME/state.sqlite | SQLite file or postgresql+psycopg://... |
| REBUTTAL_LEASE_SECONDS | 60 | after how long a stage that has stopped answering is taken over from |
| AIRFLOW__API__BASE_URL | none | where people reach Airflow, for links to its pages; a path alone says nothing |
| REBUTTAL_HOOKS_URL | `public_url` of hooks.yml | how vendors reach our receiver of webhooks |
| REBUTTAL_IDENTITY_KEY | the configuration's `connections.env` | key of the hashes that stand for people |
| REBUTTAL_PRIVATE_HOSTS | none | names of our own network that connections may lead to, separated by commas |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rebuttal.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Paths are absolute; URLs are SQLAlchemy URLs."""

    home: Path
    config: Path
    sandbox_url: str
    warehouse_url: str
    state_url: str
    airflow_url: str | None = None
    lease_seconds: float = 60.0
    models_path: Path | None = None

    @property
    def models(self) -> Path:
        """Trained classifiers, named by what they were trained on."""
        return self.models_path or self.home / "models"

    @property
    def published_path(self) -> Path:
        """The copy of the marts that readers use; replaced as a whole."""
        return self.home / "published.duckdb"

    @property
    def spool(self) -> Path:
        """Pages as they came, until their batch is landed."""
        return self.home / "spool"


def load_settings(env: dict[str, str] | None = None) -> Settings:
    """Read settings from `env` (default: the process environment); create the home directory.

    Raises ConfigError when the configuration folder does not exist or a URL has no known engine.
    """
    env = dict(os.environ) if env is None else env
    home = Path(env.get("REBUTTAL_HOME") or PROJECT_ROOT / ".rebuttal").expanduser().resolve()
    config = Path(env.get("REBUTTAL_CONFIG") or PROJECT_ROOT / "include" / "config").expanduser().resolve()
    if not config.is_dir():
        raise ConfigError(f"Configuration folder {config} does not exist", next_step="Set REBUTTAL_CONFIG to it")
    warehouse = env.get("REBUTTAL_WAREHOUSE_URL") or f"duckdb:///{home / 'warehouse.duckdb'}"
    state = env.get("REBUTTAL_STATE_URL") or f"sqlite:///{home / 'state.sqlite'}"
    for name, url, known in (
        ("REBUTTAL_WAREHOUSE_URL", warehouse, ("duckdb", "postgresql")),
        ("REBUTTAL_STATE_URL", state, ("sqlite", "postgresql")),
    ):
        if not url.startswith(known):
            raise ConfigError(
                f"{name} names an engine that is not supported: {url.split(':', 1)[0]}",
                next_step=f"Use one of {', '.join(known)}",
            )
    seconds = env.get("REBUTTAL_LEASE_SECONDS") or "60"
    if not seconds.replace(".", "", 1).isdigit() or float(seconds) < 1:
        raise ConfigError(
            f"REBUTTAL_LEASE_SECONDS is not a number of seconds from 1 on: {seconds}", next_step="Leave it out for 60"
        )
    home.mkdir(parents=True, exist_ok=True)
    sandbox = (env.get("REBUTTAL_SANDBOX_URL") or "http://127.0.0.1:8799").rstrip("/")
    models = env.get("REBUTTAL_MODELS")
    airflow = env.get("AIRFLOW__API__BASE_URL", "").strip().rstrip("/")
    return Settings(
        home=home,
        config=config,
        sandbox_url=sandbox,
        warehouse_url=warehouse,
        state_url=state,
        airflow_url=airflow if airflow.startswith(("http://", "https://")) else None,
        lease_seconds=float(seconds),
        models_path=Path(models).expanduser().resolve() if models else None,
    )
