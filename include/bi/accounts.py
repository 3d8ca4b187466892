"""Who may see what: an administrator, a reader for the head office, and one account per partner of bi.yml.

A partner's account has two roles: `Partner`, which opens dashboards and nothing else, and one of its own, on which its
row-level rule hangs. A base rule shows nobody any row of the
partners' datasets unless one of the other rules names the role: an account that was put together wrongly sees nothing,
not everything. SQL Lab, exports and the making of charts are not granted, and datasets of the head office are not
readable at all.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import yaml

from bi.declarations import DeclarationError
from bi.places import config, home

READER, PARTNER = "Reader", "Partner"
# Pages, data of charts one may see, and the state of filters; nothing that writes or lists what lies behind.
ALLOWED = (
    ("can_read", "Dashboard"),
    ("can_read", "Chart"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_read", "ExploreFormDataRestApi"),
    ("can_write", "ExploreFormDataRestApi"),
    ("can_read", "SecurityRestApi"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "Theme"),
    ("can_read", "CssTemplate"),
    ("can_time_range", "Api"),
    ("can_query", "Api"),
    ("can_query_form_data", "Api"),
    ("can_dashboard", "Superset"),
    ("can_log", "Superset"),
    ("can_language_pack", "Superset"),
    ("can_recent_activity", "Log"),
    ("can_get", "MenuApi"),
    ("can_get", "OpenApi"),
    ("can_userinfo", "UserDBModelView"),
    ("resetmypassword", "UserDBModelView"),
    ("can_this_form_get", "ResetMyPasswordView"),
    ("can_this_form_post", "ResetMyPasswordView"),
    ("menu_access", "Dashboards"),
)


@dataclass(frozen=True)
class Account:
    """A log-in; `partner` is None for the head office."""

    name: str
    email: str
    role: str
    partner: str | None


def accounts() -> list[Account]:
    """The administrator, the reader, and bi.yml's partners. Raises DeclarationError for a name that is none."""
    given = yaml.safe_load((config() / "bi.yml").read_text(encoding="utf-8")) or {}
    partners = [str(name) for name in given.get("partners") or []]
    for name in partners:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name) or name.lower() in ("admin", "reader"):
            raise DeclarationError(
                f"bi.yml: partners: {name!r} cannot be an account's name; use letters, digits, . _ -"
            )
    found = [Account("admin", "admin@localhost", "Admin", None), Account("reader", "reader@localhost", READER, None)]
    return found + [Account(name, f"{name}@localhost", PARTNER, name) for name in partners]


def password(account: str) -> str:
    """The password that the account begins with, made once and kept in `superset/passwords.json` (0600)."""
    path = home() / "passwords.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text("{}", encoding="utf-8")
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    if account not in known:
        known[account] = secrets.token_urlsafe(9)
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known[account]


def ensure_accounts(manager: Any, datasets: dict[str, Any], put: Any) -> None:
    """Make roles, users and row-level rules what they should be. `manager`: Superset's security manager.

    `datasets`: Superset's dataset objects by name; `put`: provision.Writer.
    """
    partners = [dataset for dataset, is_for_partners in datasets.values() if is_for_partners]
    ruled = [dataset for dataset in partners if "partner" in {column.column_name for column in dataset.columns}]
    reader = _role(manager, put, READER, _gamma(manager) + _access(manager, [row for row, _ in datasets.values()]))
    _role(manager, put, PARTNER, _views(manager, ALLOWED) + _access(manager, partners))
    everyone = [manager.find_role("Admin"), reader]
    wanted = accounts()
    for account in wanted:
        if account.partner:
            own = _role(manager, put, f"{PARTNER} {account.partner}", [])
            everyone.append(own)
            put.rule(f"{PARTNER} {account.partner}", "Regular", f"partner = '{account.partner}'", [own], ruled)
    put.rule("Nobody else", "Base", "1 = 0", everyone, ruled)
    _switch_off(manager, put, {account.name for account in wanted})
    for account in wanted:
        roles = [manager.find_role(account.role)]
        roles += [manager.find_role(f"Partner {account.partner}")] if account.partner else []
        user = manager.find_user(username=account.name)
        if user is None:
            manager.add_user(account.name, account.name, "", account.email, roles, password(account.name))
            put.counts["new"] += 1
        else:
            put.set(user, roles=roles, active=True)


def _switch_off(manager: Any, put: Any, names: set[str]) -> None:
    """A partner that left keeps no way in; its account stays, because what it did is noted under it."""
    for user in manager.get_all_users():
        if any(role.name == PARTNER for role in user.roles) and user.username not in names:
            put.set(user, active=False)


def _role(manager: Any, put: Any, name: str, permissions: list[Any]) -> Any:
    role = manager.find_role(name)
    if role is None:
        role = manager.add_role(name)
        put.counts["new"] += 1
    if {view.id for view in role.permissions} != {view.id for view in permissions}:
        put.set(role, permissions=permissions)
    return role


def _views(manager: Any, names: tuple[tuple[str, str], ...]) -> list[Any]:
    found = [manager.find_permission_view_menu(permission, view) for permission, view in names]
    return [view for view in found if view is not None]


def _access(manager: Any, datasets: list[Any]) -> list[Any]:
    return [manager.add_permission_view_menu("datasource_access", dataset.get_perm()) for dataset in datasets]


def _gamma(manager: Any) -> list[Any]:
    """What Superset's own Gamma may do: look at and make charts, without SQL Lab and without whole databases."""
    return [
        view
        for view in manager.find_role("Gamma").permissions
        if view.permission.name not in ("datasource_access", "schema_access", "catalog_access", "database_access")
    ]
