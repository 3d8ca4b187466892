"""Every failpoint of the pipeline, read from its source, and where each is killed: a list that cannot go stale."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "include" / "rebuttal"
# What each stage of an ordinary turn passes, in this order; `bench.kills` dies at all of them.
OF_TURN = {
    "pull": ("pull.after_page", "pull.after_file", "pull.after_load", "pull.before_commit", "pull.after_commit"),
    "admit": ("admit.after_stage", "admit.after_check", "admit.before_commit", "admit.after_commit",
              "admit.before_audits", "admit.before_journal"),
    "model": ("model.after_identity", "model.before_dbt", "model.before_shares", "model.after_dbt",
              "promote.before_commit", "model.after_promote", "publish.before_commit", "publish.before_rename",
              "publish.after_rename", "model.after_publish"),
    "listen": ("listen.after_read", "listen.before_commit", "listen.after_commit"),
    "prove": ("prove.after_measure", "prove.before_commit", "prove.after_commit", "prove.between_mirrors"),
}  # fmt: skip
# Those passed only where readers have a file of their own.
OF_FILES = ("publish.before_rename", "publish.after_rename")
# Groups that need more than a turn (a tracker that loses answers, a mail server that waits, a hold, a release): each
# has a test of its own that kills there.
ELSEWHERE = {
    "content": "tests/content/test_killed.py",
    "reports": "tests/reports/test_delivery.py",
    "alerts": "tests/reports/test_alerts.py",
    "release": "tests/quality/test_quarantine.py",
    "heal": "tests/quality/test_holds.py",
    "hold": "tests/quality/test_holds.py",
    "replay": "tests/quality/test_replay.py",
    "state": "tests/faults/test_process.py",
    "inbox": "tests/inbox/test_killed.py",
    "fast_way": "tests/loop/test_turn.py",
    "erase": "tests/erasure/test_forget.py",
    "end_partner": "tests/erasure/test_partner.py",
}


def names() -> dict[str, list[str]]:
    """Name -> the places (`file:line`) that have it. Raises ValueError for a name that is not written out."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"):
                continue
            place = f"{path.relative_to(SOURCES)}:{node.lineno}"
            if not (len(node.args) == 1 and isinstance(node.args[0], ast.Constant)):
                raise ValueError(f"{place}: the name of a failpoint is written out, so that tests find it")
            found.setdefault(str(node.args[0].value), []).append(place)
    return dict(sorted(found.items()))
