"""Which themes some deals or texts told of, as last heard."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from sqlalchemy import text

from rebuttal.context import Context
from rebuttal.warehouse.engine import open_warehouse


def themes_of(context: Context, deals: Iterable[str], texts: Iterable[str]) -> frozenset[str]:
    """`category/theme` of every objection of these deals, or told in these texts (ids of notes, calls, responses)."""
    query = files("rebuttal.objections").joinpath("sql", "themes_told.sql").read_text(encoding="utf-8")
    names = {"deals": ",".join(sorted(deals)), "texts": ",".join(sorted(texts))}
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        return frozenset(connection.execute(text(query), names).scalars())
