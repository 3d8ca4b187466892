"""Which fields of landing name people, by entity, and how: the one list that pulling, admitting and erasing read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# `_defect`, `_row_hash` and the beginning of `_key` of a landed row that was emptied: its place in the batch stays, so
# that the batch still adds up to what it landed.
ERASED = "erased"
SEPARATOR = "\x1f"


class Form(Enum):
    """How a field names people, and what becomes of a row that names an erased one."""

    VALUE = "the field is the identifier: the row goes"
    OWNER = "a JSON list: the row goes with its first member; another one is taken out of the list"
    ANY = "a JSON list: the row goes with any member"
    MEMBER = "a JSON object: the row goes when `member` is the identifier"


@dataclass(frozen=True)
class Name:
    """How one field names people; `kind` is one of KINDS."""

    kind: str
    form: Form = Form.VALUE
    member: str = ""


# The same id may be another person's in another system: these are told apart by source and account. `deal_number` is a
# deal as a survey knows it, without saying of which system; e-mail and phone are keyed hashes already.
# `partner_id` names no person but all customers of a partner: it is suppressed when the partner leaves.
SCOPED = ("contact_id", "booking_id", "deal_id")
KEYED = ("email_hash", "phone_hash")
KINDS = (*SCOPED, *KEYED, "client_id", "click_id", "deal_number", "partner_id")

_EMAIL, _PHONE, _CLIENT = Name("email_hash"), Name("phone_hash"), Name("client_id")

# entity -> landing field -> the ways in which it names people
NAMES: dict[str, dict[str, tuple[Name, ...]]] = {
    "contact": {
        "contact_id": (Name("contact_id"),),
        "email_hash": (_EMAIL,),
        "phone_hash": (_PHONE,),
        "client_id": (_CLIENT,),
    },
    "lifecycle_change": {"contact_id": (Name("contact_id"),)},
    "deal": {"deal_id": (Name("deal_id"),), "contact_ids": (Name("contact_id", Form.OWNER),)},
    "stage_change": {"deal_id": (Name("deal_id"),)},
    "conversation": {
        "contact_ids": (Name("contact_id", Form.ANY),),
        "deal_ids": (Name("deal_id", Form.ANY),),
    },
    "survey_response": {
        "email_hash": (_EMAIL,),
        "hidden": (Name("client_id", Form.MEMBER, "client_id"), Name("deal_number", Form.MEMBER, "deal_id")),
    },
    "booking": {
        "booking_id": (Name("booking_id"),),
        "partner_id": (Name("partner_id"),),
        "email_hash": (_EMAIL,),
        "phone_hash": (_PHONE,),
    },
    "visit": {"client_id": (_CLIENT,)},
    "hit": {"client_id": (_CLIENT,)},
    "ad_click": {"gclid": (Name("click_id"),)},
}

# entity -> landing field in which people write freely -> the column of core that it becomes. An erased person's address
# or number is blotted out of other people's texts.
FREE_TEXT: dict[str, dict[str, str]] = {
    "conversation": {"body": "body"},
    "deal": {"lost_reason": "lost_reason"},
    "survey_response": {
        "comment": "comment",
        "reason": "reason_choice",
        "source_answer": "self_reported_source",
    },
}
# Fields of which a part may be taken out, and their column of core.
REWRITTEN: dict[str, dict[str, str]] = {**FREE_TEXT, "deal": {"contact_ids": "contact_ids", **FREE_TEXT["deal"]}}
