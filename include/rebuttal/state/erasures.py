"""Tables of erasures: that a person was erased, and the receipt. Neither holds anything of the person.

| table | one row per |
|---|---|
| erasure | subject that was asked for, by keyed hash |
| erasure_receipt | erasure and store |
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from rebuttal.state.model import Base


class Erasure(Base):
    """One request. `finished_at` is None until every store has answered: then it is begun again where it stopped."""

    __tablename__ = "erasure"

    subject_hash: Mapped[str] = mapped_column(primary_key=True)
    subject_kind: Mapped[str]  # email_hash | phone_hash | contact_id
    requested_at: Mapped[datetime]
    requested_by: Mapped[str]
    finished_at: Mapped[datetime | None]


class ErasureReceipt(Base):
    """What one store gave up: `removed_count` rows, texts or files, over all attempts."""

    __tablename__ = "erasure_receipt"

    subject_hash: Mapped[str] = mapped_column(ForeignKey("erasure.subject_hash"), primary_key=True)
    store: Mapped[str] = mapped_column(primary_key=True)
    removed_count: Mapped[int]
    erased_at: Mapped[datetime]
