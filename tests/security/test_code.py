"""What the code itself never does: rules over every source file, each with a sample that it must find."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.table import fault

from rebuttal.connections import Connection
from rebuttal.settings import PROJECT_ROOT

FOLDERS = ("include/rebuttal", "include/bi", "plugins", "dags", "launch")
_SECRET = re.compile(r"(^|_)(signature|token|secret|password|hmac|mac|digest|api_key|hexdigest|canary)(s|_|$)", re.I)
# Comparisons that are none of an incoming value with a secret: where, and why.
COMPARED = {
    ("jira.py", "following == token"): "a page mark of the vendor: going round in a circle",
    ("typeform.py", "token in seen"): "the id of a response: going round in a circle",
    ("jira.py", "token == following"): "a page mark",
    ("typeform.py", "item['token'] in some"): "the id of a response",
    ("typeform.py", "token not in known"): "the id of a response",
    ("serve.py", "hook.vendor in SIGNATURES"): "the vendor's name",
    ("store.py", "InboxEvent.lease_token == token"): "the number of a claim, in SQL",
    ("fence.py", "found != held.token"): "a lease's number",
    ("fence.py", "_token(connection, held) != held.token"): "a lease's number",
    ("fence.py", "_token(connection, one, is_kept=True) != one.token"): "a lease's number",
}
# The safe loader, in C where libyaml is there.
SAFE_ALL_THE_SAME = {("configuration.py", "yaml.load(text, Loader=_LOADER)")}
# A lease's number, and a list of hosts.
NO_SECRETS = ("fencing_token", "TOKEN_HOSTS")
Rule = Callable[[ast.AST], bool]


def _name(node: ast.AST) -> str:
    """The last word of what an expression is called."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else _name(node.value)
    return ""


def compares_secrets(node: ast.AST) -> bool:
    """`==` on a signature or token tells by its time how much of it is right."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
        return False
    sides = [node.left, *node.comparators]
    # Whether there is one at all, and of which kind, is no comparison with a secret.
    if any(isinstance(side, ast.Constant | ast.Tuple | ast.Set | ast.List) for side in sides):
        return False
    names = [_name(side) for side in sides]
    return any(map(_SECRET.search, names)) and not set(names) & set(NO_SECRETS)


def _calls(*names: str) -> Rule:
    def rule(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and ast.unparse(node.func) in names

    return rule


def _passes(keyword: str, value: object) -> Rule:
    def rule(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and any(
            one.arg == keyword and isinstance(one.value, ast.Constant) and one.value.value is value
            for one in node.keywords
        )

    return rule


def imports_unsafe(node: ast.AST) -> bool:
    """Formats that run code when they are read."""
    unsafe = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle", "telnetlib", "ftplib"}
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] in unsafe for name in names)


RULES: dict[str, tuple[Rule, str]] = {
    "a secret is compared by hmac.compare_digest": (compares_secrets, "request.signature == expected"),
    "no format that runs code": (imports_unsafe, "from pickle import loads"),
    "numpy reads no pickles": (_passes("allow_pickle", True), "np.load(path, allow_pickle=True)"),
    "YAML is read by safe_load": (_calls("yaml.load", "yaml.unsafe_load", "yaml.full_load"), "yaml.load(text)"),
    "no shell": (_passes("shell", True), "subprocess.run(command, shell=True)"),
    "no system call by text": (_calls("os.system", "os.popen"), "os.system(command)"),
    "no code made of text": (_calls("eval", "exec", "compile", "__import__"), "eval(text)"),
    "TLS is verified": (_passes("verify", False), "session.get(url, verify=False)"),
    "TLS is verified by its context": (
        _calls("ssl._create_unverified_context", "ssl._create_default_https_context"),
        "ssl._create_unverified_context()",
    ),
    "no temporary name that others may take": (_calls("tempfile.mktemp"), "tempfile.mktemp()"),
    "nothing from the random module makes a secret": (
        lambda node: (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).startswith("random.")
            and any(_SECRET.search(_name(one)) for one in ast.walk(node))
        ),
        "random.choice(token_letters)",
    ),
}


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((PROJECT_ROOT / folder).rglob("*.py"))


@pytest.fixture(scope="module")
def nodes() -> list[tuple[Path, ast.AST]]:
    """Every node of every file."""
    found = [(path, node) for path in _files() for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    assert len({path for path, _ in found}) > 250
    return found


@fault(144, "YAML, pickles and other formats that run code", "code", "safe loaders only")
@fault(146, "comparing a signature by its letters", "code", "hmac.compare_digest only")
@pytest.mark.parametrize("name", RULES)
def test_no_file_breaks_the_rule(nodes: list[tuple[Path, ast.AST]], name: str) -> None:
    rule, sample = RULES[name]
    assert any(rule(node) for node in ast.walk(ast.parse(sample))), "the rule finds nothing"
    broken = [
        f"{path.relative_to(PROJECT_ROOT)}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path, node in nodes
        if rule(node) and (path.name, ast.unparse(node)) not in COMPARED.keys() | SAFE_ALL_THE_SAME
    ]
    assert broken == []


def test_a_connection_that_is_printed_tells_no_secret() -> None:
    told = repr(Connection("jira", host="https://jira.example", password="canary-1", extra={"api_key": "canary-2"}))
    assert "jira.example" in told
    assert "canary" not in told
