"""Every table of the state store but the inbox's (`inbox_model.py`), named once. Instants are UTC and aware; JSON
columns hold no personal data.

| table | one row per | rule that the database itself keeps |
|---|---|---|
| content_task | task of the loop | at most one open task per theme |
| content_item | piece of content | one row per address |
| content_answer | piece and doubt that it answers | |
| hypothesis | task | its criterion is fixed once the piece is published |
| outbox | effect on the outside world | one row per effect key |
| decision | decision | rows are added, never changed, replaced or deleted |
| digest_delivery | person, ISO week and kind | one row, so one mail |
| alert_delivery | channel and day | one row, so one message |
| label_correction | text that people labelled | the latest answer; the journal keeps each |
| model_evaluation | version of the classifier | one row, never changed |
| suppression | erased subject (keyed hash) | |
| tag_alias | spelling variant of a tag and registered value | a variant has at most one accepted meaning |
| theme | theme that was found, or that a person decided about | |
| lease (lease.py) | resource that one process at a time works on | a take-over raises its token |
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC instant on every engine. A naive value is refused: nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in, UTC stored (SQLite keeps it without the zone)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """UTC and aware out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Typed declarative base: `str` is TEXT, `datetime` is UtcTime, `dict` and `list` are JSON."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration
        str: Text(),
        datetime: UtcTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[float]: JSON(none_as_null=True),
    }


# A task is open until it is published or given up: while it is, its theme gets no second one.
OPEN_STATUSES = ("proposed", "open", "unknown", "awaiting_approval")
_IS_OPEN = text("status IN ('proposed', 'open', 'unknown', 'awaiting_approval')")


class ContentTask(Base):
    """The ledger. status: awaiting_approval | proposed | open | unknown | published | wont_do | deleted | dead |
    rejected | merged | expired.

    `unknown` is a tracker status that nobody mapped; `dead` was refused by the tracker for good; the last three end a
    task that waited for a person: refused, told to be part of `merged_into`, or left unanswered for too long.
    """

    __tablename__ = "content_task"
    __table_args__ = (
        Index("one_open_task_per_theme", "theme", unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        UniqueConstraint("theme", "generation"),
    )

    task_id: Mapped[str] = mapped_column(primary_key=True)
    theme: Mapped[str]
    category: Mapped[str]
    generation: Mapped[int]  # 1 for the first task of a theme, 2 when the theme came back ...
    status: Mapped[str]
    title: Mapped[str]
    brief: Mapped[dict[str, Any]]
    score: Mapped[float]
    score_parts: Mapped[dict[str, Any]]
    subject_count: Mapped[int]
    money_at_risk_base: Mapped[float | None]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    remote_id: Mapped[str | None]
    task_key: Mapped[str | None]
    task_url: Mapped[str | None]
    tracker_status: Mapped[str | None]
    published_url: Mapped[str | None]
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    format: Mapped[str | None]  # the one kind of content that was suggested; verdicts are counted for it
    role: Mapped[str | None]
    updates_url: Mapped[str | None]  # the piece to be updated instead of writing a new one
    merged_into: Mapped[str | None]
    assignee: Mapped[str | None]  # display name in the tracker; '' nobody has it, None not read


class ContentItem(Base):
    """One piece of the company's content, by its address without fragment and tracking tags."""

    __tablename__ = "content_item"

    item_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    kind: Mapped[str]  # page | article | what the CSV says
    source: Mapped[str]  # sitemap | feed | csv
    is_title_given: Mapped[bool]  # False: made of the address, for nobody said the title
    role: Mapped[str | None]
    published_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]  # when a later sitemap first left it out
    first_imported_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ContentAnswer(Base):
    """Which doubt a piece answers. status: proposed (by the classifier) | told | confirmed | rejected (by people)."""

    __tablename__ = "content_answer"

    item_id: Mapped[str] = mapped_column(ForeignKey("content_item.item_id"), primary_key=True)
    answer: Mapped[str] = mapped_column(primary_key=True)  # category, or category/theme
    status: Mapped[str]
    told_by: Mapped[str]  # a person, or model:<name>
    share: Mapped[float | None]  # of the doubt that it takes of one who reads it, as people told
    confidence: Mapped[float | None]  # the classifier's
    revision: Mapped[int]  # how often people decided
    told_at: Mapped[datetime]


class Hypothesis(Base):
    """What a task is expected to change, and by which rule it will be judged; registered with the task."""

    __tablename__ = "hypothesis"

    task_id: Mapped[str] = mapped_column(ForeignKey("content_task.task_id"), primary_key=True)
    change: Mapped[str]
    metric: Mapped[str]
    direction: Mapped[str]
    reason: Mapped[str]
    expected_size: Mapped[float]  # relative change, 0.25 = by a quarter
    success_criterion: Mapped[str]
    minimum_sample: Mapped[int]
    baseline_days: Mapped[int]
    horizon_days: Mapped[int]
    deadline: Mapped[date]
    registered_at: Mapped[datetime]


class Outbox(Base):
    """One effect on the outside world. state: pending | sending | unknown | sent | adopted | dead.

    `fencing_token` grows with each claim; a write that carries an older one changes nothing.
    `post_count` is how often the effect was attempted: above one, a twin may exist.
    """

    __tablename__ = "outbox"

    outbox_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    effect_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    task_id: Mapped[str] = mapped_column(ForeignKey("content_task.task_id"))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    created_at: Mapped[datetime]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    fencing_token: Mapped[int] = mapped_column(default=0)
    post_count: Mapped[int] = mapped_column(default=0)
    search_count: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    remote_id: Mapped[str | None]
    remote_key: Mapped[str | None]


class Decision(Base):
    """The journal: what was decided, by whom or which rule, on what evidence, when to look again. Append-only."""

    __tablename__ = "decision"

    decision_id: Mapped[str] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    kind: Mapped[str]
    subject: Mapped[str]
    decision: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    decided_by: Mapped[str]
    review_at: Mapped[datetime | None]


class Delivery:
    """One message to one reader. state: pending | sending | sent | refused | unknown | expired.

    `sending` is written right before the text goes out: only then nobody can know. `error`: a code, no server's words.
    """

    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    state: Mapped[str]
    message_id: Mapped[str]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class DigestDelivery(Delivery, Base):
    """One digest, brief or review to one reader; `sending` comes after the server's consent to the recipient."""

    __tablename__ = "digest_delivery"
    OCCASION = ("person_id", "period", "kind")
    __table_args__ = (UniqueConstraint(*OCCASION),)

    person_id: Mapped[str]  # or <kind of channel>:<connection>
    period: Mapped[str]  # 2026-11-15 | 2026-W46 | 2026-11 | 2026-Q4
    kind: Mapped[str]

    @property
    def occasion(self) -> str:
        """What it is of: the day, week, month or quarter."""
        return self.period


class Unsubscription(Base):
    """A reader who does not want one kind of mail any more; the journal keeps who said so and when."""

    __tablename__ = "unsubscription"

    person_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    told_by: Mapped[str]


class AlertDelivery(Delivery, Base):
    """The data-quality alert of one day on one channel."""

    __tablename__ = "alert_delivery"
    OCCASION = ("channel", "day")
    __table_args__ = (UniqueConstraint(*OCCASION),)

    channel: Mapped[str]  # person:<id> | webhook:<connection>
    day: Mapped[str]  # 2026-11-16, by the channel's own calendar
    told_until: Mapped[datetime]  # when the newest batch that it knew of had landed: what is later is news next time

    @property
    def occasion(self) -> str:
        """What it is of: the day."""
        return self.day


class LabelCorrection(Base):
    """What a text means by the latest person who said so: it wins over the classifier, and trains it.

    `text_hash`: md5 of the whole text as stored. `text`: its words for training, redacted; None when it is too long to
    learn from. The four parts of the key say where it was seen, when it was named by its key. `revision` counts the
    answers; the journal keeps each of them.
    """

    __tablename__ = "label_correction"

    text_hash: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[list[str]]
    primary_label: Mapped[str]
    text: Mapped[str | None]
    source_kind: Mapped[str | None]
    source: Mapped[str | None]
    account_id: Mapped[str | None]
    source_id: Mapped[str | None]
    revision: Mapped[int]
    corrected_by: Mapped[str]
    corrected_at: Mapped[datetime]
    reason: Mapped[str | None]


class ModelEvaluation(Base):
    """How good one version of the classifier is, by cross-validation. No dates: it is the same wherever it is made."""

    __tablename__ = "model_evaluation"

    model: Mapped[str] = mapped_column(primary_key=True)
    figures: Mapped[dict[str, Any]]


class Suppression(Base):
    """A person who asked to be forgotten, by keyed hash of the identifier: whatever comes in again is dropped."""

    __tablename__ = "suppression"

    subject_hash: Mapped[str] = mapped_column(primary_key=True)
    identifier_kind: Mapped[str]  # email | phone | client_id | contact_id
    requested_at: Mapped[datetime]
    reason: Mapped[str | None]


_IS_ACCEPTED = text("decision = 'accepted'")


class TagAlias(Base):
    """What a person last decided about a spelling variant. `written` and `registered` without case and extra spaces.

    decision: accepted | rejected. `revision` counts the decisions; the journal keeps each of them.
    """

    __tablename__ = "tag_alias"
    __table_args__ = (
        Index(
            "one_meaning_per_tag",
            "field",
            "written",
            unique=True,
            sqlite_where=_IS_ACCEPTED,
            postgresql_where=_IS_ACCEPTED,
        ),
    )

    alias_id: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str]  # utm_source | utm_medium | utm_campaign | utm_content
    written: Mapped[str]
    registered: Mapped[str]
    decision: Mapped[str]
    revision: Mapped[int]
    decided_at: Mapped[datetime]
    decided_by: Mapped[str]
    reason: Mapped[str | None]


class ObjectionTheme(Base):
    """A theme that was found in what people say, made by a person, or configured and decided about.

    status: active | proposed | merged_into | rejected. `centre` is where a found theme stands, at the length of 1; it
    never moves, so that its sentences stay. `revision` counts the decisions; the journal keeps each of them.
    """

    __tablename__ = "theme"

    theme_id: Mapped[str] = mapped_column(primary_key=True)  # category/code
    category: Mapped[str]
    code: Mapped[str]
    origin: Mapped[str]  # config | rule | person
    status: Mapped[str]
    names: Mapped[dict[str, Any]]  # by language; redacted
    merged_into: Mapped[str | None]  # code of the same category
    split_from: Mapped[str | None]  # code of the same category
    words: Mapped[list[str]]
    centre: Mapped[list[float] | None]
    position: Mapped[int]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
