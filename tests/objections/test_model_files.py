"""What listening keeps on disk does not grow without end: model files by kind, remembered vectors by number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rebuttal.objections.embedding import DIMENSIONS, Matrix, Remembering
from rebuttal.objections.model_files import KEPT, read_arrays, write_arrays


def test_of_each_kind_only_the_last_used_files_are_kept(tmp_path: Path) -> None:
    other = tmp_path / "themes+e5-0.npz"
    write_arrays(other, {"a": np.zeros(1)})
    for number in range(KEPT):
        path = tmp_path / f"ngram+e5-{number}.npz"
        write_arrays(path, {"a": np.full(2, number)})
        path.with_suffix(".json").write_text("{}", encoding="utf-8")
        os.utime(path, (number, number))
    assert read_arrays(tmp_path / "ngram+e5-0.npz")["a"].tolist() == [0, 0]  # used now: the oldest is number 1
    write_arrays(tmp_path / "ngram+e5-new.npz", {"a": np.ones(1)})

    kept = {path.name for path in tmp_path.iterdir() if path.suffix == ".npz"}
    assert kept == {other.name, "ngram+e5-new.npz", "ngram+e5-0.npz"} | {
        f"ngram+e5-{number}.npz" for number in range(2, KEPT)
    }
    assert not (tmp_path / "ngram+e5-1.json").exists()
    assert (tmp_path / "ngram+e5-2.json").exists()


def test_a_file_written_again_takes_no_other_ones_place(tmp_path: Path) -> None:
    for number in range(KEPT):
        write_arrays(tmp_path / f"ngram-{number}.npz", {"a": np.zeros(1)})
    write_arrays(tmp_path / "ngram-0.npz", {"a": np.ones(1)})
    assert len(list(tmp_path.iterdir())) == KEPT
    assert read_arrays(tmp_path / "ngram-0.npz")["a"].tolist() == [1]


class Lengths:
    """An embedder that is quick and counts what it was asked: the direction of a text is its length."""

    name = "lengths"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Matrix:
        self.asked += texts
        return np.eye(DIMENSIONS, dtype=np.float32)[[len(text) for text in texts]]


def test_of_too_many_vectors_the_first_ones_stored_are_forgotten(tmp_path: Path) -> None:
    inner = Lengths()
    remembering = Remembering(inner, tmp_path / "vectors.sqlite", most=3)
    rows = remembering.vectors(["a", "bb", "ccc", "dddd", "eeeee"])  # all answered, though not all are kept
    assert rows.argmax(axis=1).tolist() == [1, 2, 3, 4, 5]
    inner.asked.clear()
    assert remembering.vectors(["ccc", "dddd", "eeeee"]).argmax(axis=1).tolist() == [3, 4, 5]
    assert inner.asked == []
    remembering.vectors(["a"])
    assert inner.asked == ["a"]
    remembering.vectors(["dddd", "eeeee", "a", "ccc"])
    assert inner.asked == ["a", "ccc"]
