"""What Airflow's API server gets from us: the data-quality page, and entries in the navigation.

Every Airflow process loads this module, tasks included; the page's own imports wait for the first request.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class OnFirstRequest:
    """An ASGI application that is imported when it is first asked."""

    def __init__(self) -> None:
        self._app: Asgi | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request on."""
        if self._app is None:
            from rebuttal_airflow.quality_app import app

            self._app = app
        await self._app(scope, receive, send)


def _dashboards() -> list[dict[str, Any]]:
    """The way to Superset, where $REBUTTAL_BI_URL says that there is one; it has a log-in of its own."""
    address = os.environ.get("REBUTTAL_BI_URL", "")
    if not address.startswith(("http://", "https://")):
        return []
    return [{"name": "Dashboards", "href": address, "destination": "nav", "nav_top_level": True}]


class RebuttalPlugin(AirflowPlugin):
    """The page under `/quality/`, behind Airflow's log-in, and the way to the dashboards."""

    name = "rebuttal"
    fastapi_apps = [{"app": OnFirstRequest(), "url_prefix": "/quality", "name": "Data quality"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Data quality",
            "href": "/quality/",
            "destination": "nav",
            "url_route": "data_quality",
            "nav_top_level": True,
        },
        *_dashboards(),
    ]
