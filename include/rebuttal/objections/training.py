"""The training texts, read from the data files beside this module, and the embeddings shipped with them.

A line of `training/*.jsonl`: `id, lang, channel, text, labels, primary, situation`. Texts of one situation tell the
same story (a paraphrase or a translation) and never stand on both sides of a cross-validation; `retold` finds what was
overlooked.
`training/embeddings.npz` is made by `python -m rebuttal.objections.embed_training`; a text it lacks is embedded anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rebuttal.errors import ConfigError
from rebuttal.objections.embedding import DIMENSIONS, Embedder, Matrix
from rebuttal.objections.taxonomy import LABELS

FOLDER = Path(__file__).parent / "training"
EMBEDDINGS = FOLDER / "embeddings.npz"
_SCALE = 127.0


@dataclass(frozen=True)
class Example:
    """One labelled text. `labels[0]` is not needed to be `primary`; `situation` groups what tells the same story."""

    id: str
    language: str
    channel: str
    text: str
    labels: tuple[str, ...]
    primary: str
    situation: str


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """All examples of `folder`, in the order of file names and lines.

    Raises ConfigError naming file and line when one is not as it should be, or when there are none.
    """
    return list(_shipped() if folder == FOLDER else _read_all(folder))


@cache
def _shipped() -> tuple[Example, ...]:
    """Of the package: they do not change while a process lives, and several models are made of them."""
    return tuple(_read_all(FOLDER))


def _read_all(folder: Path) -> list[Example]:
    examples = [example for path in sorted(folder.glob("*.jsonl")) for example in read_examples(path)]
    if not examples:
        raise ConfigError(f"No training texts in {folder}", next_step="Reinstall the package")
    return examples


def read_examples(path: Path) -> list[Example]:
    """The examples of one file (also files of the same format without `situation`, where each is its own)."""
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            labels = tuple(row["labels"])
            example = Example(
                id=row["id"],
                language=row.get("lang", ""),
                channel=row.get("channel", ""),
                text=row["text"],
                labels=labels,
                primary=row["primary"],
                situation=row.get("situation", row["id"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path.name}:{number} is not a labelled text: {error}", next_step="Mend it") from None
        unknown = [label for label in (*labels, example.primary) if label not in LABELS]
        if unknown or example.primary not in labels:
            raise ConfigError(
                f"{path.name}:{number} has labels that do not fit: {unknown or example.primary}",
                next_step=f"Use {', '.join(LABELS)}, and name the primary among the labels",
            )
        examples.append(example)
    return examples


def content_hash(parts: Sequence[str]) -> str:
    """Hex digest over texts and their order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\x1f")
    return digest.hexdigest()


def text_key(text: str) -> str:
    """The key of a text in the shipped embeddings."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def shipped_vectors(path: Path = EMBEDDINGS) -> Mapping[str, Matrix]:
    """Text key -> unit vector, from the shipped file; empty when there is none. Stored in 8 bit."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        keys, packed = data["keys"], data["vectors"].astype(np.float32) / _SCALE
    packed /= np.linalg.norm(packed, axis=1, keepdims=True)
    return {str(key): vector for key, vector in zip(keys, packed, strict=True)}


def save_vectors(texts: Sequence[str], vectors: Matrix, path: Path = EMBEDDINGS) -> None:
    """Write the file that `shipped_vectors` reads."""
    scaled = vectors / np.abs(vectors).max(axis=1, keepdims=True)
    keys = np.array([text_key(text) for text in texts])
    np.savez_compressed(path, keys=keys, vectors=np.round(scaled * _SCALE).astype(np.int8))


def training_vectors(texts: Sequence[str], embedder: Embedder) -> Matrix:
    """One unit vector per text: the shipped one where there is one, which costs no embedding, else a new one."""
    known = shipped_vectors()
    rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    missing = []
    for index, text in enumerate(texts):
        vector = known.get(text_key(text))
        if vector is None:
            missing.append(index)
        else:
            rows[index] = vector
    if missing:
        rows[missing] = embedder.vectors([texts[index] for index in missing])
    return rows
