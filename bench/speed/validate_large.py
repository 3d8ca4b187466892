"""The gate at ten million visits, and its peak of memory: see `validate.large`."""

from bench.speed.validate import large as measure

__all__ = ["measure"]
