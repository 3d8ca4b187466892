"""The page of what stands open: the same that `rebuttal alerts` lists, for people in a browser. It runs no script."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from rebuttal.context import Context
from rebuttal.errors import StoreError
from rebuttal.reports.alerts import open_findings
from rebuttal.reports.findings import Findings, Row, told_sections
from rebuttal.reports.language import words_of
from rebuttal.warehouse.reports import read_quality

# What people read that is made of an entity's rows.
TOUCHES = {
    "ad_performance": "advertising cost, CAC, ROAS, budgets",
    "ad_click": "channels of paid visits",
    "traffic": "the comparison of visits with the vendor's own totals",
    "visit": "reach, channels, journeys, attribution",
    "hit": "questions of the journey, who read what",
    "contact": "leads, who is who",
    "company": "who is who",
    "deal": "orders, revenue, win rate, money at risk",
    "stage_change": "funnel, velocity",
    "lifecycle_change": "MQL",
    "conversation": "objections, verdicts",
    "survey_response": "NPS, what people say brought them, objections",
    "booking": "bookings, partners",
    "pipeline_stage": "funnel, SQL and proposals",
    "owner": "who sells",
}


def render_open(context: Context) -> str:
    """The page as of now; when nothing was published yet, or nothing stands open, it says so."""
    try:
        findings = open_findings(context)
        entities = _entities(read_quality(context.settings).streams)
    except StoreError as error:
        return _template().render(error=str(error), sections=[], at=context.clock.now())
    return _template().render(error="", sections=_sections(findings, entities), at=context.clock.now())


def _sections(findings: Findings, entities: dict[str, list[str]]) -> list[dict[str, Any]]:
    told = told_sections(words_of("en"), findings)
    for section in told:
        for line, row in zip(section["lines"], findings.sections[section["name"]], strict=True):
            line["touches"] = _touches(section["name"], row, entities)
            line["since_day"] = _since(row)
    return told


def _touches(section: str, row: Row, entities: dict[str, list[str]]) -> str:
    if section == "pace":
        return "plan and budget"
    if section == "deliveries":
        return "one reader"
    named = entities.get(row["source"], []) if section == "late" else [str(row.get("entity") or "")]
    return "; ".join(TOUCHES[name] for name in named if name in TOUCHES)


def _since(row: Row) -> str:
    for name in ("since_at", "landed_at", "until_at", "finished_at", "month_start"):
        if row.get(name) is not None:
            return f"{row[name]:%Y-%m-%d}"
    return ""


def _entities(streams: Iterable[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stream in streams:
        found.setdefault(stream["source"], []).append(stream["entity"])
    return {source: sorted(set(entities)) for source, entities in found.items()}


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = (files("rebuttal.reports") / "templates" / "open.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
