"""What the model stage keeps beside the marts: who is who, what did not glue, the configuration the marts were built
with, and the fingerprint of the last good build. Declared in the one metadata, so `open_warehouse` makes them.
"""

from __future__ import annotations

from sqlalchemy import Column, Numeric, Table

from rebuttal.warehouse.tables import CORE, DATE, INT, OPS, TEXT, TIME, metadata

# One row per identifier ever seen. `identifier_kind`: contact_id, email_hash, phone_hash, client_id, gclid, yclid. Only
# contact_id belongs to a source and account; the others mean the same everywhere and have '' there. `rule` says by
# which evidence the identifier belongs to this person. Refused addresses, phones and clicks are nobody and not here.
person_identifier = Table(
    "person_identifier",
    metadata,
    Column("identifier_kind", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("account_id", TEXT, nullable=False),
    Column("identifier", TEXT, nullable=False),
    Column("person_id", TEXT, nullable=False),
    Column("rule", TEXT, nullable=False),
    Column("first_seen_at", TIME),
    schema=CORE,
)

# One row per identifier that was not allowed to glue people, and why. `member_count`: how many it would have glued.
identity_refusal = Table(
    "identity_refusal",
    metadata,
    Column("identifier_kind", TEXT, nullable=False),
    Column("identifier", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("member_count", INT, nullable=False),
    schema=CORE,
)

# rates.csv as loaded: 1 unit of `currency` is `rate_to_base` units of the base currency from `valid_from` on.
exchange_rate = Table(
    "exchange_rate",
    metadata,
    Column("currency", TEXT, nullable=False),
    Column("valid_from", DATE, nullable=False),
    Column("rate_to_base", Numeric(18, 8), nullable=False),
    schema=OPS,
)

# channels.yml and the registered links of utm.yml, one row per combination of words. Patterns are SQL LIKE with `!` as
# the escape; NULL fits anything, '' fits an absent value only.
CHANNEL_RULE_FIELDS = (
    "click",
    "campaign_id",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "referrer",
    "traffic_source",
    "answer",
)
channel_rule = Table(
    "channel_rule",
    metadata,
    Column("rule_order", INT, nullable=False),
    Column("channel", TEXT, nullable=False),
    *(Column(name, TEXT) for name in CHANNEL_RULE_FIELDS),
    schema=OPS,
)

# Lifecycle words in their order. A word that is not here is no MQL.
lifecycle_stage = Table(
    "lifecycle_stage",
    metadata,
    Column("lifecycle_stage", TEXT, nullable=False),
    Column("stage_order", INT, nullable=False),
    schema=OPS,
)

# At most one row: what the marts that stand in `marts` were built from.
model_build = Table("model_build", metadata, Column("fingerprint", TEXT, nullable=False), schema=OPS)

# What the next build has to make again, one row per unit of change: the persons whose input changed since the last
# build that was published, and of rows of nobody the row itself (see journeys/sql/input); '' stands for all other rows
# of nobody and is there whenever anything changed. It stands until the publication: a killed build is done again.
changed_person = Table("changed_person", metadata, Column("person_id", TEXT, primary_key=True), schema=OPS)

# Who was somebody else before: one row per person id whose identifiers came, went or moved. Written by identity in its
# transaction; the model stage takes it over into changed_person.
person_change = Table("person_change", metadata, Column("person_id", TEXT, primary_key=True), schema=OPS)

# The admitted rows that the marts (with what changed_person still asks for) are made of: one row per input row, what
# models read of it as a hash, and the unit of change it belongs to.
model_input = Table(
    "model_input",
    metadata,
    Column("entity", TEXT, nullable=False),
    Column("input_key", TEXT, nullable=False),
    Column("batch_id", TEXT, nullable=False),
    Column("content_hash", INT, nullable=False),
    Column("unit_id", TEXT, nullable=False),
    schema=OPS,
)

# The same added up by batch, for visits, the one input that grows with traffic: only batches that differ are compared.
model_input_batch = Table(
    "model_input_batch",
    metadata,
    Column("batch_id", TEXT, primary_key=True),
    Column("row_count", INT, nullable=False),
    Column("checksum", Numeric(38, 0), nullable=False),
    schema=OPS,
)

# Of marts that are promoted by person: the SQL that tells a row's person, and their rows added up, so that a
# publication need not read them.
mart_checksum = Table(
    "mart_checksum",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("unit", TEXT, nullable=False),
    Column("row_count", INT, nullable=False),
    Column("checksum", Numeric(38, 0), nullable=False),
    schema=OPS,
)

# At most one row: the version (of ops.publication) with which people went back to the one before.
publication_back = Table("publication_back", metadata, Column("version", INT, primary_key=True), schema=OPS)
