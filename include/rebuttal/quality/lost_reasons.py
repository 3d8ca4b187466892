"""Values of a CRM's list of lost reasons that nobody has given a meaning: told, never guessed."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, text

from rebuttal.configuration import LostReasons
from rebuttal.quality.checks import Check
from rebuttal.warehouse.tables import audit_result

CHECK = "lost_reason_mapped"
_WRITTEN = text(
    "select source, lost_reason, count(*) as deals from core.deal"
    " where not coalesce(is_deleted, false) and trim(lost_reason) <> '' and source in :sources"
    " group by source, lost_reason order by deals desc, source, lost_reason"
).bindparams(bindparam("sources", expanding=True))


def lost_reason_checks(connection: Connection, reasons: LostReasons) -> list[Check]:
    """One check over the CRMs whose field is a list; none where no CRM has one, and none ever had.

    Counts deals. An example names the word as admission names any that has no meaning yet.
    """
    was_told = connection.execute(select(audit_result.c.check_name).where(audit_result.c.check_name == CHECK)).first()
    if not reasons.lists and was_told is None:
        return []
    written = connection.execute(_WRITTEN, {"sources": reasons.lists}).all() if reasons.lists else []
    unmapped = [row for row in written if reasons.meaning(row.source, row.lost_reason) is None]
    check = Check(
        name=CHECK,
        severity="warning",
        description="A lost reason from a CRM's list has a meaning",
        next_step="Say what it means in lost_reasons.yml; until then its deals count as unclear",
        row_count=sum(row.deals for row in written),
        failed_count=sum(row.deals for row in unmapped),
        query="select * from marts.lost_reason where status = 'unmapped' order by deal_count desc"
        if unmapped
        else None,
    )
    return [check.with_examples(f"unknown:{row.lost_reason} ({row.source}, {row.deals} deals)" for row in unmapped)]
