"""Whether a vendor still sends us webhooks: subscriptions end without a word (a deleted app, a changed address)."""

from __future__ import annotations

from rebuttal.context import Context
from rebuttal.sources.declare import Request
from rebuttal.sources.registry import load_sources, source_of
from rebuttal.sources.session import Session
from rebuttal.sources.spool import spool_folder
from rebuttal.sources.targeted import opened

APP = "app_id"  # in the extra of HubSpot's connection: the app that holds the webhooks
TAG = "webhook_tag"  # in the extra of Typeform's: the tag under which each form's webhook was set
# Without these the fast way hears of no loss.
NEEDED = (("deal.propertyChange", "dealstage"), ("deal.creation", ""))


def check_subscriptions(context: Context, source: str, url: str) -> list[str] | None:
    """What is wrong with the vendor's subscriptions to `url`, a line each; none when all is well.

    None: it cannot be asked, because the vendor has no such interface that we know, or the connection does not name the
    app (HubSpot) or the tag (Typeform). Raises what a pull raises when the vendor does not answer.
    """
    if source not in ("hubspot", "typeform"):
        return None
    config = load_sources(context.settings.config)
    with (
        spool_folder(context.settings.spool) as folder,
        opened(context, config, source_of(source), folder) as session,
    ):
        named = str(session.connection.extra.get(APP if source == "hubspot" else TAG) or "")
        return (_hubspot if source == "hubspot" else _typeform)(session, named, url) if named else None


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


def _typeform(session: Session, tag: str, url: str) -> list[str]:
    """Typeform's webhooks API: one webhook a form and tag. Typeform switches it off after a 404 or 410 of ours."""
    problems = []
    for form in sorted(session.options["forms"]):
        found = session.fetch(Request(f"/forms/{form}/webhooks/{tag}", pending=(404,)))
        if found.status == 404:
            problems.append(f"Typeform's form {form} has no webhook {tag!r}: set it to {url}")
        elif found.data["url"] != url:
            problems.append(f"Typeform's form {form} sends its webhook {tag!r} to another address than {url}")
        elif not found.data["enabled"]:
            problems.append(f"Typeform's form {form} has its webhook {tag!r} switched off: set `enabled` to true")
    return problems
