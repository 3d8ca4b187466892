"""Erasing a person from every store, so that nothing brings them back.

First the suppression (keyed hashes of everything that names the person), then store after store (`stores.py`), each
with its line in the receipt. Killed anywhere, the same command goes on; asked again, it finds nothing. `keep_erased`
stands before every stage: a warehouse that was restored from a backup forgets again before anybody reads it.
A partner that leaves goes the same way (`partner.py`).
"""

from rebuttal.erasure.kept_outside import apply_erased, export_erased
from rebuttal.erasure.partner import end_partner
from rebuttal.erasure.run import erase, keep_erased, unfinished

__all__ = ["apply_erased", "end_partner", "erase", "export_erased", "keep_erased", "unfinished"]
