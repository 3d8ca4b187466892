"""Whether a vendor still sends us webhooks: subscriptions end without a word (a deleted app, a changed address)."""

from __future__ import annotations

from rebuttal.context import Context
from rebuttal.sources.declare import Request
from rebuttal.sources.registry import load_sources, source_of
from rebuttal.sources.session import Session
from rebuttal.sources.spool import spool_folder
from rebuttal.sources.targeted import opened

APP = "app_id"  # in the extra of the connection: the app that holds the webhooks
# Without these the fast way hears of no loss.
NEEDED = (("deal.propertyChange", "dealstage"), ("deal.creation", ""))


def check_subscriptions(context: Context, source: str, url: str) -> list[str] | None:
    """What is wrong with the vendor's subscriptions to `url`, a line each; none when all is well.

    None: it cannot be asked, because the vendor has no such interface that we know or the connection names no app.
    Raises what a pull raises when the vendor does not answer.
    """
    if source != "hubspot":
        return None
    config = load_sources(context.settings.config)
    with (
        spool_folder(context.settings.spool) as folder,
        opened(context, config, source_of(source), folder) as session,
    ):
        app = str(session.connection.extra.get(APP) or "")
        return _hubspot(session, app, url) if app else None


def _hubspot(session: Session, app: str, url: str) -> list[str]:
    """HubSpot's webhooks API, v3: the app's address, and its active subscriptions."""
    base = f"/webhooks/v3/{app}"
    settings = session.fetch(Request(f"{base}/settings", pending=(404,)))
    if settings.status == 404:
        return [f"HubSpot's app {app} has no address for webhooks: set it to {url}"]
    problems = []
    if settings.data["targetUrl"] != url:
        problems.append(f"HubSpot's app {app} sends its webhooks to another address than {url}")
    listed = session.fetch(Request(f"{base}/subscriptions")).data["results"]
    active = {(one["eventType"], one.get("propertyName") or "") for one in listed if one["active"]}
    missing = [" ".join(pair).strip() for pair in NEEDED if pair not in active]
    if missing:
        problems.append(f"HubSpot's app {app} is not subscribed to {', '.join(missing)}: add it and switch it on")
    return problems
