"""Atlassian Document Format: blocks in, document out. Text nodes are never empty and never hold a line break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rebuttal.content.brief import Block
from rebuttal.content.trackers.addresses import addresses_in, is_web_address
from rebuttal.outgoing import plain_line


def document(blocks: Sequence[Block]) -> dict[str, Any]:
    """An ADF document of `blocks`. Quotes and texts stay text: nothing in them becomes a link or markup."""
    return {"type": "doc", "version": 1, "content": [node for block in blocks for node in _nodes(block)]}


def comment(text: str, link: tuple[str, str] | None = None) -> dict[str, Any]:
    """A one-paragraph document, with an optional (label, address) behind it."""
    content = [_text(text)]
    if link:
        label, href = link
        content.append({"type": "text", "text": label, "marks": [{"type": "link", "attrs": {"href": href}}]})
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": content}]}


def addresses(node: Any) -> list[str]:
    """Every http(s) address in a document, in reading order: marked links, smart cards and addresses in plain text."""
    return [url for url in _walk(node) if url]


def without(node: Any, phrases: Sequence[str], blot: str) -> tuple[Any, int]:
    """The document with `blot` for every text node that is one of `phrases`, and how many there were."""
    lines = {plain_line(phrase) for phrase in phrases}
    if isinstance(node, list):
        parts = [without(child, phrases, blot) for child in node]
        return [child for child, _ in parts], sum(count for _, count in parts)
    if not isinstance(node, dict):
        return node, 0
    if node.get("type") == "text" and plain_line(str(node.get("text") or "")) in lines:
        return {**node, "text": blot}, 1
    content, count = without(node.get("content"), phrases, blot)
    return ({**node, "content": content} if count else node), count


def _nodes(block: Block) -> Iterable[dict[str, Any]]:
    if block.kind == "heading":
        yield {"type": "heading", "attrs": {"level": 3}, "content": [_text(block.text)]}
    elif block.kind == "text":
        yield _paragraph(block.text)
    elif block.kind == "quote":
        yield {"type": "blockquote", "content": [_paragraph(line) for line in block.items]}
    elif block.items:
        yield {
            "type": "bulletList",
            "content": [{"type": "listItem", "content": [_paragraph(line)]} for line in block.items],
        }


def _paragraph(text: str) -> dict[str, Any]:
    return {"type": "paragraph", "content": [_text(text)]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": plain_line(text) or "-"}


def _walk(node: Any) -> Iterable[str]:
    if isinstance(node, list):
        for child in node:
            yield from _walk(child)
    elif isinstance(node, dict):
        links = [mark.get("attrs", {}).get("href", "") for mark in node.get("marks", []) if mark.get("type") == "link"]
        if node.get("type") in ("inlineCard", "blockCard", "embedCard"):
            links.append(node.get("attrs", {}).get("url", ""))
        yield from (link for link in links if is_web_address(link))
        if not links:
            yield from addresses_in(str(node.get("text", "")))
        yield from _walk(node.get("content", []))
