"""Taking links over from a company's spreadsheet into `utm.yml`: every row checked, nothing written unless asked."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rebuttal.configuration import read_yaml
from rebuttal.errors import ConfigError
from rebuttal.quality.spelling import suggestion
from rebuttal.quality.utm_naming import unsafe
from rebuttal.quality.utm_registry import FIELDS, Link, Registry, UtmFile, folded, load_registry
from rebuttal.quality.utm_sheet import ROUNDED, read_table
from rebuttal.quality.utm_suggestions import PLATFORM_OF_CLICK

_COLUMNS = (*FIELDS, "utm_content", "platform", "campaign_id", "channel")
_ID = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Outcome:
    """What becomes of one row. action: add | change | same | refuse; `reason` says what changes or what is wrong."""

    row: int
    action: str
    tags: str
    reason: str = ""
    link: Link | None = None


@dataclass(frozen=True)
class Plan:
    """What an import would do: an outcome per row, and the columns that mean nothing here."""

    outcomes: list[Outcome]
    ignored_columns: list[str] = field(default_factory=list)

    def count(self, action: str) -> int:
        """The number of rows with this outcome."""
        return sum(outcome.action == action for outcome in self.outcomes)


def plan(config: Path, path: Path) -> Plan:
    """Compare the links in `path` (CSV or XLSX; columns as in `utm.yml`) with those registered in `config`.

    Several contents stand in one cell, separated by commas or semicolons. A column that the file does not have stays
    as it is. Raises ConfigError when the file is no table of links or `utm.yml` is wrong.
    """
    registry = load_registry(config)
    header, rows = read_table(path)
    columns = [_column(name) for name in header]
    missing = [name for name in FIELDS if name not in columns]
    twice = next((name for name in _COLUMNS if columns.count(name) > 1), None)
    if missing or twice:
        what = f"no column {', '.join(missing)}" if missing else f"the column {twice} twice"
        raise ConfigError(f"{path} has {what}", next_step=f"Name the columns {', '.join(_COLUMNS)}")
    channels = _channels(config)
    outcomes: list[Outcome] = []
    first: dict[tuple[str, ...], int] = {}
    for number, values in rows:
        pairs = zip(columns, values, strict=False)
        given = {name: value for name, value in pairs if name in _COLUMNS}
        key = tuple(folded(given.get(name, "")) for name in FIELDS)
        if key in first:
            outcomes.append(Outcome(number, "refuse", " / ".join(key), f"repeats row {first[key]}"))
            continue
        first[key] = number
        outcomes.append(_judged(number, given, registry, channels))
    return Plan(outcomes, [name for name, column in zip(header, columns, strict=True) if column not in _COLUMNS])


def write(config: Path, wanted: Plan) -> bool:
    """Put the rows to add and to change into `utm.yml`; False when there are none. Comments and order stay.

    The file is replaced as a whole, and only by one that can be read again.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    links = [one for one in wanted.outcomes if one.action in ("add", "change") and one.link]
    if not links:
        return False
    path = config / "utm.yml"
    editor = YAML()
    editor.preserve_quotes, editor.width = True, 4096
    editor.indent(mapping=2, sequence=4, offset=2)
    document = editor.load(path.read_text(encoding="utf-8")) if path.exists() else None
    document = CommentedMap() if document is None else document
    if not document.get("links"):
        document["links"] = CommentedSeq()
    places = {tuple(folded(str(entry[name])) for name in FIELDS): entry for entry in document["links"]}
    for outcome in links:
        assert outcome.link is not None
        entry = places.get(tuple(folded(tag) for tag in outcome.link.tags))
        if entry is None:
            entry = CommentedMap()
            document["links"].append(entry)
        _fill(entry, outcome.link)
    text = io.StringIO()
    editor.dump(document, text)
    _replace(path, text.getvalue())
    return True


def _judged(number: int, given: dict[str, str], registry: Registry, channels: list[str]) -> Outcome:
    key = tuple(folded(given.get(name, "")) for name in FIELDS)
    tags = " / ".join(given.get(name, "") for name in FIELDS)
    known = registry.by_tags.get(key)
    values: dict[str, Any] = known.model_dump() if known else {}
    values |= given
    if "utm_content" in given:
        values["utm_content"] = [one for part in re.split(r"[,;\n]", given["utm_content"]) if (one := part.strip())]
    if fault := _fault(values, registry, channels):
        return Outcome(number, "refuse", tags, fault)
    try:
        link = Link.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        return Outcome(number, "refuse", tags, f"{problem['loc'][0]}: {problem['msg']}")
    if fault := link.broken_rule(registry.naming):
        return Outcome(number, "refuse", tags, fault)
    if known is None:
        return Outcome(number, "add", tags, link=link)
    if link == known:
        return Outcome(number, "same", tags)
    before, after = known.model_dump(), link.model_dump()
    told = ", ".join(f"{name}: {before[name]!r} -> {after[name]!r}" for name in before if before[name] != after[name])
    return Outcome(number, "change", tags, told, link)


def _fault(values: dict[str, Any], registry: Registry, channels: list[str]) -> str | None:
    for name, value in values.items():
        if ROUNDED in value:
            return f"{name} is a number that the spreadsheet has rounded; format the column as text, enter it again"
        for one in value if isinstance(value, list) else [value]:
            if fault := unsafe(name, one):
                return fault
    for name in FIELDS:
        value = str(values.get(name, ""))
        if not value:
            return f"{name} is empty"
        close = None if folded(value) in registry.spelled[name] else suggestion(folded(value), registry.spelled[name])
        if close:
            return f"{name} {value!r} looks like a slip of {registry.spelled[name][close]!r}; if not, add it by hand"
    return _fault_of_platform(values, registry) or _fault_of_channel(str(values.get("channel", "")), channels)


def _fault_of_platform(values: dict[str, Any], registry: Registry) -> str | None:
    platform, campaign_id = str(values.get("platform", "")), str(values.get("campaign_id", ""))
    platforms = sorted({*PLATFORM_OF_CLICK.values(), *(link.platform for link in registry.links if link.platform)})
    if platform and platform not in platforms:
        return f"platform {platform!r} is none of {', '.join(platforms)}"
    if campaign_id and not platform:
        return "campaign_id without a platform"
    return None if _ID.fullmatch(campaign_id) else f"campaign_id {campaign_id!r} is no id"


def _fault_of_channel(channel: str, channels: list[str]) -> str | None:
    if not channel:
        return "channel is missing"
    return None if not channels or channel in channels else f"channel {channel!r} is none of {', '.join(channels)}"


def _channels(config: Path) -> list[str]:
    """The channels that the company counts by (`channels.yml`); empty, so unchecked, where there is no such file."""
    path = config / "channels.yml"
    if not path.exists():
        return []
    try:
        return [str(one) for one in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("channels", [])]
    except (yaml.YAMLError, AttributeError):
        raise ConfigError(f"{path} is not valid", next_step="Run `rebuttal doctor`") from None


def _column(name: str) -> str:
    """`UTM Source`, `utm-source` and `source` are `utm_source`."""
    plain = "_".join(re.split(r"[\s_-]+", name.strip().casefold()))
    return f"utm_{plain}" if f"utm_{plain}" in (*FIELDS, "utm_content") else plain


def _fill(entry: Any, link: Link) -> None:
    from ruamel.yaml.comments import CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

    values = link.model_dump()
    for name, value in values.items():
        if name in entry and entry[name] == value:
            continue
        if not value and name not in entry and name != "platform":
            continue
        if isinstance(value, list):
            listed = CommentedSeq(Quoted(one) for one in value)
            listed.fa.set_flow_style()
            entry[name] = listed
        else:
            entry[name] = Quoted(value) if name in ("platform", "campaign_id") else value


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".yml.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        read_yaml(beside, UtmFile)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
