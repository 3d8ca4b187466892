"""PARTNERS: agreements, status words mapped to one booking lifecycle, the leak report, isolation of what is a
partner's own, and what a partner is given when it leaves.
"""

from rebuttal.partners.leaving import export_bookings, still_named

__all__ = ["export_bookings", "still_named"]
