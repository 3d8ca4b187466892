"""`rebuttal classify`: labels for the texts of a JSONL file, whatever they came from."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from rebuttal.connections import from_environment
from rebuttal.errors import ConfigError
from rebuttal.objections.corrections import load_corrections, text_hash_of
from rebuttal.objections.corrections_reading import obeyed
from rebuttal.objections.embedding import Embedder, load_embedder
from rebuttal.objections.hearing import kind_of
from rebuttal.objections.llm import llm_reader, read_by
from rebuttal.objections.model import load_model
from rebuttal.objections.reading import Reading
from rebuttal.objections.rules import load_objection_rules
from rebuttal.objections.taxonomy import load_taxonomy
from rebuttal.settings import Settings, load_settings

_AT_ONCE = 2000


def classify_file(
    in_path: Path, out_path: Path, *, settings: Settings | None = None, embedder: Embedder | str | None = "installed"
) -> int:
    """Label each line of `in_path` (JSON: `id`, `text`, optional `lang`, `channel`) into `out_path`; returns the count.

    A line of the output has those fields and `labels`, `primary` (always the best label), `confidence` (0 to 1),
    `abstain` (true when the confidence is too low to act on), `spans` (`start`, `end` in code points of `text`,
    `label`), `model`. What a person said of the very same text stands, and is sure.

    Raises ConfigError naming the line when one is not as it should be; nothing is written then. The output is replaced
    as a whole.
    """
    rows = _rows(in_path)
    settings = settings or load_settings()
    chosen = load_embedder() if isinstance(embedder, str) else embedder
    corrections = load_corrections(settings)
    taxonomy = load_taxonomy(settings.config)
    model = load_model(settings.models, taxonomy, chosen, corrections.examples)
    rules = load_objection_rules(settings.config)
    out_path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=out_path.parent, prefix=f".{out_path.name}.")
    with (
        llm_reader(rules.llm, taxonomy, from_environment(settings)) as llm,
        os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as file,
    ):
        for begin in range(0, len(rows), _AT_ONCE):
            part = rows[begin : begin + _AT_ONCE]
            asked = [(row["text"], kind_of(row.get("channel")), text_hash_of(row["text"])) for row in part]
            readings = read_by(llm, model, [(stored, kind) for stored, kind, _ in asked])
            for row, (reading, _) in zip(part, obeyed(model, asked, readings, corrections), strict=True):
                file.write(json.dumps(_labelled(row, reading), ensure_ascii=False) + "\n")
    Path(temporary).replace(out_path)
    return len(rows)


def _labelled(row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    kept = ("id", "text", "lang", "channel")
    return {
        **{name: value for name, value in row.items() if name in kept},
        "labels": list(reading.labels),
        "primary": reading.primary,
        "confidence": round(reading.confidence, 4),
        "abstain": reading.is_abstaining,
        "spans": [{"start": one.start, "end": one.end, "label": one.label} for one in reading.findings],
        "model": reading.model,
    }


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        number = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{number} is not UTF-8", next_step="Save the file as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise ConfigError(f"{path}:{number} is not JSON", next_step="Write one JSON object a line") from None
        for name in ("id", "text"):
            if not isinstance(row, dict) or not isinstance(row.get(name), str):
                raise ConfigError(f"{path}:{number} lacks {name!r} as text", next_step='Write {"id": ..., "text": ...}')
        for name in ("lang", "channel"):
            if not isinstance(row.get(name, ""), str | None):
                raise ConfigError(f"{path}:{number} has a {name!r} that is no text", next_step="Write a word, or null")
        rows.append(row)
    return rows
