"""What Jira says yes and no to in writes: fields, labels, documents, properties; in the vendor's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sandbox.faces import jira_adf
from sandbox.faces.jira_issues import PROJECT, SHORT_NAMES
from sandbox.faces.wire import answer

ISSUE_TYPE = {"id": "10001", "name": "Task", "subtask": False, "description": "A small, distinct piece of work."}
PRIORITIES = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
EDITABLE = ("summary", "description", "labels", "priority", "duedate", "assignee")
MAX_SUMMARY, MAX_LABEL, MAX_PROPERTY, MAX_PROPERTIES = 255, 255, 32_768, 10
MISSING = "Issue does not exist or you do not have permission to see it."


class Refused(Exception):
    """Jira says no: general messages, or messages by field."""

    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.body = {"errorMessages": list(messages), "errors": errors}

    def answer(self) -> Response:
        """As a response."""
        return answer(self.body, self.status)


def read_json(body: bytes) -> dict[str, Any]:
    """A request's object. Raises Refused."""
    try:
        data = json.loads(body)
    except ValueError:
        raise Refused(400, "There was an error parsing JSON. Check that your request body is valid.") from None
    if not isinstance(data, dict):
        raise Refused(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return data


def new_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a create request, checked and complete. Raises Refused with all that is wrong."""
    fields = data.get("fields")
    if not isinstance(fields, dict):
        raise Refused(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    errors: dict[str, str] = {}
    project, type_ = fields.get("project") or {}, fields.get("issuetype") or {}
    if project.get("key") != PROJECT and str(project.get("id")) != "10000":
        errors["project"] = "Specify a valid project ID or key"
    if str(type_.get("name")).lower() != "task" and str(type_.get("id")) != ISSUE_TYPE["id"]:
        errors["issuetype"] = "Specify a valid issue type" if type_ else "Specify an issue type"
    if not fields.get("summary"):
        errors["summary"] = "You must specify a summary of the issue."
    rest = {name: value for name, value in fields.items() if name not in ("project", "issuetype", "reporter")}
    checked = _checked(rest, errors)
    return {"description": None, "labels": [], "priority": "Medium", **checked}


def changed_fields(fields: Any, update: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an edit: `fields` sets, `update` adds, removes and sets. Raises Refused."""
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refused(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    errors: dict[str, str] = {}
    changed = dict(fields)
    for name, operations in update.items():
        if name == "comment":
            continue
        value = changed.get(name, before.get(name))
        for operation in operations:
            (verb, argument), *_ = operation.items()
            if verb == "set":
                value = argument
            elif name == "labels" and verb == "add":
                value = [*(value or []), *([argument] if argument not in (value or []) else [])]
            elif name == "labels" and verb == "remove":
                value = [label for label in value or [] if label != argument]
            else:
                errors[name] = f"Field '{name}' does not support operation '{verb}'"
        changed[name] = value
    return _checked(changed, errors)


def _checked(fields: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in fields.items():
        problem = _problem_of(name, value)
        if problem:
            errors.setdefault(name, problem)
        elif name == "priority":
            by_id = {id_: known for known, id_ in PRIORITIES.items()}
            checked[name] = value["name"] if value.get("name") else by_id[str(value.get("id"))]
        elif name == "assignee":
            checked[name] = {"accountId": value["accountId"]} if value and value["accountId"] else None
        elif name == "labels":
            checked[name] = list(dict.fromkeys(value or []))
        else:
            checked[name] = value
    if errors:
        raise Refused(400, **errors)
    return checked


def _problem_of(name: str, value: Any) -> str | None:
    if name not in EDITABLE:
        return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    if name == "summary":
        return _summary_problem(value)
    if name == "labels":
        return _labels_problem(value)
    if name == "description" and value is not None:
        return document_problem(value)
    if name == "assignee" and value is not None:
        is_known = isinstance(value, dict) and value.get("accountId", "") in (None, *SHORT_NAMES)
        return None if is_known else "Specify a valid value for assignee"
    if name == "priority":
        given = value if isinstance(value, dict) else {}
        is_known = given.get("name") in PRIORITIES or str(given.get("id")) in PRIORITIES.values()
        return None if is_known else "The priority selected is invalid."
    return None


def _summary_problem(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "You must specify a summary of the issue."
    if "\n" in value or "\r" in value:
        return "The summary is invalid because it contains newline characters."
    return f"Summary must be less than {MAX_SUMMARY} characters." if len(value) > MAX_SUMMARY else None


def _labels_problem(value: Any) -> str | None:
    if value is not None and (not isinstance(value, list) or not all(isinstance(one, str) for one in value)):
        return "data was not an array of strings"
    for label in value or []:
        if not label or any(character.isspace() for character in label):
            return f"The label '{label}' contains spaces which is invalid."
        if len(label) > MAX_LABEL:
            return f"The label '{label[:20]}...' exceeds the maximum length of {MAX_LABEL} characters."
    return None


def document_problem(value: Any) -> str | None:
    """Why `value` is no document that Jira takes, or None."""
    if jira_adf.problem_of(value):
        return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    if len(jira_adf.plain_text(value)) > jira_adf.MAX_CHARACTERS:
        return f"The entered text is too long. It exceeds the allowed limit of {jira_adf.MAX_CHARACTERS} characters."
    return None


def comment_body(data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a comment. Raises Refused."""
    body = data.get("body")
    problem = document_problem(body)
    if problem or not isinstance(body, dict):
        raise Refused(400, comment=problem or "Comment body is not valid!")
    return body


def new_properties(data: Mapping[str, Any]) -> dict[str, Any]:
    """The entity properties of a create request. Raises Refused."""
    given = data.get("properties") or []
    try:
        properties = {str(one["key"]): one["value"] for one in given}
    except (KeyError, TypeError):
        raise Refused(400, "Entity properties need a key and a value.") from None
    if len(properties) > MAX_PROPERTIES:
        raise Refused(400, f"At most {MAX_PROPERTIES} entity properties can be set.")
    for key, value in properties.items():
        check_property(key, value)
    return properties


def check_property(key: str, value: Any) -> None:
    """Raises Refused for a key or a value that is too long."""
    if len(key) > MAX_LABEL:
        raise Refused(400, f"The property key cannot be longer than {MAX_LABEL} characters.")
    if len(json.dumps(value, ensure_ascii=False)) > MAX_PROPERTY:
        raise Refused(400, f"The property value cannot be longer than {MAX_PROPERTY} characters.")
