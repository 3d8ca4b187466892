"""The operational store: what was promised to the outside world and what was decided, in small transactions.

SQLite (WAL) by default, Postgres for a team. `open_state` brings the schema to the version of this code and gives
sessions. Everything here is written by one row at a time; figures live in the warehouse.
"""

from rebuttal.state.ended_partners import EndedPartner, ended_partners
from rebuttal.state.engine import SCHEMA_VERSION, Sessions, alone, open_state
from rebuttal.state.erasures import Erasure, ErasureReceipt
from rebuttal.state.inbox_model import InboxEvent, ReceiverProbe
from rebuttal.state.journal import decision_id, due_rows, journal_rows, record_decision
from rebuttal.state.lease import Lease
from rebuttal.state.model import (
    AlertDelivery,
    ContentAnswer,
    ContentItem,
    ContentTask,
    Decision,
    DigestDelivery,
    Hypothesis,
    LabelCorrection,
    ModelEvaluation,
    ObjectionTheme,
    Outbox,
    Suppression,
    TagAlias,
    Unsubscription,
)
from rebuttal.state.pace import PaceTold

__all__ = [
    "SCHEMA_VERSION",
    "AlertDelivery",
    "ContentAnswer",
    "ContentItem",
    "ContentTask",
    "Decision",
    "DigestDelivery",
    "EndedPartner",
    "Erasure",
    "ErasureReceipt",
    "Hypothesis",
    "InboxEvent",
    "LabelCorrection",
    "Lease",
    "ModelEvaluation",
    "ObjectionTheme",
    "Outbox",
    "PaceTold",
    "ReceiverProbe",
    "Sessions",
    "Suppression",
    "TagAlias",
    "Unsubscription",
    "alone",
    "decision_id",
    "due_rows",
    "ended_partners",
    "journal_rows",
    "open_state",
    "record_decision",
]
