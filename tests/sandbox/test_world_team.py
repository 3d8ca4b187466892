"""The content team works our cards in its own time, and what it publishes changes only lives after it."""

from __future__ import annotations

import pytest
from worlds import UNTIL

from sandbox.parameters import DOUBTS
from sandbox.recorded import COLLEAGUES, TaskCard, TeamAction
from sandbox.world import Simulation, build

SCALE = 0.2


def cards(world: Simulation, codes: list[str]) -> list[TaskCard]:
    return [
        TaskCard(f"MKT-{n}", world.now, f"Ответ на возражение {code} {n}", "", (f"objection-{code}",), "To Do")
        for n, code in enumerate(codes, 1)
    ]  # fmt: skip


def work(count: int = 40, days: int = 80) -> tuple[Simulation, dict[str, list[TeamAction]]]:
    world = build(2, 4, UNTIL, 0.02)
    codes = list(DOUBTS)
    actions = world.advance(days, cards(world, [codes[n % len(codes)] for n in range(count)]))
    by_card: dict[str, list[TeamAction]] = {}
    for action in actions:
        by_card.setdefault(action.key, []).append(action)
    assert [action.at for action in actions] == sorted(action.at for action in actions)
    return world, by_card


def test_cards_walk_through_the_columns_or_are_refused() -> None:
    _, by_card = work()
    ends = {"Published": 0, "Won't do": 0}
    for actions in by_card.values():
        moves = [action.text for action in actions if action.kind == "status"]
        assert moves in (["In Progress", "In Review", "Published"], ["Won't do"])
        ends[moves[-1]] += 1
    assert ends["Published"] >= 25
    assert ends["Won't do"] >= 1
    assert any(action.kind == "summary" for actions in by_card.values() for action in actions)


def test_most_cards_are_taken_by_somebody_and_some_by_nobody() -> None:
    _, by_card = work()
    taken = {key: [one for one in actions if one.kind == "assignee"] for key, actions in by_card.items()}
    assert {len(found) for found in taken.values()} == {0, 1}
    assert {found[0].text for found in taken.values() if found} == set(COLLEAGUES)
    begun = {key for key, actions in by_card.items() if any(one.text == "In Progress" for one in actions)}
    assert {key for key, found in taken.items() if found} < begun, "some are worked on without a name"


def test_what_is_published_has_an_address_of_its_own() -> None:
    world, by_card = work()
    published = [action for actions in by_card.values() for action in actions if action.text == "Published"]
    urls = [action.url for action in published]
    assert len(set(urls)) == len(urls) > 20
    assert all(url and url.startswith("https://brand.example/blog/") and url.isascii() for url in urls)
    known = {row["url"]: row for row in world.truth(counterfactuals=False)["content"]}
    assert {known[action.url]["task_key"] for action in published} == {action.key for action in published}


def test_the_team_has_a_capacity() -> None:
    world, by_card = work()
    changes = []
    for actions in by_card.values():
        for action in actions:
            if action.text == "In Progress":
                changes.append((action.at, 1))
            if action.text == "Published":
                changes.append((action.at, -1))
    busy, most = 0, 0
    for _, step in sorted(changes):
        busy += step
        most = max(most, busy)
    assert 2 <= most <= world.parameters.team.at_once


def test_cards_that_are_not_ours_or_closed_stay_untouched() -> None:
    world = build(2, 4, UNTIL, 0.02)
    foreign = TaskCard("MKT-7", world.now, "Order chairs", "", ("office",), "To Do")
    unknown = TaskCard("MKT-8", world.now, "?", "", ("objection-weather",), "To Do")
    closed = TaskCard("MKT-9", world.now, "Done", "", ("objection-price",), "Won't do")
    assert world.advance(30, [foreign, unknown, closed]) == []


def test_a_card_that_somebody_closes_is_left_alone() -> None:
    world = build(2, 4, UNTIL, 0.02)
    mine = cards(world, list(DOUBTS)[:4])
    begun = {action.key for action in world.advance(1.6, mine) if action.text == "In Progress"}
    assert len(begun) >= 2
    closed = [TaskCard(one.key, one.created_at, one.summary, "", one.labels, "Won't do") for one in mine]
    assert world.advance(30, closed) == []


def test_effects_are_drawn_after_the_task_and_many_have_none() -> None:
    world, _ = work(60, 120)
    effects = [
        next(iter(row["effects"].values())) for row in world.truth(counterfactuals=False)["content"] if row["task_key"]
    ]
    assert len(effects) >= 40
    assert 0.1 <= sum(effect == 0 for effect in effects) / len(effects) <= 0.6
    assert any(effect < 0 for effect in effects)
    assert sum(effect > 0.2 for effect in effects) / len(effects) >= 0.3


def test_publishing_changes_only_what_comes_after() -> None:
    told, untold = build(8, 6, UNTIL, SCALE), build(8, 6, UNTIL, SCALE)
    actions = told.advance(21, cards(told, ["price", "trust", "value_roi", "timing"]))
    untold.advance(21, [])
    first = min(action.at for action in actions if action.url)
    for world in (told, untold):
        world.advance(56, [])
    one, other = told.recorded(), untold.recorded()
    for name in ("visits", "hits"):
        at = "closed_at" if name == "visits" else "at"
        assert set(getattr(one, name)[getattr(one, name)[at] < first].iloc[:, 0]) == set(
            getattr(other, name)[getattr(other, name)[at] < first].iloc[:, 0]
        )
    slugs = {str(action.url).removeprefix("https://brand.example") for action in actions if action.url}
    read = one.hits[one.hits["url"].str.contains("|".join(slugs))]
    assert len(read) > 5
    assert (read["at"] >= first).all()
    assert not other.hits["url"].str.contains("|".join(slugs)).any()


@pytest.mark.parametrize("effective", [True, False])
def test_a_text_that_works_weakens_the_doubt_of_its_readers(effective: bool) -> None:
    for key in range(1, 60):
        world = build(8, 4, UNTIL, SCALE)
        mine = TaskCard(f"MKT-{key}", world.now, f"On price {key}", "", ("objection-price",), "To Do")
        if not any(action.url for action in world.advance(10, [mine])):
            continue
        text = next(row for row in world.truth(counterfactuals=False)["content"] if row["task_key"])
        if (text["effects"]["price"] > 0.4) is not effective or (not effective and text["effects"]["price"] != 0):
            continue
        world.advance(35, [])
        told = world.truth(counterfactuals=False)
        text = next(row for row in told["content"] if row["task_key"])
        readers = {one["person"] for one in text["seen_by"]}
        doubts = [row for row in told["doubts"] if row["code"] == "price" and row["person"] in readers]
        assert len(doubts) >= 3
        weaker = [row for row in doubts if row["strength_now"] < row["strength_at_first"] * 0.62]
        assert len(weaker) == len(doubts) if effective else len(weaker) < len(doubts)
        return
    pytest.fail("no such text among the cards")
