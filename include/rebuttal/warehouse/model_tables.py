"""What the model stage keeps beside the marts: who is who, what did not glue, the configuration the marts were built
with, and the fingerprint of the last good build. Declared in the one metadata, so `open_warehouse` makes them.
"""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Numeric, Table

from rebuttal.warehouse.columns import FOLLOWS
from rebuttal.warehouse.tables import BOOL, CORE, DATE, INT, OPS, REAL, TEXT, TIME, metadata

# One row per identifier that evidence names. `identifier_kind`: contact_id, booking_id, email_hash, phone_hash,
# client_id, gclid, yclid, and partner_email_hash, partner_phone_hash. The first two belong to a source and account, the
# partner's hashes to a partner (its id stands in `account_id`); the others mean the same everywhere and have '' there.
# `rule` says by which evidence the identifier belongs to this person. Refused addresses, phones and clicks are nobody
# and not here. `node_id` is identity's number of the identifier: a hash of 63 bits of the first four columns, the
# engine's own; nobody else reads it.
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
    Column("node_id", INT),
    schema=CORE,
)

# One row per identifier that was not allowed to glue people, and why. `member_count`: how many it would have glued:
# records where its reason is a word of its own (role, test, ...), `burst` or `too_many_records`, else persons.
identity_refusal = Table(
    "identity_refusal",
    metadata,
    Column("identifier_kind", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("account_id", TEXT, nullable=False),
    Column("identifier", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("member_count", INT, nullable=False),
    Column("node_id", INT),
    schema=CORE,
    info={FOLLOWS: ("core.identity_record", "core.identity_island", "core.identity_batch")},
)

# What identity resolved last, so that only what has changed is resolved again: numbers only. Emptying these three
# costs one full resolve and changes nobody's person_id.
# Nodes that any evidence connects, refused or not, are one island: what changes outside cannot change a decision
# inside. A crowd (a desk's address, a burst, hundreds of records) connects nothing and is an island of its own.
# `person_key`, at one node of every person: a number that tells its person_id apart.
identity_island = Table(
    "identity_island",
    metadata,
    Column("node_id", INT, nullable=False),
    Column("island_id", INT, nullable=False),
    Column("is_crowd", BOOL, nullable=False),
    Column("person_key", INT),
    schema=CORE,
)

# One row per record of core that names identifiers (see journeys/sql/identity/evidence.sql), as numbers: `kind` is its
# place in RECORD_KINDS; `record_key` and `content_key` tell records and what they say apart, other keys words. Words
# about an address or number are kept where they are not `personal`.
identity_record = Table(
    "identity_record",
    metadata,
    *(Column(name, INT, nullable=False) for name in ("kind", "record_key", "content_key")),
    Column("seen_at", TIME),
    Column("self_node", INT, nullable=False),
    *(Column(f"{name}_node", INT) for name in ("email", "phone", "client", "gclid", "yclid", "other")),
    Column("is_scoped", BOOL, nullable=False),
    *(Column(name, TEXT) for name in ("email_word", "phone_word")),
    *(Column(f"{name}_key", INT) for name in ("segment", "language", "company", "owner")),
    Column("is_online", BOOL),
    schema=CORE,
    info={FOLLOWS: ("core.identity_island", "core.identity_batch")},
)

# The batches that core was made of then (`entity`: visit, hit, or record for all else). What has come with others is
# looked at; of visits and hits `row_count` and `checksum` tell whether the known ones still say the same.
identity_batch = Table(
    "identity_batch",
    metadata,
    Column("entity", TEXT, nullable=False),
    Column("batch_id", TEXT, nullable=False),
    Column("row_count", INT, nullable=False),
    Column("checksum", Numeric(38, 0), nullable=False),
    schema=CORE,
)

# rates.csv as loaded, the rates that the company declares: 1 unit of `currency` is `rate_to_base` units of the base
# currency from `valid_from` on.
exchange_rate = Table(
    "exchange_rate",
    metadata,
    Column("currency", TEXT, nullable=False),
    Column("valid_from", DATE, nullable=False),
    Column("rate_to_base", Numeric(18, 8), nullable=False),
    schema=OPS,
)

# Rates as a central bank publishes them: units of `currency` for 1 EUR on `rate_date`. A day without a rate has no row.
# `imported_at` is when this value came; importing the same value again leaves it.
reference_rate = Table(
    "reference_rate",
    metadata,
    Column("rate_source", TEXT, nullable=False),
    Column("rate_date", DATE, nullable=False),
    Column("currency", TEXT, nullable=False),
    Column("units_per_eur", Numeric(18, 8), nullable=False),
    Column("imported_at", TIME, nullable=False),
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

# Every channel that channels.yml names, with the role the company gives it (NULL where it says nothing).
channel_declared = Table(
    "channel_declared",
    metadata,
    Column("channel", TEXT, nullable=False),
    Column("declared_role", TEXT),
    schema=OPS,
)

# The customer's questions of journey.yml, one row per piece of evidence that a person has come to one. `evidence_kind`:
# page (evidence is an SQL LIKE pattern over page paths, `!` escapes; content_id and content_role where content.yml has
# it) | conversion (lead) | stage (mql, sql, proposal, won).
journey_question_evidence = Table(
    "journey_question_evidence",
    metadata,
    Column("question_order", INT, nullable=False),
    Column("question", TEXT, nullable=False),
    Column("evidence_order", INT, nullable=False),
    Column("evidence_kind", TEXT, nullable=False),
    Column("evidence", TEXT, nullable=False),
    Column("content_id", TEXT),
    Column("content_role", TEXT),
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
# of nobody and is there whenever anything changed. Sums of credit that change with a person are here too, their columns
# with chr(31) between them. It stands until the publication: a killed build is done again. No key: the writer sees to
# it, and filling and emptying an index took longer than all else that is done with this table.
changed_person = Table("changed_person", metadata, Column("person_id", TEXT, nullable=False), schema=OPS)

# Who was somebody else before: one row per person id whose identifiers came, went or moved. Written by identity in its
# transaction; the model stage takes it over into changed_person. No key: an index costs more than the rows.
person_change = Table("person_change", metadata, Column("person_id", TEXT, nullable=False), schema=OPS)

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

# At most one row: the steps and sets of channels of all journeys of the build as it stands, counted, as compressed
# arrays. `made_of` says over which channels, which look-back and in which running week; of other ones the counts are
# worth nothing. They follow from the build: without them all journeys are counted anew.
journey_count = Table(
    "journey_count",
    metadata,
    Column("made_of", TEXT, primary_key=True),
    Column("counts", LargeBinary, nullable=False),
    schema=OPS,
)

# Credit of the models that go touch by touch, added up for the whole build that runs (int_attribution_cell reads it)
# and empty otherwise. One row per week and month (UTC) of the conversion, its type, partner (NULL: none of its own) and
# what the touch is called (`unknown` and not `is_touched`: nothing is known to have led there). `_micros`: money, NULL
# where there is none, in millionths; with `_share` (trillionths of a conversion) go `_small`, millionths of these, and
# `_least`, millionths of those.
attribution_part = Table(
    "attribution_part",
    metadata,
    Column("week_start", DATE, nullable=False),
    Column("month_start", DATE, nullable=False),
    Column("conversion_type", TEXT, nullable=False),
    Column("partner_id", TEXT),
    *(Column(name, TEXT, nullable=False) for name in ("channel", "source", "campaign", "content")),
    Column("is_touched", BOOL, nullable=False),
    *(
        Column(f"{model}_{unit}", INT, nullable=unit != "touch")
        for model in ("first", "last", "last_non_direct")
        for unit in ("touch", "micros")
    ),
    *(
        Column(f"{model}_{unit}", INT, nullable=unit != "share")
        for model in ("linear", "time_decay", "position_based", "shapley")
        for unit in ("share", "micros", "small", "least")
    ),
    Column("missing_rate_count", INT, nullable=False),
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
