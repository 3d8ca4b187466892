"""What the model stage keeps beside the marts: who is who, what did not glue, the configuration the marts were built
with, and the fingerprint of the last good build. Declared in the one metadata, so `open_warehouse` makes them.
"""

from __future__ import annotations

from sqlalchemy import Column, Numeric, Table

from rebuttal.warehouse.tables import CORE, DATE, INT, OPS, REAL, TEXT, TIME, metadata

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

# Whom the next build has to make again: one row per person whose input changed since the last build that was published,
# and '' for rows of nobody. It stands until then, so that a killed build is simply done again.
changed_person = Table("changed_person", metadata, Column("person_id", TEXT, primary_key=True), schema=OPS)

# Who was somebody else before: one row per person id that identifiers came from or went to since the last build that
# was published. Written by identity, in its transaction; emptied by the model stage with ops.changed_person.
person_change = Table("person_change", metadata, Column("person_id", TEXT, primary_key=True), schema=OPS)

# Credit by models that look at all journeys at once. One row per period, conversion type, model and channel;
# `period_kind` month or all (all: `period_start` is 1900-01-01). `value_base` NULL where an exchange rate is missing.
attribution_share = Table(
    "attribution_share",
    metadata,
    Column("period_kind", TEXT, nullable=False),
    Column("period_start", DATE, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("conversion_type", "model", "channel")),
    Column("conversions", REAL, nullable=False),
    Column("value_base", REAL),
    Column("standard_error", REAL),  # of `conversions`, where they were sampled
    schema=OPS,
)

# What would be missing without a channel. One row per conversion type and channel, also where nobody came by it.
channel_removal = Table(
    "channel_removal",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("conversion_type", "channel")),
    Column("journeys_touched", INT, nullable=False),
    Column("journeys_alone", INT, nullable=False),
    Column("removal_effect", REAL, nullable=False),
    Column("conversions_lost", REAL, nullable=False),
    Column("value_lost_base", REAL),
    schema=OPS,
)

# Where people would go who come to a channel today. One row per conversion type, channel and next step.
channel_detour = Table(
    "channel_detour",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("conversion_type", "channel", "next_step")),
    Column("share", REAL, nullable=False),
    schema=OPS,
)
