"""Checks over core as a whole: what no single batch can show. They warn and never keep a row out.

A rule is a query for what breaks it (`sql/`), declared with its words in one of the groups of `catalog.GROUPS`; add a
group there to add rules. `run` asks them all after an admission that changed something.
"""

from rebuttal.quality.audits.run import run

__all__ = ["run"]
