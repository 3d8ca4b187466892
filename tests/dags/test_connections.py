"""Connections that Airflow keeps encrypted: its key is changed, lost or wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from tests.faults.table import fault

from rebuttal.errors import CredentialsError

TOKEN, OLD, NEW, ANOTHER = "a-token-of-these-tests", *(Fernet.generate_key().decode() for _ in range(3))
UseKeys = Callable[[str], None]


@pytest.fixture
def use_keys(airflow_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UseKeys]:
    """Sets Airflow's Fernet keys, the current one first; nothing is in the configuration's files."""
    from airflow.models.crypto import get_fernet

    assert airflow_database.exists()
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("REBUTTAL_CONFIG", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONN_KEPT_HERE", raising=False)

    def use(keys: str) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", keys)
        get_fernet.cache_clear()

    yield use
    get_fernet.cache_clear()


@fault(139, "Fernet's key rotated, then a wrong one", "connection", "both keys read while rotating; else a clear error")
def test_a_key_is_rotated_and_a_wrong_one_reads_nothing(use_keys: UseKeys) -> None:
    from airflow.models import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select, text

    from rebuttal_airflow.connections import resolver

    use_keys(OLD)
    with create_session() as session:
        session.add(Connection(conn_id="kept_here", conn_type="http", host="https://vendor.example", password=TOKEN))
    try:
        assert resolver()("kept_here").secret() == TOKEN
        use_keys(f"{NEW},{OLD}")
        assert resolver()("kept_here").secret() == TOKEN
        with create_session() as session:
            session.scalars(select(Connection).where(Connection.conn_id == "kept_here")).one().rotate_fernet_key()
        use_keys(NEW)
        assert resolver()("kept_here").secret() == TOKEN
        with create_session() as session:
            kept = session.execute(text("select password from connection where conn_id = 'kept_here'")).scalar_one()
        for keys in (OLD, ANOTHER, ""):
            use_keys(keys)
            with pytest.raises(CredentialsError, match="AIRFLOW__CORE__FERNET_KEY") as told:
                resolver()("kept_here")
            assert TOKEN not in str(told.value)
            assert kept not in str(told.value)
    finally:
        with create_session() as session:
            session.execute(delete(Connection).where(Connection.conn_id == "kept_here"))
