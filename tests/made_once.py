"""What takes long to make and many files need, made once in a session of tests, whichever workers ask for it."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Told = TypeVar("Told")


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], Told]) -> tuple[Path, Told]:
    """The folder that `make` filled, and what it told of it (anything that can be pickled).

    The folder is everybody's: read it, or copy it. One that was left half made is made anew.
    """
    folder = folders.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    home, told = folder / name, folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(home, ignore_errors=True)
            told.write_bytes(pickle.dumps(make(home)))
    return home, pickle.loads(told.read_bytes())
