"""LISTEN: `rebuttal classify` beside embedding every text with the small offline model that it asks when in doubt.

The texts are what the sandbox's sales people and customers wrote: notes and calls, none of them a training text.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from statistics import median

from bench.speed.timing import Figures, Unmeasured, in_turn, ratio, seconds
from bench.speed.visits import context
from rebuttal.objections import classify_file
from rebuttal.objections.embedding import load_embedder
from sandbox.world import build

SEED = 4711
_BODIES = {"notes": ("hs_note_body", "note"), "calls": ("hs_call_body", "call")}


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """`size` texts in one file; loading the model (the time of a file with one text) is taken off and shown."""
    settings = context(folder / "home").settings
    texts = _texts(size)
    one, many, out = folder / "one.jsonl", folder / "many.jsonl", folder / "out.jsonl"
    _write(one, texts[:1])
    _write(many, texts)
    embedder = load_embedder()
    first = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))  # trains, once for a home

    def classified() -> float:
        start = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))
        starts.append(start)
        whole = seconds(lambda: classify_file(many, out, settings=settings, embedder=embedder))
        return whole - start if whole > start else whole  # a few texts vanish in the start: then it is counted in

    starts: list[float] = []
    ways = {"ours": classified}
    if embedder is not None:
        bodies = [text for text, _ in texts]
        ways["embedding"] = lambda: seconds(lambda: embedder.vectors(bodies))
    took = in_turn(rounds, ways)
    figures = {
        "classify_first_start_seconds": first,
        "classify_start_seconds": median(starts),
        "classify_texts_per_second": (len(texts) - 1) / median(took["ours"]),
    }
    if embedder is None:
        return figures
    return figures | {
        "classify_embedding_texts_per_second": len(texts) / median(took["embedding"]),
        "classify_vs_embedding": ratio(took["embedding"], took["ours"]),
    }


def _texts(size: int) -> list[tuple[str, str]]:
    """`size` texts and their channels, spread over what a sandbox company recorded in twelve weeks."""
    crm = build(SEED, 12, date(2026, 11, 15), 0.5).recorded().crm
    found = [
        (str(thing.properties.get(body) or ""), channel)
        for kind, (body, channel) in _BODIES.items()
        for thing in crm[kind]
    ]
    said = sorted({text for text in found if text[0].strip()})
    if len(said) < size:
        raise Unmeasured(f"the sandbox's company said {len(said)} texts, {size} were asked for")
    return said[:: len(said) // size][:size]


def _write(path: Path, texts: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"id": str(n), "text": t, "channel": c}) + "\n" for n, (t, c) in enumerate(texts)]
    path.write_text("".join(lines), encoding="utf-8")
