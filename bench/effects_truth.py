"""Verdicts against the truth: `python -m bench.effects_truth 101 102 --scale 11` (or `make effects SEEDS="101 102"`).

For each seed a world of 52 weeks (`bench.effects_world`) in which a text is published every four weeks and its true
effect is drawn; PROVE looks at each every week for twelve weeks, knowing only what lay before each look. Told are:
false confirmations, power, how often 95 % intervals cover the truth, and the win rate next to that of the same people
without these texts. `--keep DIR` keeps the worlds, which take minutes each, and uses those that are there.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from sqlalchemy import Engine, create_engine, event, select

from bench.company import ROOT
from bench.effects_world import Plan, Seen, readiness, see
from rebuttal.content.rules import load_rules
from rebuttal.content.sample import Traffic, needed
from rebuttal.effects.compare import compare
from rebuttal.effects.doubters import is_once_enough
from rebuttal.effects.occasions import again, heard, material
from rebuttal.effects.stage import measure, midnight
from rebuttal.effects.verdict import LEAST_EVENTS
from rebuttal.warehouse import mart
from sandbox.world.content import Item
from sandbox.world.streams import instant

WEEKS = 12
HORIZON, BASELINE = 28, 84
RULE = load_rules(ROOT / "include" / "config").hypothesis
Row = dict[str, Any]


def world_of(plan: Plan, keep: Path | None) -> Seen:
    """The world of this plan, from `keep` if it is there."""
    place = keep / f"seen{plan.seed}.pkl" if keep else None
    if place is not None and place.exists():
        found: Seen = pickle.loads(place.read_bytes())
        return found
    seen = see(plan)
    if place is not None:
        place.write_bytes(pickle.dumps(seen))
    return seen


def write(seen: Seen, path: Path) -> None:
    """The world's frames as a DuckDB file with the tables that PROVE reads."""
    core = {"conversation", "hit", "person_identifier"}
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA core; CREATE SCHEMA marts")
        frames = seen.frames | {"content_task": pd.DataFrame([_task(seen, text) for text in seen.texts])}
        frames["objection"] = frames["objection"].sort_values("first_voiced_at").drop_duplicates("objection_id")
        for name, frame in frames.items():
            frame = frame.assign(is_deleted=False) if name == "conversation" else frame
            connection.register("frame", frame)
            connection.execute(f"CREATE TABLE {'core' if name in core else 'marts'}.{name} AS SELECT * FROM frame")
            connection.unregister("frame")


def _task(seen: Seen, text: Item) -> Row:
    published_at = instant(text.published_at)
    return {
        "task_id": text.key, "theme": f"{text.code}/general", "category": text.code, "published_at": published_at,
        "published_url": text.url, "hypothesis_metric": "objection_rate", "hypothesis_direction": "decrease",
        "hypothesis_expected_size": RULE.expected_size,
        "hypothesis_minimum_sample": needed(traffic(seen, text), RULE).repeats,
        "hypothesis_baseline_days": BASELINE, "hypothesis_horizon_days": HORIZON,
        "hypothesis_deadline": published_at.date() + timedelta(weeks=WEEKS),
    }  # fmt: skip


def traffic(seen: Seen, text: Item) -> Traffic:
    """What had been heard again of the text's doubt in the twelve weeks before publication, as the brief counts it."""
    until = pd.Timestamp(instant(text.published_at))
    said = seen.frames["conversation"].dropna(subset=["deal_id"])
    said = said[(said["occurred_at"] < until) & (said["body"] == "")].sort_values("occurred_at")
    evidence = seen.frames["objection_evidence"]
    evidence = evidence[evidence["objection_id"].str.endswith(f"-{text.code}")]
    said = said.assign(again=said["conversation_id"].isin(evidence["source_id"]))
    before = said.groupby("deal_id")["again"].cumsum() - said["again"]
    said = said[(before > 0) & (said["occurred_at"] >= until - timedelta(weeks=WEEKS))]
    count, repeats = len(said), int(said["again"].sum())
    return Traffic(count, repeats, count, repeats, WEEKS)


def verdicts(seen: Seen) -> list[Row]:
    """One row per text: what PROVE said, and what is true of those exposed that it compared."""
    with tempfile.TemporaryDirectory(prefix="rebuttal-effects-") as folder:
        path = Path(folder) / "world.duckdb"
        write(seen, path)
        engine = create_engine(f"duckdb:///{path}")
        event.listen(engine, "connect", lambda connection, _: connection.execute("SET TimeZone = 'UTC'"))
        try:
            return _told(engine, seen)
        finally:
            engine.dispose()


def _told(engine: Engine, seen: Seen) -> list[Row]:
    end = instant(seen.now).date()
    effects, estimates = measure(engine, end)
    controlled = {row["task_id"]: row for row in estimates if row["estimator"] == "before_after"}
    rows = []
    with engine.connect() as connection:
        known = material(connection, [text.url for text in seen.texts], midnight(end))
        tasks = connection.execute(select(mart.content_task.c.task_id, mart.content_task.c.hypothesis_minimum_sample))
        registered = {row.task_id: row.hypothesis_minimum_sample for row in tasks}
    for text, said in zip(seen.texts, sorted(effects, key=lambda row: str(row["task_id"])), strict=True):
        assert said["task_id"] == text.key
        deadline = instant(text.published_at).date() + timedelta(weeks=WEEKS)
        row = {"seed": seen.plan.seed, "text": text.key, "true_effect": round(text.effect, 3)}
        row["needed"] = registered[text.key]
        row |= {name: said[name] for name in ("verdict", "effect", "interval_low", "interval_high", "reason")}
        row["weeks"] = (said["evaluated_until"] - instant(text.published_at).date()).days / 7
        voices = heard(known, said["theme"], text.url)
        once = is_once_enough(known.conversations, known.voicings, said["theme"], instant(text.published_at))
        row["is_once_enough"] = once
        for name, day in (("", said["evaluated_until"]), ("deadline_", deadline)):
            occasions = again(voices, instant(text.published_at), midnight(day), once)
            found = compare(occasions, "objection_rate", has_unseen=True)
            low, high = found.interval() or (None, None)
            plain = found.estimate.interval() if found.estimate else (None, None)
            row |= {
                f"{name}truth": truth_of(seen, text, occasions), f"{name}low": low, f"{name}high": high,
                f"{name}plain": plain,
                f"{name}exposed_deals": found.treated.deal_count, f"{name}other_deals": found.other.deal_count,
                f"{name}expected_events": found.expected_events,
                f"{name}other_events": found.other.event_count,
            }  # fmt: skip
        row["before_after"] = [controlled[text.key][name] for name in ("effect", "interval_low", "interval_high")]
        rows.append(row)
    return rows


def truth_of(seen: Seen, text: Item, occasions: pd.DataFrame) -> float | None:
    """How much less ready those exposed truly were to voice the doubt on these occasions than without this text."""
    exposed = occasions[occasions["is_exposed"]]
    pairs = list(zip(exposed["person_id"], exposed["occurred_at"].dt.to_pydatetime(), strict=True))
    without = sum(readiness(seen, who, text.code, at, text.key) for who, at in pairs)
    return sum(readiness(seen, who, text.code, at) for who, at in pairs) / without - 1 if without else None


def is_enough(row: Mapping[str, Any], name: str = "deadline_") -> bool:
    """Whether the text had the sample that was registered beforehand, at its deadline."""
    return bool(row[f"{name}expected_events"] >= row["needed"] and row[f"{name}other_events"] >= LEAST_EVENTS)


def summary(rows: list[Row], worlds: Iterable[Seen]) -> Row:
    """The figures, over all seeds."""
    confirmed = [row for row in rows if row["verdict"] == "confirmed"]
    enough = [row for row in rows if is_enough(row)]
    found: Row = {
        "texts": len(rows),
        "texts_with_enough_traffic": len(enough),
        "verdicts": {
            word: sum(row["verdict"] == word for row in rows) for word in sorted({r["verdict"] for r in rows})
        },
        "confirmed_about_nil": _share(confirmed, lambda row: row["true_effect"] == 0),
        "confirmed_about_nil_or_harm": _share(confirmed, lambda row: row["true_effect"] <= 0),
        "nil_confirmed": _share([row for row in enough if row["true_effect"] == 0], _is_confirmed),
    }
    strong = [row for row in enough if row["true_effect"] >= RULE.expected_size]
    found["power"] = _share(strong, _is_confirmed)
    for low, high in ((0, 40), (40, 80), (80, 160), (160, 10_000)):
        band = [
            row
            for row in rows
            if row["true_effect"] >= RULE.expected_size and low <= row["deadline_expected_events"] < high
        ]
        found[f"power_expected_events_{low}_{high}"] = _share(band, _is_confirmed)
    for name in ("", "deadline_"):
        known = [r for r in rows if r[f"{name}low"] is not None and r[f"{name}truth"] is not None]
        known = [row for row in known if min(row[f"{name}expected_events"], row[f"{name}other_events"]) >= LEAST_EVENTS]
        covers = f"{name}coverage" if name else "coverage_at_verdict"
        found[covers] = _share(known, lambda r, name=name: r[f"{name}low"] <= r[f"{name}truth"] <= r[f"{name}high"])
        found[f"{covers}_plain"] = _share(known, lambda r, name=name: _holds(r[f"{name}plain"], r[f"{name}truth"]))
        price = [row for row in known if "price" in row["text"]]
        found[f"{covers}_price"] = _share(
            price, lambda r, name=name: r[f"{name}low"] <= r[f"{name}truth"] <= r[f"{name}high"]
        )
    nil = [row for row in rows if row["true_effect"] == 0 and row["before_after"][2] is not None]
    found["before_after_confirms_nil"] = _share(nil, lambda row: row["before_after"][2] < 0)
    found["win_rate"] = [_gain(seen) for seen in worlds]
    return found


def _holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def _is_confirmed(row: Mapping[str, Any]) -> bool:
    return bool(row["verdict"] == "confirmed")


def _share(rows: list[Row], test: Any) -> str:
    hits = sum(bool(test(row)) for row in rows)
    return f"{hits} of {len(rows)}" + (f" = {hits / len(rows):.1%}" if rows else "")


def _gain(seen: Seen) -> Row:
    """Win rate with the loop's texts and of the same people without them, from the first publication on."""
    ours, other = seen.with_loop, seen.without_loop
    return {
        "seed": seen.plan.seed,
        "with": round(ours["won"] / ours["deals"], 4),
        "without": round(other["won"] / other["deals"], 4),
        "revenue_gain": round(ours["cents"] / other["cents"] - 1, 4),
    }


def main(arguments: list[str] | None = None) -> int:
    """Judge, print, write build/effects.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, default=[101, 102])
    parser.add_argument("--scale", type=float, default=11.0)
    parser.add_argument(
        "--sent", type=float, default=Plan(0).sent, help="share of voiced doubts that sales sends a text on"
    )
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 11, 15))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "effects.json")
    chosen = parser.parse_args(arguments)
    rows: list[Row] = []
    worlds: list[Seen] = []
    found: Row = {}
    for seed in chosen.seeds:
        began = datetime.now(UTC)
        seen = world_of(Plan(seed, until=chosen.until, scale=chosen.scale, sent=chosen.sent), chosen.keep)
        lived = datetime.now(UTC)
        rows += verdicts(seen)
        worlds.append(replace(seen, lives={}, frames={}))
        judged = datetime.now(UTC)
        print(f"seed {seed}: world {lived - began}, verdicts {judged - lived}", flush=True)
        found = summary(rows, worlds)  # after each seed: what is there when the rest is not waited for
        chosen.out.parent.mkdir(exist_ok=True, parents=True)
        chosen.out.write_text(json.dumps({**found, "rows": rows}, indent=1, default=str), encoding="utf-8")
    for name, value in found.items():
        print(f"{name:<36}{value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
