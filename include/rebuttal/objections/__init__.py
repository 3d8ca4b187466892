"""LISTEN: what holds buyers back, in their own words, from notes, calls, surveys and lost reasons."""

from rebuttal.objections.labelling import classify_file
from rebuttal.objections.stage import run
from rebuttal.objections.told import themes_of

__all__ = ["classify_file", "run", "themes_of"]
