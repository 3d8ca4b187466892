"""Since when people are marketing-qualified leads, beside what the CRM's own history tells."""

from __future__ import annotations

from datetime import datetime

from bench.judges import marts
from bench.judges.measure import Measures, Query, Truth, ratio


def lifecycle(query: Query, truth: Truth) -> Measures:
    """`mql_dates_equal`: of the people whose history has them as an MQL, and whose contacts are one person of ours (who
    is whom is judged by `identity`), the share whose published instant is the history's first."""
    ours_of, published = marts.people(query), marts.mql_times(query)
    total, equal = 0, 0
    for row in truth["persons"]:
        mine = {ours_of.get(("contact_id", str(contact)), "") for contact in row["contacts"]}
        if row["recorded_mql_at"] is None or len(mine) != 1:
            continue
        total += 1
        equal += published.get(mine.pop()) == datetime.fromisoformat(row["recorded_mql_at"])
    return {"mql_dates_people": float(total), "mql_dates_equal": ratio(equal, total)}
