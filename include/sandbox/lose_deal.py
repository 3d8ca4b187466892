"""`python -m sandbox lose-deal`: lose a deal in the running sandbox, and watch for the task that answers it."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from typing import Any

from sandbox.recorded import ACCOUNTS

LOOK_EVERY_S = 0.1


def lose(url: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Let the sandbox at `url` lose a deal; what it tells of it. Raises urllib.error.HTTPError when it will not."""
    request = urllib.request.Request(f"{url}/_sandbox/lose-deal", json.dumps(asked).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as reply:
        told: dict[str, Any] = json.loads(reply.read())
        return told


def tasks(url: str) -> dict[str, str]:
    """The content tasks in the sandbox's Jira: key -> title."""
    account = ACCOUNTS["jira"]
    login = base64.b64encode(f"{account['email']}:{account['api_token']}".encode()).decode()
    query = {"jql": f"project = {account['project']}", "fields": ["summary"], "maxResults": 5000}
    request = urllib.request.Request(
        f"{url}/jira/rest/api/3/search/jql",
        json.dumps(query).encode(),
        {"Authorization": f"Basic {login}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return {issue["key"]: issue["fields"]["summary"] for issue in json.loads(reply.read())["issues"]}


def watch(url: str, known: dict[str, str], seconds: float) -> tuple[float, dict[str, str]]:
    """Wait for tasks beside the `known` ones; after how many seconds they were seen, and which (none: too late)."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        fresh = {key: title for key, title in tasks(url).items() if key not in known}
        if fresh:
            return time.monotonic() - start, fresh
        time.sleep(LOOK_EVERY_S)
    return seconds, {}


def run(url: str, asked: dict[str, Any], seconds: float) -> tuple[int, str]:
    """Lose a deal and watch; exit code and what to print."""
    try:
        known = tasks(url)
        told = lose(url, {name: value for name, value in asked.items() if value})
    except urllib.error.HTTPError as error:
        return 2, f"sandbox: {json.loads(error.read()).get('error', error)}"
    except (urllib.error.URLError, ConnectionError) as error:
        return (
            2,
            f"sandbox: nothing answers at {url} ({getattr(error, 'reason', error)}): start it with `sandbox serve`",
        )
    doubts = ", ".join(f"{one['code']} ({one['quote']})" for one in told["says"]) or "what the note says"
    lines = [f"Lost deal {told['deal_id']}: {doubts}"]
    if seconds:
        took, fresh = watch(url, known, seconds)
        lines += [f"Task {key} after {took:.1f} s: {title}" for key, title in fresh.items()]
        if not fresh:
            lines.append(
                f"No new task within {seconds:.0f} s: its theme may have one, or this week's tasks are given out"
            )
    return 0, "\n".join(lines)
