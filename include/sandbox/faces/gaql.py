"""The Google Ads Query Language, as far as the Google Ads face answers it: text in, `Query` out.

    SELECT fields FROM resource [WHERE condition {AND condition}] [ORDER BY field [ASC|DESC], ...]
    [LIMIT n] [PARAMETERS name=value, ...]

The grammar only; which fields exist and what they mean is `google_ads_fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PARAMETERS = frozenset({"include_drafts", "omit_unselected_resource_names"})
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign>!=|<=|>=|[=<>,()])"
    r"|(?P<end>$))"
)
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})


class QueryRefused(Exception):
    """A query the vendor answers with 400: `code` is a value of its QueryErrorEnum, `field` the field meant, if any."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


@dataclass(frozen=True)
class Condition:
    """One term of WHERE. `operator` is upper case: = != < <= > >= IN, NOT IN, LIKE, NOT LIKE, BETWEEN, DURING,
    IS NULL, IS NOT NULL; `values` are texts as written (unquoted), none for the NULL tests."""

    field: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A parsed query; fields are named as written (snake_case, dotted)."""

    select: tuple[str, ...]
    resource: str
    where: tuple[Condition, ...] = ()
    order_by: tuple[tuple[str, bool], ...] = ()  # (field, is descending)
    limit: int | None = None
    parameters: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            if rest[0] in "'\"":
                raise QueryRefused("STRING_NOT_TERMINATED", f"String is not terminated: {rest[:40]}")
            raise QueryRefused("BAD_SYMBOL", f"Unexpected symbol in the query: {rest[0]!r}.")
        kind = match.lastgroup or "end"
        found.append(_Token(kind, match.group(kind)))
        if kind == "end":
            return found
        at = match.end()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def take(self) -> _Token:
        token = self.next
        if token.kind == "end":
            raise QueryRefused("UNEXPECTED_END_OF_QUERY", "The query ended unexpectedly.")
        self._at += 1
        return token

    def took(self, *words: str) -> bool:
        """Step over these words if they all come next."""
        coming = [t.upper for t in self._tokens[self._at : self._at + len(words)]]
        if coming != list(words):
            return False
        self._at += len(words)
        return True

    def expect(self, word: str, code: str) -> None:
        if not self.took(word):
            raise QueryRefused(code, f"Expected {word}, found {self.next.text or 'the end of the query'!r}.")

    def name(self) -> str:
        token = self.take()
        if token.kind != "word":
            raise QueryRefused("BAD_FIELD_NAME", f"Expected a field name, found {token.text!r}.")
        return token.text

    def names(self) -> tuple[str, ...]:
        names = [self.name()]
        while self.took(","):
            names.append(self.name())
        return tuple(names)

    def value(self) -> str:
        token = self.take()
        if token.kind == "string":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind in ("number", "word"):
            return token.text
        raise QueryRefused("BAD_VALUE", f"Expected a value, found {token.text!r}.")

    def value_list(self) -> tuple[str, ...]:
        self.expect("(", "EXPECTED_LIST")
        if self.took(")"):
            raise QueryRefused("PROHIBITED_EMPTY_LIST_IN_CONDITION", "An empty list is not allowed in a condition.")
        values = [self.value()]
        while self.took(","):
            values.append(self.value())
        self.expect(")", "EXPECTED_LIST")
        return tuple(values)


def parse(text: str) -> Query:
    """The query written in `text`; raises QueryRefused with the vendor's code where it is not one."""
    reader = _Reader(text)
    reader.expect("SELECT", "EXPECTED_SELECT")
    select = reader.names()
    reader.expect("FROM", "EXPECTED_FROM")
    resource = reader.name()
    where = _conditions(reader) if reader.took("WHERE") else ()
    order_by = _ordering(reader) if reader.took("ORDER") else ()
    limit = _limit(reader) if reader.took("LIMIT") else None
    parameters = _parameters(reader) if reader.took("PARAMETERS") else {}
    if reader.next.kind != "end":
        raise QueryRefused("UNEXPECTED_INPUT", f"Unexpected input: {reader.next.text!r}.")
    return Query(select, resource, where, order_by, limit, parameters)


def _conditions(reader: _Reader) -> tuple[Condition, ...]:
    conditions = [_condition(reader)]
    while reader.took("AND"):
        conditions.append(_condition(reader))
    if reader.next.upper == "OR":
        raise QueryRefused("EXPECTED_AND", "Conditions can only be joined by AND.")
    return tuple(conditions)


def _condition(reader: _Reader) -> Condition:
    name = reader.name()
    if reader.took("IS", "NULL"):
        return Condition(name, "IS NULL")
    if reader.took("IS", "NOT", "NULL"):
        return Condition(name, "IS NOT NULL")
    if reader.took("BETWEEN"):
        low = reader.value()
        reader.expect("AND", "EXPECTED_VALUE_WITH_BETWEEN_OPERATOR")
        return Condition(name, "BETWEEN", (low, reader.value()))
    for words in (("NOT", "IN"), ("IN",)):
        if reader.took(*words):
            return Condition(name, " ".join(words), reader.value_list())
    for words in (("NOT", "LIKE"), ("LIKE",), ("DURING",)):
        if reader.took(*words):
            return Condition(name, " ".join(words), (reader.value(),))
    sign = reader.take()
    if sign.text not in _COMPARISONS:
        raise QueryRefused("BAD_OPERATOR", f"Operator {sign.text!r} is not known.", field=name)
    if reader.next.text == "(":
        raise QueryRefused("EXPECTED_SINGLE_VALUE", f"Operator {sign.text!r} takes a single value.", field=name)
    return Condition(name, sign.text, (reader.value(),))


def _ordering(reader: _Reader) -> tuple[tuple[str, bool], ...]:
    reader.expect("BY", "EXPECTED_BY")
    ordering: list[tuple[str, bool]] = []
    while True:
        name = reader.name()
        is_descending = reader.took("DESC")
        if not is_descending:
            reader.took("ASC")
        ordering.append((name, is_descending))
        if not reader.took(","):
            return tuple(ordering)


def _limit(reader: _Reader) -> int:
    token = reader.take()
    if token.kind != "number" or not token.text.lstrip("-").isdigit():
        raise QueryRefused("BAD_LIMIT_VALUE", f"LIMIT takes a whole number, found {token.text!r}.")
    if int(token.text) < 1:
        raise QueryRefused("LIMIT_VALUE_TOO_LOW", "LIMIT must be at least 1.")
    return int(token.text)


def _parameters(reader: _Reader) -> dict[str, bool]:
    parameters: dict[str, bool] = {}
    while True:
        name = reader.name()
        if name not in PARAMETERS:
            raise QueryRefused("BAD_PARAMETER_NAME", f"Parameter {name!r} is not known.")
        reader.expect("=", "BAD_PARAMETER_VALUE")
        value = reader.value().lower()
        if value not in ("true", "false"):
            raise QueryRefused("BAD_PARAMETER_VALUE", f"Parameter {name!r} takes true or false.")
        parameters[name] = value == "true"
        if not reader.took(","):
            return parameters
