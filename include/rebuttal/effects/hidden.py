"""How far what the records cannot show may have hidden an effect: the far end of the interval reaches as far.

Three things make the two sides look alike whatever a piece does:

- Reps blame some objections (price above all) on customers who never voiced them. Their notes stay, whoever reads what.
  How many there are is told by what buyers say in their own words (transcripts, chats): an objection that reps write
  down more often, next to that, than the usual objection, owes the surplus to them.
- Customers who are compared only because of such a note have no doubt that could come back, and are sent no text.
- Some of the unexposed did meet the piece: a browser nobody knows, a link sent without a note.

Taken out, all three make an effect larger (Rogan and Gladen, Am. J. Epidemiol. 107, 1978, for the first). What is true
lies between the plain interval and the one with all of it taken out, so the interval told is the hull of both. That no
change is no change holds in either, so nothing is ever confirmed by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

UNSEEN = 0.3  # of all who meet a piece: the share that neither counter nor CRM shows; an assumption
OWN_WORDS = 10  # voicings in buyers' own words without which an objection's notes cannot be judged
LEAST_THEMES = 3  # so many objections tell what is usual


@dataclass(frozen=True)
class Hidden:
    """`false_rate`: wrong notes of a theme by conversation; `false_share`: of its voicings; `unseen`: of exposures."""

    false_rate: float = 0.0
    false_share: float = 0.0
    unseen: float = UNSEEN

    def hull(self, low: float, high: float, rate: float, treated: int, other: int) -> tuple[float, float]:
        """The interval of a ratio of rates, widened. `rate` of the unexposed; `treated`, `other`: occasions."""
        mixed = min(self.unseen / (1 - self.unseen) * treated / other, 0.9) if other else 0.0

        def cleared(ratio: float, share: float) -> float:
            noise = min(self.false_rate, 0.9 * rate)
            clean = max(ratio * rate - noise, 0.0) / (rate - noise) * (1 - share) if rate else ratio
            # The unexposed with `mixed` of exposed among them have 1 - mixed (1 - ratio) of their own rate.
            return clean * (1 - mixed) / max(1 - mixed * clean, 0.05)

        return min(low, cleared(low, self.false_share)), max(high, cleared(high, 0.0))


def hidden(conversations: pd.DataFrame, voicings: pd.DataFrame, theme: str, before: datetime) -> Hidden:
    """What notes from before publication tell of wrong ones.

    `conversations`: keys and occurred_at; `voicings`: the same keys, theme, source_role (rep, buyer).
    """
    earlier = conversations[conversations["occurred_at"] < before]
    keys = ["kind", "source", "account_id", "conversation_id"]
    said = voicings.merge(earlier[keys], on=keys)
    counts = said.groupby(["theme", "source_role"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["rep", "buyer"], fill_value=0)
    known = counts[counts["buyer"] >= OWN_WORDS]
    if len(known) < LEAST_THEMES or theme not in known.index:
        return Hidden()
    ratio = known["rep"] / known["buyer"]
    wrong = max(0.0, 1 - float(ratio.median()) / float(ratio[theme])) if ratio[theme] > 0 else 0.0
    written, own = (float(known[role][theme]) for role in ("rep", "buyer"))
    return Hidden(wrong * written / len(earlier), wrong * written / (written + own))
