"""The fast way in: webhook verification and the durable inbox from which a webhook is acknowledged. No web framework
here.
"""

from rebuttal.inbox.arrivals import Arrival, receive
from rebuttal.inbox.store import (
    KEPT,
    TRIES,
    Claim,
    acknowledge,
    claim,
    extend,
    fail,
    forget_older_than,
    pending_count,
    replay,
)

__all__ = [
    "KEPT",
    "TRIES",
    "Arrival",
    "Claim",
    "acknowledge",
    "claim",
    "extend",
    "fail",
    "forget_older_than",
    "pending_count",
    "receive",
    "replay",
]
