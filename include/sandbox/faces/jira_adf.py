"""Atlassian Document Format: validation as strict as the vendor's where it hurts, plain text, and HTML for people."""

from __future__ import annotations

import re
from html import escape
from typing import Any

_BLOCKS = frozenset(
    (
        *("paragraph", "heading", "bulletList", "orderedList", "listItem", "codeBlock", "blockquote", "panel", "rule"),
        *("table", "tableRow", "tableHeader", "tableCell", "taskList", "taskItem", "decisionList", "decisionItem"),
        *("expand", "mediaSingle", "mediaGroup"),
    )
)
_INLINE = frozenset(("text", "hardBreak", "inlineCard", "mention", "emoji", "date", "status"))
_CHILDREN = {
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "table": {"tableRow"},
    "tableRow": {"tableHeader", "tableCell"},
    "taskList": {"taskItem", "taskList"},
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": {"text"},
}
_MARKS = frozenset(("strong", "em", "code", "strike", "underline", "link", "textColor", "subsup", "backgroundColor"))
MAX_DEPTH = 40
MAX_CHARACTERS = 32_767


def problem_of(document: Any) -> str | None:
    """What makes `document` no valid ADF, or None."""
    if not isinstance(document, dict) or document.get("type") != "doc" or document.get("version") != 1:
        return "the root must be a doc of version 1"
    if not isinstance(document.get("content"), list):
        return "doc needs a list as content"
    for node in document["content"]:
        problem = _node_problem(node, "doc", 1)
        if problem:
            return problem
    return None


def _node_problem(node: Any, parent: str, depth: int) -> str | None:
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        return f"a node in {parent} has no type"
    type_, content = node["type"], node.get("content", [])
    if depth > MAX_DEPTH:
        return "nested too deep"
    if type_ not in _BLOCKS | _INLINE:
        return f"unknown node {type_}"
    if (parent in _CHILDREN and type_ not in _CHILDREN[parent]) or (parent == "doc" and type_ not in _BLOCKS):
        return f"{type_} is not allowed in {parent}"
    if not isinstance(content, list):
        return f"content of {type_} is not a list"
    if type_ in ("listItem", "bulletList", "orderedList", "tableRow", "table") and not content:
        return f"{type_} must not be empty"
    if type_ == "heading" and node.get("attrs", {}).get("level") not in range(1, 7):
        return "heading needs a level from 1 to 6"
    if type_ == "text":
        return _text_problem(node, parent)
    return next((found for child in content if (found := _node_problem(child, type_, depth + 1))), None)


def _text_problem(node: dict[str, Any], parent: str) -> str | None:
    text = node.get("text")
    if not isinstance(text, str) or not text:
        return "text nodes must not be empty"
    if "\n" in text and parent != "codeBlock":
        return "text must not hold a line break"
    for mark in node.get("marks") or []:
        if not isinstance(mark, dict) or mark.get("type") not in _MARKS:
            return "unknown mark"
        if mark["type"] == "link" and not str((mark.get("attrs") or {}).get("href") or ""):
            return "a link needs href"
    return None


def from_text(text: str, url: str | None = None) -> dict[str, Any]:
    """A document of plain paragraphs, with a link to `url` at the end."""
    paragraphs: list[dict[str, Any]] = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.splitlines() if line.strip()
    ]
    if url:
        link = {"type": "text", "text": url, "marks": [{"type": "link", "attrs": {"href": url}}]}
        paragraphs.append({"type": "paragraph", "content": [link]})
    return {"type": "doc", "version": 1, "content": paragraphs}


def plain_text(node: Any) -> str:
    """All text of a document, a line for each block."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    if node.get("type") == "hardBreak":
        return "\n"
    if node.get("type") == "inlineCard":
        return str((node.get("attrs") or {}).get("url", ""))
    parts = "".join(plain_text(child) for child in node.get("content") or [])
    ends = node.get("type") in ("paragraph", "heading", "codeBlock") and parts
    return parts + "\n" if ends else parts


def html(node: Any) -> str:
    """A document as HTML: every text escaped, links only to http and https."""
    if not isinstance(node, dict):
        return ""
    type_, attrs = node.get("type"), node.get("attrs") or {}
    inner = "".join(html(child) for child in node.get("content") or [])
    if type_ == "text":
        return _marked(escape(str(node.get("text", ""))), node.get("marks") or [])
    if type_ in ("hardBreak", "rule"):
        return "<br>" if type_ == "hardBreak" else "<hr>"
    if type_ == "inlineCard":
        return _link(str(attrs.get("url", "")), escape(str(attrs.get("url", ""))))
    if type_ in ("mention", "emoji", "status", "date"):
        return escape(str(attrs.get("text") or attrs.get("shortName") or attrs.get("timestamp") or ""))
    if type_ == "heading":
        level = min(6, int(attrs.get("level", 3)) + 1)
        return f"<h{level}>{inner}</h{level}>"
    tag = {
        "paragraph": "p",
        "bulletList": "ul",
        "orderedList": "ol",
        "listItem": "li",
        "blockquote": "blockquote",
        "codeBlock": "pre",
        "table": "table",
        "tableRow": "tr",
        "tableHeader": "th",
        "tableCell": "td",
    }.get(str(type_), "div")
    return f"<{tag}>{inner}</{tag}>"


def _marked(text: str, marks: list[Any]) -> str:
    tags = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}
    for mark in marks:
        if mark.get("type") in tags:
            tag = tags[mark["type"]]
            text = f"<{tag}>{text}</{tag}>"
        elif mark.get("type") == "link":
            text = _link(str((mark.get("attrs") or {}).get("href", "")), text)
    return text


def _link(url: str, text: str) -> str:
    if not re.match(r"https?://", url):
        return text
    return f'<a href="{escape(url, quote=True)}" rel="noopener noreferrer">{text}</a>'
