"""What an erasure leaves to be done: alerts while it is not finished, models to train anew, both stores restored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from admitted import everything
from click.testing import CliRunner
from landed import NOW, context
from tests.erasure.test_forget import MAIL, TRACES, Landed, anna, landed, left
from tests.faults.table import fault

from rebuttal.clock import Clock
from rebuttal.commands.erase import erase as command
from rebuttal.erasure import apply_erased, erase, export_erased, keep_erased, stores, unfinished
from rebuttal.erasure.work import STORES, Work
from rebuttal.errors import ConfigError
from rebuttal.state import LabelCorrection, failpoint, open_state

__all__ = ["anna", "landed"]  # fixtures


@fault(136, "both stores restored from before the erasure", "store", "the list kept outside makes them forget again")
def test_the_list_kept_outside_makes_both_stores_forget_again(anna: Landed, tmp_path: Path) -> None:
    settings, _ = anna
    places = [settings.home / name for name in ("warehouse.duckdb", "state.sqlite")]
    backup = [place.read_bytes() for place in places]
    erase(context(settings), MAIL, "olena")
    kept = tmp_path / "erased.json"
    assert export_erased(context(settings), kept) > 5
    told = kept.read_text()
    assert [trace for trace in TRACES if trace in told] == []
    for place, data in zip(places, backup, strict=True):
        for more in ("-wal", "-shm", ".wal"):
            place.with_name(place.name + more).unlink(missing_ok=True)
        place.write_bytes(data)
    assert not keep_erased(context(settings)), "nobody knows any more"
    assert left(settings) != set()
    report = apply_erased(context(settings), kept)
    assert report.counts == {"listed": len(json.loads(told)["suppressed"]), "new": report.counts["listed"]}
    assert left(settings) == set()
    before = everything(settings)
    again = apply_erased(context(settings), kept)
    assert (again.changed, again.counts["new"]) == (False, 0)
    assert everything(settings) == before


def test_a_list_of_another_key_or_none_is_refused_and_changes_nothing(anna: Landed, tmp_path: Path) -> None:
    settings, _ = anna
    kept = tmp_path / "erased.json"
    export_erased(replace(context(settings), identity_key=b"another key of another time"), kept)
    with pytest.raises(ConfigError, match="another identity key"):
        apply_erased(context(settings), kept)
    for text in ("", "[]", '{"key_check": "x"}', '{"key_check": "x", "suppressed": [{"subject_hash": 1}]}'):
        kept.write_text(text)
        with pytest.raises(ConfigError, match="no list of the erased"):
            apply_erased(context(settings), kept)
    with pytest.raises(ConfigError, match="no list of the erased"):
        apply_erased(context(settings), tmp_path / "nowhere")
    assert left(settings) != set()


def test_the_command_writes_the_list_and_takes_it(
    anna: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = anna
    for name, value in {
        "HOME": settings.home, "CONFIG": settings.config, "WAREHOUSE_URL": settings.warehouse_url,
        "STATE_URL": settings.state_url, "IDENTITY_KEY": "test-identity-key",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"REBUTTAL_{name}", str(value))
    erase(context(settings), MAIL, "olena")
    kept = str(tmp_path / "erased.json")
    said = CliRunner().invoke(command, ["--export", kept], catch_exceptions=False)
    assert said.output.endswith("keyed hashes written to erased.json\n")
    said = CliRunner().invoke(command, ["--from", kept], catch_exceptions=False)
    assert said.output.endswith(" listed, 0 of them had been lost\n")


def test_an_erasure_that_has_not_ended_is_told_by_what_is_left(anna: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = anna
    monkeypatch.setenv("FAILPOINT", "erase.after_store:raise@2")
    monkeypatch.setattr(failpoint, "_passed", {})
    with pytest.raises(failpoint.FailpointReached):
        erase(context(settings), MAIL, "olena")
    monkeypatch.delenv("FAILPOINT")
    assert unfinished(context(settings)) == [], "it has just begun"
    later = replace(context(settings), clock=Clock(NOW + timedelta(hours=2)))
    [line] = unfinished(later)
    waiting = list(STORES.known)[1:]
    assert f"that olena asked for at {NOW:%Y-%m-%d %H:%M} UTC" in line
    assert f"still to forget: {', '.join(waiting)}." in line
    assert [trace for trace in TRACES if trace in line] == []
    erase(context(settings), MAIL, "olena")
    assert unfinished(later) == []


@pytest.mark.parametrize(("words", "kept"), [("Redacted words of theirs", set()), (None, {"ngram-1.npz"})])
def test_a_model_that_may_have_learned_from_the_person_is_trained_anew(
    anna: Landed, tmp_path: Path, words: str | None, kept: set[str]
) -> None:
    settings = replace(anna[0], models_path=tmp_path / "models")
    settings.models.mkdir()
    (settings.models / "ngram-1.npz").write_bytes(b"arrays")
    told = hashlib.md5("Ганна боїться за волосся".encode()).hexdigest()
    with open_state(settings) as sessions, sessions.begin() as session:
        session.add(
            LabelCorrection(
                text_hash=told, labels=["price"], primary_label="price", text=words, source_kind=None, source=None,
                account_id=None, source_id=None, revision=1, corrected_by="olena", corrected_at=NOW, reason=None,
            )
        )  # fmt: skip
    assert stores.from_corrections(Work(context(settings), (), text_hashes=[told])) == 1
    assert {path.name for path in settings.models.iterdir()} == kept
    assert stores.from_corrections(Work(context(settings), (), text_hashes=[told])) == 0
