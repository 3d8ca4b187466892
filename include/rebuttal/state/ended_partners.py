"""Partners that left. Asked by whatever works for partners without the identity key: the receiver, and mails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from rebuttal.state.model import Base


class EndedPartner(Base):
    """From `ended_at` on nothing of the partner is taken in and nothing is told to it."""

    __tablename__ = "ended_partner"

    partner: Mapped[str] = mapped_column(primary_key=True)  # its id as in sources.yml
    ended_at: Mapped[datetime]
    ended_by: Mapped[str]


def ended_partners(session: Session) -> frozenset[str]:
    """The ids of all partners that left."""
    return frozenset(session.scalars(select(EndedPartner.partner)))
