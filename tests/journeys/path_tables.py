"""Random path tables for property tests of attribution models."""

from __future__ import annotations

from hypothesis import strategies as st

from rebuttal.journeys.credits import Row

CHANNELS = ["ads", "direct", "email", "social", "video"]
rows: st.SearchStrategy[Row] = st.tuples(
    st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=6).map(tuple),
    st.integers(0, 9).map(float),
    st.integers(0, 900).map(float),
    st.integers(0, 20).map(float),
).map(lambda row: (row[0], row[1], row[2] if row[1] else 0.0, row[3]))
# At least one path converts: without any there is nothing to share.
tables = st.lists(rows, min_size=1, max_size=10).filter(lambda table: any(row[1] for row in table))
