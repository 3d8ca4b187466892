"""Landing text -> an entity's typed columns, one SQL file a stream (`<source>__<stream>.sql`), the same on every
engine.

A file is one SELECT over one batch; what it may call is the methods of `render.Fields`.
"""

from rebuttal.warehouse.staging.render import Staged, narrowed, stage

__all__ = ["Staged", "narrowed", "stage"]
