"""A receiver as a process, in one of three ways of keeping events: `python -m bench.speed.receiving WAY FOLDER [URL]`.

grouped: as the project ships; none: the same application that keeps nothing; each: a transaction per request, in the
threads that a web framework takes for blocking work.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from bench.speed.posting import SECRET, URL
from rebuttal.connections import Connection
from rebuttal.inbox import serve
from rebuttal.inbox.arrivals import Arrival, Outcome, receive
from rebuttal.inbox.writer import Writer
from rebuttal.settings import Settings
from rebuttal.state import open_state

HOOKS = f"""public_url: {URL.rpartition("/")[0]}
limits: {{events_per_second: 100000, burst: 100000}}
hooks:
  hubspot: {{vendor: hubspot}}
"""


class KeepsNothing(Writer):
    """Says "stored" at once."""

    async def keep(self, arrivals: list[Arrival]) -> list[Outcome]:
        return ["stored"] * len(arrivals)


class KeepsEach(Writer):
    """A transaction per request, as many at once as there are threads and connections."""

    def __init__(self, settings: Settings, **_: Any) -> None:
        super().__init__(settings)
        self._each = open_state(settings)
        self._sessions = self._each.__enter__()

    async def keep(self, arrivals: list[Arrival]) -> list[Outcome]:
        return await asyncio.to_thread(receive, self._sessions, arrivals)


def main(way: str, folder: Path, url: str | None) -> None:
    """Serve on a free port and print it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hooks.yml").write_text(HOOKS, encoding="utf-8")
    settings = Settings(folder, folder, "", "", url or f"sqlite:///{folder / 'state.sqlite'}")
    ways: dict[str, Any] = {"grouped": Writer, "none": KeepsNothing, "each": KeepsEach}
    serve.Writer = ways[way]  # type: ignore[attr-defined]
    serve.serve(
        settings,
        lambda name: Connection(name, password=SECRET),
        "127.0.0.1",
        0,
        lambda address: print(address.rpartition(":")[2].partition("/")[0], flush=True),
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
