"""Typeform: forms and their responses, with its rules on tokens, sorting and time windows."""

from __future__ import annotations

import math
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from sandbox.faces.typeform_hooks import Webhooks, submitted
from sandbox.faces.wire import Call, Face, Rate, Site, answer, face_url, iso_s
from sandbox.recorded import ACCOUNTS, FORMS, Recorded, Response

MAX_PAGE, DEFAULT_PAGE, MAX_FORMS = 1000, 25, 200
TITLES = {"nps": "После обучения", "lost_deal": "Why not this time?", "exit": "Перед тим як піти"}
NEVER = "0001-01-01T00:00:00Z"  # submitted_at of what was not submitted
# question ref -> (field id, field type, answer type, title)
QUESTIONS = {
    "nps": ("hVONkQcnSNRj", "opinion_scale", "number", "How likely are you to recommend us?"),
    "reason": ("JwWggjAKtOkA", "multiple_choice", "choice", "What kept you from it?"),
    "comment": ("SMEUb7VJz92Q", "long_text", "text", "Tell us more"),
    "source": ("pn48RmPazVdM", "short_text", "text", "How did you hear of us?"),
    "email": ("M5tXK5kG7IeA", "email", "email", "Your e-mail"),
}
HIDDEN = ("client_id", "deal_id", "utm_source", "utm_medium", "utm_campaign")
Handler = Callable[[Request], Awaitable[HttpResponse]]


class Refused(Exception):
    """Typeform says no."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description

    def answer(self, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """As a response."""
        help_ = "https://www.typeform.com/developers/responses/"
        body = {"code": self.code, "description": self.description, "help": help_, "details": []}
        return answer(body, self.status, headers)


def face(site: Site) -> Face:
    """The face."""
    return TypeformFace(site)


class TypeformFace(Face):
    """See the module."""

    prefix = "typeform"
    # Two calls a second; the burst lets a small account be read at a go.
    rates: ClassVar[Mapping[str, Rate]] = {"account": Rate(2, 12)}

    def routes(self) -> Sequence[Route]:
        """Typeform's paths."""
        paths: dict[str, Handler] = {
            "/me": self._me,
            "/forms": self._forms,
            "/forms/{form}": self._form,
            "/forms/{form}/responses": self._responses,
        }
        found = [Route(path, _guarded(handler), methods=["GET"]) for path, handler in paths.items()]
        return [*found, Webhooks().route()]

    def unauthorized(self, call: Call) -> HttpResponse | None:
        """401 without the account's token."""
        token = call.bearer()
        if token == ACCOUNTS["typeform"]["access_token"]:
            return None
        missing = "Authentication credentials not found on the Request Headers"
        return Refused(401, "AUTHENTICATION_FAILED", missing if token is None else "Invalid access token").answer()

    def throttled(self, call: Call, bucket: str, wait_s: float, says_when: bool) -> HttpResponse:
        """429; Typeform promises no word on how long to wait, but sometimes gives one."""
        headers = {"Retry-After": str(math.ceil(wait_s))} if says_when else None
        return Refused(429, "TOO_MANY_REQUESTS", "Too many requests, slow down").answer(headers)

    def broken(self, call: Call, status: int) -> HttpResponse:
        """5xx."""
        return Refused(status, "INTERNAL_ERROR", "Something went wrong, please try again").answer()

    def moved(self, before: Recorded) -> None:
        """Responses that were submitted since."""
        known = {one.token for one in before.responses if one.submitted_at}
        fields = [{"id": id_, "ref": ref, "type": type_} for ref, (id_, type_, _, _) in QUESTIONS.items()]
        for one in self.site.recorded().responses:
            if one.submitted_at and one.token not in known:
                number = int(one.token[:12], 16)
                event = submitted(number, one.form, TITLES[FORMS[one.form]], self._shown(one, set()), fields)
                self.site.hooks.tell(self.prefix, [event])

    async def _me(self, _: Request) -> HttpResponse:
        return answer({"alias": "Beauty brand", "email": "loop@example.com", "language": "en", "user_id": "01SANDBOX"})

    async def _forms(self, request: Request) -> HttpResponse:
        page, size = _number(request, "page", 1, 10_000), _number(request, "page_size", 10, MAX_FORMS)
        forms = [self._summary(request, form) for form in FORMS]
        count = math.ceil(len(forms) / size)
        found = forms[(page - 1) * size : page * size]
        return answer({"total_items": len(forms), "page_count": count, "items": found})

    async def _form(self, request: Request) -> HttpResponse:
        form = _known(request)
        reasons = sorted({str(one.answers["reason"]) for one in self._all(form) if "reason" in one.answers})
        fields = []
        for ref, (id_, type_, _, title) in QUESTIONS.items():
            field: dict[str, Any] = {"id": id_, "ref": ref, "type": type_, "title": title, "properties": {}}
            if type_ == "multiple_choice":
                field["properties"] = {"choices": [_choice(label) for label in reasons]}
            if type_ == "opinion_scale":
                field["properties"] = {"steps": 11, "start_at_one": False}
            fields.append(field)
        about = {"type": "quiz", "settings": {"language": "en", "is_public": True}, "hidden": list(HIDDEN)}
        return answer({**self._summary(request, form), **about, "fields": fields})

    async def _responses(self, request: Request) -> HttpResponse:
        form, query = _known(request), request.query_params
        size, type_ = _number(request, "page_size", DEFAULT_PAGE, MAX_PAGE), query.get("response_type", "completed")
        types = set(type_.split(","))
        if types - {"completed", "partial", "started"}:
            raise Refused(400, "VALIDATION_ERROR", "response_type must be of completed, partial, started")
        since, until = _instant(request, "since"), _instant(request, "until")
        wanted, words = set(filter(None, query.get("included_response_ids", "").split(","))), query.get("query", "")
        found = [
            one
            for one in self._all(form)
            if ("completed" if one.submitted_at else "started") in types
            and (since is None or _at(one) >= since)
            and (until is None or _at(one) <= until)
            and (not wanted or one.token in wanted)
            and (not words or any(words.casefold() in str(value).casefold() for value in one.answers.values()))
        ]
        if query.get("after") or query.get("before"):
            page = _from_token(request, found, self._all(form))[:size]
        else:
            page = _sorted(found, query.get("sort") or "submitted_at,desc")[:size]
        fields = set(filter(None, query.get("fields", "").split(",")))
        items = [self._shown(one, fields) for one in page]
        return answer({"total_items": len(found), "page_count": math.ceil(len(found) / size), "items": items})

    def _all(self, form: str) -> list[Response]:
        return [one for one in self.site.recorded().responses if one.form == form]

    def _summary(self, request: Request, form: str) -> dict[str, Any]:
        base = face_url(request)
        return {
            "id": form,
            "title": TITLES[FORMS[form]],
            "last_updated_at": iso_s(datetime(2026, 1, 15, 9, tzinfo=UTC)),
            "created_at": iso_s(datetime(2026, 1, 15, 9, tzinfo=UTC)),
            "settings": {"is_public": True, "is_trial": False},
            "self": {"href": f"{base}/forms/{form}"},
            "theme": {"href": f"{base}/themes/default"},
            "_links": {"display": f"https://brand.typeform.com/to/{form}"},
        }

    def _shown(self, one: Response, fields: set[str]) -> dict[str, Any]:
        answers = []
        for ref, value in one.answers.items():
            id_, type_, kind, _ = QUESTIONS[ref]
            if fields and id_ not in fields:
                continue
            shown = _choice(str(value)) if kind == "choice" else value
            answers.append({"field": {"id": id_, "type": type_, "ref": ref}, "type": kind, kind: shown})
        metadata = {
            "user_agent": "Mozilla/5.0",
            "platform": "mobile",
            "referer": f"https://brand.typeform.com/to/{one.form}",
            "network_id": one.token[:10],
            "browser": "default",
        }
        return {
            "landing_id": one.token,
            "token": one.token,
            "response_id": one.token,
            "response_type": "completed" if one.submitted_at else "started",
            "landed_at": iso_s(one.landed_at),
            "submitted_at": iso_s(one.submitted_at) if one.submitted_at else NEVER,
            "metadata": metadata,
            "hidden": dict(one.hidden),
            "calculated": {"score": 0},
            "variables": [{"key": "score", "type": "number", "number": 0}],
            **({"answers": answers} if answers else {}),
        }


def _from_token(request: Request, found: list[Response], everything: list[Response]) -> list[Response]:
    """From a token on, in the order the responses came in (`after`) or against it (`before`)."""
    after, before = request.query_params.get("after"), request.query_params.get("before")
    if request.query_params.get("sort") or (after and before):
        raise Refused(400, "VALIDATION_ERROR", "after, before and sort cannot be used together")
    start = next((_order(one) for one in everything if one.token == (after or before)), None)
    if start is None:
        raise Refused(400, "VALIDATION_ERROR", f"{'after' if after else 'before'} is not a token of a response")
    if after:
        return sorted((one for one in found if _order(one) > start), key=_order)
    return sorted((one for one in found if _order(one) < start), key=_order, reverse=True)


def _sorted(found: list[Response], sort: str) -> list[Response]:
    field, _, direction = sort.partition(",")
    if field not in ("submitted_at", "landed_at") or direction not in ("asc", "desc"):
        raise Refused(400, "VALIDATION_ERROR", "sort must be submitted_at or landed_at, then asc or desc")
    if field == "landed_at":
        return sorted(found, key=lambda one: (one.landed_at, one.token), reverse=direction == "desc")
    return sorted(found, key=_order, reverse=direction == "desc")


def _order(one: Response) -> tuple[datetime, str]:
    return (_at(one), one.token)


def _at(one: Response) -> datetime:
    return one.submitted_at or one.landed_at


def _choice(label: str) -> dict[str, str]:
    id_ = uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/typeform/{label}")
    return {"id": id_.hex[:12], "label": label, "ref": str(id_)}


def _known(request: Request) -> str:
    form = str(request.path_params["form"])
    if form not in FORMS:
        raise Refused(404, "FORM_NOT_FOUND", f"form with id {form} was not found")
    return form


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refused(400, "VALIDATION_ERROR", f"{name} must be between 1 and {most}")
    return int(text)


def _instant(request: Request, name: str) -> datetime | None:
    """`2026-10-01T00:00:00`, with or without Z, or seconds since the epoch; UTC."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Refused(400, "VALIDATION_ERROR", f"{name} is not a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> HttpResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return refused.answer()

    return guarded
