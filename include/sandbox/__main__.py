"""`python -m sandbox serve | lose-deal | credentials | truth`: the company in a box, from the command line."""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sandbox.credentials import DEFAULT_PORT, base_url, credentials

WRONG = 2  # exit code: something a person has to change


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 2 with one line on stderr that says what to change."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "serve":
            return _serve(arguments)
        if arguments.command == "credentials":
            return _say(json.dumps(credentials(base_url(arguments.port)), indent=None if arguments.json else 2))
        if arguments.command == "lose-deal":
            return _lose_deal(arguments)
        return _truth(arguments)
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sandbox", description="A company in a box behind its vendors' interfaces.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a world until stopped")
    serve.add_argument("--seed", type=int, default=7)
    serve.add_argument("--weeks", type=int, default=12, help="how much of the past there is")
    serve.add_argument(
        "--until", type=date.fromisoformat, help="last day, YYYY-MM-DD; default: as before, else yesterday"
    )
    serve.add_argument("--goes-on", action="store_true", help="the world goes on to the end of each yesterday")
    serve.add_argument("--scale", type=float, default=1.0, help="how large the company is")
    serve.add_argument("--consent-loss", type=float, default=0.0, help="share of people, 0 to 1, who refuse counting")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=DEFAULT_PORT)
    serve.add_argument("--faults", default="none", help="fault profile: none, bad_rows, mild or hostile")
    serve.add_argument("--limits", type=float, default=1.0, help="times the vendors' rate limits")
    serve.add_argument("--webhooks", help="send the vendors' webhooks to URL/<vendor>")
    serve.add_argument("--state", type=Path, help="where writes are kept; default $REBUTTAL_HOME/sandbox")
    lose = commands.add_parser("lose-deal", help="lose an open deal now, and watch for the task that answers it")
    lose.add_argument("--deal", help="its id; default: one that the seed draws")
    lose.add_argument("--doubt", help="what the buyer doubts, a code as in the truth; default: drawn")
    lose.add_argument("--words", help="what the rep's note says; default: composed")
    lose.add_argument("--watch", type=float, default=60.0, help="seconds to watch for a new task; 0: do not")
    lose.add_argument("--port", type=int, help="default: $REBUTTAL_SANDBOX_URL")
    for name, text in (("credentials", "what clients need to log in"), ("truth", "the hidden truth, for judges")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--json", action="store_true", help="on one line")
        command.add_argument("--port", type=int, help="default: $REBUTTAL_SANDBOX_URL")
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    from sandbox.faces.wire import Site
    from sandbox.faults import Faults, UnknownFault
    from sandbox.journal import Journal, JournalError
    from sandbox.parameters import DEFAULT
    from sandbox.server import Sandbox, Server
    from sandbox.world import build

    seed, weeks, scale = arguments.seed, arguments.weeks, arguments.scale
    if weeks < 1 or scale <= 0 or arguments.limits <= 0:
        return _fail("--weeks must be at least 1, --scale and --limits above 0")
    loss = arguments.consent_loss
    if not 0 <= loss <= 1:
        return _fail(f"--consent-loss is a share from 0 to 1, not {loss:g}")
    parameters = replace(DEFAULT, people=replace(DEFAULT.people, consent_loss=loss))
    state = arguments.state or _home() / "sandbox"
    until = arguments.until or _until_before(state, seed, weeks, scale) or datetime.now(UTC).date() - timedelta(days=1)
    # The port is taken first: building a world takes a while, and a taken port should be told at once.
    listener = socket.socket(socket.AF_INET6 if ":" in arguments.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((arguments.host, arguments.port))
        faults = Faults(seed, arguments.faults)
        journal = Journal(_journal_path(state, seed, weeks, until, scale))
        about = {"seed": seed, "weeks": weeks, "until": until.isoformat(), "scale": scale, "consent_loss": loss}
        site = Site(build(seed, weeks, until, scale, parameters), faults, journal)
        sandbox = Sandbox(site, about, arguments.limits)
        if arguments.goes_on:
            sandbox.go_on(_midnight())
        if arguments.webhooks:
            site.hooks.subscribe_all(arguments.webhooks)
        sandbox.site.recorded()  # whoever reads "ready" gets answers at once
        address = f"http://{arguments.host}:{listener.getsockname()[1]}"
        world = f"seed {seed}, {weeks} weeks until {until}, scale {scale:g}, faults {faults.profile}"
        ready = f"Sandbox ready at {address} ({world})"
        until_when = _midnight if arguments.goes_on else None
        server = Server(sandbox, arguments.host, arguments.port, lambda: _announce(ready), until_when)
        server.run(sockets=[listener])
    except OSError as error:
        return _fail(f"cannot listen on {arguments.host}:{arguments.port} ({error.strerror}): choose another --port")
    except (UnknownFault, JournalError) as error:
        return _fail(str(error))
    return 0


def _truth(arguments: argparse.Namespace) -> int:
    url = f"{base_url(arguments.port)}/_sandbox/truth"
    if not url.startswith(("http://", "https://")):
        return _fail(f"{url} is no HTTP address: set REBUTTAL_SANDBOX_URL")
    try:
        with urllib.request.urlopen(url, timeout=600) as reply:
            text = reply.read().decode()
    except (urllib.error.URLError, ConnectionError) as error:
        return _fail(f"no sandbox answers at {url} ({getattr(error, 'reason', error)}): start it with `sandbox serve`")
    return _say(text if arguments.json else json.dumps(json.loads(text), ensure_ascii=False, indent=2))


def _lose_deal(arguments: argparse.Namespace) -> int:
    from sandbox.lose_deal import run

    asked = {"deal": arguments.deal, "doubt": arguments.doubt, "words": arguments.words}
    code, text = run(base_url(arguments.port), asked, arguments.watch)
    return _say(text) if code == 0 else _fail(text.removeprefix("sandbox: "))


def _home() -> Path:
    return Path(os.environ.get("REBUTTAL_HOME") or Path(__file__).resolve().parents[2] / ".rebuttal").expanduser()


def _journal_path(state: Path, seed: int, weeks: int, until: date, scale: float) -> Path:
    return state / f"journal-seed{seed}-weeks{weeks}-scale{scale:g}-until{until}.jsonl"


def _until_before(state: Path, seed: int, weeks: int, scale: float) -> date | None:
    """The last day of the world that was served here before: started again, the sandbox goes on where it was."""
    days = [
        date.fromisoformat(found[1])
        for path in state.glob(f"journal-seed{seed}-weeks{weeks}-scale{scale:g}-until*.jsonl")
        if (found := re.search(r"until(\d{4}-\d\d-\d\d)\.jsonl$", path.name))
    ]
    return max(days, default=None)


def _midnight() -> datetime:
    """The end of yesterday, UTC."""
    return datetime.combine(datetime.now(UTC).date(), time(), UTC)


def _announce(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _say(text: str) -> int:
    sys.stdout.write(text + "\n")
    return 0


def _fail(text: str) -> int:
    sys.stderr.write(f"sandbox: {text}\n")
    return WRONG


if __name__ == "__main__":
    sys.exit(main())
