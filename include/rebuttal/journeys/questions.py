"""The customer's questions of journey.yml: what shows that a person has come to one, and the content that serves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rebuttal.errors import ConfigError

Role = Literal["introduce", "explain", "relieve a worry", "help decide", "stay in memory"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Names(_Strict):
    """How people read it, by language."""

    en: str
    ru: str
    uk: str


class EvidenceRule(_Strict):
    """What shows that a person has come to a question: pages read (`*` is any characters), conversions, deal stages."""

    pages: tuple[str, ...] = ()
    conversions: tuple[Literal["lead"], ...] = ()
    stages: tuple[Literal["mql", "sql", "proposal", "won"], ...] = ()

    @model_validator(mode="after")
    def _some(self) -> EvidenceRule:
        if not (self.pages or self.conversions or self.stages):
            raise ValueError("a question needs pages, conversions or stages as its evidence")
        for page in self.pages:
            if not page.startswith(("/", "*")):
                raise ValueError(f"page {page!r} does not begin with /")
        return self


class Question(_Strict):
    """One question; their order in the file is the order of the journey."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Names
    evidence: EvidenceRule


def evidence_rows(questions: tuple[Question, ...], content: Path) -> list[dict[str, Any]]:
    """Rows of ops.journey_question_evidence, in the order in which they are tried.

    A page of content.yml's inventory goes before the pattern that covers it, so that it keeps its own name and role.
    Raises ConfigError when two questions have one id.
    """
    inventory = _inventory(content)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for order, question in enumerate(questions, 1):
        if question.id in seen:
            raise ConfigError(
                f"journey.yml: questions: {question.id!r} stands twice", next_step="Give each question an id of its own"
            )
        seen.add(question.id)
        for kind, words in (
            ("page", question.evidence.pages),
            ("conversion", question.evidence.conversions),
            ("stage", question.evidence.stages),
        ):
            for word in words:
                row = {"question_order": order, "question": question.id, "evidence_kind": kind, "evidence": word}
                if kind == "page":
                    row["evidence"] = _like(word)
                    row |= inventory.get(word, {})
                rows.append({"evidence_order": len(rows), "content_id": None, "content_role": None, **row})
    return rows


def _like(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_").replace("*", "%")


def _inventory(path: Path) -> dict[str, dict[str, Any]]:
    """Page path -> content_id and content_role; empty without a content.yml. A category's role comes from `formats`."""
    if not path.is_file():
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        formats = data.get("formats") or {}
        found: dict[str, dict[str, Any]] = {}
        for item in data.get("inventory") or []:
            category = str(item["answers"][0]).split("/")[0]
            role = (formats.get(category) or {}).get("role")
            page = urlsplit(str(item["url"])).path.rstrip("/") or "/"
            found[page] = {"content_id": str(item["id"]), "content_role": role}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: the inventory cannot be read ({type(error).__name__}: {error})",
            next_step="Each item needs id, url and answers",
        ) from None
    return found
