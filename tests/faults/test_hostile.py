"""Hostile text on its ways out beside the tracker (100, 101, 126): mails, exports, dashboards."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.content.test_trello import HOSTILE
from tests.faults.table import fault
from tests.reports.conftest import company as digest_company  # noqa: F401 - the company whose digest is composed
from tests.reports.conftest import post, rows  # noqa: F401

from rebuttal import reports
from rebuttal.commands.journal import as_csv
from rebuttal.objections.corrections_file import sheet
from rebuttal.objections.corrections_review import Question
from rebuttal.outgoing import spreadsheet_cell
from rebuttal.settings import PROJECT_ROOT

EXPORTED = ("decision_id", "decided_at", "kind", "subject", "decision", "evidence", "decided_by", "review_at",
            "reviewed_at")  # fmt: skip
FORMULAS = ["=HYPERLINK(\"http://evil.example\")", "+1+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1",
            "\n=1+1", "  =1+1", "＝1+1", "－2+3", "＠SUM(A1)", "\0=1+1", "|calc", "\u00a0=1"]  # fmt: skip
BI_PYTHON = Path(PROJECT_ROOT, ".venv-bi", "bin", "python")
NUMBERS = ["-5", "-5.25", "+3", "-1,5", "-12%", "0", "7"]


class Seen(HTMLParser):
    """What a reader's program would do with a page: elements, addresses that are opened or loaded, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@fault(100, "markup and addresses that load something, in both parts of a mail", "mail", "shown as text, nothing loads")
def test_hostile_quotes_are_text_in_the_digest(digest_company: Any, rows: Any) -> None:  # noqa: F811
    said = []
    themes = (("price", "too_high"), ("trust", "reviews"), ("terms", "general"))  # a digest quotes three of each
    for start in range(0, len(HOSTILE), 9):
        shown = HOSTILE[start : start + 9]
        voices = [
            row
            for place, text in enumerate(shown)
            for row in rows.voices(*themes[place // 3], 0, 2, quote=f"{place} {text}")
        ]
        digest_company.fill(objections=voices)
        html, text = reports.preview(digest_company.context(), "kate")
        page = Seen(re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL))
        assert not page.tags & {"script", "iframe", "object", "embed", "form", "input", "svg", "base", "link"}
        assert page.handlers == []
        assert [url for url in page.addresses if "evil" in url] == []
        ways = ("data:image/png", "cid:", "https://", "http://", "mailto:", "#")
        assert [url for url in page.addresses if not url.startswith(ways)] == []
        said += [one for one in shown if one[:12] in page.text and one[:12] in text]
    assert len(said) >= 20


@fault(101, "formulas in cells of CSV and XLSX files", "export", "an apostrophe before them; numbers stay numbers")
@pytest.mark.parametrize("text", FORMULAS)
def test_no_export_holds_a_formula(text: str) -> None:
    row: dict[str, Any] = dict.fromkeys(EXPORTED, text)
    exported = list(csv.reader(io.StringIO(as_csv([row]), newline="")))[1]
    asked = Question("0" * 32, "note", "en", 1, True, ("price",), 0.4, text)
    [_, told] = list(csv.reader(io.StringIO(sheet([asked]), newline="")))
    for cell in (*exported, told[1]):
        assert cell.startswith("'")
        assert cell.removeprefix("'").replace("\r\n", "\n") == text.replace("\0", "").replace("\r\n", "\n")


@fault(101, "numbers that begin with a sign", "export", "stay numbers")
@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_stay_numbers(text: str) -> None:
    assert spreadsheet_cell(text) == text


@given(st.text())
def test_no_text_becomes_a_formula_and_none_is_lost(text: str) -> None:
    cell = spreadsheet_cell(text)
    assert cell in (text.replace("\0", ""), f"'{text}".replace("\0", ""))
    if not re.fullmatch(r"[+-]?[0-9]+([.,][0-9]+)?%?", cell):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.skipif(not BI_PYTHON.exists(), reason="the dashboards' environment is not there")
@fault(101, "formulas in what the dashboards export", "export", "Superset's own escape stands before every kind")
def test_the_dashboards_export_no_formula() -> None:
    asked = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "-5"]
    code = (
        "import json, sys, pandas; from superset.utils.csv import df_to_escaped_csv;"
        "print(df_to_escaped_csv(pandas.DataFrame({'quote': json.loads(sys.argv[1])}), index=False))"
    )
    done = subprocess.run([BI_PYTHON, "-c", code, json.dumps(asked)], capture_output=True, text=True, check=True)
    told = [line.strip('"') for line in done.stdout.split("\n") if line][-len(asked) :]
    assert [line[0] for line in told] == ["'", "'", "'", "'", "-"]


@fault(126, "line breaks and ten thousand characters in a subject", "mail", "one header, folded; no further header")
@pytest.mark.parametrize("name", ["Kate\r\nBcc: all@evil.example", "K\x00\x0b\x85Bcc: x", "K" * 10_000])
def test_no_text_becomes_a_header(digest_company: Any, rows: Any, name: str) -> None:  # noqa: F811
    digest_company.fill(objections=rows.voices("price", "too_high", 0, 2, quote=name))
    sent = reports.run(digest_company.context())
    assert sent.problems == []
    mails = [message for _, _, message in digest_company.post.received]
    assert mails
    for mail in mails:
        assert mail["Bcc"] is None
        assert len(mail.get_all("Subject")) == len(mail.get_all("To")) == 1
        assert not mail.defects
