"""`make run`: the sandbox, the mail catcher, Airflow and Superset on this machine, one turn of the loop, and a summary.

Stays until Ctrl-C and stops all that it started. Everything it keeps is in $REBUTTAL_HOME; started again, it goes on.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType

from launch import bi, summary
from launch.airflow_api import AirflowApi
from launch.environment import BIN, hooks_address, password, variables, world
from launch.preflight import obstacles, port, wants_bi
from launch.processes import Processes, StoppedError
from launch.turn import PULLS, Turn
from rebuttal.settings import load_settings

START_SECONDS = 240.0


def main() -> int:
    """Start, turn, tell, wait, stop."""
    found = obstacles("run")
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    # Also where the shell that started us in the background had it ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    settings = load_settings()
    processes = Processes(settings.home / "logs")
    try:
        _start(processes, settings.home)
        api = AirflowApi(f"http://127.0.0.1:{port('airflow')}", "admin", password(settings.home))
        _wait_for_airflow(api, processes)
        turn = Turn(api, say, processes.check)
        unfinished = turn.run()
        say(f"\nThe loop has turned in {turn.seconds:.0f} s.\n")
        for line in summary.lines(settings, f"http://127.0.0.1:{port('mail')}"):
            say(line)
        _addresses(settings.home, unfinished)
        while True:
            processes.check()
            time.sleep(1.0)
    except KeyboardInterrupt:
        say("\nStopping ...")
        return 0
    except StoppedError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        processes.stop()


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


def lose_command() -> str:
    """What loses a deal in another terminal, and watches for the task that a webhook makes of it."""
    return f"{BIN / 'rebuttal'} sandbox lose-deal --port {port('sandbox')}"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(processes: Processes, home: Path) -> None:
    env = variables(home)
    chosen = world(home)
    say(f"Sandbox: seed {chosen['seed']}, {chosen['weeks']} weeks until {chosen['until']}. Logs: {processes.logs}")
    options = [part for name, value in chosen.items() for part in (f"--{name}", value)]
    python = str(BIN / "python")
    # What is kept may be of an earlier day: the company has gone on since, or vendors refuse to tell of yesterday.
    serve = ["serve", "--port", str(port("sandbox")), "--webhooks", hooks_address(), "--goes-on", *options]
    processes.start("sandbox", [python, "-m", "sandbox", *serve], env)
    mail = ["--smtp-port", str(port("smtp")), "--http-port", str(port("mail")), "--dir", str(home / "mails")]
    processes.start("mailbox", [python, "-m", "sandbox.mailbox", *mail], env)
    say("Training the classifier and preparing Airflow's database ...")
    sample = home / "sample.jsonl"
    sample.write_text('{"id": "1", "text": "too expensive for us"}\n', encoding="utf-8")
    # The first use of a home trains the model and keeps it; better now than within the turn.
    train = [str(BIN / "rebuttal"), "classify", str(sample), str(home / "sample.labels.jsonl")]
    with processes.beside("classifier", train, env):
        processes.run("airflow-migrate", ["airflow", "db", "migrate"], env)
    for part in ("api-server", "scheduler", "dag-processor", "triggerer"):
        processes.start(f"airflow-{part}", ["airflow", part], env)
    if wants_bi():
        say("Bringing the dashboards up to date; they open at the end of the turn ...")
        processes.start("superset", [python, "-m", "launch.bi"], env)


def _wait_for_airflow(api: AirflowApi, processes: Processes) -> None:
    say("Waiting for Airflow ...")
    wanted = {f"pull__{source}" for source in PULLS} | {"admit", "model", "listen", "answer", "prove", "tell", "inbox"}
    deadline = time.monotonic() + START_SECONDS
    logged_in = False
    while True:
        processes.check()
        if not logged_in and api.is_healthy():
            api.log_in()
            api.ensure_pool("warehouse", 1, "DuckDB allows one writing process at a time")
            logged_in = True
        if logged_in and wanted <= api.dag_ids():
            return
        if time.monotonic() > deadline:
            errors = api.import_errors() if logged_in else []
            raise StoppedError(
                f"Airflow was not ready after {START_SECONDS:.0f} s"
                + (f"; these DAG files cannot be read: {', '.join(errors)}" if errors else "")
                + f"; see {processes.logs}"
            )
        time.sleep(0.5)


def _addresses(home: Path, unfinished: list[str]) -> None:
    for line in unfinished:
        say(f"  not finished      {line}")
    say("")
    say(f"  Airflow           http://127.0.0.1:{port('airflow')}  (admin / {password(home)})")
    say(f"  Content tasks     http://127.0.0.1:{port('sandbox')}/jira/")
    say(f"  Mails             http://127.0.0.1:{port('mail')}")
    if wants_bi():
        say(f"  Dashboards        {bi.address()}  (admin / {bi.passwords(home).get('admin', 'still being prepared')})")
    say("")
    say(f"  Lose a deal       {lose_command()}")
    say("")
    say("Ctrl-C stops everything; `make run` goes on where it was.")


if __name__ == "__main__":
    sys.exit(main())
