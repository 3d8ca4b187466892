"""The three marts that listening writes, alone. Times are UTC, money is in the base currency, ids are text."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table

from rebuttal.warehouse.tables import BOOL, DATE, INT, MARTS, REAL, TEXT, TIME

metadata = MetaData()

# The single figures of an evaluation, all by cross-validation grouped by situation.
EVALUATED = (
    "macro_f1",
    "macro_f1_label_sets",
    "accuracy",
    "accuracy_at_half_coverage",
    "none_precision",
    "none_recall",
    "unclear_share",
    "accuracy_of_clear",
    "calibration_error",
)

# One row per text heard. `labels` is a JSON list of codes (or ["none"]); status: classified | none | unclear;
# decided_by: model | person (a correction) | vocabulary (lost_reasons.yml).
text_label = Table(
    "text_label",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("source_kind", "source", "account_id", "source_id")),
    Column("occurred_at", TIME),
    *(Column(name, TEXT) for name in ("deal_id", "contact_id", "person_id")),
    *(Column(name, TEXT, nullable=False) for name in ("language", "labels", "primary_label")),
    Column("confidence", REAL, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("status", "decided_by", "model", "text_hash")),
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

# One row per lost reason that a CRM offers or that many deals share, word for word. status: mapped | unmapped;
# meaning: a category, none or unclear, as lost_reasons.yml says; NULL while it is unmapped.
lost_reason = Table(
    "lost_reason",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("source", "account_id", "value")),
    Column("meaning", TEXT),
    Column("status", TEXT, nullable=False),
    Column("deal_count", INT, nullable=False),
    schema=MARTS,
)

# One row per version of the classifier whose evaluation is stored. Shares are 0 to 1; JSON holds what has more than one
# figure: F1 by label, macro-F1 by language, risk_coverage as [threshold, share labelled, accuracy of those].
model_evaluation = Table(
    "model_evaluation",
    metadata,
    Column("model", TEXT, nullable=False),
    Column("is_current", BOOL, nullable=False),
    *(Column(name, INT, nullable=False) for name in ("text_count", "correction_count", "situation_count", "folds")),
    *(Column(name, REAL, nullable=False) for name in EVALUATED),
    *(Column(name, TEXT, nullable=False) for name in ("macro_f1_by_language", "f1_by_label", "risk_coverage")),
    schema=MARTS,
)
