"""Person ids that stay: the components of identity get the ids they had before, in one transaction with their rows.

A new person's id is a hash of its earliest identifier, so that DuckDB and Postgres, and a fresh build and an old one,
agree. When persons turn out to be one, the one seen first keeps its id; when one falls apart, the part with its
earliest identifier keeps it.
"""

from __future__ import annotations

import hashlib
from importlib import resources

import pandas as pd
from sqlalchemy import Connection, Engine, text

from rebuttal.journeys.configuration import IdentityGuards
from rebuttal.journeys.identifiers import SEPARATOR, Evidence
from rebuttal.journeys.identity import Resolution, resolve
from rebuttal.warehouse.model_tables import identity_refusal, person_change, person_identifier
from rebuttal.warehouse.replace import replace_rows

LAST = pd.Timestamp.max.tz_localize("UTC").floor("us")


def update_people(engine: Engine, guards: IdentityGuards) -> dict[str, int]:
    """Resolve identity over `core` and store it where it differs.

    Returns counts: `persons`, `identifiers`, `refusals`, and `written` (rows of either table that were written).
    """
    with engine.begin() as connection:
        resolution = resolve(read_evidence(connection), guards)
        stored = _stored(connection)
        people = assign_person_ids(resolution, stored)
        _note_changed(connection, stored, people)
        written = replace_rows(
            connection,
            person_identifier,
            people,
            key=("identifier_kind", "source", "account_id", "identifier"),
        )
        written += replace_rows(
            connection, identity_refusal, resolution.refusals, key=("identifier_kind", "identifier", "reason")
        )
    return {
        "persons": int(people["person_id"].nunique()),
        "identifiers": len(people),
        "refusals": len(resolution.refusals),
        "written": written,
    }


def read_evidence(connection: Connection) -> Evidence:
    """The identifiers that `core` holds, as frames."""
    return Evidence(**{name: _frame(connection, name) for name in Evidence.__dataclass_fields__})


def assign_person_ids(resolution: Resolution, stored: pd.DataFrame) -> pd.DataFrame:
    """Rows of core.person_identifier: every member of `resolution` with its person id.

    `stored` is core.person_identifier as it stands (may be empty).
    """
    members = resolution.members.copy()
    members["seen"] = members["first_seen_at"].fillna(LAST)
    members = members.sort_values(["component", "seen", "key"], ignore_index=True)
    earliest = members.drop_duplicates("component")
    names = _kept_ids(members, stored)
    taken = set(names.values())
    for component, key in zip(earliest["component"], earliest["key"], strict=True):
        if component not in names:
            names[component] = _fresh_id(key, taken)
            taken.add(names[component])
    members["person_id"] = members["component"].map(names)
    return members[[column.name for column in person_identifier.columns]]


def _kept_ids(members: pd.DataFrame, stored: pd.DataFrame) -> dict[int, str]:
    """component -> person id, for the stored persons that go on living."""
    if stored.empty:
        return {}
    stored = stored.assign(
        key=stored["identifier_kind"]
        + SEPARATOR
        + stored["source"]
        + SEPARATOR
        + stored["account_id"]
        + SEPARATOR
        + stored["identifier"],
        born=stored["first_seen_at"].fillna(LAST),
    )
    born = stored.groupby("person_id")["born"].min()
    known = members.merge(stored[["key", "person_id"]], on="key")
    # A person that fell apart lives on where its earliest identifier is ...
    heirs = known.sort_values(["seen", "key"]).drop_duplicates("person_id")
    # ... and of persons that became one, the first seen gives the id.
    heirs = heirs.assign(born=heirs["person_id"].map(born)).sort_values(["born", "person_id"])
    heirs = heirs.drop_duplicates("component")
    return dict(zip(heirs["component"].tolist(), heirs["person_id"].tolist(), strict=True))


def _fresh_id(key: str, taken: set[str]) -> str:
    name, salt = "", 0
    while not name or name in taken:
        name = "p" + hashlib.sha256(f"{key}{SEPARATOR}{salt or ''}".encode()).hexdigest()[:16]
        salt += 1
    return name


def _note_changed(connection: Connection, stored: pd.DataFrame, people: pd.DataFrame) -> None:
    """Add to ops.person_change whoever has an identifier that came, went, moved or was seen at another time."""
    columns = [column.name for column in person_identifier.columns if column.name != "rule"]
    both = stored[columns].merge(people[columns], how="outer", on=columns, indicator=True)
    noted = set(connection.execute(person_change.select()).scalars())
    news = sorted(set(both.loc[both["_merge"] != "both", "person_id"]) - noted)
    if news:
        connection.execute(person_change.insert(), [{"person_id": person} for person in news])


def _stored(connection: Connection) -> pd.DataFrame:
    return _typed(pd.read_sql(person_identifier.select(), connection))


def _frame(connection: Connection, name: str) -> pd.DataFrame:
    sql = resources.files("rebuttal.journeys").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return _typed(pd.read_sql(text(sql), connection))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Text columns as nullable text (also when empty or all missing), times as UTC."""
    for column in frame.columns:
        if column.endswith("_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
        else:
            frame[column] = frame[column].astype("str").where(frame[column].notna())
    return frame
