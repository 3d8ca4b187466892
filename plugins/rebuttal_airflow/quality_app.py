"""The data-quality page, what stands open, and the Data Docs: every request is checked with Airflow's own log-in.

Airflow mounts a plugin's application without authentication; here it is a dependency of every route. Browsers without a
session are sent to the log-in page and come back; others get 401. Nothing that is served may run a script.
"""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from rebuttal.quality.data_docs import FOLDER
from rebuttal.quality.page import render
from rebuttal.reports.open_page import render_open
from rebuttal.settings import load_settings
from rebuttal_airflow.connections import context

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}

app = FastAPI(title="Data quality", openapi_url=None, dependencies=[Depends(get_user)])


@app.exception_handler(AnyHTTPException)
async def refuse(request: Request, error: AnyHTTPException) -> Response:
    """No session: a browser is sent to the log-in page. Paths and methods that there are not are refused likewise."""
    is_browser = "text/html" in request.headers.get("accept", "") and "authorization" not in request.headers
    if error.status_code == 401 and is_browser:
        return RedirectResponse(get_auth_manager().get_url_login(next_url=request.url.path), headers=_HEADERS)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=_HEADERS)


@app.get("/")
def quality_page() -> Response:
    """What the gate found, as last published."""
    return HTMLResponse(render(load_settings(), "docs/"), headers=_HEADERS)


@app.get("/open")
def open_page() -> Response:
    """What stands open, as `rebuttal alerts` lists it."""
    return HTMLResponse(render_open(context()), headers=_HEADERS)


@app.get("/docs/{path:path}")
def data_docs(path: str) -> Response:
    """A page or the style sheet of the Data Docs; nothing outside their folder."""
    root = (load_settings().home / FOLDER).resolve()
    if "\0" in path:
        raise HTTPException(404, "There is no such page")
    target = Path(root, path or "index.html").resolve()
    if not target.is_relative_to(root) or target.suffix not in _KINDS or not target.is_file():
        raise HTTPException(404, "There is no such page; `rebuttal docs` draws the Data Docs")
    return FileResponse(target, media_type=_KINDS[target.suffix], headers=_HEADERS)
