"""Who met a published piece, and when first: page views of people we know, and notes that it was sent to them.

An exposure is only ever used for what happened after it: it is compared with the instant of each occasion, never with
an outcome that was known before. What is not seen (a browser nobody knows, a link sent without a note) counts as not
exposed, which makes the two sides more alike and effects look smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from sqlalchemy import Connection, bindparam, text

from rebuttal.effects.statements import statement

KEY = ["kind", "source", "account_id", "conversation_id"]


def address_of(url: str) -> str:
    """Host and path of a page, lower case, without www, query, fragment and closing slash; '' when there is no host."""
    parts = urlsplit(url.strip().lower())
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path}".rstrip("/") if host else ""


def exposures(connection: Connection, urls: Iterable[str], until: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """First exposures before `until`, and the conversations that are nothing but sendings.

    The first frame has person_id, address, exposed_at, how (read, sent), one row per person, address and how; the
    second the keys of notes with a link to one of the sites: in them nobody voices anything.
    """
    addresses = sorted({address_of(url) for url in urls} - {""})
    columns = ["person_id", "address", "exposed_at", "how"]
    if not addresses:
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=KEY)
    query = text(statement("reads")).bindparams(bindparam("addresses", expanding=True))
    reads = connection.execute(query, {"addresses": addresses, "until": until}).mappings()
    found: list[dict[str, Any]] = [{**row, "how": "read"} for row in reads]
    notes: dict[tuple[Any, ...], None] = {}
    for host in sorted({address.split("/")[0] for address in addresses}):
        rows = connection.execute(text(statement("sendings")), {"host": f"{host}/", "until": until}).mappings()
        for row in rows:
            notes[tuple(row[name] for name in KEY)] = None
            found += _sent(dict(row), addresses)
    frame = pd.DataFrame(found, columns=columns)
    frame["exposed_at"] = pd.to_datetime(frame["exposed_at"], utc=True)
    frame = frame.sort_values("exposed_at").drop_duplicates(["person_id", "address", "how"])
    return frame, pd.DataFrame(list(notes), columns=KEY)


def _sent(row: Mapping[str, Any], addresses: Iterable[str]) -> Iterable[dict[str, Any]]:
    if row["person_id"] is None:
        return
    for address in addresses:
        # The address as a whole: /blog/price is not in a note that holds /blog/price-list.
        if re.search(rf"(?<![\w.-])(www\.)?{re.escape(address)}(?![\w-]|[./]\w)", row["body"]):
            yield {"person_id": row["person_id"], "address": address, "exposed_at": row["occurred_at"], "how": "sent"}
