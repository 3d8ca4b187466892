"""What a turn did, read from the published copy: the numbers that the reports show, not a count of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from rebuttal.errors import RebuttalError
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published

ROWS = """
SELECT b.source, sum(o.landed), sum(o.new + o.changed + o.unchanged), sum(o.deduplicated), sum(o.quarantined)
FROM ops.batch AS b JOIN ops.batch_outcome AS o ON o.batch_id = b.batch_id
GROUP BY b.source ORDER BY b.source
"""
# A deal counts once, however many doubts it voiced.
OBJECTIONS = """
SELECT (SELECT count(*) FROM marts.objection), (SELECT count(DISTINCT category) FROM marts.objection), sum(money)
FROM (
    SELECT max(money_at_risk_base) AS money FROM marts.objection WHERE outcome <> 'won' GROUP BY subject_id
) AS told
"""
TASKS = "SELECT task_key, task_url, theme, tracker_status FROM marts.content_task ORDER BY score DESC"


def lines(settings: Settings, mail_page: str) -> Iterator[str]:
    """The summary, line by line. What cannot be read is said, never shown as zero."""
    try:
        with open_published(settings) as engine:
            yield from _rows(engine)
            yield from _objections(engine)
            yield from _tasks(engine)
    except (RebuttalError, DBAPIError) as error:
        yield f"  The marts cannot be read: {str(error).splitlines()[0]}"
    yield from _digest(mail_page)


def _read(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)))


def _rows(engine: Engine) -> Iterator[str]:
    yield f"  {'rows':<16}{'landed':>10}{'merged':>10}{'deduplicated':>14}{'quarantined':>13}"
    for source, *counts in _read(engine, ROWS):
        landed, merged, deduplicated, quarantined = (int(count) for count in counts)
        yield f"  {source:<16}{landed:>10,}{merged:>10,}{deduplicated:>14,}{quarantined:>13,}"


def _objections(engine: Engine) -> Iterator[str]:
    count, categories, money = _read(engine, OBJECTIONS)[0]
    at_risk = "money at risk unknown" if money is None else f"EUR {float(money):,.0f} at risk"
    yield f"  objections heard  {count:,} in {categories} categories, {at_risk}"


def _tasks(engine: Engine) -> Iterator[str]:
    tasks = _read(engine, TASKS)
    yield f"  content tasks     {len(tasks)}"
    for key, url, theme, status in tasks:
        yield f"    {key or 'not sent':<9} {theme} ({status or 'no status yet'})  {url or ''}"


def _digest(mail_page: str) -> Iterator[str]:
    try:
        mails = requests.get(f"{mail_page}/api/mails", timeout=10).json()
    except (requests.RequestException, ValueError):
        yield f"  digest            the mail page {mail_page} does not answer"
        return
    if mails:
        yield f"  digest            {len(mails)} mails, the newest: {mail_page}/mails/{mails[0]['id']}"
    else:
        yield "  digest            no mail was sent"
