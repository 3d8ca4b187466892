"""TELL: one reader's digest, from the published copy to HTML and text, beside reading the same tables whole.

The copy is a small company's: twelve weeks of objections, a dozen tasks. Imports and the first digest (fonts, template
engine) are left out and shown.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert, text

from bench.speed.timing import Figures, in_turn, ratio, seconds
from bench.speed.visits import NOW, context

READ = ("marts.objection", "marts.text_label", "marts.content_task")
THEMES = (("price", "too_high"), ("trust", "reviews"), ("availability", "delivery_time"), ("terms", "prepayment"))


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """A digest over `size` objections of twelve weeks."""
    begun = time.perf_counter()
    from rebuttal.reports import preview
    from rebuttal.reports.people import load_people
    from rebuttal.warehouse import open_published

    work = context(folder / "home")
    _publish(work, size)
    person = load_people(work.settings.config).people[0]
    imported = time.perf_counter() - begun
    first = seconds(lambda: preview(work, person))

    def read() -> float:
        begun = time.perf_counter()
        with open_published(work.settings) as engine, engine.connect() as connection:
            found = [len(connection.execute(text(f"select * from {name}")).all()) for name in READ]
        took = time.perf_counter() - begun
        if not all(found):
            raise AssertionError(f"nothing was published: {dict(zip(READ, found, strict=True))}")
        return took

    def built() -> float:
        begun = time.perf_counter()
        html, plain = preview(work, person)
        took = time.perf_counter() - begun
        if "<html" not in html or len(plain) < 200:
            raise AssertionError("the digest is empty")
        return took

    took = in_turn(max(rounds, 3), {"digest": built, "reading": read})
    return {
        "digest_start_seconds": imported,
        "digest_first_seconds": first,
        "digest_seconds": median(took["digest"]),
        "digest_vs_reading": ratio(took["digest"], took["reading"]),
    }


def _publish(work: Any, size: int) -> None:
    from rebuttal.objections.tables import metadata, objection, text_label
    from rebuttal.warehouse import mart, open_warehouse
    from rebuttal.warehouse.publish import publish
    from rebuttal.warehouse.quality_mart import refresh_quality

    with open_warehouse(work.settings) as engine:
        with engine.begin() as connection:
            metadata.create_all(connection)
            connection.execute(insert(objection), [_objection(n) for n in range(size)])
            connection.execute(insert(text_label), [_label(n) for n in range(size)])
        mart.mirror_rows(engine, mart.content_task, [_task(n) for n in range(12)])
        mart.mirror_rows(engine, mart.effect, [])
        refresh_quality(engine)
    publish(work)


def _spoken_at(number: int) -> datetime:
    return datetime(2026, 11, 12, 10, tzinfo=UTC) - timedelta(weeks=number % 12, hours=number % 50)


def _objection(number: int) -> dict[str, Any]:
    at = _spoken_at(number)
    category, theme = THEMES[number * 7 % 12 % len(THEMES)]
    texts = dict.fromkeys(("family", "stage", "channel", "partner_id", "product", "segment", "model"), "x")
    return texts | {
        "objection_id": f"o{number}", "subject_kind": "deal", "subject_id": f"d{number}", "deal_id": f"d{number}",
        "person_id": None, "category": category, "theme": theme, "first_voiced_at": at, "last_voiced_at": at,
        "week_start": (at - timedelta(days=at.weekday())).date(), "evidence_count": 1, "quote": f"Дорого, {number}",
        "language": "ru", "confidence": 0.9, "source_role": "buyer", "money_at_risk_base": 900.0 + number,
        "currency": "EUR", "outcome": "lost",
    }  # fmt: skip


def _label(number: int) -> dict[str, Any]:
    return {
        "source_kind": "note", "source": "hubspot", "account_id": "1", "source_id": str(number),
        "occurred_at": _spoken_at(number), "deal_id": None, "contact_id": None, "person_id": None, "language": "ru",
        "labels": '["price"]', "primary_label": "price", "confidence": 0.9,
        "status": "unclear" if number % 9 == 0 else "classified", "model": "x",
        "decided_by": "model", "text_hash": str(number),
    }  # fmt: skip


def _task(number: int) -> dict[str, Any]:
    category, theme = THEMES[number % len(THEMES)]
    words = ("change", "metric", "direction", "reason", "success_criterion")
    return {f"hypothesis_{word}": "x" for word in words} | {
        "task_id": f"t{number}", "theme": f"{category}/{theme}", "category": category, "title": "Answer it",
        "score": float(number), "score_parts": "{}", "subject_count": 5, "money_at_risk_base": 100.0, "currency": "EUR",
        "status": "open", "tracker_status": "In Progress", "assignee": "Daria Koval", "task_key": f"MKT-{number}",
        "task_url": f"https://jira.example/browse/MKT-{number}", "published_url": None, "published_at": None,
        "closed_at": None, "created_at": NOW - timedelta(days=20), "hypothesis_expected_size": 0.25,
        "hypothesis_minimum_sample": 40, "hypothesis_baseline_days": 84, "hypothesis_horizon_days": 28,
        "hypothesis_deadline": (NOW + timedelta(days=60)).date(),
    }  # fmt: skip
