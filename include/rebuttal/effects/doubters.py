"""Whose doubt it is: who said it in their own words, or of whom it was noted twice; once where notes are good.

Reps blame some objections (price above all) on customers who never voiced them. Such a customer has no doubt that could
come back and is sent no text, so that among those compared with they make every piece look harmful. How many of a
theme's notes are wrong is told by what buyers say in their own words (transcripts, chats): an objection that reps write
down more often, next to that, than the usual objection, owes the surplus to wrong notes. It is asked of what lay before
publication, so that who is compared does not depend on what came out. It asks the same of exposed and unexposed alike.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from rebuttal.effects.exposure import KEY

OWN_WORDS = 10  # voicings in buyers' own words without which an objection's notes cannot be judged
LEAST_THEMES = 3  # so many objections tell what is usual
WRONG_AT_MOST = 0.1  # of a theme's voicings: with fewer wrong ones a single note tells who doubts


def wrong_share(conversations: pd.DataFrame, voicings: pd.DataFrame, theme: str, before: datetime) -> float | None:
    """The share of a theme's voicings before an instant that are wrong notes; None where too little was said to know.

    `conversations`: keys and occurred_at; `voicings`: the same keys, theme, source_role (rep, buyer).
    """
    said = voicings.merge(conversations.loc[conversations["occurred_at"] < before, KEY], on=KEY)
    counts = said.groupby(["theme", "source_role"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["rep", "buyer"], fill_value=0)
    known = counts[counts["buyer"] >= OWN_WORDS]
    if len(known) < LEAST_THEMES or theme not in known.index:
        return None
    ratio = known["rep"] / known["buyer"]
    written, own = (float(known[role][theme]) for role in ("rep", "buyer"))
    surplus = max(0.0, 1 - float(ratio.median()) / float(ratio[theme])) if written else 0.0
    return surplus * written / (written + own)


def is_once_enough(conversations: pd.DataFrame, voicings: pd.DataFrame, theme: str, before: datetime) -> bool:
    """Whether one note of a rep tells that a customer has this doubt."""
    share = wrong_share(conversations, voicings, theme, before)
    return share is not None and share <= WRONG_AT_MOST
