"""Looks at Superset in Chromium and prints what it saw as JSON. Runs in .venv-bi, where Playwright is.

`python browse.py BASE_URL USER PASSWORD TASKS.json`; a task is one of
{"open": slug}                        every chart's rows or error, by the answers that the page got; after the first one
                                      as people do it, within the page that is loaded already
{"filter": slug, "name": .., "choose": ..}   the same after choosing a value of a filter in the page
{"take away": file}                   what was published is there no more
{"get": path} / {"post": path, "json": {...}}  the status and body of an API call by this account
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Response, TimeoutError, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 120_000
LOG_IN_MS = 40_000
LOG_INS = 3
# As a link within the application does it: a page that is loaded anew runs ten megabytes of scripts first.
GO_THERE = "to => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate', {state: {}})) }"


class Charts:
    """What the page was answered for each chart, by the chart's number."""

    def __init__(self, page: Page) -> None:
        self.seen: dict[int, dict[str, Any]] = {}
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        parts = urlsplit(response.url)
        if parts.path != "/api/v1/chart/data":
            return
        given = parse_qs(parts.query).get("form_data")
        if not given or "slice_id" not in (form := json.loads(given[0])):
            return  # the values of a filter
        if response.status != 200:
            self.seen[form["slice_id"]] = {"error": response.text()[:500], "rows": []}
            return
        result = response.json()["result"][0]
        self.seen[form["slice_id"]] = {"error": result.get("error"), "rows": result["data"]}


def main() -> int:
    """Do the tasks in order; one answer a task."""
    base, user, password, tasks = sys.argv[1:]
    answers: list[Any] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # As high as the longest dashboard: charts are drawn when they come into sight.
        page = browser.new_page(viewport={"width": 1366, "height": 4200})
        page.set_default_timeout(PATIENCE_MS)
        # Superset's own pages ask other hosts (a counting pixel), and a network that drops them silently holds a page;
        # so does the beacon of what was clicked, whose end a browser does not always tell.
        page.route(lambda url: not url.startswith(base) or "/superset/log/" in url, lambda route: route.abort())
        _log_in(page, base, user, password)
        charts = Charts(page)
        for task in json.loads(tasks):
            charts.seen.clear()
            if "open" in task:
                answers.append(_open(page, base, task["open"], charts))
            elif "filter" in task:
                page.goto("about:blank")  # no filter of an earlier task
                _open(page, base, task["filter"], charts)
                charts.seen.clear()
                answers.append(_filter(page, task["name"], task["choose"], charts))
            elif "take away" in task:
                Path(task["take away"]).unlink()
                answers.append(None)
            else:
                answers.append(_call(page, base, task))
        browser.close()
    sys.stdout.write(json.dumps(answers))
    return 0


def _log_in(page: Page, base: str, user: str, password: str) -> None:
    """Log in, again where the form was sent before the page had its token: a person would press the button again."""
    for _attempt in range(LOG_INS):
        page.goto(f"{base}/login/")
        page.wait_for_load_state("networkidle")
        page.fill("#username", user)
        page.fill("#password", password)
        page.click("button[type=submit]")
        try:
            page.wait_for_url(lambda url: "/login" not in url, wait_until="commit", timeout=LOG_IN_MS)
        except TimeoutError:
            continue
        return
    raise SystemExit(f"{user} could not log in; the page says: {page.locator('body').inner_text()[:500]}")


def _open(page: Page, base: str, slug: str, charts: Charts) -> dict[str, Any]:
    address = f"{base}/superset/dashboard/{slug}/"
    if page.url.startswith(f"{base}/superset/dashboard/"):
        page.evaluate(GO_THERE, address)
        page.wait_for_timeout(300)
    else:
        page.goto(address)
    return _look(page, charts)


def _look(page: Page, charts: Charts) -> dict[str, Any]:
    """Wait until nothing loads, then tell what is on the page."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.querySelector('[data-test=loading-indicator]')")
    page.wait_for_timeout(500)
    return {
        "charts": {number: dict(found) for number, found in charts.seen.items()},
        "holders": page.locator("[data-test=chart-grid-component]").count(),
        "described": page.locator(".dashboard-chart[aria-label]:not([aria-label=''])").count(),
        "alerts": page.locator("[role=alert]").all_inner_texts(),
        "body": page.locator("body").inner_text()[:20_000],
    }


def _filter(page: Page, name: str, choose: str, charts: Charts) -> dict[str, Any]:
    box = page.locator("[data-test=form-item-value], .filter-item-wrapper, [data-test=filter-control]", has_text=name)
    (box.locator("input").first if box.count() else page.get_by_label(name)).click()
    page.keyboard.type(choose)
    page.locator(".ant-select-item-option", has_text=choose).first.click()
    page.keyboard.press("Escape")
    page.locator("[data-test=filter-bar__apply-button]").click()
    page.wait_for_timeout(500)
    return _look(page, charts)


def _call(page: Page, base: str, task: dict[str, Any]) -> dict[str, Any]:
    if "get" in task:
        answer = page.request.get(f"{base}{task['get']}")
    else:
        token = page.request.get(f"{base}/api/v1/security/csrf_token/").json().get("result", "")
        headers = {"X-CSRFToken": token, "Referer": base}
        answer = page.request.post(f"{base}{task['post']}", data=task["json"], headers=headers)
    return {"status": answer.status, "url": answer.url, "body": answer.text()[:200_000]}


if __name__ == "__main__":
    sys.exit(main())
