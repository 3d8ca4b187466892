"""Every audit there is, in the order in which people are told of them. A new group is one more entry of `GROUPS`."""

from __future__ import annotations

from collections.abc import Callable

from rebuttal.quality.audits.history import history, totals
from rebuttal.quality.audits.limits import AuditLimits
from rebuttal.quality.audits.references import duplicates, references, words
from rebuttal.quality.audits.sessions import sessions
from rebuttal.quality.expectations import ExpectNoRowsFrom

# Each gives its rules for the limits of `audits.yml`.
GROUPS: list[Callable[[AuditLimits], list[ExpectNoRowsFrom]]] = [
    history,
    totals,
    sessions,
    duplicates,
    references,
    words,
]


def audits(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """All rules over core as a whole; their names are unique."""
    found = [rule for group in GROUPS for rule in group(limits)]
    names = [rule_name(rule) for rule in found]
    assert len(names) == len(set(names)), names
    return found


def rule_name(rule: ExpectNoRowsFrom) -> str:
    """The name under which a rule's answers are kept."""
    assert rule.meta is not None
    return str(rule.meta["name"])
