"""Trained models as files of plain arrays, `<kind>-<hash>.npz`: written whole or not at all, and only so many kept.

A model can always be trained again from texts, so an old file is worth its training time and nothing more.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

KEPT = 6  # files of each kind, the last used: versions under comparison and people's corrections make new ones

Arrays = Mapping[str, npt.NDArray[Any]]


@contextmanager
def one_trainer(path: Path) -> Iterator[None]:
    """Keep other processes from training the model of `path` at the same time: they wait, and then find it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("wb") as file:  # the kernel ends the lock with its process
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write the file, and remove what is more than KEPT of its kind, the longest unused first, with its figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: another process may look for the file at any time.
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    Path(temporary).replace(path)
    alike = [one for one in path.parent.glob("*.npz") if _kind(one) == _kind(path) and one != path]
    alike.sort(key=lambda one: (-one.stat().st_mtime_ns, one.name))
    for old in alike[KEPT - 1 :]:
        old.unlink(missing_ok=True)
        for suffix in (".json", ".lock"):
            old.with_suffix(suffix).unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, which counts as used from now on."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file.items())
    os.utime(path)
    return arrays


def _kind(path: Path) -> str:
    return path.name.rsplit("-", 1)[0]
