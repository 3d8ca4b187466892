"""A world of some dozens of rows, made by hand: everything the faces can show, small enough to know by heart.

`SmallWorld` keeps `sandbox.recorded.World`. Its days are 2026-10-05 (Monday) to 2026-10-11; now is 2026-10-12T00:00Z.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from sandbox.recorded import (
    AD_COLUMNS,
    CLICK_COLUMNS,
    HIT_COLUMNS,
    SESSION_COLUMNS,
    VISIT_COLUMNS,
    CrmObject,
    Recorded,
    Response,
    TaskCard,
    TeamAction,
)

NOW = datetime(2026, 10, 12, tzinfo=UTC)
DAYS = [date(2026, 10, 5) + timedelta(days=n) for n in range(7)]
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """An instant on the day of October 2026."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def ads(prefix: str, campaigns: int) -> pd.DataFrame:
    rows = []
    for day_number, day in enumerate(DAYS):
        for campaign in range(1, campaigns + 1):
            for ad in (1, 2):
                impressions = 100 * campaign + 10 * day_number + ad
                url = f"https://brand.example/c{campaign}?utm_source=g&utm_medium=cpc&utm_campaign={prefix}_{campaign}"
                rows.append(
                    (
                        day,
                        f"{prefix}{campaign}",
                        f"Кампания {campaign} / spring",
                        "ENABLED",
                        f"{prefix}{campaign}0",
                        f"{prefix}{campaign}0{ad}",
                        url,
                        impressions,
                        impressions // 10,
                        impressions * 120_000,
                        float(ad),
                        50.5 * ad,
                    )
                )
    return pd.DataFrame(
        [(*row[:5], f"Group {row[4]}", *row[5:]) for row in rows],
        columns=list(AD_COLUMNS),
    )


def web() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """40 visits (one sent twice), a hit or two each, sessions and clicks."""
    visits, hits, sessions, clicks = [], [], [], []
    for n in range(40):
        start = datetime(2026, 10, 5, 1, tzinfo=UTC) + timedelta(hours=4 * n, minutes=n)
        gclid = f"Cj0KCQjw{n:03d}aBc-_" if n % 4 == 0 else ""
        client = str(17_590_000_000_000_000_000 + n % 25)
        landing = f"https://brand.example/course?utm_source=google&utm_medium=cpc&utm_campaign=g_{n % 3}"
        landing += f"&gclid={gclid}" if gclid else ""
        watch = [str(9_300_000_000_000_000_000 + 2 * n), str(9_300_000_000_000_000_001 + 2 * n)]
        goals = ["101"] if n % 5 == 0 else []
        visits.append(
            (
                str(18_000_000_000_000_000_000 + n),
                client,
                start,
                start + timedelta(minutes=5),
                300,
                2,
                n < 25,
                False,
                landing,
                "https://brand.example/thanks" if goals else "https://brand.example/price",
                "https://www.google.com/",
                "ad" if gclid else "organic",
                None,
                "google",
                "cpc",
                f"g_{n % 3}",
                "",
                "курсы маникюра",
                ("desktop", "mobile", "tablet")[n % 3],
                goals,
                [start + timedelta(minutes=4)] * len(goals),
                watch,
            )
        )
        for order, watch_id in enumerate(watch):
            moment = start + timedelta(minutes=4 * order)
            page = landing if order == 0 else "https://brand.example/price"
            hits.append(
                (watch_id, visits[-1][0], client, moment, page, "", True, goals if order else [], "Курсы — бренд")
            )
        if n % 2 == 0:
            key_events = len(goals)
            sessions.append(
                (
                    f"s{n}",
                    start,
                    "google" if gclid else "(direct)",
                    "cpc" if gclid else "(none)",
                    f"g_{n % 3}" if gclid else "(not set)",
                    "/course",
                    ("desktop", "mobile", "tablet")[n % 3],
                    n % 3 == 0,
                    key_events,
                    f"ga.{n % 25}",
                )
            )
        if gclid:
            clicks.append((gclid, start - timedelta(seconds=20), "21", "210", "2101"))
    visits.append(visits[-1])
    return (
        pd.DataFrame(visits, columns=list(VISIT_COLUMNS)),
        pd.DataFrame(hits, columns=list(HIT_COLUMNS)),
        pd.DataFrame(sessions, columns=list(SESSION_COLUMNS)),
        pd.DataFrame(clicks, columns=list(CLICK_COLUMNS)),
    )


def crm() -> dict[str, list[CrmObject]]:
    """12 contacts (one archived, one merged), 3 companies, 9 deals with stage history, 6 notes, 4 calls."""
    contacts, companies, deals, notes, calls = [], [], [], [], []
    for n in range(1, 13):
        made, changed = at(5, 8, n), at(5 + n % 6, 12, n)
        properties: dict[str, str | None] = {
            "email": f"person{n}@salon{n % 3}.example",
            "phone": f"+38050123{n:04d}",
            "firstname": "Анна",
            "lastname": f"Тест{n}",
            "lifecyclestage": ("lead", "marketingqualifiedlead", "salesqualifiedlead", "customer")[n % 4],
            "hubspot_owner_id": str(71 + n % 2),
            "hs_language": ("ru", "uk", "en")[n % 3],
            "segment": "salon_owner",
            "hs_merged_object_ids": "901;902" if n == 3 else None,
            "associatedcompanyid": str(300 + n % 3),
        }
        contacts.append(crm_object(100 + n, made, changed, properties, is_archived=n == 12))
    for n in range(3):
        properties = {"name": f"Салон {n}", "domain": f"salon{n}.example", "city": "Київ", "country": "UA"}
        companies.append(crm_object(300 + n, at(5), at(6, 10, n), properties))
    for n in range(1, 10):
        stage = STAGES[n % 5]
        closed = stage.startswith("closed")
        made, changed = at(5, 10, n), at(5 + n % 6, 15, n)
        properties = {
            "dealname": f"Курс №{n}",
            "amount": f"{100 * n}.50",
            "deal_currency_code": "EUR",
            "dealstage": stage,
            "pipeline": "default",
            "closedate": iso(changed) if closed else None,
            "closed_lost_reason": "Дорого" if stage == "closedlost" else None,
            "hs_is_closed": str(closed).lower(),
            "hs_is_closed_won": str(stage == "closedwon").lower(),
            "hubspot_owner_id": str(71 + n % 2),
        }
        history = [version(stage, changed), version(STAGES[0], made)] if stage != STAGES[0] else [version(stage, made)]
        deals.append(
            crm_object(
                500 + n,
                made,
                changed,
                properties,
                history={"dealstage": history},
                associations={"contacts": [str(100 + n)], "companies": [str(300 + n % 3)]},
            )
        )
    for n in range(1, 7):
        body = f"<p>Клиент {n} говорит: слишком дорого, подумает</p>"
        moment = at(5 + n, 11, n)
        properties = {"hs_note_body": body, "hs_timestamp": iso(moment), "hubspot_owner_id": "71"}
        links = {"contacts": [str(100 + n)], "deals": [str(500 + n)]}
        notes.append(crm_object(700 + n, moment, moment, properties, associations=links))
    for n in range(1, 5):
        moment = at(6, 13, n)
        properties = {
            "hs_call_body": f"Manager: hello {n}. Client: I have no time for a course now.",
            "hs_call_title": f"Call {n}",
            "hs_call_direction": "OUTBOUND",
            "hs_call_duration": str(60_000 * n),
            "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
            "hs_call_status": "COMPLETED",
            "hs_timestamp": iso(moment),
            "hubspot_owner_id": "72",
        }
        links = {"contacts": [str(100 + n)], "deals": [str(500 + n)]}
        calls.append(crm_object(800 + n, moment, moment, properties, associations=links))
    return {"contacts": contacts, "companies": companies, "deals": deals, "notes": notes, "calls": calls}


def crm_object(
    number: int, made: datetime, changed: datetime, properties: dict[str, str | None], **more: Any
) -> CrmObject:
    archived_at = changed if more.get("is_archived") else None
    return CrmObject(str(number), made, changed, properties, archived_at=archived_at, **more)


def version(value: str, moment: datetime) -> dict[str, str]:
    return {"value": value, "timestamp": iso(moment), "sourceType": "CRM_UI", "sourceId": "userId:5"}


def owners() -> list[dict[str, Any]]:
    common = {"createdAt": iso(at(1)), "updatedAt": iso(at(2)), "type": "PERSON"}
    return [
        {"id": "71", "email": "olga@brand.example", "firstName": "Ольга", "lastName": "К", "userId": 5, **common}
        | {"archived": False, "teams": [{"id": "1", "name": "Sales", "primary": True}]},
        {"id": "72", "email": "ivan@brand.example", "firstName": "Іван", "lastName": "М", "userId": 6, **common}
        | {"archived": False},
        {"id": "73", "email": "gone@brand.example", "firstName": "Пётр", "lastName": "Р", "userId": 7, **common}
        | {"archived": True},
    ]


def pipelines() -> list[dict[str, Any]]:
    chances = {"closedwon": "1.0", "closedlost": "0.0"}
    times = {"createdAt": iso(at(1)), "updatedAt": iso(at(1)), "archived": False}
    stages = [
        {
            "id": stage,
            "label": stage.title(),
            "displayOrder": order,
            "metadata": {
                "isClosed": str(stage in chances).lower(),
                "probability": chances.get(stage, f"0.{order + 2}"),
            },
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **times,
        }
        for order, stage in enumerate(STAGES)
    ]
    return [{"id": "default", "label": "Продажи", "displayOrder": 0, "stages": stages, **times}]


def responses() -> list[Response]:
    """60 answers to the NPS form, 3 to the one on lost deals, none to the third."""
    found = []
    for n in range(60):
        landed = at(5, 6) + timedelta(hours=2 * n)
        answers: dict[str, Any] = {"nps": n % 11}
        if n % 2:
            answers |= {"comment": f"Было полезно, но {n}", "source": "подруга рассказала"}
        if n % 3 == 0:
            answers["email"] = f"person{n}@salon.example"
        submitted = landed + timedelta(minutes=3)
        found.append(Response("nps7Qx", f"{n:032x}", landed, submitted, {"client_id": str(n)}, answers))
    for n in range(3):
        landed = at(8, 10) + timedelta(hours=n)
        answers = {"reason": "Дорого", "comment": "Знайшли дешевше"}
        hidden = {"deal_id": str(504 + n)}
        found.append(Response("lost3Kd", f"{n + 5000:032x}", landed, landed + timedelta(minutes=1), hidden, answers))
    return sorted(found, key=lambda response: response.submitted_at or response.landed_at)


def recorded(now: datetime = NOW) -> Recorded:
    visits, hits, sessions, clicks = web()
    frames = {"google-ads": ads("2", 3), "yandex-direct": ads("7", 2)}
    return Recorded(now, frames, visits, hits, sessions, clicks, crm(), owners(), pipelines(), responses())


class SmallWorld:
    """Nothing new happens in it, but time goes on and the content team takes each task one step a day."""

    def __init__(self, shown: Recorded | None = None) -> None:
        self.shown = shown or recorded()
        self.moves: list[float] = []
        self._now = self.shown.now

    @property
    def now(self) -> datetime:
        return self._now

    def recorded(self) -> Recorded:
        return self.shown

    def truth(self, counterfactuals: bool = True) -> dict[str, Any]:
        return {"version": 1, "secret": "who is whom"}

    def advance(self, days: float, tasks: list[TaskCard]) -> list[TeamAction]:
        start, self._now = self._now, self._now + timedelta(days=days)
        self.moves.append(days)
        actions = []
        for order, task in enumerate(tasks):
            if not any(label.startswith("objection-") for label in task.labels) or task.status == "Published":
                continue
            moment = start + timedelta(hours=1 + order)
            url = f"https://brand.example/blog/{task.key.lower()}"
            actions += [
                TeamAction(task.key, moment, "status", "In Progress"),
                TeamAction(task.key, moment + timedelta(hours=1), "summary", f"{task.summary} (ред.)"),
                TeamAction(task.key, moment + timedelta(hours=2), "comment", "Беру в работу"),
                TeamAction(task.key, moment + timedelta(hours=3), "status", "Published", url),
            ]
        return actions
