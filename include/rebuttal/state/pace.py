"""Which reader or room was told of which budget's pace."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from rebuttal.state.model import Base


class PaceTold(Base):
    """The last time that a channel was told of a budget's state in a month; another state is news at once."""

    __tablename__ = "pace_told"

    channel: Mapped[str] = mapped_column(primary_key=True)  # person:<id> | webhook:<connection>
    month: Mapped[str] = mapped_column(primary_key=True)  # 2026-11
    subject: Mapped[str] = mapped_column(primary_key=True)  # the advertising channel
    state: Mapped[str]  # as in marts.plan_pace
    told_at: Mapped[datetime]
