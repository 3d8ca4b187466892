"""TELL: what the week said, mailed to the people who can act on it."""

from rebuttal.reports.stage import preview, run

__all__ = ["preview", "run"]
