"""Imports that tasks need, done once in the process that forks them: they inherit them instead of paying for them.

Great Expectations alone costs seconds of CPU per process. Who forks tasks depends on the executor: the scheduler, or
Celery's worker. Nobody else preloads.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

HEAVY = ("great_expectations", "pandas", "pyarrow", "sklearn.linear_model", "scipy.sparse", "rebuttal.loop")

FORKS_TASKS = {"LocalExecutor": "scheduler", "CeleryExecutor": "celery"}

if sys.argv[1:2] == [FORKS_TASKS.get(os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor"))]:
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for _name in HEAVY:
        importlib.import_module(_name)
