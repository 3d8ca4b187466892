"""`rebuttal inbox`: what people see of events, which is never what is written in them, and trying again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.cli import cli
from rebuttal.errors import AbortError
from rebuttal.inbox import Arrival, claim, fail, receive
from rebuttal.inbox.shown import outline
from rebuttal.settings import Settings
from rebuttal.state import Sessions, open_state

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
PRIVATE = {
    "name": "Olena Kovalenko",
    "phones": ["+380501234567", "+380507654321"],
    "note": "too dear",
    "age": 41,
}
MakeArrival = Callable[..., Arrival]


@pytest.fixture
def sessions(settings: Settings, monkeypatch: pytest.MonkeyPatch, arrival: MakeArrival) -> Iterator[Sessions]:
    """A store with one event that waits, one that is dead and one that was done, and the commands over it."""
    monkeypatch.setenv("REBUTTAL_HOME", str(settings.home))
    monkeypatch.setenv("REBUTTAL_STATE_URL", settings.state_url)
    monkeypatch.setenv("REBUTTAL_IDENTITY_KEY", "only-of-tests-identity-key")
    with open_state(settings) as found:
        receive(found, [arrival("dead", json.dumps(PRIVATE).encode())], NOW)
        held = claim(found, now=NOW)
        fail(found, held.ids[0], held.token, "HubSpot does not know object dead", for_good=True, now=NOW)
        receive(found, [arrival("waits", source="jira")], NOW)
        yield found


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["inbox", *arguments], catch_exceptions=False)


def test_what_came_is_listed_without_what_is_in_it(sessions: Sessions) -> None:
    rows = json.loads(run("list", "--json").output)
    assert [(row["object_id"], row["state"]) for row in rows] == [("waits", "new"), ("dead", "dead")]
    assert [row["source"] for row in json.loads(run("list", "--source", "jira", "--json").output)] == ["jira"]
    (dead,) = json.loads(run("dead", "--json").output)
    assert dead["reason"] == "HubSpot does not know object dead"
    assert "HubSpot does not know" in run("dead").output
    assert "Nothing" in run("list", "--state", "conflict").output
    with pytest.raises(AbortError, match="no state 'ded'"):
        run("list", "--state", "ded")


def test_one_event_is_shown_by_its_shape(sessions: Sessions) -> None:
    shown = run("show", "1").output
    told = json.loads(shown)
    assert told["body"] == {"name": "str of 15", "phones": ["str of 13", "2 in all"], "note": "str of 8", "age": "int"}
    assert not any(word in shown for word in ("Olena", "+380", "dear"))
    with pytest.raises(AbortError, match="no event 99"):
        run("show", "99")


def test_the_dead_are_tried_again_by_name_or_all(sessions: Sessions) -> None:
    assert "0 of 1" in run("replay", "2").output
    assert "1 of 1" in run("replay", "--dead", "--source", "hubspot").output
    assert "0 of 0" in run("replay", "--dead").output
    assert {row["state"] for row in json.loads(run("list", "--json").output)} == {"new"}
    assert run("replay").exit_code == run("replay", "1", "--dead").exit_code == 2


@given(
    st.recursive(
        st.text(min_size=1) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.just("k"), inner)
    )
)
def test_no_text_is_left_in_an_outline(value: object) -> None:
    def leaves(part: object) -> list[str]:
        if isinstance(part, dict):
            return [leaf for inner in part.values() for leaf in leaves(inner)]
        return [leaf for inner in part for leaf in leaves(inner)] if isinstance(part, list) else [str(part)]

    allowed = {"int", "..."}
    for leaf in leaves(outline(value)):
        words = leaf.rpartition(" ")
        assert leaf in allowed or leaf.endswith(" in all") or (words[0] == "str of" and words[2].isdigit()), leaf
