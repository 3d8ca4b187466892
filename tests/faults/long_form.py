"""What `make faults` leaves to its long form: tests and cases that are marked, each with the reason.

@pytest.mark.long_form("why")                           the whole test, which proves no fault of the table
@pytest.mark.long_form("why", any_settings="postgres")  its cases with this parameter: the others prove the same
@pytest.mark.long_form("why", failpoint={"a", "b"})     its cases with one of these
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import pytest

COLLECTED = pytest.StashKey[list[pytest.Item]]()  # everything, before anything is left out
# In the short form a fault is proved on DuckDB; on both engines where they might differ in it.
SECOND_ENGINE = pytest.mark.long_form(
    "both engines admit, merge and model the same rows alike: tests/quality, tests/loop", any_settings="postgres"
)


def leaving(item: pytest.Item) -> list[pytest.Mark]:
    """The marks that leave this case to the long form."""
    params = _params(item)
    return [
        mark
        for mark in item.iter_markers("long_form")
        if all(name in params and params[name] in _values(value) for name, value in mark.kwargs.items())
    ]


def unproved(items: Iterable[pytest.Item], needed: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the marks of `items`, a line each.

    `needed`: the tests (`file::function`) that prove faults, with the cases that do, by a parameter that they have: the
    short form must keep one of each. Where all cases do (""), it must keep for each that it leaves one that differs in
    nothing but what the marks name. A mark has a reason, and each of its values leaves something.
    """
    wrong = []
    kept: dict[str, list[dict[str, object]]] = defaultdict(list)
    left: list[tuple[pytest.Item, set[str]]] = []
    unused: dict[tuple[int, str, object], str] = {}
    used: set[tuple[int, str, object]] = set()
    for item in items:
        params, found = _params(item), leaving(item)
        for mark in item.iter_markers("long_form"):
            place = f"{place_of(item)}: long_form{mark.args}"
            if not (len(mark.args) == 1 and isinstance(mark.args[0], str) and len(mark.args[0]) > 20):
                wrong.append(f"{place} does not say why")
            unused |= {(id(mark), name, one): place for name, value in mark.kwargs.items() for one in _values(value)}
        for mark in found:
            used |= {(id(mark), name, params[name]) for name in mark.kwargs}
        if found:
            left.append((item, {name for mark in found for name in mark.kwargs}))
        else:
            kept[place_of(item)].append(params)
    for item, names in left:
        place, same = place_of(item), _without(_params(item), names)
        for case in needed.get(place, ()):
            if case and not any(case in params.values() for params in kept[place]):
                wrong.append(f"{place} proves a fault by {case}, which is not in the short form")
            if not case and same not in [_without(params, names) for params in kept[place]]:
                wrong.append(f"{item.nodeid} proves a fault, and no case like it is in the short form")
    wrong += [f"{place} leaves nothing by {key[1]}={key[2]!r}" for key, place in unused.items() if key not in used]
    return list(dict.fromkeys(wrong))


def place_of(item: pytest.Item) -> str:
    """`file::function`, as the table names it."""
    return item.nodeid.partition("[")[0]


def _params(item: pytest.Item) -> dict[str, object]:
    return dict(item.callspec.params) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


def _without(params: dict[str, object], names: set[str]) -> dict[str, object]:
    return {name: value for name, value in params.items() if name not in names}


def _values(value: object) -> Collection[object]:
    return value if isinstance(value, set) else (value,)
