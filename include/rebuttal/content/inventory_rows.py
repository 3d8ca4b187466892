"""One row of a listing as a piece of content: every value is checked, a wrong row is refused with its reason."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, get_args

from rebuttal.configuration import Vocabulary
from rebuttal.content.address import canonical, words_of
from rebuttal.content.rules import Role
from rebuttal.errors import ConfigError, ContractError
from rebuttal.outgoing import is_safe, plain_line

MOST_ITEMS = 50_000
_ROLES: tuple[str, ...] = get_args(Role)
_LONGEST_TITLE = 300
COLUMNS = ("url", "title", "id", "kind", "published_at", "role", "answers", "share")


@dataclass(frozen=True)
class Found:
    """One piece as a source tells of it; `url` is canonical, `answers` are categories or `category/theme`."""

    url: str
    title: str
    is_title_given: bool
    item_id: str = ""
    kind: str = ""
    role: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    answers: tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True)
class Refused:
    """A row that was not taken over. `place`: `row 7`, or the address."""

    place: str
    reason: str


@dataclass
class Listing:
    """What a source lists: `kind` is sitemap, feed or csv."""

    kind: str
    found: list[Found] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def read_csv(name: str, content: bytes, vocabulary: Vocabulary) -> Listing:
    """Read a CSV with the columns COLUMNS, of which `url` is a must; `answers` parted by `;`. UTF-8; `,`, `;` or tab.

    Raises ContractError when it cannot be read as a table.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError(f"{name} is not UTF-8", next_step="Save it as 'CSV UTF-8'") from None
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    columns = [(column or "").strip().lower() for column in reader.fieldnames or []]
    if "url" not in columns:
        raise ContractError(f"{name} has no column 'url'", next_step=f"Name the columns: {', '.join(COLUMNS)}")
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or len(set(columns)) < len(columns):
        wrong = plain_line(", ".join(unknown) or "one twice", 80)
        raise ContractError(
            f"{name} has columns that mean nothing: {wrong}", next_step=f"Known are {', '.join(COLUMNS)}"
        )
    reader.fieldnames = columns
    rows = []
    try:
        for row in reader:
            if any(value for value in row.values() if isinstance(value, str) and value.strip()):
                rows.append((f"row {reader.line_num}", row))
            if len(rows) > MOST_ITEMS:
                raise ContractError(f"{name} has more than {MOST_ITEMS} rows", next_step="Split it")
    except csv.Error as error:
        raise ContractError(f"{name}, line {reader.line_num}: {error}", next_step="Check the quotes there") from None
    return collect("csv", (row for _, row in rows), vocabulary, [place for place, _ in rows])


def collect(
    kind: str, rows: Iterable[Mapping[str, Any]], vocabulary: Vocabulary | None = None, places: Sequence[str] = ()
) -> Listing:
    """A listing of these rows, each column a text; `places` names the rows in refusals."""
    listing = Listing(kind)
    for number, row in enumerate(rows):
        if number >= MOST_ITEMS:
            raise ContractError(f"The {kind} lists more than {MOST_ITEMS} pieces", next_step="Split it")
        try:
            listing.found.append(_piece(row, vocabulary))
        except ConfigError as error:
            listing.refused.append(Refused(places[number] if places else f"entry {number + 1}", error.message))
    return once(listing)


def once(listing: Listing) -> Listing:
    """The first entry of an address stands; feeds and sitemaps repeat themselves, a CSV that does so is asked back."""
    seen: dict[str, Found] = {}
    for one in listing.found:
        if one.url not in seen:
            seen[one.url] = one
        elif listing.kind == "csv":
            listing.refused.append(Refused(one.url, "the address is there twice"))
    listing.found = list(seen.values())
    return listing


def _piece(row: Mapping[Any, Any], vocabulary: Vocabulary | None) -> Found:
    if None in row or None in row.values():
        raise ConfigError("the row has more or fewer values than columns")
    told = {name: (value or "").strip() for name, value in row.items()}
    url = canonical(told["url"])
    title = plain_line(told.get("title", ""), _LONGEST_TITLE)
    if title and not is_safe(title):
        raise ConfigError("the title holds an e-mail address or a phone number")
    role, share, item_id = told.get("role", ""), told.get("share", ""), told.get("id", "")
    if role and role not in _ROLES:
        raise ConfigError(f"the role must be one of {', '.join(_ROLES)}")
    if item_id and not (
        item_id.isascii() and item_id.replace("-", "").replace("_", "").isalnum() and len(item_id) <= 64
    ):
        raise ConfigError("an id is up to 64 letters, digits, - and _")
    return Found(
        url=url,
        title=title or words_of(told["url"]),
        is_title_given=bool(title),
        item_id=item_id,
        kind=plain_line(told.get("kind", ""), 40),
        role=role or None,
        published_at=_time(told.get("published_at", "")),
        updated_at=_time(told.get("updated_at", "")),
        answers=tuple(
            known_answer(key.strip(), vocabulary) for key in told.get("answers", "").split(";") if key.strip()
        ),
        share=_share(share) if share else None,
    )


def known_answer(key: str, vocabulary: Vocabulary | None) -> str:
    """`key` when it is a category, or `category/theme`, of the taxonomy; raises ConfigError otherwise."""
    categories = {category.code: category for category in (vocabulary.categories if vocabulary else [])}
    code, _, theme = key.partition("/")
    valid = list(categories)
    if code in categories:
        valid = [code, *(f"{code}/{one.code}" for one in categories[code].themes), f"{code}/general"]
        if (not theme and "/" not in key) or key in valid:
            return key
    near = difflib.get_close_matches(key, valid, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{plain_line(key, 60)!r} is no category and no theme of the taxonomy{hint}")


def _share(told: str) -> float:
    try:
        share = float(told.replace(",", "."))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigError("the share must be a number from 0 to 1")
    return share


def _time(told: str) -> datetime | None:
    """ISO 8601 or RFC 5322; a time without a zone is UTC, which a date of publication can bear."""
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        try:
            found = parsedate_to_datetime(told)
        except (ValueError, TypeError):
            raise ConfigError(f"{plain_line(told, 40)!r} is no date") from None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise ConfigError(f"{plain_line(told, 40)!r} is no date") from None
