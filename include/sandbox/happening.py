"""What an operator lets happen now, while somebody watches: a deal is lost, with a note that says why.

Deterministic: which deal, whose doubt and which words follow from the seed and from how many deals were lost so before.
It is journalled as one entry with all that it writes, so that a sandbox started again has it too.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.faces.hubspot import HubSpotFace
from sandbox.faces.wire import Site, iso_ms
from sandbox.parameters import DEFAULT, DOUBTS
from sandbox.recorded import CrmObject
from sandbox.words import compose
from sandbox.world.deals import REASONS, STAGE_IDS
from sandbox.world.streams import number, stream

ENTRY = "lose"
LANGUAGES = ("ru", "uk", "en")
_WORDS = {code: word for word, code in reversed(REASONS.items()) if code}


class NothingToLose(ValueError):
    """No such open deal, or no such doubt; the text says which there are."""


class Losses:
    """The deals that were lost on demand. `told` is for the truth."""

    def __init__(self, site: Site, crm: HubSpotFace) -> None:
        self._site, self._crm = site, crm
        self.told: list[dict[str, Any]] = []

    def lose(self, deal_id: str | None, doubt: str | None, words: str | None) -> dict[str, Any]:
        """Lose an open deal now (`deal_id`, else a drawn one) for `doubt` (else a drawn one).

        The rep's note says it in composed words, or in `words`. Raises NothingToLose.
        """
        deal = self._open_deal(deal_id)
        if doubt is not None and doubt not in DOUBTS:
            raise NothingToLose(f"no doubt {doubt!r}: use one of {', '.join(DOUBTS)}")
        code = doubt or ("" if words else tuple(DOUBTS)[number(*self._name, "doubt") % len(DOUBTS)])
        body, spans = self._note(deal, code, words)
        data = {"deal": deal.id, "note": body, "reason": _WORDS.get(code, "Other"), "spans": spans}
        entry = self._site.write("_sandbox", ENTRY, data)
        return self.apply(entry.at, data, is_news=True)

    def apply(self, at: datetime, data: Mapping[str, Any], *, is_news: bool = False) -> dict[str, Any]:
        """Write the note, then the loss; subscribers hear of it when it is news."""
        objects, deal_id = self._crm.objects, str(data["deal"])
        deal = objects.get("deals", deal_id)
        assert deal is not None
        links = {"deals": [deal_id], "contacts": objects.linked("deals", deal_id, "contacts")[:1]}
        said = {"hs_note_body": data["note"], "hs_timestamp": iso_ms(at)}
        said["hubspot_owner_id"] = deal.properties.get("hubspot_owner_id") or ""
        note = objects.create("notes", at, said, links)
        lost = {"dealstage": STAGE_IDS["lost"], "closedate": iso_ms(at), "closed_lost_reason": data["reason"]}
        after = objects.update("deals", deal_id, at, {**lost, "hs_is_closed": "true", "hs_is_closed_won": "false"})
        says = [
            {"code": code, "start": start, "end": end, "quote": data["note"][start:end]}
            for code, start, end in data["spans"]
        ]
        told = {"deal_id": deal_id, "note_id": note.id, "at": iso_ms(at), "reason": data["reason"], "says": says}
        self.told.append(told)
        if is_news:
            self._crm.hooks.tell("deals", deal, after)
        return told

    @property
    def _name(self) -> tuple[int, str, int]:
        return (self._site.faults.seed, "lose", len(self.told))

    def _open_deal(self, deal_id: str | None) -> CrmObject:
        found = [one for one in self._crm.objects.listed("deals", False) if one.properties["hs_is_closed"] != "true"]
        chosen = [one for one in found if one.id == deal_id] if deal_id else found
        if not chosen:
            raise NothingToLose(f"{deal_id or 'no deal'} is open: {len(found)} deals are")
        return chosen[number(*self._name, "deal") % len(chosen)]

    def _note(self, deal: CrmObject, code: str, words: str | None) -> tuple[str, list[tuple[str, int, int]]]:
        if words:
            body = f"<p>{html.escape(words, quote=False)}</p>"
            return body, [(code, 3, len(body) - 4)] if code else []
        ids = self._crm.objects.linked("deals", deal.id, "contacts")
        contact = self._crm.objects.get("contacts", ids[0]) if ids else None
        language = (contact.properties.get("hs_language") if contact else None) or "ru"
        composed = compose(
            stream(*self._name, "words"),
            lang=language if language in LANGUAGES else "ru",
            channel="note",
            doubts=[code],
            speaker="rep",
            hold_back=self._site.faults.seed > DEFAULT.default_seeds,
        )
        return composed.text, [(span.code, span.start, span.end) for span in composed.spans]
