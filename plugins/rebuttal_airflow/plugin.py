"""What Airflow's API server gets from us: the data-quality page, entries in the navigation, the page on which readers
end a mail, and the receiver of webhooks.

Every Airflow process loads this module, tasks included; the pages' own imports wait for the first request.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class OnFirstRequest:
    """An ASGI application that is imported when it is first asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._app: Asgi | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request on."""
        if self._app is None:
            self._app = import_module(self._module).app
        await self._app(scope, receive, send)


def _dashboards() -> list[dict[str, Any]]:
    """The way to Superset, where $REBUTTAL_BI_URL says that there is one; it has a log-in of its own."""
    address = os.environ.get("REBUTTAL_BI_URL", "")
    if not address.startswith(("http://", "https://")):
        return []
    return [{"name": "Dashboards", "href": address, "destination": "nav", "nav_top_level": True}]


class RebuttalPlugin(AirflowPlugin):
    """`/quality/`, behind Airflow's log-in; `/unsubscribe/`, for holders of our link; `/hooks/`, for vendors that sign;
    the way to the dashboards."""

    name = "rebuttal"
    fastapi_apps = [  # noqa: RUF012
        {"app": OnFirstRequest("rebuttal_airflow.quality_app"), "url_prefix": "/quality", "name": "Data quality"},
        {
            "app": OnFirstRequest("rebuttal_airflow.unsubscribe_app"),
            "url_prefix": "/unsubscribe",
            "name": "Unsubscribe",
        },
        {"app": OnFirstRequest("rebuttal_airflow.inbox_app"), "url_prefix": "/hooks", "name": "Webhooks"},
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Open alerts",  # as long as the navigation shows
            "href": "/quality/open",
            "destination": "nav",
            "url_route": "open_alerts",
            "nav_top_level": True,
        },
        {
            "name": "Data quality",
            "href": "/quality/",
            "destination": "nav",
            "url_route": "data_quality",
            "nav_top_level": True,
        },
        *_dashboards(),
    ]
