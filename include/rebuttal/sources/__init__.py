"""PULL: from the vendors' wire into `landing.<source>__<stream>` and `ops.batch`.

`run(context, source=None, window=None)` pulls; `registry()`, `stream_of(source, stream)` and `load_sources(folder)`
tell what is declared and configured.
"""

import os

# Read when pyarrow is imported: the allocator that it prefers keeps what it was given, 50 MB of a pull's peak.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from rebuttal.sources.config import SourcesConfig
from rebuttal.sources.declare import Source, Stream
from rebuttal.sources.pull import run
from rebuttal.sources.registry import load_sources, registry, source_of, stream_of

__all__ = ["Source", "SourcesConfig", "Stream", "load_sources", "registry", "run", "source_of", "stream_of"]
