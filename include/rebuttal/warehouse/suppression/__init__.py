"""People who were erased: recognised by keyed hashes wherever rows come in, and taken out of what is stored.

`names.py` says which fields name people, `people.py` recognises them, `landed.py` and `stored.py` take them out of
landing and of what was made from it, `counted.py` keeps the row accounting exact.
"""

from rebuttal.warehouse.suppression.forget import Forgotten, forget, mirror
from rebuttal.warehouse.suppression.landed import erased_key
from rebuttal.warehouse.suppression.names import ERASED, FREE_TEXT, NAMES, Form
from rebuttal.warehouse.suppression.people import Identifier, Suppressed, load_suppressed

__all__ = [
    "ERASED",
    "FREE_TEXT",
    "NAMES",
    "Forgotten",
    "Form",
    "Identifier",
    "Suppressed",
    "erased_key",
    "forget",
    "load_suppressed",
    "mirror",
]
