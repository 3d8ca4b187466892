"""`python -m bench.speed MEASURE SIZE ROUNDS FOLDER`: one measure; its figures as JSON on the last line."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from bench.speed.timing import Unmeasured


def main(arguments: list[str]) -> int:
    """Run one measure; a measure that cannot be taken here says why in `Unmeasured`."""
    name, size, rounds, folder = arguments
    module = importlib.import_module(f"bench.speed.{name}")
    try:
        figures = module.measure(int(size), int(rounds), Path(folder))
    except Unmeasured as error:
        print(json.dumps({"unmeasured": str(error)}))
    else:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
