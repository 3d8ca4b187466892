"""How the people of the world talk. `compose` makes a text and keeps the truth about it."""

from sandbox.words.compose import Composed, Span, compose

__all__ = ["Composed", "Span", "compose"]
