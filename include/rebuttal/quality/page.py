"""The data-quality page: the published marts as one HTML page that a marketer can read. It runs no script."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from rebuttal.errors import StoreError
from rebuttal.outgoing import is_safe
from rebuttal.quality.data_docs import STYLE, page_name, pages_of
from rebuttal.settings import Settings
from rebuttal.warehouse.reports import read_quality

SEVERITIES = {
    "hold": ("Held", "The whole batch waits. Readers see the last good data."),
    "alarm": ("Alarm", "Tables do not fit each other. Do not trust the figures that it names."),
    "quarantine": ("Kept out", "Such rows wait in quarantine, are in no figure, and can be let in after a fix."),
    "warning": ("Warning", "Such rows are let in and marked. The figures may be off by them."),
    "notice": ("Notice", "Such rows are as they should be. It is good to know that they are there."),
}
TRENDS = {
    "new": "new: the batch before had none",
    "rising": "rising: a larger share than in the batches before",
    "steady": "steady: about the share of the batches before",
    "falling": "falling: a smaller share than in the batches before",
    "healed": "healed: the newest data has none",
}


def render(settings: Settings, docs: str) -> str:
    """The page as last published. `docs`: where the Data Docs are, as a link prefix that ends with a slash.

    When nothing has been published the page says so. Examples that look like a person's address or number are left out.
    """
    try:
        quality = read_quality(settings)
    except StoreError as error:
        return _template().render(error=str(error), quality=None, style=_style())
    pages = {name: docs + path for name, path in pages_of(settings).items()}
    return _template().render(
        error="",
        quality=quality,
        totals=quality.totals,
        groups=[
            (name, *words, [_told(check, pages) for check in quality.failing if check["severity"] == name])
            for name, words in SEVERITIES.items()
        ],
        healed=[_told(check, pages) for check in quality.checks if not check["is_failing"]],
        waiting=[row for row in quality.kept_out if row["quarantined_row_count"]],
        pages=pages,
        page_name=page_name,
        trends=TRENDS,
        docs=docs,
        style=_style(),
    )


def _told(check: dict[str, Any], pages: dict[str, str]) -> dict[str, Any]:
    return {
        **check,
        "where": f"{check['source']}.{check['stream']}" if check["stream"] else "all data",
        "examples": [example for example in json.loads(check["examples"] or "[]") if is_safe(example)],
        "page": pages.get(page_name(check)),
    }


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment else ""


def _minute(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        day=_day,
        minute=_minute,
        number=lambda value: f"{value:,}",
        percent=lambda share: f"{share:.1%}" if share >= 0.001 else "under 0.1%",
    )
    return environment.from_string(
        (files("rebuttal.quality") / "templates" / "page.html.j2").read_text(encoding="utf-8")
    )


@cache
def _style() -> str:
    return (files("rebuttal.quality") / STYLE).read_text(encoding="utf-8")
