"""`rebuttal classify`: file in, file out; a bad line is named and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rebuttal.errors import ConfigError
from rebuttal.objections import classify_file
from rebuttal.settings import Settings


@pytest.fixture
def ready(settings: Settings, model: object) -> Settings:
    return settings


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    return path


def test_lines_come_back_in_order_with_labels(tmp_path: Path, ready: Settings) -> None:
    source = write(
        tmp_path / "in.jsonl",
        {"id": "a", "text": "Слишком дорого для нас", "lang": "ru", "channel": "chat", "secret_extra": 1},
        {"id": "b", "text": "How much is it?"},
        {"id": "c", "text": "Менеджер: Дорого?\nКлиент: Мы уже купили у конкурента.", "channel": "call"},
        {"id": "d", "text": ""},
    )
    out = tmp_path / "deep" / "out.jsonl"
    assert classify_file(source, out, settings=ready) == 4

    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["primary"] for row in rows] == ["price", "none", "competitor", "none"]
    assert set(rows[0]) == {
        "id", "text", "lang", "channel", "labels", "primary", "confidence", "abstain", "spans", "model",
    }  # fmt: skip
    assert rows[0]["spans"] == [{"start": 0, "end": 22, "label": "price"}]
    assert rows[1]["spans"] == []
    span = rows[2]["spans"][0]
    assert rows[2]["text"][span["start"] : span["end"]] == "Мы уже купили у конкурента."
    assert {row["model"] for row in rows} == {rows[0]["model"]}
    assert rows[0]["model"].startswith("ngram+e5-")
    assert list(out.parent.iterdir()) == [out]


def test_labels_are_the_same_at_every_run(tmp_path: Path, ready: Settings) -> None:
    source = write(tmp_path / "in.jsonl", *({"id": str(n), "text": f"дорого {n}, подумаю"} for n in range(30)))
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    assert classify_file(source, first, settings=ready) == classify_file(source, second, settings=ready) == 30
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "in.jsonl:2 is not JSON"),
        ('{"id": "x"}', "in.jsonl:2 lacks 'text'"),
        ('{"id": 5, "text": "a"}', "in.jsonl:2 lacks 'id'"),
        ("[1]", "in.jsonl:2 lacks 'id'"),
        ('{"id": "x", "text": "a", "channel": 7}', "in.jsonl:2 has a 'channel'"),
        ("[" * 100_000, "in.jsonl:2 is not JSON"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path: Path, ready: Settings, line: str, message: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a", "text": "дорого"}\n' + line + "\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")):
        classify_file(source, out, settings=ready)
    assert not out.exists()


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path, ready: Settings) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"id": "a", "text": "x"}\n{"id": "b", "text": "\xff\xfe"}\n')
    with pytest.raises(ConfigError, match=r"in\.jsonl:2 is not UTF-8"):
        classify_file(source, tmp_path / "out.jsonl", settings=ready)


def test_without_embeddings_the_model_says_so(tmp_path: Path, ready: Settings, cheap_model: object) -> None:
    source = write(tmp_path / "in.jsonl", {"id": "a", "text": "слишком дорого"})
    out = tmp_path / "out.jsonl"
    classify_file(source, out, settings=ready, embedder=None)
    row = json.loads(out.read_text(encoding="utf-8"))
    assert row["primary"] == "price"
    assert row["model"].startswith("ngram-")
