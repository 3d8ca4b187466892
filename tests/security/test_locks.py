"""Every dependency of every environment is locked by version and hash, and installed with both required."""

from __future__ import annotations

import re

import pytest

from rebuttal.settings import PROJECT_ROOT

LOCKS = ("requirements.txt", *(f"requirements/{name}.txt" for name in ("dev", "dbt", "bi", "browser", "uv", "audit")))
_PINNED = re.compile(r"^([A-Za-z0-9_.\[\],-]+)==([^\s;\\]+)")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_a_version_and_a_hash(lock: str) -> None:
    text = (PROJECT_ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    assert [line[:60] for line in lines if not _PINNED.match(line) or "--hash=sha256:" not in line] == []


def test_every_installation_asks_for_hashes_and_every_lock_is_listed_and_looked_up() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"pip install|\$\(INSTALL\)", line)]
    assert len(installs) >= 6
    ours = "--no-deps --no-build-isolation -e ."
    assert [line for line in installs if ours not in line and "$(INSTALL)" not in line
            and "--require-hashes" not in line] == []  # fmt: skip
    (listed,) = re.findall(r"^LOCKS := (.*)$", makefile, re.MULTILINE)
    assert [lock for lock in LOCKS if lock.removeprefix("requirements/") not in listed] == []
