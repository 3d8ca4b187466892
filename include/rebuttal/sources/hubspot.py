"""HubSpot: contacts, companies, deals with their stage history, notes, calls, owners, pipelines.

The connection's extra has `portal`. Names of people are never asked for; e-mail and phone land as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from rebuttal.errors import CredentialsError, RebuttalError
from rebuttal.sources.declare import Answer, Page, Restatement, Source, Stream
from rebuttal.sources.hubspot_reading import (
    history,
    linked,
    named_history,
    named_objects,
    objects,
    owner_pages,
    pipeline_pages,
    related,
    stages,
    team_of,
    versions,
)

_INDEX_LAG = Restatement(timedelta(minutes=15), "the search index lags behind by seconds to minutes")
_OWN = (
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
    "firstname",
    "lastname",
)


def _results(page: Page) -> Iterable[Any]:
    return page.data["results"]  # type: ignore[no-any-return]


def _object(
    name: str,
    entity: str,
    id_column: str,
    properties: Mapping[str, str],
    links: Mapping[str, str] | None = None,
    personal: Mapping[str, str] | None = None,
    never: Mapping[str, str] | None = None,
) -> Stream:
    """An object stream: `properties`, `links` and `personal` map columns to properties and association types.

    `never` are columns that this type shares with another but never has: they are not asked for and stay empty.
    """
    links, personal = links or {}, personal or {}
    asked = [*properties.values(), *personal.values()]
    return Stream(
        name=name,
        entity=entity,
        columns={
            id_column: "id",
            "created_at": "createdAt",
            "updated_at": "archivedAt|updatedAt",
            "archived": "archived",
            **{column: f"properties.{word}" for column, word in {**properties, **(never or {})}.items()},
            **{column: f"links.{to}" for column, to in links.items()},
        },
        key=(id_column,),
        cursor="archivedAt|updatedAt",
        restatement=_INDEX_LAG,
        slice_days=365,
        pages=objects(name, asked, tuple(links.values())),
        named=named_objects(name, asked, tuple(links.values())),
        items=_results,
        shape=linked,
        personal={kind: f"properties.{word}" for kind, word in personal.items()},
        nested=tuple(links),
        ignored=("url", *(f"properties.{word}" for word in _OWN)),
    )


def _history(name: str, entity: str, kind: str, word: str, columns: tuple[str, str]) -> Stream:
    """One row per version of a property of an object type; `columns` are those of the object's id and the value."""
    id_column, value_column = columns
    return Stream(
        name=name,
        entity=entity,
        columns={id_column: "object", value_column: "value", "changed_at": "timestamp", "source_type": "sourceType"},
        key=(id_column, "changed_at", value_column),
        cursor="archivedAt|updatedAt",
        restatement=_INDEX_LAG,
        slice_days=365,
        pages=history(kind, word),
        named=named_history(kind, word),
        same_objects_as=kind,
        items=_results,
        shape=versions(word),
        ignored=("sourceId", "sourceLabel", "updatedByUserId"),
    )


def explain(answer: Answer) -> RebuttalError | None:
    """403 is a missing scope of the private app: the token itself is good."""
    if answer.status == 403 and isinstance(answer.body, dict) and answer.body.get("category") == "MISSING_SCOPES":
        return CredentialsError(
            "HubSpot refuses an object for which connection 'hubspot' has no scope",
            next_step="Give the private app the crm.objects.*.read scopes",
        )
    return None


_CONVERSATION = {"owner_id": "hubspot_owner_id", "occurred_at": "hs_timestamp"}
_CONVERSATION_LINKS = {"contact_ids": "contacts", "deal_ids": "deals"}
_CALL = {word: f"hs_call_{word}" for word in ("direction", "disposition", "status")}
_CALL["duration_ms"] = "hs_call_duration"

SOURCE = Source(
    name="hubspot",
    account_option="portal",
    explain=explain,
    is_refusal=lambda body: isinstance(body, dict) and body.get("status") == "error",
    related=related,
    streams=(
        Stream(
            name="pipelines",
            entity="pipeline_stage",
            columns={
                "pipeline_id": "pipeline.id",
                "pipeline_label": "pipeline.label",
                "stage_id": "id",
                "stage_label": "label",
                "display_order": "displayOrder",
                "is_closed": "metadata.isClosed",
                "probability": "metadata.probability",
            },
            key=("pipeline_id", "stage_id"),
            pages=pipeline_pages,
            items=_results,
            shape=stages,
            ignored=("archived", "createdAt", "updatedAt", "writePermissions"),
        ),
        Stream(
            name="owners",
            entity="owner",
            columns={"owner_id": "id", "team": "team", "archived": "archived", "updated_at": "updatedAt"},
            key=("owner_id",),
            pages=owner_pages,
            items=_results,
            shape=team_of,
            ignored=("email", "firstName", "lastName", "userId", "userIdIncludingInactive", "createdAt", "type"),
        ),
        _object(
            "companies",
            "company",
            "company_id",
            {word: word for word in ("name", "domain", "type", "city", "country")},
        ),
        _object(
            "contacts",
            "contact",
            "contact_id",
            {
                "lifecycle_stage": "lifecyclestage",
                "owner_id": "hubspot_owner_id",
                "language": "hs_language",
                "gclid": "hs_google_click_id",
                "yclid": "yclid",
                "client_id": "ym_client_id",
                "original_source": "hs_analytics_source",
                "merged_ids": "hs_merged_object_ids",
                "segment": "segment",
                "self_reported_source": "self_reported_source",
                "company_id": "associatedcompanyid",
            },
            personal={"email": "email", "phone": "phone"},
        ),
        _object(
            "deals",
            "deal",
            "deal_id",
            {
                "closed_at": "closedate",
                "pipeline": "pipeline",
                "stage_id": "dealstage",
                "amount": "amount",
                "currency": "deal_currency_code",
                "is_closed": "hs_is_closed",
                "is_won": "hs_is_closed_won",
                "lost_reason": "closed_lost_reason",
                "deal_type": "dealtype",
                "product": "product",
                "owner_id": "hubspot_owner_id",
            },
            links={"contact_ids": "contacts", "company_ids": "companies"},
        ),
        _history(
            "contact_stage_changes", "lifecycle_change", "contacts", "lifecyclestage", ("contact_id", "lifecycle_stage")
        ),
        _history("deal_stage_changes", "stage_change", "deals", "dealstage", ("deal_id", "stage_id")),
        _object(
            "notes",
            "conversation",
            "conversation_id",
            {**_CONVERSATION, "body": "hs_note_body"},
            _CONVERSATION_LINKS,
            never=_CALL,
        ),
        _object(
            "calls",
            "conversation",
            "conversation_id",
            {**_CONVERSATION, **_CALL, "body": "hs_call_body"},
            _CONVERSATION_LINKS,
        ),
    ),
)
