"""The tables of themes: three marts and the memory of where sentences stand. Times UTC; weeks begin on Monday."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table

from rebuttal.warehouse.tables import DATE, INT, MARTS, OPS, REAL, TEXT, TIME

metadata = MetaData()

# One row per sentence without words of a configured theme, and no text. `version`: the theme model; `theme`: the
# likeliest configured one; `vector`: where it stands, base64 of 8-bit numbers.
theme_quote = Table(
    "theme_quote",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("category", "quote_hash", "version", "theme", "vector")),
    schema=OPS,
)
QUOTE_KEY = ("category", "quote_hash")

# One row per theme that is configured, was found, was made by a person, or is heard. origin: config | rule | person;
# status: active | proposed | merged_into | rejected.
theme = Table(
    "theme",
    metadata,
    *(Column(name, TEXT, nullable=False) for name in ("theme_id", "category", "theme")),
    *(Column(f"name_{language}", TEXT, nullable=False) for language in ("en", "ru", "uk")),
    *(Column(name, TEXT, nullable=False) for name in ("origin", "status")),
    *(Column(name, TEXT) for name in ("merged_into", "split_from")),
    Column("first_voiced_at", TIME),
    Column("subject_count", INT, nullable=False),  # deals and people, ever
    Column("quote", TEXT),  # redacted, of the surest objection
    schema=MARTS,
)

# One row per complete week and theme that is heard at all, from the first week with voices on. subject_count: deals and
# people that voiced it first in that week; rate: of the deals created in that week, NULL without any.
theme_weekly = Table(
    "theme_weekly",
    metadata,
    Column("week_start", DATE, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("category", "theme")),
    Column("subject_count", INT, nullable=False),
    Column("deal_created_count", INT, nullable=False),
    Column("rate", REAL),
    schema=MARTS,
)

# One row per theme and recent complete week: whether it stands out of its own weekly noise. `expected`: subjects by the
# weeks before and the deals created; p_value two-sided; q_value after Benjamini and Hochberg over the week's themes.
theme_trend = Table(
    "theme_trend",
    metadata,
    Column("week_start", DATE, nullable=False),
    *(Column(name, TEXT, nullable=False) for name in ("category", "theme", "trend")),
    Column("subject_count", INT, nullable=False),
    Column("history_week_count", INT, nullable=False),
    *(Column(name, REAL) for name in ("expected", "p_value", "q_value")),
    schema=MARTS,
)
WEEK_KEY = ("week_start", "category", "theme")
