"""Typeform: completed responses of the forms named in `sources.yml` (form id: kind).

Newest first, walked backwards by token; the newest may lag half an hour behind, hence the lookback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rebuttal.errors import ConfigError, ContractError, CutBodyError
from rebuttal.sources.declare import Page, Request, Restatement, Source, Stream, Window, stamp
from rebuttal.sources.paging import limit_pages
from rebuttal.sources.session import Session

PAGE_ROWS = 1000
NAMED_ROWS = 50  # tokens in one query: an address has its limit
SECONDS_BETWEEN_CALLS = 0.5  # two calls a second for an account
_HIDDEN = (
    "client_id",
    "deal_id",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "gclid",
    "yclid",
)


def pages(session: Session, window: Window) -> Iterator[Page]:
    """All forms, one after the other."""
    forms = session.options["forms"]
    if not forms:
        raise ConfigError("sources.typeform.options.forms is empty", next_step="Name the forms and their kinds")
    for form, kind in forms.items():
        for page in _pages_of(session, form, window):
            for item in page.data["items"]:
                if isinstance(item, dict):
                    item["form_id"], item["form_kind"] = form, kind
            yield page


def named(session: Session, ids: Sequence[str]) -> Iterator[Page]:
    """Single responses, each named `<form>/<token>`. The newest may be unknown for half an hour: the API is late."""
    forms = session.options["forms"]
    by_form: dict[str, list[str]] = {}
    for name in ids:
        form, _, token = name.partition("/")
        by_form.setdefault(form, []).append(token)
    for form, tokens in by_form.items():
        for start in range(0, len(tokens), NAMED_ROWS) if form in forms else ():
            some = tokens[start : start + NAMED_ROWS]
            params = {
                "included_response_ids": ",".join(some),
                "page_size": str(PAGE_ROWS),
                "response_type": "completed",
            }
            page = session.fetch(Request(f"/forms/{form}/responses", params=params, gap=SECONDS_BETWEEN_CALLS))
            page.data["items"] = [item for item in page.data["items"] if item["token"] in some]
            for item in page.data["items"]:
                item["form_id"], item["form_kind"] = form, forms[form]
            known = {item["token"] for item in page.data["items"]}
            session.unknown.update(f"{form}/{token}" for token in some if token not in known)
            yield page
        if form not in forms:
            session.unknown.update(f"{form}/{token}" for token in tokens)


def _pages_of(session: Session, form: str, window: Window) -> Iterator[Page]:
    request = Request(
        path=f"/forms/{form}/responses",
        params={
            "page_size": str(PAGE_ROWS),
            "since": stamp(window.since),
            "until": stamp(window.until),
            "response_type": "completed",
        },
        gap=SECONDS_BETWEEN_CALLS,
    )
    seen: set[str] = set()
    count, total = 0, None
    while items := (page := session.fetch(request)).data["items"]:
        total = int(page.data.get("total_items") or 0) if total is None else total
        yield page
        count += len(items)
        if count >= total:
            return
        token = [item["token"] for item in items if isinstance(item, dict)][-1]
        if token in seen:
            raise ContractError(
                f"{request.path} pages in a circle", next_step="The vendor's paging is broken; ask them"
            )
        seen.add(token)
        limit_pages(session, request, len(seen))
        request = replace(request, params={**request.params, "before": token})
    if total and count < total:
        raise CutBodyError(f"{request.path} gave {count} of {total} responses")


def answered(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Answers by their question's reference, whatever their type; hidden fields only as far as they are known."""
    answers: dict[str, Any] = {}
    for answer in item.pop("answers", None) or []:
        kind = answer["type"]
        value = answer.get(kind)
        if kind == "choice" and isinstance(value, dict):
            value = value.get("label") or value.get("other")
        elif kind == "choices" and isinstance(value, dict):
            value = value.get("labels")
        answers[answer["field"]["ref"]] = value
    hidden = item.get("hidden") or {}
    item["answers"] = answers
    item["hidden"] = {name: hidden[name] for name in _HIDDEN if name in hidden} or None
    if unknown := {name: value for name, value in hidden.items() if name not in _HIDDEN}:
        item["unknown_hidden"] = unknown
    yield item


SOURCE = Source(
    name="typeform",
    options={"forms": {}},
    is_refusal=lambda body: isinstance(body, Mapping) and "code" in body and "items" not in body,
    streams=(
        Stream(
            name="responses",
            entity="survey_response",
            columns={
                "form_id": "form_id",
                "form_kind": "form_kind",
                "response_id": "token",
                "landed_at": "landed_at",
                "submitted_at": "submitted_at",
                "nps": "answers.nps",
                "reason": "answers.reason",
                "comment": "answers.comment",
                "source_answer": "answers.source",
                "hidden": "hidden",
            },
            key=("form_id", "response_id"),
            cursor="submitted_at",
            restatement=Restatement(timedelta(hours=1), "the newest responses reach the API up to half an hour late"),
            slice_days=100,
            personal={"email": "answers.email"},
            nested=("hidden", "reason", "source_answer"),  # a question may allow several choices
            ignored=(
                "landing_id",
                "response_id",
                "response_type",
                "metadata",
                "calculated",
                "variables",
                "thankyou_screen_ref",
            ),
            pages=pages,
            named=named,
            items=lambda page: page.data["items"],
            shape=answered,
        ),
    ),
)
