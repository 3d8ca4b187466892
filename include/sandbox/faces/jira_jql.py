"""A subset of JQL, strict as the vendor's: unknown fields, values and unbounded queries are errors, not empty answers.

project = MKT AND labels in ("a", "b") AND NOT status = Published AND updated >= "-2h" ORDER BY updated ASC
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.faces import jira_adf
from sandbox.faces.jira_issues import PROJECT, STATUSES, Issue

Test = Callable[[Issue], bool]
_TOKEN = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(>=|<=|!=|!~|[=<>~(),])|([^\s"'=<>~!(),]+))""")
_TEXT_FIELDS = ("summary", "description", "text", "comment")
_FIELDS = (
    "project",
    "labels",
    "status",
    "statuscategory",
    "key",
    "id",
    "issuetype",
    "updated",
    "created",
    "resolution",
)
_ALIASES = {"issuekey": "key", "issue": "key", "type": "issuetype", "updateddate": "updated", "createddate": "created"}
_CATEGORIES = {"to do": "new", "in progress": "indeterminate", "done": "done"}
_UNITS = {"w": 10_080, "d": 1440, "h": 60, "m": 1}


class BadQuery(Exception):
    """The vendor's message for a query that it refuses."""


class Query:
    """A parsed query: `found(issues)` gives those that fit, in order. `now` and `zone` are for dates in it."""

    def __init__(self, jql: str, known: Sequence[Issue], now: datetime, zone: ZoneInfo) -> None:
        self._tokens = _tokens(jql)
        self._at = 0
        self._known = {name for issue in known for name in (issue.key, str(issue.id))}
        self._now, self._zone = now, zone
        if not self._tokens or self._is_word("ORDER"):
            raise BadQuery("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        self._test = self._either()
        self._orders = self._order_by()

    def found(self, issues: Sequence[Issue]) -> list[Issue]:
        """Those of `issues` that fit, newest first unless the query says otherwise."""
        hits = sorted((issue for issue in issues if self._test(issue)), key=lambda issue: -issue.id)
        for name, is_descending in reversed(self._orders):
            hits.sort(key=lambda issue, name=name: _order_key(issue, name), reverse=is_descending)  # type: ignore[misc]
        return hits

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise BadQuery("Error in the JQL Query: Expecting either a value, list or function but got 'EOF'.")
        self._at += 1
        return token

    def _is_word(self, *words: str) -> bool:
        return self._peek().upper() in words

    def _either(self) -> Test:
        tests = [self._both()]
        while self._is_word("OR"):
            self._next()
            tests.append(self._both())
        return (lambda issue: any(test(issue) for test in tests)) if len(tests) > 1 else tests[0]

    def _both(self) -> Test:
        tests = [self._one()]
        while self._is_word("AND"):
            self._next()
            tests.append(self._one())
        return (lambda issue: all(test(issue) for test in tests)) if len(tests) > 1 else tests[0]

    def _one(self) -> Test:
        if self._is_word("NOT"):
            self._next()
            inner = self._one()
            return lambda issue: not inner(issue)
        if self._peek() == "(":
            self._next()
            inner = self._either()
            self._expect(")")
            return inner
        return self._clause()

    def _expect(self, wanted: str) -> None:
        token = self._next()
        if token.upper() != wanted:
            raise BadQuery(f"Error in the JQL Query: Expecting '{wanted}' but got '{token}'.")

    def _clause(self) -> Test:
        raw = _unquoted(self._next())
        name = _ALIASES.get(raw.lower(), raw.lower())
        if name not in (*_FIELDS, *_TEXT_FIELDS):
            raise BadQuery(f"Field '{raw}' does not exist or you do not have permission to view it.")
        operator = self._operator()
        if operator in ("is", "is not"):
            if _unquoted(self._next()).lower() not in ("empty", "null"):
                raise BadQuery(f"The operator '{operator}' can only be used with EMPTY.")
            return lambda issue: (not _values(issue, name)) == (operator == "is")
        values = self._list() if operator in ("in", "not in") else [_unquoted(self._next())]
        if operator in ("~", "!~"):
            if name not in _TEXT_FIELDS:
                raise BadQuery(f"The operator '{operator}' is not supported by the '{raw}' field.")
            return lambda issue: _has_words(_values(issue, name), values[0]) == (operator == "~")
        if name in ("updated", "created"):
            return self._dated(name, operator, values[0])
        if operator in ("<", "<=", ">", ">=") or name in _TEXT_FIELDS:
            raise BadQuery(f"The operator '{operator}' is not supported by the '{raw}' field.")
        wanted = {self._checked(name, value) for value in values}
        return lambda issue: (not wanted.isdisjoint(_values(issue, name))) == (operator in ("=", "in"))

    def _operator(self) -> str:
        token = self._next().lower()
        if token in ("not", "is") and self._is_word("IN" if token == "not" else "NOT"):
            token += f" {self._next().lower()}"
        if token not in ("=", "!=", "in", "not in", "~", "!~", "<", "<=", ">", ">=", "is", "is not"):
            raise BadQuery(f"Error in the JQL Query: Expecting operator but got '{token}'.")
        return token

    def _list(self) -> list[str]:
        self._expect("(")
        values = [_unquoted(self._next())]
        while self._peek() == ",":
            self._next()
            values.append(_unquoted(self._next()))
        self._expect(")")
        return values

    def _checked(self, name: str, value: str) -> str:
        """The value in the form of `_values`; values that Jira knows to be wrong are refused."""
        if name == "status":
            names = {status.name.lower() for status in STATUSES.values()} | {s.id for s in STATUSES.values()}
            is_known, value = value.lower() in names, value.lower()
        elif name == "statuscategory":
            value = _CATEGORIES.get(value.lower(), value.lower())
            is_known = value in _CATEGORIES.values()
        elif name in ("key", "id"):
            value = value.upper()
            if value not in self._known:
                raise BadQuery(f"An issue with key '{value}' does not exist for field '{name}'.")
            is_known = True
        elif name == "project":
            is_known, value = value.upper() in (PROJECT, "10000"), PROJECT
        elif name == "issuetype":
            is_known, value = value.lower() in ("task", "10001"), "task"
        else:
            is_known, value = True, value.lower() if name == "resolution" else value
        if not is_known:
            raise BadQuery(f"The value '{value}' does not exist for the field '{name}'.")
        return value

    def _dated(self, name: str, operator: str, text: str) -> Test:
        moment = self._moment(name, text)
        compare: dict[str, Callable[[Any, Any], bool]] = {
            "<": lambda left, right: left < right,
            "<=": lambda left, right: left <= right,
            ">": lambda left, right: left > right,
            ">=": lambda left, right: left >= right,
            "=": lambda left, right: left == right,
            "!=": lambda left, right: left != right,
        }
        if operator not in compare:
            raise BadQuery(f"The operator '{operator}' is not supported by the '{name}' field.")
        return lambda issue: compare[operator](getattr(issue, name), moment)

    def _moment(self, name: str, text: str) -> datetime:
        """`-2h`, `2026-10-03`, `2026-10-03 12:00` (slashes too) in the user's zone, or `now()`."""
        relative = re.fullmatch(r"([+-]?\d+)([wdhm])", text)
        if relative:
            return self._now + timedelta(minutes=int(relative[1]) * _UNITS[relative[2]])
        if text.lower() == "now":
            self._expect("(")
            self._expect(")")
            return self._now
        for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
            try:
                return datetime.strptime(text.replace("/", "-"), form).replace(tzinfo=self._zone)
            except ValueError:
                continue
        raise BadQuery(
            f"Date value '{text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        )

    def _order_by(self) -> list[tuple[str, bool]]:
        if not self._peek():
            return []
        self._expect("ORDER")
        self._expect("BY")
        orders = []
        while True:
            raw = _unquoted(self._next())
            name = _ALIASES.get(raw.lower(), raw.lower())
            if name not in (*_FIELDS, "summary"):
                raise BadQuery(f"Field '{raw}' does not exist or you do not have permission to view it.")
            is_descending = self._is_word("DESC")
            if self._is_word("ASC", "DESC"):
                self._next()
            orders.append((name, is_descending))
            if not self._peek():
                return orders
            self._expect(",")


def _tokens(jql: str) -> list[str]:
    tokens, position = [], 0
    jql = jql.strip()
    while position < len(jql):
        match = _TOKEN.match(jql, position)
        if match is None:
            raise BadQuery(f"Error in the JQL Query: The character '{jql[position]}' is a reserved JQL character.")
        tokens.append(match[1] or match[2] or match[3])
        position = match.end()
        while position < len(jql) and jql[position].isspace():
            position += 1
    return tokens


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[:1] in "\"'" and len(token) > 1 else token


def _values(issue: Issue, name: str) -> list[str]:
    status = STATUSES[issue.status]
    description = jira_adf.plain_text(issue.fields.get("description"))
    comments = [jira_adf.plain_text(comment["body"]) for comment in issue.comments]
    values: dict[str, list[str]] = {
        "project": [PROJECT],
        "labels": issue.labels,
        "status": [status.name.lower(), status.id],
        "statuscategory": [status.category],
        "key": [issue.key, str(issue.id)],
        "id": [issue.key, str(issue.id)],
        "issuetype": ["task"],
        "resolution": ["done"] if issue.resolved else [],
        "updated": [issue.updated.isoformat()],
        "created": [issue.created.isoformat()],
        "summary": [issue.summary],
        "description": [description] if description else [],
        "comment": comments,
        "text": [issue.summary, description, *comments],
    }
    return values[name]


def _has_words(texts: list[str], wanted: str) -> bool:
    found = {word for text in texts for word in re.findall(r"\w+", text.casefold())}
    words = re.findall(r"\w+\*?", wanted.casefold())
    return bool(words) and all(
        any(one.startswith(word[:-1]) for one in found) if word.endswith("*") else word in found for word in words
    )


def _order_key(issue: Issue, name: str) -> Any:
    if name in ("key", "id"):
        return issue.id
    return _values(issue, name)[:1]
