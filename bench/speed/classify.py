"""LISTEN: the cascade beside embedding everything, in time and in what it hears, in one run.

The texts are what the sandbox's sales people and customers wrote (notes, calls), none of them a training text, with
what each of them says. Three ways: ours; the same classifier without its cheap stage, so that every sentence is
embedded; and the bare embedder over each text as a whole, which labels nothing. Nothing is remembered between rounds.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median

from bench.speed.timing import Figures, Unmeasured, in_turn, ratio, seconds
from bench.speed.visits import context
from rebuttal.objections import classify_file
from rebuttal.objections.embedding import load_embedder
from rebuttal.objections.evaluate import macro_f1
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.reading import Reading, read_texts
from rebuttal.objections.taxonomy import load_taxonomy
from sandbox.world import build

SEED = 4711
_BODIES = {"notes": ("hs_note_body", "note"), "calls": ("hs_call_body", "call")}
_ALWAYS = 2.0  # no probability is as high: the cheap stage is never sure


@dataclass(frozen=True)
class _Said:
    """One text, its channel, and the labels of what is written in it."""

    text: str
    channel: str
    labels: tuple[str, ...]


def measure(size: int, rounds: int, folder: Path) -> Figures:
    """Figures over `size` texts; training and loading the model are shown apart from the texts' time."""
    settings = context(folder / "home").settings
    texts = _texts(size)
    one, out = folder / "one.jsonl", folder / "out.jsonl"
    one.write_text(json.dumps({"id": "1", "text": texts[0].text, "channel": texts[0].channel}), encoding="utf-8")
    embedder = load_embedder()
    first = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))  # trains, once for a home
    start = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))
    model = load_model(settings.models, load_taxonomy(settings.config), embedder)
    heard: dict[str, list[Reading]] = {}

    def reading(name: str, by: Model) -> float:
        return seconds(lambda: heard.update({name: read_texts(by, [(one.text, one.channel) for one in texts])}))

    ways = {"ours": lambda: reading("ours", model)}
    if embedder is not None:
        ways["every"] = lambda: reading("every", replace(model, sure=_ALWAYS, calm_sure=_ALWAYS))
        ways["bare"] = lambda: seconds(lambda: embedder.vectors([one.text for one in texts]))
    took = in_turn(rounds, ways)
    figures = {
        "classify_first_start_seconds": first,
        "classify_start_seconds": start,
        "classify_texts_per_second": len(texts) / median(took["ours"]),
        "classify_macro_f1": _score(texts, heard["ours"]),
    }
    if embedder is not None:
        every = _score(texts, heard["every"])
        figures |= {
            "classify_embedding_texts_per_second": len(texts) / median(took["bare"]),
            "classify_vs_embedding": ratio(took["bare"], took["ours"]),
            "classify_vs_every_sentence": ratio(took["every"], took["ours"]),
            "classify_macro_f1_every_sentence": every,
            "classify_macro_f1_loss": every - figures["classify_macro_f1"],
        }
    return figures | {"classify_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _score(texts: Sequence[_Said], readings: Sequence[Reading]) -> float:
    """Macro-F1 over label sets; what is unclear counts by its best guess."""
    return macro_f1([one.labels for one in texts], [reading.labels for reading in readings])


def _texts(size: int) -> list[_Said]:
    """`size` texts spread over what a sandbox company recorded in twelve weeks."""
    world = build(SEED, 12, date(2026, 11, 15), 0.5)
    truth = {(row["stream"], str(row["id"])): row["says"] for row in world.truth()["texts"]}
    crm = world.recorded().crm
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for stream, (body, channel) in _BODIES.items():
        for thing in crm[stream]:
            text, says = str(thing.properties.get(body) or ""), truth.get((stream, str(thing.id)))
            if text.strip() and says is not None:
                codes = dict.fromkeys(one["code"] for one in says if not one["is_quoted"])
                found[text, channel] = tuple(codes) or ("none",)
    said = [_Said(text, channel, labels) for (text, channel), labels in sorted(found.items())]
    if len(said) < size:
        raise Unmeasured(f"the sandbox's company said {len(said)} texts, {size} were asked for")
    return said[:: len(said) // size][:size]
