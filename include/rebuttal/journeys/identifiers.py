"""Identifiers as the CRM, the analytics tools and surveys show them: one key each, and when it was first seen."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Evidence:
    """Rows of journeys/sql/*.sql as frames; every time is UTC, every id text or missing."""

    contacts: pd.DataFrame
    devices: pd.DataFrame
    clicks: pd.DataFrame
    answers: pd.DataFrame
    deal_contacts: pd.DataFrame


def all_identifiers(evidence: Evidence) -> pd.DataFrame:
    """One row per identifier seen anywhere, sorted by key, with the first time it was seen."""
    contacts, answers = evidence.contacts, evidence.answers
    merged = contacts[["source", "account_id", "created_at", "merged_ids"]].dropna(subset="merged_ids")
    merged = merged.assign(identifier=merged["merged_ids"].map(merged_list)).explode("identifier")
    own = contacts.rename(columns={"contact_id": "identifier"})
    named = evidence.deal_contacts.rename(columns={"contact_id": "identifier", "first_seen_at": "created_at"})
    parts = [
        rows[["source", "account_id", "identifier", "created_at"]]
        .rename(columns={"created_at": "first_seen_at"})
        .assign(identifier_kind="contact_id")
        for rows in (own, merged, named)
    ]
    for kind in ("email_hash", "phone_hash", "client_id", "gclid", "yclid"):
        parts.append(_global(kind, contacts[kind], contacts["created_at"]))
    parts.append(_global("client_id", evidence.devices["client_id"], evidence.devices["first_seen_at"]))
    for kind in ("gclid", "yclid"):
        clicks = evidence.clicks[evidence.clicks["kind"] == kind]
        parts.append(_global(kind, clicks["click_id"], clicks["first_seen_at"]))
    for kind in ("email_hash", "client_id"):
        parts.append(_global(kind, answers[kind], answers["submitted_at"]))
    nodes = pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)
    nodes = nodes[nodes["identifier"].notna() & (nodes["identifier"] != "")]
    nodes["key"] = key_of(nodes["identifier_kind"], nodes["identifier"], nodes["source"], nodes["account_id"])
    nodes["first_seen_at"] = pd.to_datetime(nodes["first_seen_at"], utc=True).astype("datetime64[us, UTC]")
    nodes = nodes.sort_values(["key", "first_seen_at"], na_position="last").drop_duplicates("key")
    return nodes.reset_index(drop=True)


def _global(kind: str, identifiers: pd.Series, seen: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {"identifier_kind": kind, "source": "", "account_id": "", "identifier": identifiers, "first_seen_at": seen}
    )


def key_of(
    kind: str | pd.Series, identifier: pd.Series, source: pd.Series | str = "", account: pd.Series | str = ""
) -> pd.Series:
    return kind + SEPARATOR + source + SEPARATOR + account + SEPARATOR + identifier


def merged_list(text: object) -> list[str]:
    """Ids from JSON (`["1", "2"]`) or from the CRM's own notation (`1;2`)."""
    words = str(text).strip()
    if words.startswith("["):
        return [str(value) for value in json.loads(words)]
    return [word.strip() for word in words.replace(",", ";").split(";") if word.strip()]
