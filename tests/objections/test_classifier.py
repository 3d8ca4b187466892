"""How good the classifier is on texts it has not seen, and that it is the same one everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from rebuttal.errors import ConfigError, StoreError
from rebuttal.objections.embedding import Embedder, Matrix, Remembering, by_sentence
from rebuttal.objections.evaluate import calibration_error, f1_by_label, macro_f1, risk_coverage, span_scores
from rebuttal.objections.kernel import RIDGE, SHARPNESS, WIDTH, Kernel
from rebuttal.objections.model import Model, description_examples, load_model, train
from rebuttal.objections.ngrams import CHARACTER_WEIGHT, Ngrams
from rebuttal.objections.reading import ABSTAIN, labels_of, read_texts
from rebuttal.objections.taxonomy import LABELS, NONE, Taxonomy
from rebuttal.objections.training import load_examples, read_examples, shipped_vectors, text_key
from rebuttal.objections.training_notes import training_examples
from rebuttal.objections.wording import SIGN_NAMES, after_contrast, prepared

BLIND = Path(__file__).parent / "blind.jsonl"  # never trained on


def score(model: Model) -> float:
    blind = read_examples(BLIND)
    readings = read_texts(model, [(one.text, "survey") for one in blind])
    return macro_f1([[one.primary] for one in blind], [[reading.primary] for reading in readings])


def test_unseen_texts_are_labelled_well_enough(model: Model) -> None:
    assert score(model) >= 0.68


def test_without_embeddings_it_is_worse_but_of_use(model: Model, cheap_model: Model) -> None:
    assert 0.5 <= score(cheap_model) < score(model)


def test_what_it_is_sure_of_is_more_often_right(model: Model) -> None:
    blind = read_examples(BLIND)
    rows = model.probabilities([one.text for one in blind])
    right = np.array([labels_of(row)[0] == one.primary for row, one in zip(rows, blind, strict=True)])
    top = rows.max(axis=1)
    sure, unsure = right[top >= 0.7], right[top < ABSTAIN]
    assert len(sure) >= 30
    assert len(unsure) >= 5
    assert sure.mean() >= 0.8
    assert unsure.mean() < sure.mean()
    assert calibration_error(top, right) < 0.2


def test_the_blind_texts_are_many_and_stand_apart_from_training() -> None:
    blind, training = read_examples(BLIND), training_examples()
    seen = {prepared(one.text) for one in training}
    assert len(blind) >= 100
    assert not [one.id for one in blind if prepared(one.text) in seen]
    assert set(Counter(one.primary for one in blind)) == set(LABELS)
    assert set(Counter(one.language for one in blind)) == {"ru", "uk", "en"}


def test_training_texts_are_many_and_varied(taxonomy: Taxonomy) -> None:
    examples = load_examples()
    assert len(examples) >= 2500
    assert len({one.id for one in examples}) == len(examples)
    assert len({one.situation for one in examples}) >= 1200
    for language in ("ru", "uk", "en"):
        count = Counter(one.primary for one in examples if one.language == language)
        assert min(count[label] for label in LABELS) >= 40
        assert count[NONE] >= 150
    channels = {"lost_reason", "deal_note", "call_turn", "chat", "survey", "booking_cancellation", "email"}
    assert {one.channel for one in examples} == channels


def test_the_shipped_embeddings_are_those_of_the_training_texts(taxonomy: Taxonomy, model: Model) -> None:
    texts = [prepared(one.text) for one in training_examples() + description_examples(taxonomy)]
    shipped = shipped_vectors()
    missing = [text for text in texts if text_key(text) not in shipped]
    assert missing == [], "run python -m rebuttal.objections.embed_training"
    assert model.embedder is not None
    fresh = model.embedder.vectors(texts[:20])
    kept = np.vstack([shipped[text_key(text)] for text in texts[:20]])
    assert float((fresh * kept).sum(axis=1).min()) > 0.999


def test_a_model_from_the_cache_says_the_same_as_the_one_just_trained(
    tmp_path: Path, taxonomy: Taxonomy, cheap_model: Model
) -> None:
    texts = [one.text for one in read_examples(BLIND)]
    first = load_model(tmp_path, taxonomy, None)
    again = load_model(tmp_path, taxonomy, None)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".lock", ".npz"]
    assert first.name == again.name == cheap_model.name
    assert first.probabilities(texts).tolist() == again.probabilities(texts).tolist()


def test_training_is_deterministic_and_bears_a_missing_label() -> None:
    examples = [one for one in load_examples() if one.language == "en" and "price" not in one.labels][:250]
    one, two = train(examples, None), train(examples, None)
    assert one.cheap.weights.tolist() == two.cheap.weights.tolist()
    assert one.cheap.bias[LABELS.index("price")] == -20
    assert np.abs(one.cheap.weights[:, LABELS.index("price")]).max() == 0


def test_what_is_learnt_in_one_language_is_heard_in_the_spelling_of_another() -> None:
    known = ["сервис лучше у конкурентов", "мы не рискуем", "объем работы"] * 3
    ngrams = Ngrams.fit(known)
    for one, other in (("сервис", "сервіс"), ("мы", "ми"), ("объем", "об'єм"), ("it's", "its")):
        assert abs(ngrams.transform([one]) - ngrams.transform([other])).max() == 0, (one, other)
    assert ngrams.transform(["сервіс"])[:, : -len(SIGN_NAMES)].nnz > 5
    assert ngrams.familiarity("сервіс ліпше у конкурентів") > 0.5 > ngrams.familiarity("dienst besser bei andern")


def test_the_ngrams_of_remembered_words_are_those_of_the_whole_text() -> None:
    known = [prepared(one.text).replace("'", "") for one in load_examples() if one.language == "en"]
    ngrams = Ngrams.fit(known[:600])
    size = len(ngrams.characters.vocabulary_)
    for texts in (known[500:700], [*known[690:710], "", "price price\nprice"]):
        found, expected = ngrams.transform(texts)[:, :size], ngrams.characters.transform(texts)
        assert expected.nnz > 1000
        assert abs(found - CHARACTER_WEIGHT * expected).max() < 1e-6


def test_a_bad_training_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a", "text": "x", "labels": ["prise"], "primary": "prise"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.jsonl:1 has labels that do not fit"):
        read_examples(path)


def test_macro_f1_by_hand() -> None:
    truth = [["price"], ["price"], ["trust"], ["none"]]
    said = [["price"], ["trust"], ["trust"], ["none"]]
    assert f1_by_label(truth, said) == {"price": 2 / 3, "trust": 2 / 3, "none": 1.0}
    assert macro_f1(truth, said) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_calibration_error_by_hand() -> None:
    confidence, right = np.array([0.95, 0.95, 0.55, 0.55]), np.array([True, True, True, False])
    assert calibration_error(confidence, right) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)


def test_spans_by_hand() -> None:
    truth = [[(0, 10, "price"), (20, 30, "trust")], []]
    said = [[(0, 10, "price"), (21, 30, "terms")], [(0, 5, "price")]]
    assert span_scores(truth, said) == {"exact": 2 / 5, "overlap": 2 / 5, "place": 4 / 5}
    assert span_scores(truth, [[(0, 9, "price"), (1, 10, "price")], []])["overlap"] == 2 / 4
    assert span_scores([[]], [[]]) == {"exact": 1.0, "overlap": 1.0, "place": 1.0}


def test_the_risk_coverage_curve_by_hand() -> None:
    curve = risk_coverage(np.array([0.2, 0.9, 0.8, 0.4]), np.array([False, True, True, False]))
    assert [row["coverage"] for row in curve][::5] == [0.25, 0.5]
    assert curve[4] == {"coverage": 0.5, "accuracy": 1.0, "threshold": 0.8}
    assert curve[-1] == {"coverage": 1.0, "accuracy": 0.5, "threshold": 0.2}


@pytest.mark.parametrize("count", [40, 41, 1001, 2002])
def test_kernel_ridge_agrees_with_scikit_learn(count: int) -> None:
    chance = np.random.default_rng(5)
    vectors = chance.normal(size=(count, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stance = np.zeros((count, 2), dtype=np.float32)
    shares = np.eye(3, dtype=np.float32)[chance.integers(0, 3, count)]
    weights = chance.uniform(0.5, 2, count)
    kernel = Kernel.fit(vectors, stance, shares, weights)
    judge = KernelRidge(kernel="rbf", gamma=WIDTH, alpha=RIDGE)
    judge.fit(kernel.rows, shares - shares.mean(axis=0), sample_weight=weights / weights.mean())
    expected = (judge.predict(kernel.rows[:7]) + shares.mean(axis=0)) / SHARPNESS
    assert np.allclose(kernel.logits(vectors[:7], stance[:7]), expected, atol=0.02)
    again = Kernel.from_arrays(kernel.arrays())
    assert again.logits(vectors, stance).tolist() == kernel.logits(vectors, stance).tolist()


class Counting:
    """An embedder of another one's vectors that counts what it was asked."""

    def __init__(self, inner: Embedder) -> None:
        self.name = inner.name
        self._inner = inner
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Matrix:
        self.asked += texts
        return self._inner.vectors(texts)


def test_only_the_doubtful_are_embedded_and_each_once(model: Model) -> None:
    assert model.embedder is not None
    counting = Counting(model.embedder)
    watched = replace(model, embedder=counting)
    texts = [one.text for one in read_examples(BLIND)] * 2
    rows = watched.probabilities(texts)
    assert len(set(counting.asked)) == len(counting.asked)
    assert 20 < len(counting.asked) < len(set(texts))
    quick = watched.quick(texts)
    sure = quick.max(axis=1) >= watched.sure
    assert sure.sum() >= 10
    assert not {
        watched.spelling.mended(prepared(text)) for text, is_sure in zip(texts, sure, strict=True) if is_sure
    } & set(counting.asked)
    assert rows[sure].tolist() == quick[sure].tolist()


def test_a_message_is_the_mean_of_its_sentences_by_their_length(model: Model) -> None:
    assert model.embedder is not None
    counting = Counting(model.embedder)
    rows = by_sentence(counting, ["слишком дорого\nподумаю", "подумаю", "подумаю\nслишком дорого"])
    assert counting.asked == ["слишком дорого", "подумаю"]
    one, two = model.embedder.vectors(counting.asked)
    mean = (14 * one + 7 * two) / 21
    assert np.allclose(rows[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert rows[1].tolist() == two.tolist()
    assert np.allclose(rows[2], rows[0], atol=1e-6)
    known = {"подумаю": np.eye(len(one), dtype=np.float32)[3]}
    [mixed, own] = by_sentence(model.embedder, ["слишком дорого\nподумаю", "подумаю"], known)
    mean = (14 * one + 7 * known["подумаю"]) / 21
    assert np.allclose(mixed, mean / np.linalg.norm(mean), atol=1e-6)
    assert own.tolist() == two.tolist(), "alone it is asked for itself"


def test_a_settled_sentence_is_not_embedded_for_its_notes_sake(model: Model) -> None:
    said = ["Хвалила упаковку и запах.", "Сестра считает иначе."]
    counts = {}
    for sure in (2.0, 0.0):
        counting = Counting(model.embedder)  # type: ignore[arg-type]
        every = replace(model, embedder=counting, sure=2.0, told_none_sure=2.0, settled=(sure, sure))
        [reading] = read_texts(every, [(" ".join(said), "note")])
        assert reading.model == model.name
        counts[sure] = len(counting.asked)
    assert counts == {2.0: 2, 0.0: 0}


def test_of_a_doubtful_text_that_turns_what_follows_is_embedded(model: Model) -> None:
    head, tail = "Хвалила упаковку и запах", "сестра пока считает иначе."
    asked = {}
    for is_turn_enough in (True, False):
        counting = Counting(model.embedder)  # type: ignore[arg-type]
        every = replace(model, embedder=counting, sure=2.0, is_turn_enough=is_turn_enough)
        asked[is_turn_enough] = [every.probabilities([f"{head}, но {tail}"]), set(counting.asked)]
    after = after_contrast(prepared(f"{head}, но {tail}"))
    assert asked[True][1] == {after}
    assert asked[False][1] == {after, prepared(f"{head}, но {tail}")}
    assert asked[True][0].tolist() != asked[False][0].tolist()
    # A text without a turn is embedded as it is.
    counting = Counting(model.embedder)  # type: ignore[arg-type]
    replace(model, embedder=counting, sure=2.0).probabilities([f"{head}.", ""])
    assert counting.asked == [prepared(f"{head}.")]


def test_a_text_gets_the_same_row_whatever_stands_beside_it(model: Model) -> None:
    note = ("Хвалила упаковку и запах.", "Сестра считает иначе.", "Мастер за окном.")
    alone = model.probabilities(note, around=[note] * 3)
    others = [*note, *(one.text for one in read_examples(BLIND)[:20])]
    beside = model.probabilities([*note, *others], [1.0] * 3 + [8.0] * len(others), [note] * 3 + [()] * len(others))
    assert beside[:3].tolist() == alone.tolist()


def test_a_note_is_embedded_by_its_sentences_and_an_answer_as_a_whole(model: Model) -> None:
    said = ["Посмотрела каталог вместе с сестрой.", "Хвалила упаковку и запах.", "Сестра считает иначе."]
    asked = {}
    for kind in ("note", "survey"):
        counting = Counting(model.embedder)  # type: ignore[arg-type]
        every = replace(model, embedder=counting, sure=2.0, told_none_sure=2.0, settled=(2.0, 2.0))
        assert read_texts(every, [(" ".join(said), kind)])
        asked[kind] = set(counting.asked)
    assert asked["note"] == {prepared(one) for one in said}
    assert asked["survey"] == asked["note"] | {prepared(" ".join(said))}


def test_what_alone_voices_something_is_not_settled_as_nothing_by_its_note(model: Model) -> None:
    note = "<p>Звонила вчера.</p><p>Слишком дорого, пишите на olga@salon.example или +380 67 123 45 67</p>"
    assert [one.label for one in read_texts(model, [(note, "note")])[0].findings] == ["price"]
    plain = Counting(model.embedder)  # type: ignore[arg-type]
    hesitant = "<p>Договорились созвониться в четверг утром.</p><p>Пока не готова, пишите на почту</p>"
    read_texts(replace(model, embedder=plain, told_none_sure=0.0), [(hesitant, "note")])
    assert [one for one in plain.asked if "не готова" in one]


def test_none_is_likelier_where_it_is_told_so(model: Model) -> None:
    texts = [one.text for one in read_examples(BLIND)]
    none = LABELS.index(NONE)
    plain = model.probabilities(texts)
    calm = model.probabilities(texts, [10.0] * len(texts))
    is_same = plain[:, none] == calm[:, none]
    assert (calm[:, none] >= plain[:, none] - 0.2).all()
    assert calm[:, none].mean() > plain[:, none].mean()
    assert is_same.mean() < 0.5


def test_vectors_are_remembered_by_content_and_the_file_holds_no_text(tmp_path: Path, model: Model) -> None:
    assert model.embedder is not None
    counting = Counting(model.embedder)
    remembering = Remembering(counting, tmp_path / "vectors.sqlite")
    first = remembering.vectors(["слишком дорого", "подумаю", "слишком дорого"])
    again = Remembering(counting, tmp_path / "vectors.sqlite").vectors(["подумаю", "слишком дорого"])
    assert counting.asked == ["слишком дорого", "подумаю"]
    assert first[[1, 0]].tolist() == again.tolist()
    assert again.tolist() == model.embedder.vectors(["подумаю", "слишком дорого"]).tolist()
    assert "дорого".encode() not in (tmp_path / "vectors.sqlite").read_bytes()


def test_a_broken_file_of_vectors_says_what_to_do(tmp_path: Path, model: Model) -> None:
    assert model.embedder is not None
    (tmp_path / "vectors.sqlite").write_bytes(b"no database at all, but long enough to be one" * 100)
    with pytest.raises(StoreError, match="Delete the file"):
        Remembering(model.embedder, tmp_path / "vectors.sqlite").vectors(["дорого"])
