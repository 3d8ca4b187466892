"""ANSWER: which objection is worth a content task now, its brief and hypothesis, the task, its status back."""

from rebuttal.content.stage import run

__all__ = ["run"]
