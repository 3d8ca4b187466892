"""PULL: from the vendors' wire into `landing.<source>__<stream>` and `ops.batch`.

`run(context, source=None, window=None)` pulls, `pull_named(context, source, named)` asks for single objects;
`registry()`, `stream_of(source, stream)` and `load_sources(folder)` tell what is declared and configured.
"""

import os

# Read when pyarrow is imported: the allocator that it prefers keeps what it was given, 50 MB of a pull's peak.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

from rebuttal.sources.config import SourcesConfig
from rebuttal.sources.declare import Source, Stream
from rebuttal.sources.pull import run
from rebuttal.sources.registry import load_sources, registry, source_of, stream_of
from rebuttal.sources.subscriptions import check_subscriptions
from rebuttal.sources.targeted import pull_named

__all__ = [
    "Source",
    "SourcesConfig",
    "Stream",
    "check_subscriptions",
    "load_sources",
    "pull_named",
    "registry",
    "run",
    "source_of",
    "stream_of",
]
