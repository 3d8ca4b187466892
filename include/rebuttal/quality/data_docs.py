"""Great Expectations' Data Docs from stored results: what each suite asks, and how the newest data of each stream did.

Great Expectations draws the pages; what they would fetch from other hosts (scripts, styles, pictures) is taken out, for
the pages are shown inside Airflow and must run nothing. The folder is built beside and switched by one rename of a
link, and it holds the latest results only, so it neither tears nor grows.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import text

from rebuttal.errors import StoreError
from rebuttal.outgoing import is_safe
from rebuttal.records import Report
from rebuttal.settings import Settings
from rebuttal.warehouse import open_published
from rebuttal.warehouse.tables import MARTS

FOLDER, PAGES, STYLE = "data_docs", "pages.json", "data_docs.css"
ALL_DATA = "all_data"  # the suite of the checks over core as a whole
_DRAWING = "1"  # raise it when the pages should look different for the same results
_LEFTOVER_SECONDS = 3600.0
_FETCHED = re.compile(r"<(script|style|footer)\b.*?</\1>|<link\b[^>]*>|<img\b[^>]*>|\son[a-z]+=\"[^\"]*\"", re.DOTALL)
_ABROAD = re.compile(r"<a\b[^>]*href=\"https?://[^>]*>(.*?)</a>", re.DOTALL)
_QUERY = text(
    f"SELECT * FROM {MARTS}.quality_check"
    " ORDER BY CASE WHEN kind = 'audit' THEN 'all_data' ELSE entity END, source, stream, account_id,"
    " CASE severity WHEN 'hold' THEN 1 WHEN 'alarm' THEN 2 WHEN 'quarantine' THEN 3 ELSE 4 END, check_name"
)


def build(settings: Settings) -> Report:
    """Draw `$REBUTTAL_HOME/data_docs` anew from the published results; nothing is done when they are the same.

    Counts: `suites`, `pages`. Raises StoreError when no batch has come to the gate yet. Needs some seconds, most of
    them for the import of Great Expectations.
    """
    checks = _read(settings)
    made_of = hashlib.sha256(repr((_DRAWING, checks)).encode()).hexdigest()
    report = Report("docs", counts={"suites": len({check["suite"] for check in checks}), "pages": 0})
    link = settings.home / FOLDER
    last = json.loads((link / PAGES).read_text(encoding="utf-8")) if (link / PAGES).exists() else {}
    report.counts["pages"] = len(last.get("pages", ()))
    if last.get("made_of") == made_of:
        return report
    _sweep(settings.home)
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}.", dir=settings.home))
    from rebuttal.quality.data_docs_site import draw

    pages = draw(folder, checks)
    for page in folder.rglob("*.html"):
        page.write_text(_own(page.read_text(encoding="utf-8"), page.relative_to(folder)), encoding="utf-8")
    shutil.rmtree(folder / "static", ignore_errors=True)
    style = (files("rebuttal.quality") / STYLE).read_text(encoding="utf-8")
    (folder / STYLE).write_text(style, encoding="utf-8")
    (folder / "index.html").write_text(_index(checks, pages), encoding="utf-8")
    (folder / PAGES).write_text(json.dumps({"made_of": made_of, "pages": pages}), encoding="utf-8")
    _switch(link, folder)
    report.counts["pages"], report.changed = len(pages), True
    return report


def pages_of(settings: Settings) -> dict[str, str]:
    """Stream (`source.stream account`, or `all_data`) -> path of its page in the folder; empty when none is drawn."""
    try:
        found: dict[str, str] = json.loads((settings.home / FOLDER / PAGES).read_text(encoding="utf-8"))["pages"]
    except FileNotFoundError:
        return {}
    return found


def page_name(check: Mapping[str, Any]) -> str:
    """The key in `pages_of` of a check's, or a stream's, page."""
    return f"{check['source']}.{check['stream']} {check['account_id']}" if check["stream"] else ALL_DATA


def _read(settings: Settings) -> list[dict[str, Any]]:
    with open_published(settings) as engine, engine.connect() as connection:
        there = text("SELECT count(*) FROM information_schema.tables WHERE table_schema = :s AND table_name = :t")
        if not connection.execute(there, {"s": MARTS, "t": "quality_check"}).scalar_one():
            raise StoreError(
                "Nothing yet: no batch has come to the gate", next_step="Run `rebuttal pull`, then `admit`"
            )
        rows = [dict(row) for row in connection.execute(_QUERY).mappings()]
        return [
            {**row, "suite": _suite(row), "page": page_name(row), "examples": _shown(row["examples"])} for row in rows
        ]


def _suite(check: Mapping[str, Any]) -> str:
    return ALL_DATA if check["kind"] == "audit" else str(check["entity"])


def _shown(examples: str | None) -> list[str]:
    """Examples without anything that looks like an address or a number of a person."""
    return [example for example in json.loads(examples or "[]") if is_safe(example)]


def _own(page: str, place: Path) -> str:
    """A page that fetches its style from us and nothing else."""
    up = "../" * (len(place.parts) - 1)
    bare = _ABROAD.sub(r"\1", _FETCHED.sub("", page))
    return bare.replace("</head>", f'<link rel="stylesheet" href="{up}{STYLE}"/></head>', 1)


def _index(checks: list[dict[str, Any]], pages: Mapping[str, str]) -> str:
    """Great Expectations' own index is a script; ours is a list."""
    lines = []
    for suite, of_suite in groupby(checks, key=lambda check: check["suite"]):
        lines.append(f'<h2><a href="expectations/{suite}.html">{html.escape(suite)}</a></h2><ul>')
        for name, found in groupby(of_suite, key=lambda check: check["page"]):
            failing = sum(1 for check in found if check["is_failing"])
            told = f'<b class="text-danger">{failing} failing</b>' if failing else "all passed"
            lines.append(f'<li><a href="{html.escape(pages[name])}">{html.escape(name)}</a>: {told}</li>')
        lines.append("</ul>")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>'
        f'<link rel="stylesheet" href="{STYLE}"></head><body><main class="container-fluid"><h1>Data Docs</h1>'
        "<p>What is asked of each kind of record, and how the newest data of each stream did.</p>"
        f"{''.join(lines)}</main></body></html>"
    )


def _switch(link: Path, folder: Path) -> None:
    before = link.resolve() if link.is_symlink() else None
    new = link.with_name(f"{folder.name}.link")
    new.symlink_to(folder.name)
    os.replace(new, link)
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)


def _sweep(home: Path) -> None:
    """What killed builds have left."""
    current = (home / FOLDER).resolve()
    for path in home.glob(f"{FOLDER}.*"):
        if path != current and time.time() - path.lstat().st_mtime > _LEFTOVER_SECONDS:
            path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
