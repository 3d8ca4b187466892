"""A brief or review for one reader: figures beside what is usual, and what stands out, as HTML and as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rebuttal.configuration import Vocabulary
from rebuttal.metrics import Metric
from rebuttal.outgoing import plain_line
from rebuttal.reports.channels import Channel
from rebuttal.reports.compose import Digest, rendered
from rebuttal.reports.health import health_lines
from rebuttal.reports.language import Words, words_of
from rebuttal.reports.pace import channel_name
from rebuttal.reports.plan_part import PlanTeller
from rebuttal.reports.review_figures import Measure, Review, Row

_SHOWN = 6  # of each list; the rest is counted
_CARDS = {
    "daily": ("leads", "orders", "revenue"),
    "weekly": ("leads", "orders", "revenue"),
    "monthly": ("ad_cost", "new_customers", "cac"),
    "quarterly": ("ad_cost", "new_customers", "cac"),
}
_DEAR = 2.0  # a channel whose customers cost this many times the mean is worth a look
_WEEK_COLUMNS = ("channel", "leads", "orders", "revenue", "cost")
_BUDGET_COLUMNS = ("channel", "cost", "customers", "cac", "revenue")
_REMOVAL_COLUMNS = ("channel", "journeys", "lost", "hanging")


def compose_review(
    review: Review,
    channel: Channel,
    metrics: Mapping[str, Metric],
    vocabulary: Vocabulary,
    role: str = "",
    unsubscribe: str = "",
) -> Digest:
    """The message. `role` is a person's, '' for a room. Pure: the same figures and reader give the same bytes."""
    words = words_of(channel.language)
    teller = Teller(review, words, metrics, vocabulary.renamed(review.theme_names))
    kind = review.period.kind
    view = {
        "language": channel.language,
        "words": words,
        "title": words(f"review.title.{kind}"),
        "range": words.period(review.period),
        "greeting": words("greeting", name=channel.name) if channel.name else "",
        "headline": teller.headline(),
        "numbers": teller.cards(),
        "sections": teller.sections(),
        "health": teller.health(),
        "footer": words("review.footer", role=words(f"role.{role}")) if role else words("review.footer_room"),
        "unsubscribe": unsubscribe,
    }
    subject = words("review.subject", title=view["title"], range=view["range"])
    return rendered("review", subject, view, {})


@dataclass(frozen=True)
class Teller:
    """Turns figures into sentences and tables."""

    review: Review
    words: Words
    metrics: Mapping[str, Metric]
    vocabulary: Vocabulary

    def headline(self) -> str:
        """One sentence of what changed, and a second one when the data is not whole."""
        review, words = self.review, self.words
        if review.measures is None:
            key = "nothing" if not review.failed else "unavailable"
            return words(f"review.headline.{key}")
        by_metric = {measure.metric: measure for measure in review.measures}
        is_budget = review.period.kind in ("monthly", "quarterly")
        sentence = self._spent(by_metric) if is_budget else self._moved(review.measures, by_metric)
        is_whole = review.is_complete and not review.failed and review.health is not None and not review.health.held
        return sentence if is_whole else f"{sentence} {words('review.headline.incomplete')}"

    def _moved(self, measures: Sequence[Measure], by_metric: Mapping[str, Measure]) -> str:
        unusual = [measure for measure in measures if measure.is_unusual]
        if unusual:
            return " ".join(
                self.words(
                    "review.headline.unusual",
                    metric=self.name(measure.metric),
                    value=self.shown(measure.metric, measure.value),
                    usual=self.shown(measure.metric, measure.before, is_mean=True),
                )
                for measure in unusual
            )
        leads, orders = (
            self.words.count(f"review.{name}", int(by_metric[name].value or 0)) for name in ("leads", "orders")
        )
        return self.words("review.headline.calm", leads=leads, orders=orders)

    def _spent(self, by_metric: Mapping[str, Measure]) -> str:
        words, cost, cac = self.words, by_metric["ad_cost"], by_metric["cac"]
        values = {
            "cost": self.shown("ad_cost", cost.value),
            "customers": words.count("review.customers", int(by_metric["new_customers"].value or 0)),
            "cac": self.shown("cac", cac.value),
        }
        if not by_metric["new_customers"].value:
            return words("review.headline.no_customers", **values)
        if cost.before and cost.value is not None:
            values["change"] = words.percent(cost.value / cost.before - 1, signed=True)
            return words("review.headline.spent_more", **values)
        return words("review.headline.spent", **values)

    def cards(self) -> list[tuple[str, str]]:
        """Three figures with their names; a figure that is not known is a dash."""
        by_metric = {measure.metric: measure.value for measure in self.review.measures or ()}
        return [
            (self.shown(metric, by_metric.get(metric)), self.name(metric)) for metric in _CARDS[self.review.period.kind]
        ]

    def sections(self) -> list[dict[str, Any]]:
        """Each with a title and a table (columns, rows) or lines; both None when the part is not known."""
        review, kind = self.review, self.review.period.kind
        found = [self._section("measures", table=self._measures(), note=self.words(f"review.usual_note.{kind}"))]
        found += PlanTeller(self.words, self.shown, self.name).sections(review.plan, kind)
        if kind == "weekly":
            found.append(
                self._section("channels", table=self._table(review.channels, _WEEK_COLUMNS), empty="no_channels")
            )
        if kind in ("monthly", "quarterly"):
            found.append(self._section("look", lines=self._look(), empty="no_look"))
            found.append(
                self._section("channels", table=self._table(review.channels, _BUDGET_COLUMNS), empty="no_channels")
            )
        if kind == "quarterly":
            found.append(self._section("roles", lines=self._roles(), empty="no_roles"))
            note = self.words("review.removal_note")
            found.append(self._section("removal", table=self._table(review.removal, _REMOVAL_COLUMNS), note=note))
        found.append(self._section("voiced", lines=self._voiced(), empty="none_voiced"))
        if kind != "daily":
            found.append(self._section("verdicts", lines=self._verdicts(), empty="no_verdicts"))
        if kind != "daily" or review.due or review.due is None:
            found.append(self._section("due", lines=self._due(), empty="no_due"))
        return found

    def health(self) -> list[str]:
        """What is missing, in sentences; one that says so when nothing is."""
        health = self.review.health
        if health is None:
            return [self.words("unavailable")]
        begins = self.review.begins
        late = [self.words("review.begins_later", day=self.words.day(begins))] if begins else []
        told = health_lines(self.words, health, "" if late else self.words("review.is_complete"))
        return [*late, *(line for line in told if line)]

    def name(self, metric: str) -> str:
        """What the dictionary calls it, in the reader's language. Raises KeyError for a metric without definition."""
        return str(getattr(self.metrics[metric].name, self.words.language))

    def shown(self, metric: str, value: float | None, *, is_mean: bool = False) -> str:
        """A value as its unit asks; a dash when it is not known."""
        if value is None:
            return "—"
        unit, words = self.metrics[metric].unit, self.words
        if unit.startswith("money"):
            return words.money(value, self.review.currency)
        if unit == "share":
            return words.percent(value)
        if unit in ("ratio", "points"):
            return words.number(value, 0 if unit == "points" else 1)
        return words.usual(value) if is_mean else words.number(value)

    def _section(self, key: str, *, empty: str = "", note: str = "", **parts: Any) -> dict[str, Any]:
        (content,) = parts.values()
        is_empty = content is not None and not (content["rows"] if isinstance(content, dict) else content)
        return {
            "title": self.words(f"review.section.{key}"),
            "note": note,
            "table": parts.get("table") if not is_empty else None,
            "lines": [self.words(f"review.{empty}")] if is_empty and empty else parts.get("lines"),
            "is_known": content is not None,
        }

    def _measures(self) -> dict[str, Any] | None:
        measures, kind = self.review.measures, self.review.period.kind
        if measures is None:
            return None
        column = {name: self.words(f"review.column.{name}.{kind}") for name in ("value", "before")}
        rows = [
            [
                ("● " if measure.is_unusual else "") + self.name(measure.metric),
                self.shown(measure.metric, measure.value),
                self.shown(measure.metric, measure.before, is_mean=kind in ("daily", "weekly")),
            ]
            for measure in measures
        ]
        return {"columns": ["", column["value"], column["before"]], "rows": rows}

    def _table(self, rows: Sequence[Row] | None, columns: Sequence[str]) -> dict[str, Any] | None:
        if rows is None:
            return None
        cells = [[self._cell(name, row) for name in columns] for row in rows[:_SHOWN]]
        return {"columns": [self.words(f"review.column.{name}") for name in columns], "rows": cells}

    def _cell(self, column: str, row: Row) -> str:
        words = self.words
        if column == "channel":
            return self._channel(row)
        if column == "cac":
            return self.shown("cac", _cac(row))
        places = {
            "cost": "ad_cost_base",
            "revenue": "revenue_base",
            "hanging": "value_lost_base",
            "customers": "new_customers",
            "leads": "leads",
            "orders": "deals_won" if "deals_won" in row else "orders",
            "journeys": "journeys_touched",
            "lost": "conversions_lost",
        }
        value = row[places[column]]
        if value is None:
            return "—"
        if column in ("cost", "revenue", "hanging"):
            return words.money(float(value), self.review.currency)
        return words.usual(float(value)) if column == "lost" else words.number(float(value))

    def _channel(self, row: Row) -> str:
        return channel_name(self.words, str(row["channel"]))

    def _look(self) -> list[str] | None:
        """Spend without customers, customers far dearer than the mean, and the cheapest: by rule, with its figures."""
        rows, words = self.review.channels, self.words
        if rows is None:
            return None
        paid = [row for row in rows if row["acquisition_cost_base"]]
        nothing = [row for row in paid if not row["new_customers"]]
        lines = [
            words("review.spent_for_nothing", channel=self._channel(row), cost=self._cell("cost", row))
            for row in nothing
        ]
        priced = [(float(cac), row) for row in paid if (cac := _cac(row)) is not None]
        customers = sum(row["new_customers"] for _, row in priced)
        if len(priced) > 1 and customers:
            mean = sum(float(row["acquisition_cost_base"]) for _, row in priced) / float(customers)
            for cac, row in sorted(priced, key=lambda one: (-one[0], one[1]["channel"])):
                if cac >= _DEAR * mean:
                    times = words.number(cac / mean, 1)
                    values = {"cac": self.shown("cac", cac), "times": times, "mean": self.shown("cac", mean)}
                    lines.append(words("review.dear", channel=self._channel(row), **values))
            cheapest = min(priced, key=lambda one: (one[0], one[1]["channel"]))
            shown = self.shown("cac", cheapest[0])
            lines.append(words("review.cheap", channel=self._channel(cheapest[1]), cac=shown))
        return lines

    def _roles(self) -> list[str] | None:
        if self.review.roles is None:
            return None
        return [self._role(row) for row in self.review.roles]

    def _role(self, row: Row) -> str:
        words, channel = self.words, self._channel(row)
        if not row["is_turning"]:
            if row["ad_cost_base"]:
                return words("review.does_not_turn", channel=channel, cost=self._cell("cost", row))
            return words("review.silent", channel=channel)
        expected, observed = (words(f"review.role.{row[name]}") for name in ("expected_role", "observed_role"))
        return words("review.role_differs", channel=channel, expected=expected, observed=observed)

    def _voiced(self) -> list[str] | None:
        if self.review.voiced is None:
            return None
        rows = self.review.voiced
        lines = [
            self.words(
                "review.voices",
                theme=self._theme(row["category"], row["theme"]),
                voices=self.words.count("voices", int(row["voice_count"])),
            )
            for row in rows[:_SHOWN]
        ]
        return [*lines, self.words("review.more", n=len(rows) - _SHOWN)] if len(rows) > _SHOWN else lines

    def _theme(self, category: str, theme: str) -> str:
        name = self.vocabulary.theme_name(category, theme, self.words.language)
        shown = self.vocabulary.category_name(category, self.words.language)
        return f"{shown}: {name}" if name else shown

    def _verdicts(self) -> list[str] | None:
        if self.review.verdicts is None:
            return None
        return [
            self.words(f"review.verdict.{verdict}", n=count) for verdict, count in sorted(self.review.verdicts.items())
        ]

    def _due(self) -> list[str] | None:
        rows = self.review.due
        if rows is None:
            return None
        lines = [
            self.words(
                "review.due_line",
                subject=plain_line(str(row["subject"]), 80),
                decision=plain_line(str(row["decision"]), 80),
                day=self.words.day(row["review_at"].date()),
            )
            for row in rows[:_SHOWN]
        ]
        return [*lines, self.words("review.more", n=len(rows) - _SHOWN)] if len(rows) > _SHOWN else lines


def _cac(row: Row) -> float | None:
    cost, customers = row["acquisition_cost_base"], row["new_customers"]
    return float(cost) / float(customers) if cost is not None and customers else None
