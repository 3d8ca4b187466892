"""Did the objection get rarer, against what the other objections did meanwhile: difference in differences of log rates.

Each theme has the log of (share of deals after / share before), with the variance of Katz, Baptista, Azen and Pike
(Biometrics 34, 1978). Themes move by themselves, content or not: how far, the control themes show. Their mean and the
variance between them (DerSimonian and Laird, Controlled Clin. Trials 7, 1986; statsmodels) tell where this theme would
have been expected without the publication, as a prediction interval does (Higgins, Thompson and Spiegelhalter, J. R.
Stat. Soc. A 172, 2009; t with k - 1 degrees of freedom for k controls). It is an association.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import log, sqrt

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

from rebuttal.effects.estimate import Estimate, Finding, Group

LEAST_CONTROLS = 3
LEAST_VOICES = 3  # a control theme was voiced by so many deals on each side

Counts = Mapping[bool, Mapping[str, int]]  # is_after -> theme -> deals; theme "" holds all deals


def before_after(counts: Counts, theme: str, treated: Collection[str]) -> Finding:
    """The change of `theme` against the themes that are not in `treated` (those with a publication of their own)."""
    sides = {is_after: counts.get(is_after, {}) for is_after in (False, True)}
    before, after = (Group(one.get("", 0), one.get("", 0), one.get(theme, 0)) for one in (sides[False], sides[True]))

    def told(estimate: Estimate | None, why: str = "") -> Finding:
        return Finding("objection_rate", "before_after", after, before, estimate, why)

    if not (before.deal_count and after.deal_count):
        return told(None, f"no deals {'before' if not before.deal_count else 'after'} the publication")
    if not before.event_count + after.event_count:
        return told(None, "the theme was never voiced")
    names = sorted(
        name
        for name in sides[False]
        if name and name not in treated and min(side.get(name, 0) for side in sides.values()) >= LEAST_VOICES
    )
    if len(names) < LEAST_CONTROLS:
        return told(None, f"{len(names)} other themes to compare with, {LEAST_CONTROLS} are needed")
    deals = after.deal_count, before.deal_count
    changes = [_change(sides[True][name], sides[False][name], *deals) for name in names]
    controls = combine_effects(*np.array(changes).T, method_re="dl")
    own, variance = _change(after.event_count, before.event_count, *deals)
    if controls.tau2 > 0:
        mean, error, between = controls.mean_effect_re, controls.sd_eff_w_re, controls.tau2
    else:  # they differ by less than chance alone would make them
        mean, error, between = controls.mean_effect_fe, controls.sd_eff_w_fe, 0.0
    spread = sqrt(variance + float(between) + float(error) ** 2)
    return told(Estimate(own - float(mean), spread, float(len(names) - 1)))


def _change(after: int, before: int, after_deals: int, before_deals: int) -> tuple[float, float]:
    """Log ratio of the two shares and its variance; with a zero, 0.5 is added to counts and 1 to deals (Haldane)."""
    add = 0.5 if 0 in (after, before) else 0.0
    a, n, b, m = after + add, after_deals + 2 * add, before + add, before_deals + 2 * add
    return log(a / n) - log(b / m), max(1 / a - 1 / n + 1 / b - 1 / m, 1e-12)
