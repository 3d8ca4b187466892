"""YCLIENTS (Altegio abroad): the salons' book of records, by branch, with its double token and its own refusals.

Paths and fields follow the models of the vendor's client (`/api/v1/records/{company_id}`); cancelled records are
deleted ones, which come only when asked for.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from sandbox.faces.wire import Call, Face, Rate, Site, answer
from sandbox.recorded import ACCOUNTS, Booking, Branch

DEFAULT_PAGE, MAX_PAGE = 50, 300
ACCEPTED = ("application/vnd.yclients.v2+json", "application/vnd.api.v2+json")
Handler = Callable[[Request], Awaitable[HttpResponse]]


class Refused(Exception):
    """YCLIENTS says no."""

    def __init__(self, status: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors or {}

    def answer(self) -> HttpResponse:
        """As a response."""
        return answer(
            {"success": False, "data": None, "meta": {"message": self.message, "errors": self.errors}}, self.status
        )


def face(site: Site) -> Face:
    """The face."""
    return YclientsFace(site)


class YclientsFace(Face):
    """See the module."""

    prefix = "yclients"
    rates: ClassVar[dict[str, Rate]] = {"address": Rate(5, 5)}  # five calls a second from one address

    def routes(self) -> Sequence[Route]:
        """The vendor's paths."""
        paths: dict[str, tuple[Handler, str]] = {
            "/api/v1/auth": (self._auth, "POST"),
            "/api/v1/companies": (self._companies, "GET"),
            "/api/v1/records/{company:int}": (self._records, "GET"),
            "/api/v1/record/{company:int}/{record:int}": (self._record, "GET"),
        }
        return [Route(path, _guarded(handler), methods=[method]) for path, (handler, method) in paths.items()]

    def unauthorized(self, call: Call) -> HttpResponse | None:
        """401 without the partner's token, 403 without a user's (which logging in does not need)."""
        held = ACCOUNTS["yclients"]
        partner, _, user = call.headers.get("authorization", "").partition(",")
        if partner.strip() != f"Bearer {held['partner_token']}":
            return Refused(401, "Не указан или неверен партнёрский токен").answer()
        if call.path != "/api/v1/auth" and user.strip() != f"User {held['user_token']}":
            return Refused(403, "Недостаточно прав: нужен токен пользователя").answer()
        return None

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> HttpResponse:
        """429 without a word on how long to wait."""
        return Refused(429, "Превышен лимит запросов").answer()

    def broken(self, call: Call, status: int) -> HttpResponse:
        """5xx."""
        return Refused(status, "Внутренняя ошибка сервера").answer()

    async def _auth(self, request: Request) -> HttpResponse:
        try:
            given = json.loads(await request.body())
        except ValueError:
            given = {}
        if not isinstance(given, dict) or not (given.get("login") and given.get("password")):
            missing = {name: ["Обязательное поле"] for name in ("login", "password")}
            raise Refused(422, "Произошла ошибка", missing)
        data = {"id": 1, "user_token": ACCOUNTS["yclients"]["user_token"], "name": "Loop", "login": given["login"]}
        return answer({"success": True, "data": data, "meta": []}, 201)

    async def _companies(self, _: Request) -> HttpResponse:
        branches = self.site.recorded().branches
        data = [
            {"id": one.company_id, "title": one.title, "timezone_name": one.time_zone,
             "currency_short_title": one.currency, "active": 1}
            for one in branches
        ]  # fmt: skip
        return answer({"success": True, "data": data, "meta": {"total_count": len(data)}})

    async def _record(self, request: Request) -> HttpResponse:
        branch, wanted = self._branch(request), request.path_params["record"]
        for one in self.site.recorded().bookings:
            if one.company_id == branch.company_id and one.id == wanted:
                return answer({"success": True, "data": shown(one, branch), "meta": []})
        raise Refused(404, "Запись не найдена")

    async def _records(self, request: Request) -> HttpResponse:
        if request.headers.get("accept") not in ACCEPTED:
            raise Refused(400, "Не указана версия API в заголовке Accept")
        branch, query = self._branch(request), request.query_params
        page, count = _number(request, "page", 1, 10**6), _number(request, "count", DEFAULT_PAGE, MAX_PAGE)
        zone = ZoneInfo(branch.time_zone)
        since, until = _instant(request, "changed_after", zone), _instant(request, "changed_before", zone)
        first, last = query.get("start_date"), query.get("end_date")
        found = [
            one
            for one in self.site.recorded().bookings
            if one.company_id == branch.company_id
            and (not one.is_deleted or query.get("with_deleted") == "1")
            and (since is None or one.changed_at >= since)
            and (until is None or one.changed_at < until)
            and (not first or one.starts_at.astimezone(zone).date().isoformat() >= first)
            and (not last or one.starts_at.astimezone(zone).date().isoformat() <= last)
            and query.get("staff_id") in (None, str(one.staff[0]))
            and (one.client is None or query.get("client_id") in (None, str(one.client[0])))
        ]
        part = found[(page - 1) * count : page * count]
        # An empty list has no meta to speak of.
        meta: Any = {"page": page, "total_count": len(found)} if found else []
        return answer({"success": True, "data": [shown(one, branch) for one in part], "meta": meta})

    def _branch(self, request: Request) -> Branch:
        wanted = request.path_params["company"]
        for one in self.site.recorded().branches:
            if one.company_id == wanted:
                return one
        raise Refused(403, "Недостаточно прав на управление филиалом")


def shown(one: Booking, branch: Branch) -> dict[str, Any]:
    """A record as the vendor gives it: `date` in the branch's time, `datetime` with its offset."""
    zone = ZoneInfo(branch.time_zone)
    starts = one.starts_at.astimezone(zone)
    service, title, cents = one.service
    cost = cents / 100 if cents % 100 else cents // 100
    priced = {"cost": cost, "cost_per_unit": cost, "manual_cost": cost, "first_cost": cost, "discount": 0, "amount": 1}
    client: Any = []
    if one.client is not None:
        key, name, phone, email = one.client
        client = {"id": key, "name": name, "phone": phone.lstrip("+"), "email": email}
    labels = [{"id": sum(map(ord, one.label)), "title": one.label, "color": "#b3d9ff"}] if one.label else []
    return {
        "id": one.id,
        "company_id": one.company_id,
        "staff_id": one.staff[0],
        "services": [{"id": service, "title": title, **priced}],
        "goods_transactions": [],
        "staff": {"id": one.staff[0], "name": one.staff[1]},
        "client": client or None,
        "comer": None,
        "clients_count": 1,
        "date": starts.strftime("%Y-%m-%d %H:%M:%S"),
        "datetime": starts.isoformat(timespec="seconds"),
        "create_date": _stamp(one.created_at, zone),
        "comment": "",
        "online": one.is_online,
        "visit_attendance": one.attendance,
        "attendance": one.attendance,
        "confirmed": int(one.is_confirmed),
        "seance_length": one.minutes * 60,
        "length": one.minutes * 60,
        "api_id": "",
        "from_url": "",
        "visit_id": one.id + 1,
        "created_user_id": 0 if one.is_online else 1,
        "deleted": one.is_deleted,
        "paid_full": int(one.is_paid),
        "prepaid": False,
        "payment_status": int(one.is_paid),
        "last_change_date": _stamp(one.changed_at, zone),
        "record_from": "",
        "is_mobile": 0,
        "custom_fields": [],
        "documents": [],
        "record_labels": labels,
        "activity_id": 0,
    }


def _stamp(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refused(422, "Произошла ошибка", {name: [f"Значение должно быть от 1 до {most}"]})
    return int(text)


def _instant(request: Request, name: str, zone: ZoneInfo) -> datetime | None:
    """Without an offset it is the branch's own time."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(422, "Произошла ошибка", {name: ["Неверная дата"]}) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> HttpResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return refused.answer()

    return guarded
