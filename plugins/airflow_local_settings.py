"""Imports that tasks need, done once in the scheduler: its forked workers inherit them instead of paying for them.

Great Expectations alone costs seconds of CPU per process. Only the scheduler forks tasks, so only it preloads.
"""

from __future__ import annotations

import importlib
import logging
import sys

HEAVY = ("great_expectations", "pandas", "pyarrow", "sklearn.linear_model", "scipy.sparse", "rebuttal.loop")

if len(sys.argv) > 1 and sys.argv[1] == "scheduler":
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for _name in HEAVY:
        importlib.import_module(_name)
