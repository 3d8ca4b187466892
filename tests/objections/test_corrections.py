"""People's corrections: kept once, stronger than the classifier, part of its training. Without embeddings: quicker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.objections.conftest import Core, rows

from rebuttal.clock import Clock
from rebuttal.connections import from_environment
from rebuttal.context import Context
from rebuttal.errors import ConfigError, StoreError
from rebuttal.objections import classify_file, run
from rebuttal.objections.corrections import (
    LONGEST_TRAINED,
    WEIGHT,
    Answer,
    Outcome,
    correct,
    forget,
    load_corrections,
    text_hash_of,
)
from rebuttal.objections.corrections_file import import_corrections, sheet
from rebuttal.objections.corrections_review import questions
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.tables import metadata as marts
from rebuttal.objections.tables import text_label
from rebuttal.objections.taxonomy import LABELS, Taxonomy
from rebuttal.settings import Settings
from rebuttal.state import open_state
from rebuttal.state.journal import journal_rows
from rebuttal.warehouse import open_warehouse
from rebuttal.warehouse.publish import fingerprint_of

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
MARTS = [
    f"marts.{name}" for name in ("objection", "objection_evidence", "text_label", "lost_reason", "model_evaluation")
]
# Words of this company: nobody else would know that they speak of a missing time slot.
SAID = "Опять одни снегири на календаре, до свидания"


@pytest.fixture
def context(any_settings: Settings, cheap_model: Model) -> Context:
    return Context(any_settings, Clock(NOON), from_environment(any_settings, {}), b"a key of sixteen bytes")


@pytest.fixture
def local(settings: Settings, cheap_model: Model) -> Context:
    return Context(settings, Clock(NOON), from_environment(settings, {}), b"a key of sixteen bytes")


def said(text: str, *labels: str, by: str = "Olena", **where: Any) -> Answer:
    return Answer.of(labels, by, text=text, **where)


def journal(context: Context) -> list[dict[str, Any]]:
    with open_state(context.settings) as sessions, sessions() as session:
        return [entry for entry in journal_rows(session) if entry["kind"] == "label_correction"]


def fingerprint(context: Context) -> str:
    with open_warehouse(context.settings) as engine, engine.connect() as connection:
        return fingerprint_of(connection, MARTS)


def test_a_correction_wins_over_the_model_for_its_text_and_every_copy(core: Core, context: Context) -> None:
    core.deal("d1")
    core.note("n1", f"<p>{SAID}</p>", deal_id="d1")
    core.note("n2", f"<p>{SAID}</p>", deal_id="d1")
    core.note("n3", "Слишком дорого для нас", deal_id="d1")
    core.engine.dispose()
    first = run(context, embedder=None)
    before = {row["source_id"]: row for row in rows(context, "marts.text_label")}
    assert before["n1"]["primary_label"] != "availability"

    key = ("note", "hubspot", "1", "n1")
    [outcome] = correct(context, [Answer.of(["availability"], "Olena", key=key, reason="у нас так зовут занятые окна")])
    assert isinstance(outcome, Outcome)
    assert (outcome.outcome, outcome.is_trained_on) == ("new", True)
    second = run(context, embedder=None)

    after = {row["source_id"]: row for row in rows(context, "marts.text_label")}
    for name in ("n1", "n2"):
        row = after[name]
        told = (row["primary_label"], row["labels"], row["confidence"], row["status"], row["decided_by"])
        assert told == ("availability", '["availability"]', 1.0, "classified", "person")
    assert after["n3"]["decided_by"] == "model"
    assert second.details[0]["model"] != first.details[0]["model"]
    evidence = [row for row in rows(context, "marts.objection_evidence") if row["source_id"] == "n1"]
    assert [row["quote"] for row in evidence] == [SAID]
    body = f"<p>{SAID}</p>"
    assert body[evidence[0]["quote_start"] : evidence[0]["quote_end"]] == SAID
    found = {row["objection_id"]: row["category"] for row in rows(context, "marts.objection")}
    assert [found[row["objection_id"]] for row in evidence] == ["availability"]
    assert after["n3"]["labels"] == before["n3"]["labels"]
    [entry] = journal(context)
    assert (entry["decision"], entry["decided_by"], entry["decided_at"]) == ("availability", "Olena", NOON)
    evidence_told = json.loads(entry["evidence"])
    assert evidence_told["reason"] == "у нас так зовут занятые окна"
    assert evidence_told["model_said"]["labels"] == json.loads(before["n1"]["labels"])

    marts = fingerprint(context)
    third = run(context, embedder=None)
    assert (third.counts["read"], third.counts["written"], third.changed) == (0, 0, False)
    assert fingerprint(context) == marts


def test_a_correction_of_no_objection_takes_the_objection_away(core: Core, context: Context) -> None:
    core.deal("d1")
    core.note("n1", "Слишком дорого для нас", deal_id="d1")
    core.engine.dispose()
    run(context, embedder=None)
    assert len(rows(context, "marts.objection")) >= 1
    correct(context, [Answer.of(["none"], "Olena", key=("note", "hubspot", "1", "n1"))])
    report = run(context, embedder=None)
    assert rows(context, "marts.objection") == []
    assert report.counts["none"] == report.counts["heard"] == 1


def test_a_text_too_long_to_learn_from_is_obeyed_all_the_same(core: Core, context: Context) -> None:
    body = "Добрый день. " + "Обсудили доставку и сборку, всё понятно. " * 20 + "Слишком дорого для нас."
    core.deal("d1")
    core.note("n1", body, deal_id="d1")
    core.engine.dispose()
    key = ("note", "hubspot", "1", "n1")
    first = run(context, embedder=None)
    for labels in (("trust",), ("service", "trust")):
        [outcome] = correct(context, [Answer.of(labels, "Olena", key=key)])
        assert isinstance(outcome, Outcome)
        assert not outcome.is_trained_on
        again = run(context, embedder=None)
        assert again.details[0]["model"] == first.details[0]["model"]
        [row] = rows(context, "marts.text_label")
        assert (json.loads(row["labels"]), row["decided_by"]) == (list(labels), "person")
        assert {row["category"] for row in rows(context, "marts.objection")} == set(labels)
        assert run(context, embedder=None).changed is False
    evidence = rows(context, "marts.objection_evidence")
    assert all(body[row["quote_start"] : row["quote_end"]] == row["quote"] for row in evidence)
    assert len(evidence) >= 2


def test_what_was_corrected_is_learned_for_other_texts_too(
    local: Context, taxonomy: Taxonomy, cheap_model: Model
) -> None:
    texts = [SAID, "Одни снегири у вас", "снегири, снегири, снегири... не могу записаться"]
    outcomes = correct(local, [said(text, "availability") for text in texts])
    assert [one.outcome for one in outcomes if isinstance(one, Outcome)] == ["new"] * 3
    corrections = load_corrections(local.settings)
    assert len(corrections.examples) == 3 * WEIGHT
    taught = load_model(local.settings.models, taxonomy, None, corrections.examples)
    assert taught.name != cheap_model.name
    column = LABELS.index("availability")
    asked = ["Снова снегири на всю неделю"]
    assert taught.probabilities(asked)[0, column] > cheap_model.probabilities(asked)[0, column] + 0.2

    source, target = local.settings.home / "in.jsonl", local.settings.home / "out.jsonl"
    source.write_text(json.dumps({"id": "1", "text": SAID}) + "\n", encoding="utf-8")
    classify_file(source, target, settings=local.settings, embedder=None)
    line = json.loads(target.read_text(encoding="utf-8"))
    assert (line["primary"], line["confidence"], line["model"]) == ("availability", 1.0, taught.name)
    assert line["spans"] == [{"start": 0, "end": len(SAID), "label": "availability"}]


def test_the_latest_answer_holds_and_the_journal_keeps_each(local: Context) -> None:
    def tell(*labels: str, by: str, hour: int) -> str:
        [outcome] = correct(local, [said(SAID, *labels, by=by, at=NOON + timedelta(hours=hour))])
        assert isinstance(outcome, Outcome)
        return outcome.outcome

    assert tell("price", by="Olena", hour=0) == "new"
    assert tell("price", by="Ihor", hour=1) == "same"
    assert tell("trust", "price", by="Ihor", hour=3) == "changed"
    assert tell("timing", by="Olena", hour=2) == "older"
    [held] = load_corrections(local.settings).by_hash.values()
    assert (held.labels, held.primary, held.by) == (("trust", "price"), "trust", "Ihor")
    assert tell("price", by="Olena", hour=4) == "changed"
    assert [(entry["decision"], entry["decided_by"]) for entry in journal(local)] == [
        ("price", "Olena"),
        ("trust, price (answer 2)", "Ihor"),
        ("price (answer 3)", "Olena"),
    ]


def test_words_are_kept_redacted_and_long_ones_not_at_all(local: Context) -> None:
    long = "слишком дорого и далеко " * 60
    assert len(long) > LONGEST_TRAINED
    calls = "Дорого, звоните +380 67 123 45 67 или olga@salon.example"
    outcomes = correct(
        local, [said(calls, "price", reason="сказала olga@salon.example"), said(long, "price", "availability")]
    )
    assert [one.is_trained_on for one in outcomes if isinstance(one, Outcome)] == [True, False]
    held = load_corrections(local.settings)
    assert held.by_hash[text_hash_of(calls)].text == "Дорого, звоните [phone] или [email]"
    assert held.by_hash[text_hash_of(calls)].reason == "сказала [email]"
    assert {example.text for example in held.examples} == {"Дорого, звоните [phone] или [email]"}
    assert "olga@" not in json.dumps(journal(local), default=str)
    with open_state(local.settings) as sessions:
        assert forget(sessions, [text_hash_of(calls)]) == 1
    assert set(load_corrections(local.settings).by_hash) == {text_hash_of(long)}


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        (["prise"], {}, "'prise' is no label"),
        ([" "], {}, "needs a label"),
        (["none", "price"], {}, "stands alone"),
        (["price"], {"primary": "trust"}, "not among the labels"),
        (["price"], {"by": "  "}, "named person"),
        (["price"], {"text_hash": "12"}, "no text hash"),
        (["price"], {"at": datetime(2026, 3, 4)}, "needs its zone"),  # noqa: DTZ001
        (["price"], {"text": "  "}, "names no text"),
    ],
)
def test_what_cannot_be_right_is_refused(labels: list[str], more: dict[str, Any], message: str) -> None:
    values = {"by": "Olena", "text": "дорого", **more}
    with pytest.raises(ConfigError, match=message):
        Answer.of(labels, values.pop("by"), **values)


def test_a_text_that_nobody_heard_cannot_be_corrected(core: Core, context: Context) -> None:
    core.note("n1", "Слишком дорого для нас")
    core.engine.dispose()
    with pytest.raises(StoreError, match="rebuttal listen"):
        correct(context, [Answer.of(["price"], "Olena", text_hash="0" * 32)])
    run(context, embedder=None)
    unknown = ("note", "hubspot", "1", "gone")
    answers = [Answer.of(["trust"], "Olena", text_hash="0" * 32), Answer.of(["trust"], "Olena", key=unknown)]
    right = Answer.of(["trust"], "Olena", key=("note", "hubspot", "1", "n1"))
    outcomes = correct(context, [*answers, right])
    assert [type(one) for one in outcomes] == [ConfigError, ConfigError, Outcome]
    assert "note hubspot 1 gone" in str(outcomes[1])
    assert list(load_corrections(context.settings).by_hash) == [text_hash_of("Слишком дорого для нас")]


def hear(core: Core, identifier: str, body: str, confidence: float, status: str = "unclear") -> None:
    """A note, and what the classifier is supposed to have said of it."""
    core.note(identifier, body)
    label = dict.fromkeys(("labels", "primary_label", "language", "model"), "x") | {"labels": '["price"]'}
    label |= {"source_kind": "note", "source": "hubspot", "account_id": "1", "source_id": identifier, "status": status}
    with core.engine.begin() as connection:
        marts.create_all(connection)
        values = {"confidence": confidence, "decided_by": "model", "text_hash": text_hash_of(body)}
        connection.execute(insert(text_label).values(**label, **values))


def test_people_are_asked_about_the_unclear_first_and_never_twice(core: Core, context: Context) -> None:
    core.note("n0", "not heard yet")
    with pytest.raises(StoreError, match="rebuttal listen"):
        questions(context, 5)
    hear(core, "n1", "<p>Хто&nbsp;зна, дзвоніть +380 67 123 45 67</p>", 0.3)
    hear(core, "n2", "Maybe, maybe not", 0.1)
    hear(core, "n3", "Другое", 0.0)
    hear(core, "n4", "It is too dear", 0.9, "classified")
    hear(core, "n5", "Not that dear", 0.5, "classified")
    hear(core, "m1", "кря кря", 0.35)
    hear(core, "m2", "кря кря", 0.35)
    core.engine.dispose()
    asked = questions(context, 9)
    assert [(one.text, one.told_count, one.is_unclear) for one in asked] == [
        ("кря кря", 2, True),
        ("Maybe, maybe not", 1, True),
        ("Хто зна, дзвоніть [phone]", 1, True),
        ("Not that dear", 1, False),
    ]
    assert questions(context, 1) == asked[:1]
    correct(context, [Answer.of(["none"], "Olena", text_hash=asked[0].text_hash)])
    assert questions(context, 9) == asked[1:]


def test_a_sheet_goes_out_and_comes_back(core: Core, context: Context, tmp_path: Path) -> None:
    hear(core, "n1", "=фыр гырр, зюзю", 0.1)
    hear(core, "n2", "кря кря", 0.2)
    core.engine.dispose()
    out = sheet(questions(context, 5)).splitlines()
    assert out[0] == "text_hash,text,model_says,confidence,told,labels,primary,by,reason"
    assert len(out) == 3
    assert out[1].split(",")[1].startswith("\"'=")
    hashes = [line.split(",")[0] for line in out[1:]]
    filled = tmp_path / "filled.csv"
    lines = [out[0], f"{hashes[0]},x,none,0.1,1,price trust,trust,Olena,", f"{hashes[1]},y,none,0.1,1,,,,"]
    filled.write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    assert [row.outcome for row in import_corrections(context, filled)] == ["new", "unanswered"]
    assert [row.outcome for row in import_corrections(context, filled)] == ["same", "unanswered"]
    [held] = load_corrections(context.settings).by_hash.values()
    assert (held.text_hash, held.labels, held.primary, held.by) == (hashes[0], ("price", "trust"), "trust", "Olena")


def test_rows_that_are_wrong_are_told_by_line_and_the_others_kept(local: Context, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(
        "text;labels;by;at\n"
        "дорого;price;Olena;2026-03-04T10:00:00+02:00\n"
        "далеко;prise;Olena;\n"
        '"две\nстроки";trust|service;;\n'
        "поздно;timing;Olena;вчера\n"
        ";timing;Olena;\n"
        "неизвестно;;;\n",
        encoding="utf-8",
    )
    found = import_corrections(local, file, by="Ihor")
    assert [(row.line, row.outcome) for row in found] == [
        (2, "new"), (3, "refused"), (5, "new"), (6, "refused"), (7, "refused"), (8, "unanswered"),
    ]  # fmt: skip
    assert "'prise' is no label" in found[1].told
    held = load_corrections(local.settings).by_hash
    assert {one.by for one in held.values()} == {"Olena", "Ihor"}
    assert held[text_hash_of("дорого")].at == datetime(2026, 3, 4, 8, tzinfo=UTC)
    assert held[text_hash_of("две\nстроки")].labels == ("trust", "service")


@pytest.mark.parametrize(
    ("content", "message"),
    [("text,label\nx,price\n", "'label' is not known"), ("text,by\nx,y\n", "'labels' is missing"), ("", "'labels'")],
)
def test_a_sheet_of_other_columns_is_refused(local: Context, tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "c.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        import_corrections(local, file)
