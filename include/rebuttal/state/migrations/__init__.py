"""Alembic migrations of the state store, run by `open_state`."""
