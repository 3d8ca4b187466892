"""Notes and calls in the CRM, and what each of their texts truly says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.parameters import Parameters
from sandbox.recorded import CrmObject
from sandbox.world.contacts import Numbers, crm_object
from sandbox.world.life import Life, Talk
from sandbox.world.selling import owner_at
from sandbox.world.speech import Said, in_html, say, with_quote
from sandbox.world.streams import DAY, iso, number, unit

_DISPOSITIONS = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
}


_SENT = {"ru": "Отправлена ссылка:", "uk": "Надіслано посилання:", "en": "Link sent:"}
# Where a text was said: person, deal, step, manner, what was written.
Place = tuple[str, int, int, str, tuple[str, ...]]


@dataclass
class Files:
    """The CRM's notes and calls, and the truth of each text."""

    notes: list[CrmObject] = field(default_factory=list)
    calls: list[CrmObject] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)


def text_truth(
    stream: str,
    identifier: str,
    life: Life,
    said: Said,
    manner: str,
    speaker: str,
    at: int,
    deal: str | None,
    heard: tuple[str, ...],
) -> dict[str, Any]:
    """What a text says and where; `heard` are the doubts that the buyer truly voiced then."""
    return {
        "stream": stream,
        "id": identifier,
        "person": life.person.key,
        "deal_id": deal,
        "at": iso(at),
        "language": life.person.language,
        "speaker": speaker,
        "manner": manner,
        "voiced": list(heard),
        "says": [
            {"code": code, "start": start, "end": end, "quote": said.text[start:end], "is_quoted": is_quoted,
             "is_true": code in heard or is_quoted}
            for code, start, end, is_quoted in said.spans
        ],
    }  # fmt: skip


def said_in(seed: int, life: Life, talk: Talk, parameters: Parameters) -> tuple[Said, str]:
    """The text of a talk's record and whose words it is in."""
    place = (talk.deal, talk.step)
    if talk.manner == "sent":
        address = talk.written[0]
        return Said(f'<p>{_SENT[life.person.written_language]} <a href="{address}">{address}</a></p>', ()), "rep"
    if talk.manner == "transcript":
        return say(seed, life.person, "call", talk.written, "buyer", parameters, *place), "buyer"
    if talk.manner in ("chat", "cancellation"):
        plain = say(seed, life.person, talk.manner, talk.written, "buyer", parameters, *place)
        return in_html(plain), "buyer"
    return say(seed, life.person, "note", talk.written, "rep", parameters, *place), "rep"


def file(
    seed: int,
    lives: list[Life],
    contact_of: Callable[[Life], str | None],
    deal_of: Callable[[Life, int], str | None],
    start: int,
    now: int,
    parameters: Parameters,
    cache: dict[Place, tuple[Said, str]],
) -> Files:
    """All notes and calls by `now`. `cache` keeps composed texts from one look at the world to the next."""
    files, numbers = Files(), {"note": Numbers(), "call": Numbers()}
    entered = sorted(
        ((_entered(seed, life, talk, parameters), life.person.key, index, life, talk)
         for life in lives for index, talk in enumerate(life.talks) if talk.kind),
        key=lambda one: one[:3],
    )  # fmt: skip
    earlier: dict[tuple[str, int], Said] = {}
    for at, key, _, life, talk in entered:
        if at >= now:
            break
        name = (key, talk.deal, talk.step, talk.manner, talk.written)
        if name not in cache:
            cache[name] = said_in(seed, life, talk, parameters)
        said, speaker = cache[name]
        older = earlier.get((key, talk.deal))
        if talk.kind == "note" and talk.manner != "sent":
            earlier[key, talk.deal] = said
            if older is not None and unit(seed, key, talk.deal, talk.step, "mail") < parameters.crm.quoted_mail * 2:
                said = with_quote(said, older)
        identifier = numbers[talk.kind].next(at, f"{key}-{talk.deal}-{talk.step}")
        deal = deal_of(life, talk.deal)
        associations = {"contacts": [one for one in [contact_of(life)] if one], "deals": [deal] if deal else []}
        owner = owner_at(talk.owner, talk.at, start)
        properties: dict[str, str | None] = {"hs_timestamp": iso(talk.at), "hubspot_owner_id": owner}
        properties |= {"hs_note_body": said.text} if talk.kind == "note" else _call(seed, life, talk, said)
        record = crm_object(identifier, at, at, properties, "hs_lastmodifieddate", {}, 0, associations)
        (files.notes if talk.kind == "note" else files.calls).append(record)
        stream = "notes" if talk.kind == "note" else "calls"
        files.texts.append(text_truth(stream, identifier, life, said, talk.manner, speaker, talk.at, deal, talk.heard))
    return files


def _entered(seed: int, life: Life, talk: Talk, parameters: Parameters) -> int:
    """When the record was typed in: mostly at once, sometimes days after the talk."""
    key = (seed, life.person.key, talk.deal, talk.step, "entered")
    late = unit(*key) < parameters.crm.back_dated
    return talk.at + 120 + (number(*key) % (3 * DAY) if late else number(*key) % 900)


def _call(seed: int, life: Life, talk: Talk, said: Said) -> dict[str, str | None]:
    draw = number(seed, life.person.key, talk.deal, talk.step, "call")
    answered = talk.manner == "transcript" or bool(talk.heard) or draw % 3 > 0
    return {
        "hs_call_body": said.text,
        "hs_call_title": f"Call with {life.person.first_name}",
        "hs_call_direction": "OUTBOUND" if draw % 4 else "INBOUND",
        "hs_call_duration": str((60 + draw % 1500) * 1000 if answered else 0),
        "hs_call_disposition": _DISPOSITIONS["connected" if answered else "no answer"],
        "hs_call_status": "COMPLETED" if answered else "NO_ANSWER",
    }
