"""What attribution models take and give: rows of a path table in, credit per channel out."""

from __future__ import annotations

# Channels in order, conversions, their value together, walks that did not convert.
Row = tuple[tuple[str, ...], float, float, float]
# Channel -> (conversions, value).
Credits = dict[str, tuple[float, float]]
