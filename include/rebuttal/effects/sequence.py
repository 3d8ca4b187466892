"""Looking every week without fooling oneself: an always-valid interval early, an ordinary one at the deadline.

The error of 5 % is divided beforehand. One per cent goes to all looks before the deadline together, through a
confidence sequence of a normal mixture (Robbins, Ann. Math. Statist. 41, 1970; Johari, Koomen, Pekelis and Walsh,
Oper. Res. 70, 2022; Waudby-Smith and others, Ann. Statist. 52, 2024, for estimates that are normal in the limit):

    estimate +- sqrt( V (V + T) / T * (2 ln(1 / error) + ln((V + T) / V)) ),   V squared error, T of the mixture

which covers the truth at all looks at once, however many there are. Four per cent go to the deadline's interval. By
Bonferroni the two together err at most 5 % of the time. The division favours the deadline, as Haybittle (1971) and Peto
(1976) do: little is lost there, and only what is very clear ends early. T is the square of the log of the hoped-for
ratio, known before publication.
"""

from __future__ import annotations

from math import exp, inf, log, sqrt

from rebuttal.effects.estimate import Estimate

EARLY_ERROR = 0.01
DEADLINE_ERROR = 0.04


def always_valid(found: Estimate, expected_size: float, error: float = EARLY_ERROR) -> tuple[float, float]:
    """The interval of the relative change that holds at every look at once; `expected_size` is the hoped-for change."""
    mixture = log(1 - expected_size) ** 2
    variance = found.standard_error**2
    total = variance + mixture
    reach = sqrt(variance * total / mixture * (2 * log(1 / error) + log(total / variance)))
    low, high = found.log_ratio - reach, found.log_ratio + reach
    return exp(low) - 1, exp(high) - 1 if high < 700 else inf  # exp overflows above 709
