"""Names and colours of channels, categories and stages: palette.yml, and what the company's own files call them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bi.places import config

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Palette:
    """`names`: code -> name by kind (channel, category, metric, stage, question); `colors`: shown name -> colour."""

    scheme: tuple[str, ...]
    names: dict[str, dict[str, str]]
    colors: dict[str, str]

    def case(self, kind: str, column: str) -> str:
        """SQL that turns a code into its name; a code without one stays as it is."""
        arms = " ".join(f"WHEN '{_quoted(code)}' THEN '{_quoted(name)}'" for code, name in self.names[kind].items())
        return f"CASE {column} {arms} ELSE {column} END"


@cache
def load_palette() -> Palette:
    """Read palette.yml, taxonomy.yml, journey.yml and metrics.yml."""
    own = yaml.safe_load((HERE / "palette.yml").read_text(encoding="utf-8"))
    taxonomy = yaml.safe_load((config() / "taxonomy.yml").read_text(encoding="utf-8"))
    journey = yaml.safe_load((config() / "journey.yml").read_text(encoding="utf-8"))
    metrics = yaml.safe_load((config() / "metrics.yml").read_text(encoding="utf-8"))["metrics"]
    categories = {row["code"]: row["name"]["en"] for row in taxonomy["categories"]}
    names = {
        "channel": {code: row["name"] for code, row in own["channels"].items()},
        "category": categories,
        "question": {row["id"]: f"{order}. {row['name']['en']}" for order, row in enumerate(journey["questions"], 1)},
        "metric": {row["id"]: row["name"]["en"] for row in metrics},
        "definition": {row["id"]: str(row["definition"]) for row in metrics},
        **own["words"],
    }
    colors = {row["name"]: row["color"] for row in own["channels"].values()}
    colors |= {categories[code]: color for code, color in own["categories"].items() if code in categories}
    colors |= own["others"]
    return Palette(tuple(own["scheme"]), names, colors)


def base_currency() -> str:
    """The currency of every amount, from journey.yml."""
    return str(yaml.safe_load((config() / "journey.yml").read_text(encoding="utf-8"))["base_currency"])


def _quoted(text: str) -> str:
    return text.replace("'", "''")
