"""HubSpot's objects: what the world recorded, under what was written from outside, with links in both directions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sandbox.faces.hubspot_schema import (
    SINGULAR,
    TYPES,
    Refused,
    created_property,
    invalid,
    modified_property,
    object_type,
    property_names,
)
from sandbox.faces.wire import Site, iso_ms
from sandbox.recorded import CrmObject, Recorded

FIRST_WRITTEN_ID = 900_000_000_000  # ids of objects made from outside; the world's own stay below


class Objects:
    """All CRM objects as of now. Writes are applied by `create`, `update` and `archive` (already journalled)."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.version = 0  # changes whenever an object did
        self._shown: Recorded | None = None
        self._base: dict[str, dict[str, CrmObject]] = {kind: {} for kind in TYPES}
        self._all: dict[str, dict[str, CrmObject]] = {kind: {} for kind in TYPES}
        self._sorted: dict[tuple[str, bool], list[CrmObject]] = {}
        self._back: dict[tuple[str, str], dict[str, list[str]]] | None = None
        self._merged: dict[tuple[str, str], str] | None = None
        self._written: dict[tuple[str, str], list[tuple[datetime, dict[str, str | None] | None]]] = {}
        self._created: dict[str, dict[str, CrmObject]] = {kind: {} for kind in TYPES}
        self._before: dict[tuple[str, str], tuple[float, CrmObject | None]] = {}

    def get(self, kind: str, id_: str, id_property: str | None = None) -> CrmObject | None:
        """An object by its id, by the id of one that was merged into it, or by another property."""
        self._refresh()
        if id_property and id_property != "hs_object_id":
            living = self.listed(kind, False)
            return next((obj for obj in living if obj.properties.get(id_property) == id_), None)
        found = self._all[kind].get(id_)
        if found is not None and not found.is_archived:
            return found
        if self._merged is None:
            self._merged = {
                (of, old): obj.id
                for of in TYPES
                for obj in self.listed(of, False)
                for old in (obj.properties.get("hs_merged_object_ids") or "").split(";")
                if old
            }
        survivor = self._merged.get((kind, id_))
        return self._all[kind][survivor] if survivor else found

    def listed(self, kind: str, archived: bool) -> list[CrmObject]:
        """The living or the archived objects of a type, by id."""
        self._refresh()
        key = (kind, archived)
        if key not in self._sorted:
            chosen = (obj for obj in self._all[kind].values() if obj.is_archived == archived)
            self._sorted[key] = sorted(chosen, key=lambda obj: int(obj.id))
        return self._sorted[key]

    def indexed(self, kind: str, lag_s: float) -> list[CrmObject]:
        """The living objects as the search index knows them: changes younger than `lag_s` are not there yet."""
        found = self.listed(kind, False)
        newest = time.monotonic() - lag_s
        late = {id_: old for (of, id_), (at, old) in self._before.items() if of == kind and at > newest}
        if not late:
            return found
        kept = [obj for obj in found if obj.id not in late]
        return kept + [old for old in late.values() if old is not None and not old.is_archived]

    def linked(self, kind: str, id_: str, to: str) -> list[str]:
        """Ids of the living objects of type `to` associated with this one, its own order first."""
        self._refresh()
        if self._back is None:
            self._back = self._links_back()
        obj = self._all[kind].get(id_)
        own = list(obj.associations.get(to, [])) if obj else []
        ids = dict.fromkeys([*own, *self._back.get((kind, to), {}).get(id_, [])])
        return [other for other in ids if other in self._all[to] and not self._all[to][other].is_archived]

    def create(
        self, kind: str, at: datetime, properties: Mapping[str, str | None], links: Mapping[str, list[str]]
    ) -> CrmObject:
        """Make an object from outside."""
        self._refresh()
        total = sum(len(made) for made in self._created.values())
        made = CrmObject(str(FIRST_WRITTEN_ID + total), at, at, dict(properties), associations=dict(links))
        self._created[kind][made.id] = made
        self._put(kind, made.id, None)
        return self._all[kind][made.id]

    def update(self, kind: str, id_: str, at: datetime, properties: Mapping[str, str | None] | None) -> CrmObject:
        """Change properties from outside; None archives the object."""
        self._refresh()
        self._written.setdefault((kind, id_), []).append((at, None if properties is None else dict(properties)))
        self._put(kind, id_, self._all[kind][id_])
        return self._all[kind][id_]

    def _put(self, kind: str, id_: str, before: CrmObject | None) -> None:
        base = self._base[kind].get(id_) or self._created[kind][id_]
        self._all[kind][id_] = self._as_written(kind, base)
        self._before[kind, id_] = (time.monotonic(), before)
        self._sorted.clear()
        self._back = self._merged = None
        self.version += 1

    def _refresh(self) -> None:
        """Take over what the world recorded since; what differs is new to the search index."""
        shown = self.site.recorded()
        if shown is self._shown:
            return
        old, is_first = self._all, self._shown is None
        self._shown = shown
        self._base = {kind: {obj.id: obj for obj in shown.crm.get(kind, [])} for kind in TYPES}
        self._all = {
            kind: {id_: self._as_written(kind, obj) for id_, obj in {**self._base[kind], **self._created[kind]}.items()}
            for kind in TYPES
        }
        if not is_first and self.site.faults.values["hubspot_index_lag_s"]:
            now = time.monotonic()
            for kind, objects in self._all.items():
                for id_, obj in objects.items():
                    before = old[kind].get(id_)
                    if before is None or before.updated_at != obj.updated_at:
                        self._before[kind, id_] = (now, before)
        self._sorted.clear()
        self._back = self._merged = None
        self.version += 1

    def _as_written(self, kind: str, obj: CrmObject) -> CrmObject:
        for at, properties in self._written.get((kind, obj.id), []):
            if properties is None:
                obj = replace(obj, is_archived=True, archived_at=at, updated_at=at)
                continue
            versions = dict(obj.history)
            for name, value in properties.items():
                latest = {"value": value or "", "timestamp": iso_ms(at), "sourceType": "INTEGRATION", "sourceId": "api"}
                versions[name] = [latest, *(versions.get(name) or _first_version(obj, name))]
            merged = {**obj.properties, **properties}
            obj = replace(obj, properties=merged, history=versions, updated_at=max(at, obj.updated_at))
        return obj

    def _links_back(self) -> dict[tuple[str, str], dict[str, list[str]]]:
        back: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for kind in TYPES:
            for obj in self.listed(kind, False):
                for to, ids in obj.associations.items():
                    for id_ in ids:
                        back[to, kind][id_].append(obj.id)
        return back


def shown_object(
    objects: Objects,
    kind: str,
    obj: CrmObject,
    properties: list[str],
    with_history: list[str] | None = None,
    associations: list[str] | None = None,
) -> dict[str, Any]:
    """An object on the wire: the asked properties (null when empty) and HubSpot's own; unknown names are left out."""
    own = {
        "hs_object_id": obj.id,
        created_property(kind): iso_ms(obj.created_at),
        modified_property(kind): iso_ms(obj.updated_at),
    }
    known = {*property_names(kind), *obj.properties}
    asked = [name for name in [*properties, *(with_history or [])] if name in known]
    data: dict[str, Any] = {
        "id": obj.id,
        "properties": {**{name: obj.properties.get(name) for name in asked}, **own},
        "createdAt": iso_ms(obj.created_at),
        "updatedAt": iso_ms(obj.updated_at),
        "archived": obj.is_archived,
        "url": f"https://app.hubspot.com/contacts/8675309/record/{TYPES[kind]}/{obj.id}",
    }
    if obj.is_archived and obj.archived_at is not None:
        data["archivedAt"] = iso_ms(obj.archived_at)
    if with_history:
        data["propertiesWithHistory"] = {
            name: obj.history.get(name) or _first_version(obj, name) for name in with_history if name in known
        }
    linked = {}
    for asked_type in associations or []:
        to = object_type(asked_type)
        ids = objects.linked(kind, obj.id, to)
        if ids:
            type_ = f"{SINGULAR[kind]}_to_{SINGULAR[to]}"
            linked[to] = {"results": [{"id": id_, "type": type_} for id_ in ids]}
    if linked:
        data["associations"] = linked
    return data


def written_links(objects: Objects, associations: Any) -> dict[str, list[str]]:
    """The `associations` of a create request as type -> ids. Raises Refused."""
    links: dict[str, list[str]] = {}
    for link in associations or []:
        try:
            id_ = str(link["to"]["id"])
        except (KeyError, TypeError):
            raise invalid("Invalid input JSON: associations need to.id") from None
        kinds = [kind for kind in ("deals", "contacts", "companies") if objects.get(kind, id_)]
        if not kinds:
            raise Refused(404, "OBJECT_NOT_FOUND", f"Object not found. objectId are usually numeric: {id_}")
        links.setdefault(kinds[0], []).append(id_)
    return links


def _first_version(obj: CrmObject, name: str) -> list[dict[str, str]]:
    value = obj.properties.get(name)
    if value is None:
        return []
    return [{"value": value, "timestamp": iso_ms(obj.created_at), "sourceType": "CRM_UI", "sourceId": "userId:5"}]
