"""How the merge grows with what is there already: see `merge.growth`."""

from bench.speed.merge import growth as measure

__all__ = ["measure"]
