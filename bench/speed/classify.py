"""LISTEN: the cascade beside embedding everything, in time and in what it hears, in one run.

The texts are what the sandbox's sales people and customers wrote (notes, calls), none of them a training text, with
what each of them says. Their worlds also speak phrases that default worlds, where thresholds were chosen, do not.
Ways: ours; the same classifier without its cheap stage, which embeds every sentence of every text, once for each text
that has it (`every`) or once for all of them (`distinct`, as ours does with the doubtful: what the cheap stage alone
saves); and the bare embedder over each text as a whole, which labels nothing. Nothing is remembered between rounds.
CPU time is told as well: on a shared machine the wall says little.
"""

from __future__ import annotations

import json
import resource
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np

from bench.speed.timing import Figures, Unmeasured, in_turn, ratio, seconds
from bench.speed.visits import context
from rebuttal.objections import classify_file
from rebuttal.objections.embedding import Embedder, Matrix, load_embedder
from rebuttal.objections.evaluate import macro_f1
from rebuttal.objections.hearing import Heard
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.reading import Reading, read_texts
from rebuttal.objections.taxonomy import load_taxonomy
from rebuttal.objections.wording import prepared
from sandbox.world import build

FEW = (4711, 4712), 12, 0.5  # companies, weeks, scale: a thousand texts
MANY = (4732,), 52, 1.5  # one company's year, as its first load reads it: nearly five thousand
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
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # a world takes memory that is not the classifier's
        texts = apart.submit(_texts, size).result()
    one, out = folder / "one.jsonl", folder / "out.jsonl"
    one.write_text(json.dumps({"id": "1", "text": texts[0].text, "channel": texts[0].channel}), encoding="utf-8")
    embedder = load_embedder()
    first = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))  # trains, once for a home
    start = seconds(lambda: classify_file(one, out, settings=settings, embedder=embedder))
    model = load_model(settings.models, load_taxonomy(settings.config), embedder)
    heard: dict[str, list[Reading]] = {}

    cpu: dict[str, list[float]] = {}

    def timed(name: str, way: Callable[[], object]) -> float:
        begun = process_time()
        took = seconds(way)
        cpu.setdefault(name, []).append(process_time() - begun)
        return took

    def reading(name: str, by: Model) -> float:
        return timed(name, lambda: heard.update({name: read_texts(by, [(one.text, one.channel) for one in texts])}))

    ways = {"ours": lambda: reading("ours", model)}
    if embedder is not None:
        whole = replace(
            model,
            sure=_ALWAYS,
            calm_sure=_ALWAYS,
            told_none_sure=_ALWAYS,
            settled=(_ALWAYS, _ALWAYS),
            is_turn_enough=False,
        )
        counts = _sentences(texts, model)
        repeating = replace(whole, embedder=_Repeating(embedder, counts))
        ways["every"] = lambda: reading("every", repeating)
        ways["distinct"] = lambda: reading("distinct", whole)
        ways["bare"] = lambda: timed("bare", lambda: embedder.vectors([one.text for one in texts]))
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
            "classify_vs_every_distinct_sentence": ratio(took["distinct"], took["ours"]),
            **{f"classify_{name}_cpu_seconds": median(cpu[name]) for name in cpu},
            "classify_vs_embedding_cpu": ratio(cpu["bare"], cpu["ours"]),
            "classify_vs_every_sentence_cpu": ratio(cpu["every"], cpu["ours"]),
            "classify_vs_every_distinct_sentence_cpu": ratio(cpu["distinct"], cpu["ours"]),
            "classify_sentences_in_all": float(counts.total()),
            "classify_sentences_distinct": float(len(counts)),
            "classify_macro_f1_every_sentence": every,
            "classify_macro_f1_loss": every - figures["classify_macro_f1"],
        }
    return figures | {"classify_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


class _Repeating:
    """An embedder that embeds a sentence as often as it stands in the texts: nothing is shared between them."""

    def __init__(self, inner: Embedder, counts: Mapping[str, int]) -> None:
        self.name = inner.name
        self._inner = inner
        self._counts = counts

    def vectors(self, texts: Sequence[str]) -> Matrix:
        repeated = [text for text in texts for _ in range(self._counts.get(text, 1))]
        rows = dict(zip(repeated, self._inner.vectors(repeated), strict=True))
        return np.array([rows[text] for text in texts], dtype=np.float32)


def _sentences(texts: Sequence[_Said], model: Model) -> Counter[str]:
    """How often each sentence that is heard stands in the texts, as the classifier prepares it."""
    heard = (Heard.of(one.text, one.channel) for one in texts)
    return Counter(model.spelling.mended(prepared(said)) for one in heard for said in map(one.said, one.pieces))


def _score(texts: Sequence[_Said], readings: Sequence[Reading]) -> float:
    """Macro-F1 over label sets; what is unclear counts by its best guess."""
    return macro_f1([one.labels for one in texts], [reading.labels for reading in readings])


def _texts(size: int) -> list[_Said]:
    """`size` texts spread over what two of the sandbox's companies recorded, or one in a year."""
    said: list[_Said] = []
    for seeds, weeks, scale in (FEW, MANY):
        if len(said) < size:
            said = [one for seed in seeds for one in _said_in(seed, weeks, scale)]
    if len(said) < size:
        raise Unmeasured(f"the sandbox's companies said {len(said)} texts, {size} were asked for")
    return said[:: len(said) // size][:size]


def _said_in(seed: int, weeks: int, scale: float) -> list[_Said]:
    world = build(seed, weeks, date(2026, 11, 15), scale)
    truth = {(row["stream"], str(row["id"])): row["says"] for row in world.truth()["texts"]}
    crm = world.recorded().crm
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for stream, (body, channel) in _BODIES.items():
        for thing in crm[stream]:
            text, says = str(thing.properties.get(body) or ""), truth.get((stream, str(thing.id)))
            if text.strip() and says is not None:
                codes = dict.fromkeys(one["code"] for one in says if not one["is_quoted"])
                found[text, channel] = tuple(codes) or ("none",)
    return [_Said(text, channel, labels) for (text, channel), labels in sorted(found.items())]
