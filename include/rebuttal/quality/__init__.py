"""ADMIT: every landed row is checked before anybody can see it, and ends in exactly one place.

`run` stages each landed batch, runs its entity's Great Expectations suite inside the warehouse, judges tags, and then
merges or holds the batch. `quarantine` and `holds` are what people do about what was kept out, `healing`
is what needs nobody, `replay` what follows from a changed rule.
"""

from rebuttal.quality.stage import run

__all__ = ["run"]
