"""A health check that costs no import of Airflow: `probe URL [PART...]` ends with 0 when the address answers 200.

With PARTs the answer has to be Airflow's health report, and each part of it healthy.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask once; what is wrong is one line, which `docker inspect` shows."""
    url, parts = sys.argv[1], sys.argv[2:]
    try:
        with urllib.request.urlopen(url, timeout=8) as answer:
            body = answer.read()
    except (urllib.error.URLError, OSError) as error:
        sys.stdout.write(f"{url}: {getattr(error, 'reason', None) or error}\n")
        return 1
    if parts:
        report = json.loads(body)
        ill = [part for part in parts if (report.get(part) or {}).get("status") != "healthy"]
        if ill:
            sys.stdout.write(f"not healthy: {', '.join(ill)}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
