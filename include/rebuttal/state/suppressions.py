"""Whether anybody was ever erased: asked before every stage, so it costs one small question."""

from __future__ import annotations

from sqlalchemy import select

from rebuttal.settings import Settings
from rebuttal.state.engine import open_state
from rebuttal.state.model import Suppression


def has_erased(settings: Settings) -> bool:
    """Whether the state store knows a suppressed person."""
    with open_state(settings) as sessions, sessions() as session:
        return session.scalars(select(Suppression.subject_hash).limit(1)).first() is not None
