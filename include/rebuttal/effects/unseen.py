"""Readers whom no tool shows stand among those compared with, and make an effect look smaller than it is.

A browser nobody knows, a link sent without a note: some of those who seem not to have met a piece have. With a share
`m` of them the unexposed voice it at 1 - m (1 - R) of their own rate, R the true ratio, so that of a ratio `r` as seen

    R = r (1 - m) / (1 - m r)

(misclassified exposure with perfect specificity: Greenland and Lash, in Modern Epidemiology, 3rd ed., ch. 19). No
change stays no change, whatever `m`, so that nothing is ever confirmed or rejected by it. How many there are is not
known: the point takes the middle of a range, the interval all of it.
"""

from __future__ import annotations

UNSEEN = (0.1, 0.4)  # of all who meet a piece: the share that neither counter nor CRM shows; an assumption
_MOST_MIXED = 0.7  # of those compared with; beyond, nothing is left to compare with
_NEARLY_ALL = 0.95  # of the unexposed's voicings: a share of unseen readers that explains more explains any ratio


def cleared(ratio: float, unseen: float, treated: int, other: int) -> float:
    """The ratio of rates without the unseen share; `treated` and `other`: occasions of the two sides as seen."""
    if not (ratio and other):
        return ratio
    mixed = min(unseen / (1 - unseen) * treated / other, _MOST_MIXED, _NEARLY_ALL / ratio)
    return ratio * (1 - mixed) / (1 - mixed * ratio)


def middle(ratio: float, treated: int, other: int) -> float:
    """The ratio with the middle of the range taken out."""
    return cleared(ratio, sum(UNSEEN) / 2, treated, other)


def reach(low: float, high: float, treated: int, other: int) -> tuple[float, float]:
    """The interval of a ratio over the whole range."""
    ends = [(cleared(low, share, treated, other), cleared(high, share, treated, other)) for share in UNSEEN]
    return min(one for one, _ in ends), max(one for _, one in ends)
