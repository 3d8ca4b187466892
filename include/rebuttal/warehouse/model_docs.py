"""`python -m rebuttal.warehouse.model_docs FOLDER`: the dbt project as one page that needs nothing from outside.

Models, columns with their descriptions and tests, the compiled SQL and the lineage, over an empty DuckDB warehouse of
its own: no company's data is asked for.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rebuttal.errors import AbortError
from rebuttal.settings import Settings
from rebuttal.warehouse import dbt
from rebuttal.warehouse.engine import open_warehouse

# Whatever the page would fetch when it is opened: fonts, statistics.
_OUTSIDE = re.compile(r"""<(?:link|script)\b[^>]*\b(?:href|src)=["'](?:https?:)?//[^>]*>(?:</script>)?""")
_TRACKER = re.compile(r"//[a-z0-9]+[.]cloudfront[.]net/[^\"']*")


def write_docs(folder: Path) -> Path:
    """Write `index.html` into `folder`; returns its path. Raises ConfigError without dbt, AbortError when it fails."""
    with tempfile.TemporaryDirectory(prefix="rebuttal-docs-") as place:
        home = Path(place)
        settings = Settings(home, home, "", f"duckdb:///{home / 'warehouse.duckdb'}", "sqlite://")
        with open_warehouse(settings):
            pass
        dbt.build(settings, {})
        command = [str(dbt.dbt_command()), "--log-path", str(home), "docs", "generate", "--static"]
        command += ["--project-dir", str(dbt.PROJECT), "--profiles-dir", str(dbt.PROJECT), "--target-path", str(home)]
        done = subprocess.run(
            command, env=dbt.environment_of(settings), capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            raise AbortError(
                f"dbt docs failed: {' '.join(done.stdout.split())[-300:]}", next_step="Run `dbt docs generate` by hand"
            )
        page = (home / "static_index.html").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "index.html"
    target.write_text(_TRACKER.sub("about:blank", _OUTSIDE.sub("", page)), encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.stdout.write(f"written to {write_docs(Path(sys.argv[1]))}\n")
