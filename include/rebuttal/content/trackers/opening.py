"""Which tracker the company uses, and whether its connection leads where the configuration says."""

from __future__ import annotations

from rebuttal.connections import Connection
from rebuttal.content.rules import TrackerRule
from rebuttal.content.trackers import Tracker
from rebuttal.content.trackers.jira import JiraTracker
from rebuttal.content.trackers.trello import TrelloTracker
from rebuttal.content.waiting import WALL_CLOCK, Waiting
from rebuttal.errors import ConfigError


def open_tracker(rule: TrackerRule, connection: Connection, wall: Waiting = WALL_CLOCK) -> Tracker:
    """The tracker of `rule.kind`. Nothing is asked of it yet, unless `rule.workspace` has to be compared.

    Raises CredentialsError when the connection lacks something, ConfigError when it leads to another workspace.
    """
    tracker: Tracker = (
        TrelloTracker(connection, wall=wall)
        if rule.kind == "trello"
        else JiraTracker(connection, rule.issue_type, wall=wall)
    )
    if rule.workspace and tracker.workspace() != rule.workspace:
        raise ConfigError(
            f"Connection {connection.id!r} leads to the workspace {tracker.workspace()!r}, but content.yml names "
            f"{rule.workspace!r}: nothing is sent",
            next_step="Correct the connection, or tracker.workspace in content.yml",
        )
    return tracker
