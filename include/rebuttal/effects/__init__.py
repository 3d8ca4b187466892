"""PROVE: what became of an objection after its answer was published, and whether the hypothesis held."""

from rebuttal.effects.stage import run

__all__ = ["run"]
