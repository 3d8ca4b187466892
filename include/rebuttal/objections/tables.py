"""The three marts that listening writes, alone. Times are UTC, money is in the base currency, ids are text."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table

from rebuttal.warehouse.tables import DATE, INT, MARTS, REAL, TEXT, TIME

metadata = MetaData()

# One row per text heard. `labels` is a JSON list of codes (or ["none"]); status: classified | none | unclear.
text_label = Table(
    "text_label",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("source_kind", "source", "account_id", "source_id")),
    Column("occurred_at", TIME),
    *(Column(name, TEXT) for name in ("deal_id", "contact_id", "person_id")),
    *(Column(name, TEXT, nullable=False) for name in ("language", "labels", "primary_label")),
    Column("confidence", REAL, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("status", "model", "text_hash")),
    schema=MARTS,
)
TEXT_KEY = ("source_kind", "source", "account_id", "source_id")

# One row per sentence that carries an objection. `quote` is redacted; quote_start and quote_end (exclusive) are code
# points of the text as it stands in core: the sentence itself, unredacted and with its markup, is there.
objection_evidence = Table(
    "objection_evidence",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("evidence_id", "objection_id", *TEXT_KEY)),
    Column("source_link", TEXT),
    Column("occurred_at", TIME),
    Column("quote", TEXT, nullable=False),
    Column("quote_start", INT, nullable=False),
    Column("quote_end", INT, nullable=False),
    Column("language", TEXT, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("source_role", TEXT, nullable=False),  # rep | buyer
    schema=MARTS,
)

# One row per deal (or person without a deal) and objection. money_at_risk_base: the deal's amount while it is open or
# lost, 0 when it was won, NULL when it is unknown (no deal, no amount, no exchange rate).
objection = Table(
    "objection",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("objection_id", "subject_kind", "subject_id")),
    *(Column(name, TEXT) for name in ("deal_id", "person_id")),
    *(Column(name, TEXT, nullable=False) for name in ("category", "family", "theme")),
    Column("first_voiced_at", TIME),
    Column("last_voiced_at", TIME),
    Column("week_start", DATE),
    Column("evidence_count", INT, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("quote", "language")),
    Column("confidence", REAL, nullable=False),
    Column("source_role", TEXT, nullable=False),  # buyer when the buyer said it anywhere, else rep
    Column("money_at_risk_base", REAL),
    Column("currency", TEXT, nullable=False),
    *(Column(name, TEXT) for name in ("stage", "channel", "partner_id", "outcome", "product", "segment")),
    Column("model", TEXT, nullable=False),
    schema=MARTS,
)
