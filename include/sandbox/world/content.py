"""Texts on the site, and what each truly does to a doubt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.parameters import DOUBTS, Parameters
from sandbox.world.links import SITE
from sandbox.world.streams import DAY, between, number, seconds, unit


@dataclass(frozen=True)
class Item:
    """One text. `effect` is the share of the doubt's strength that it takes off one who reads it; negative: it adds."""

    key: str
    slug: str
    code: str
    effect: float
    published_at: int
    task_key: str = ""
    id: int = 0

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"{SITE}/blog/{self.slug}"

    def appeal(self, at: int, fades_days: float) -> float:
        """How much it is read at an instant, next to its first days; old texts keep a tenth."""
        age = (at - self.published_at) / DAY
        if age < 0:
            return 0.0
        return 0.1 + 0.9 * min(1.0, 0.3 + age / 5) * float(2.718281828 ** (-age / fades_days))


def true_effect(seed: int, key: str, parameters: Parameters) -> float:
    """The hidden effect of a text, drawn when it is published: many have none, a few make it worse."""
    content, u = parameters.content, unit(seed, "effect", key)
    if u < content.nil:
        return 0.0
    if u < content.nil + content.worse:
        return -between(unit(seed, "effect", key, "size"), content.harm)
    return between(unit(seed, "effect", key, "size"), content.effect)


def item(seed: int, key: str, slug: str, code: str, published_at: int, parameters: Parameters, task: str = "") -> Item:
    """A text with its drawn effect."""
    return Item(key, slug, code, true_effect(seed, key, parameters), published_at, task, number(seed, "item", key))


_OLD = (
    ("is-it-expensive", "price"), ("instalments-explained", "terms"), ("who-trains-you", "trust"),
    ("before-and-after", "value_roi"), ("first-week-with-the-device", "implementation"), ("certificates", "trust"),
    ("contraindications", "risk_security"), ("delivery-map", "availability"), ("laser-or-peel", "missing_feature"),
    ("why-masters-stay", "no_need"), ("how-to-choose", "no_decision"), ("our-schedule", "timing"),
)  # fmt: skip


def inventory(seed: int, start: date, until: date, parameters: Parameters) -> list[Item]:
    """What the site has without our tasks: old texts, and the company's own new ones up to `until`, by month."""
    items = [
        item(seed, f"old-{slug}", slug, code, seconds(start) - DAY * (90 + 40 * index), parameters)
        for index, (slug, code) in enumerate(_OLD)
    ]
    month, codes = start.replace(day=1), sorted(DOUBTS)
    while month <= until:
        count = int(parameters.content.own_items_a_month + unit(seed, "own", month.isoformat()))
        for index in range(count):
            name = (seed, "own", month.isoformat(), index)
            day = month + timedelta(days=int(unit(*name, "day") * 27))
            code = codes[int(unit(*name, "code") * len(codes))]
            slug = f"{code.replace('_', '-')}-{day:%Y-%m-%d}"
            if start <= day:
                items.append(item(seed, f"own-{slug}", slug, code, seconds(day) + 8 * 3600, parameters))
        month = (month + timedelta(days=32)).replace(day=1)
    return sorted(items, key=lambda one: (one.published_at, one.key))
