"""The vendors' wire protocols over the world: one module a vendor, each with `face(site) -> Face`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.faces.wire import Face, Site

MODULES = ("google_ads", "yandex_direct", "yandex_metrica", "ga4", "hubspot", "typeform", "yclients", "jira", "trello")


def all_faces(site: Site) -> list[Face]:
    """Every face over `site`, in the order of MODULES."""
    return [import_module(f"sandbox.faces.{module}").face(site) for module in MODULES]
