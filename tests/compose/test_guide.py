"""The operating guide names what there is: every kind of alert, every service, and commands that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from inspect import getsource
from pathlib import Path

import click
import pytest
import yaml

from rebuttal.cli import cli
from rebuttal.reports import findings

ROOT = Path(__file__).parents[2]
OPERATING, RUNBOOK = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operating.md", "runbook.md"))
SERVICES = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"])


def sections() -> set[str]:
    """The sections that an alert can have, from the code that gathers them."""
    for node in ast.walk(ast.parse(getsource(findings.gather))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and node.targets[0].id == "found":
            return {ast.literal_eval(key) for key in node.value.keys if key is not None}
    raise AssertionError("gather no longer begins with a table of sections")


def commands() -> Iterator[list[str]]:
    """What the guide says to run: words after `rebuttal`, in running text or in a block."""
    for text in (OPERATING, RUNBOOK):
        for said in re.findall(r"(?:`|^|with-secrets )rebuttal ([^`\n]+)", text, re.M):
            yield said.split()


def test_every_kind_of_alert_has_a_section_that_says_what_to_do() -> None:
    explained = re.findall(r"^### .+ \(`(\w+)`\)\n(.+)", RUNBOOK, re.M)
    assert len(sections()) >= 8
    assert sections() <= {name for name, _ in explained}
    assert all(len(text) > 60 for _, text in explained)


def test_every_service_is_in_the_table_of_services() -> None:
    table = OPERATING[OPERATING.index("| service |") : OPERATING.index("A command:")]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    named = {name for cell in first_cells for name in re.findall(r"`([a-z-]+)`", cell)}
    assert SERVICES - {"sandbox", "mailbox"} == named


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_what_the_guide_says_to_run_can_be_run(words: list[str]) -> None:
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        found = command.commands.get(rest[0])
        assert found is not None, f"there is no `rebuttal {' '.join(words)}`"
        command, rest = found, rest[1:]
    known = {option for parameter in command.params for option in getattr(parameter, "opts", [])}
    for word in rest:
        if word.startswith("--"):
            assert word in known, f"`rebuttal {' '.join(words)}` knows no {word}"


def test_links_inside_the_guide_lead_somewhere() -> None:
    for text in (OPERATING, RUNBOOK):
        for page, anchor in re.findall(r"\]\(([\w-]+\.md)?(?:#([\w-]+))?\)", text):
            target = (ROOT / "docs" / page).read_text(encoding="utf-8") if page else text
            headings = {
                re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                for line in target.splitlines()
                if line.startswith("#")
            }
            assert not anchor or anchor in headings, f"{page}#{anchor}"
