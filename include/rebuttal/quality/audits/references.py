"""Audits of what rows refer to, of words, and of duplicates and merges."""

from __future__ import annotations

from dataclasses import dataclass

from rebuttal.quality.audits.limits import AuditLimits
from rebuttal.quality.audits.queries import render, rows_of
from rebuttal.quality.expectations import (
    ExpectMergesResolve,
    ExpectNoRowsFrom,
    ExpectNoSameEventTwice,
    ExpectReferenceExists,
    ExpectSegmentKnown,
    across,
)
from rebuttal.warehouse.entities import ENTITIES


@dataclass(frozen=True)
class Reference:
    """`child.column` names a row of `parent`; `at` is the child's time. Survey tools name deals of another source.

    Of a large child (`is_windowed`) only the days that audits look at are asked.
    """

    child: str
    column: str
    parent: str
    parent_column: str
    at: str
    same_account: bool = True
    is_windowed: bool = False


REFERENCES = (
    Reference("hit", "visit_id", "visit", "visit_id", "occurred_at", is_windowed=True),
    Reference("deal", "contact_id", "contact", "contact_id", "created_at"),
    Reference("deal", "owner_id", "owner", "owner_id", "created_at"),
    Reference("deal", "stage_id", "pipeline_stage", "stage_id", "created_at"),
    Reference("stage_change", "deal_id", "deal", "deal_id", "changed_at"),
    Reference("lifecycle_change", "contact_id", "contact", "contact_id", "changed_at"),
    Reference("conversation", "deal_id", "deal", "deal_id", "occurred_at"),
    Reference("conversation", "contact_id", "contact", "contact_id", "occurred_at"),
    Reference("survey_response", "deal_id", "deal", "deal_id", "submitted_at", same_account=False),
)


def references(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """One rule for each reference between entities."""
    return [_reference(one, limits) for one in REFERENCES]


def _reference(one: Reference, limits: AuditLimits) -> ExpectNoRowsFrom:
    child = ENTITIES[one.child]
    reads = [one.child, one.parent]
    return across(
        ExpectReferenceExists,
        f"{one.child}_{one.parent}_exists",
        one.child,
        render(
            "reference_exists",
            limits,
            child=one.child,
            column=one.column,
            key=[name for name in child.key if name != one.column],
            parent=one.parent,
            parent_column=one.parent_column,
            same_account=one.same_account,
            is_windowed=one.is_windowed,
            at=one.at,
            deletable="is_deleted" in child.columns,
        ),
        rows_of(one.child, one.at, limits) if one.is_windowed else f"select count({one.column}) from core.{one.child}",
        f"The {one.parent} that a {one.child} refers to is there",
        f"Look for the {one.parent} in quarantine and in held batches first; else pull it again, and check whether the"
        " account's permissions hide it",
        reads=reads,
    )


def words(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """Rules about words that have a meaning."""
    return [
        across(
            ExpectSegmentKnown,
            "segment_known",
            "contact",
            render("segment_known", limits),
            "select count(*) from core.contact where not coalesce(is_deleted, false)",
            "A contact's audience segment is there, and is one that we know",
            "Decide what the new word means and add it to the staging file; ask sales to fill empty ones",
            reads=("contact",),
        )
    ]


def duplicates(limits: AuditLimits) -> list[ExpectNoRowsFrom]:
    """What the folds and merges promise, counted again."""
    told = "select count(*) from core.{name} where {at} >= (select max({at}) from core.{name}) - interval '{days} days'"
    found: list[ExpectNoRowsFrom] = [
        across(
            ExpectNoSameEventTwice,
            f"no_{entity.name}_twice",
            entity.name,
            render("no_same_event_twice", limits, entity=entity.name, key=entity.key, rule=entity.same_event),
            told.format(name=entity.name, at=entity.same_event.at, days=limits.recent_days),
            f"No {entity.name} is in core twice within {entity.same_event.seconds} seconds",
            "Report it with the query: the merge missed a copy, and counts are too high by so many",
            reads=(entity.name,),
            severity="alarm",
        )
        for entity in ENTITIES.values()
        if entity.same_event
    ]
    found.append(
        across(
            ExpectMergesResolve,
            "contact_merges_resolve",
            "contact",
            render("merges_resolve", limits),
            "select count(*) from core.contact where merged_ids is not null",
            "A contact that the CRM merged leads to one surviving contact",
            "Look at these contacts in the CRM: two claim to have swallowed one another, or both the same third. Until"
            " it is mended they stay contacts of their own",
            reads=("contact",),
            severity="alarm",
        )
    )
    return found
