"""The page on which a reader ends a mail. The link in the mail is the only key: it holds a keyed hash, and no address.

Opening the link changes nothing, since mail scanners open links too; the button on the page does, and so does the
one-click POST of mail programs (RFC 8058).
"""

from __future__ import annotations

from html import escape

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from rebuttal.context import Context
from rebuttal.reports.unsubscribing import is_genuine, unsubscribe
from rebuttal.state import open_state
from rebuttal_airflow.connections import context

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Rebuttal</title></head>
<body style="font:18px/1.5 sans-serif;max-width:36em;margin:12vh auto;padding:0 1em">{body}</body></html>"""
_ASK = """<p>Stop sending this mail? · Больше не присылать это письмо? · Більше не надсилати цей лист?</p>
<form method="post"><button style="font:inherit;padding:.5em 1.2em">Stop · Не присылать · Не надсилати</button>
</form>"""
_DONE = """<p>Done: this mail will not come any more. · Готово: это письмо больше не придёт. · Готово: цей лист більше
не надійде.</p>"""

app = FastAPI(title="Unsubscribe", openapi_url=None)


@app.exception_handler(AnyHTTPException)
async def refuse(_request: Request, error: AnyHTTPException) -> Response:
    """In words, as a page; also for paths and methods that there are not."""
    return _page(f"<p>{escape(str(error.detail))}</p>", error.status_code)


@app.get("/{person_id}/{kind}/{token}")
def ask(person_id: str, kind: str, token: str) -> Response:
    """The question with its button."""
    _require_genuine(person_id, kind, token)
    return _page(_ASK)


@app.post("/{person_id}/{kind}/{token}")
def end(person_id: str, kind: str, token: str) -> Response:
    """End this mail for this reader; again, and it stays ended."""
    told = _require_genuine(person_id, kind, token)
    with open_state(told.settings) as sessions:
        unsubscribe(sessions, person_id, kind, f"person:{person_id}", told.clock.now())
    return _page(_DONE)


def _require_genuine(person_id: str, kind: str, token: str) -> Context:
    found = context()
    if not is_genuine(found.identity_key, person_id, kind, token):
        raise HTTPException(404, "This link is not one of ours. Ask whoever runs Rebuttal to take you off the list.")
    return found


def _page(body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(body=body), status, headers=_HEADERS)
