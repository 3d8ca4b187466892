"""Every kind of mail, for every role and language, read back from a real mail server: what programs ask of each."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import text
from tests.reports.test_plan_told import GOALS, OVER, pace
from tests.reports.test_reviews import fill as fill_reviewed
from tests.reports.test_reviews import reviewed

from rebuttal import reports
from rebuttal.reports.people import LANGUAGES
from rebuttal.warehouse import open_warehouse

__all__ = ["reviewed"]  # a fixture

LARGEST = 100_000  # bytes of HTML: some programs cut what is longer
ROLES = ("sales", "content", "lead", "partner")
REVIEWS = ("daily", "weekly", "monthly", "quarterly")
TITLES = {"en": ("Objections", "Daily"), "ru": ("Возражения", "Сводка"), "uk": ("Заперечення", "Зведення")}


class Loads(HTMLParser):
    """What a page would fetch by itself, and its language. `cids`: pictures that came with the mail."""

    def __init__(self) -> None:
        super().__init__()
        self.remote: list[str] = []
        self.cids: list[str] = []
        self.unnamed: list[str] = []
        self.tags: set[str] = set()
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "html":
            self.language = given.get("lang")
        for name in ("src", "srcset", "background", "poster", "data"):
            value = given.get(name) or ""
            if value.startswith("cid:"):
                self.cids.append(value.removeprefix("cid:"))
                if not given.get("alt"):
                    self.unnamed.append(value)
            elif value:
                self.remote.append(value)
        if tag == "link":
            self.remote.append(str(given.get("href")))
        self.remote += re.findall(r"url\(([^)]*)\)", given.get("style") or "")


def people() -> list[dict[str, Any]]:
    return [
        {"id": f"{role}-{language}", "name": "Оля", "email": f"{role}.{language}@example.com", "role": role,
         "language": language, "time_zone": "Europe/Kyiv", "alerts": role == "lead",
         **({"partner": "salon-1"} if role == "partner" else {})}
        for role in ROLES for language in LANGUAGES
    ]  # fmt: skip


def every_mail(company: Any) -> dict[tuple[str, str], EmailMessage]:
    """(kind, recipient) -> the mail as the server got it."""
    october = pace(OVER, month="'2026-10-01'", until="'2026-11-01'", complete="TRUE")
    with open_warehouse(company.settings) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE marts.objection SET partner_id = 'salon-1' WHERE category = 'availability'"))
    fill_reviewed(company, plan_pace=f"{october} UNION ALL {pace(OVER)}", goal_progress=GOALS)
    company.configure(lambda data: data.update(people=people(), channels=[]))
    days = {"monthly": company.now - timedelta(days=10), "quarterly": company.now - timedelta(days=35)}
    found = {}
    for kind in ("digest", *REVIEWS, "alerts"):
        company.post.received.clear()
        report = reports.run(company.context(days.get(kind, company.now)), kind)
        assert (report.problems, report.counts.get("sent")) == ([], 12 if kind == "digest" else 3), kind
        found |= {(kind, recipients[0]): mail for _, recipients, mail in company.post.received}
    return found


def test_every_mail_is_whole_small_and_quiet(reviewed: Any) -> None:
    mails = every_mail(reviewed)
    assert len(mails) == 12 + 5 * 3
    for (kind, recipient), mail in mails.items():
        where, language = f"{kind} to {recipient}", recipient.split("@")[0].split(".")[1]
        plain, html = (mail.get_body((part,)) for part in ("plain", "html"))
        assert plain is not None, where
        assert html is not None, where
        words, page = plain.get_content(), html.get_content()
        assert len(words.split()) > 25, where
        assert not re.search(r"</?[a-z]+[ >]|&[a-z]+;|\{\{", words), where
        assert 1000 < len(page.encode()) < LARGEST, where
        seen = Loads()
        seen.feed(page)
        assert seen.language == mail["Content-Language"] == language, where
        assert seen.remote == [], where
        assert not seen.tags & {"script", "iframe", "object", "embed", "form", "video", "audio"}, where
        assert "@import" not in page, where
        assert not re.search(r"<style[^>]*>[^<]*url\(", page), where
        images = {
            part["Content-ID"].strip("<>"): part for part in mail.walk() if part.get_content_maintype() == "image"
        }
        assert set(seen.cids) == set(images), where
        assert all(part.get_content().startswith(b"\x89PNG") for part in images.values()), where
        assert seen.unnamed == [], f"{where}: a picture says in words what it shows"
        assert bool(images) == (kind == "digest"), where
        link = str(mail["List-Unsubscribe"]).strip("<>")
        assert f"/unsubscribe/{recipient.split('@')[0].replace('.', '-')}/{kind}/" in link, where
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", where
        assert link in words, where
        assert f'href="{link}"' in page, where
        assert mail["Subject"].strip(), where
        assert "color-scheme" in page, where
        if kind in ("digest", "daily"):
            assert mail["Subject"].startswith(TITLES[language][kind == "daily"]), (where, mail["Subject"])


def test_who_has_ended_the_alerts_gets_none(reviewed: Any) -> None:
    from rebuttal.reports.unsubscribing import unsubscribe
    from rebuttal.state import open_state

    every_mail(reviewed)
    with open_state(reviewed.settings) as sessions:
        assert unsubscribe(sessions, "lead-ru", "alerts", "person:lead-ru", reviewed.now)
    reviewed.post.received.clear()
    report = reports.run(reviewed.context(reviewed.now + timedelta(days=8)), "alerts")
    assert (report.counts["unsubscribed"], report.counts["sent"]) == (1, 2)
    assert {to[0] for _, to, _ in reviewed.post.received} == {"lead.en@example.com", "lead.uk@example.com"}
