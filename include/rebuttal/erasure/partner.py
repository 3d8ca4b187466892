"""The end of a partnership: everything for the partner stops, it is given what is its own, and its customers' data go.

A partner is suppressed like a person: by the keyed hash of its id, which every booking names. So what still lands of it
is counted as suppressed, and a store that was restored forgets it again.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, text

from rebuttal.context import Context
from rebuttal.erasure.run import forget_everywhere, hashes_of, suppress
from rebuttal.erasure.subject import Person, Subject
from rebuttal.erasure.work import Work
from rebuttal.errors import ConfigError
from rebuttal.partners import export_bookings, still_named
from rebuttal.personal import keyed
from rebuttal.records import Report
from rebuttal.sources.registry import load_sources
from rebuttal.state import EndedPartner, Sessions, open_state, record_decision
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.suppression import Identifier, load_suppressed, mirror


def end_partner(context: Context, partner: str, by: str, export: Path | None) -> Report:
    """Stop everything for the partner at once, write its bookings to `export` (unless None), then forget them.

    Killed or failed on the way, the same call goes on. Counts `exported`, `removed`; `details`: store, removed,
    erased_at. A second call changes nothing, and leaves `export` alone. Raises ConfigError, and changes nothing, for a
    partner that nobody knows; ConfigError for an `export` that is another file, LockedError when the warehouse is busy:
    by then the partner is stopped, and nothing of it is forgotten yet.
    """
    named, report = Identifier("partner_id", partner), Report("end_partner")
    asked = Subject("partner_id", keyed("subject", f"partner:{partner}", context.identity_key), (named,))
    person = Person(frozenset({named}), frozenset())
    hashes = hashes_of(context, person)
    with open_state(context.settings) as sessions:
        _require_known(context, sessions, partner)
        is_new = suppress(context, sessions, asked, person, by)
        is_new |= _stop(context, sessions, partner, by)
        failpoint("end_partner.after_stop")
        with open_warehouse(context.settings) as engine, engine.begin() as connection:
            is_whole = not hashes & load_suppressed(connection, context.identity_key).hashes
            if export is not None and is_whole:  # once it is suppressed, an admission may have taken some of it out
                report.add("exported", export_bookings(connection, partner, export))
            failpoint("end_partner.after_export")
            is_new |= mirror(connection, hashes)
        failpoint("end_partner.after_mirror")
        work = Work(context, tuple(load_sources(context.settings.config).phone_regions), person)
        forget_everywhere(sessions, asked, work, report, is_new=is_new)
    return report


def list_ended(context: Context) -> list[dict[str, object]]:
    """Partners that left, the first one first: partner, ended_at, ended_by."""
    with open_state(context.settings) as sessions, sessions() as session:
        rows = session.scalars(select(EndedPartner).order_by(EndedPartner.ended_at, EndedPartner.partner)).all()
        return [{"partner": row.partner, "ended_at": row.ended_at, "ended_by": row.ended_by} for row in rows]


def _require_known(context: Context, sessions: Sessions, partner: str) -> None:
    with sessions() as session:
        if session.get(EndedPartner, partner) is not None:
            return
    if still_named(context.settings.config, partner):
        return
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        known = set(connection.execute(text("select distinct partner_id from core.booking")).scalars())
    if partner not in known:
        raise ConfigError(
            f"Nobody knows a partner {partner!r}",
            next_step=f"Use one of {', '.join(sorted(one for one in known if one)) or 'none'}",
        )


def _stop(context: Context, sessions: Sessions, partner: str, by: str) -> bool:
    """From now on nothing is pulled, taken in or told for the partner; True when that is new."""
    now = context.clock.now()
    with sessions.begin() as session:
        if session.get(EndedPartner, partner) is not None:
            return False
        session.add(EndedPartner(partner=partner, ended_at=now, ended_by=by))
        record_decision(
            session,
            kind="partner",
            subject=partner,
            decision="ended",
            evidence={},
            decided_by=by,
            decided_at=now,
        )
        return True
