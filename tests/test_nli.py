"""`AttentionNLIClassifier`: what it learns, keeps, tells and rejects."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_sparsemax.datasets import make_nli

torch = pytest.importorskip("torch", reason="needs the extra nli")
pytest.importorskip("skorch", reason="needs the extra nli")
from sklearn_sparsemax.torch._attention import ATTENTIONS  # noqa: E402
from sklearn_sparsemax.torch.nli import AttentionNLIClassifier  # noqa: E402
from sklearn_sparsemax.torch.nli._batches import Pairs, SimilarLengths, collate  # noqa: E402
from sklearn_sparsemax.torch.nli._network import COMBINATIONS, NLINetwork  # noqa: E402
from sklearn_sparsemax.torch.nli._vocabulary import (  # noqa: E402
    N_RESERVED,
    UNKNOWN,
    build_vocabulary,
    tokenizer,
)

every_attention = pytest.mark.parametrize("attention", ATTENTIONS)
X, Y = make_nli(300, n_facts=3, random_state=0)


def small(attention="sparsemax", **options):
    options = {"hidden_size": 8, "max_iter": 2, "random_state": 0, **options}
    return AttentionNLIClassifier(attention, **options)


@pytest.fixture(scope="module")
def fitted():
    return small().fit(X, Y)


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("A dog isn't running.", ["a", "dog", "is", "n't", "running", "."]),
        ("do n't", ["do", "n't"]),
        ("The boys' dog's-bone, 5", ["the", "boys", "'", "dog", "'s", "-", "bone", ",", "5"]),
        ("I can't; we'll", ["i", "ca", "n't", ";", "we", "'ll"]),
        ("Élan vital", ["élan", "vital"]),
        ("", []),
    ],
)  # fmt: skip
def test_words_of_a_sentence(sentence, words):
    assert tokenizer(None)(sentence) == words
    assert tokenizer(str.split)("A b.") == ["A", "b."]


def test_words_take_the_vector_of_their_own_spelling():
    given = ["Dog", "dog", "Cat", "CAT"], np.arange(8.0).reshape(4, 2)
    sentences = [["dog", "cat", "bird"], ["bird", "fish"]]
    vocabulary = build_vocabulary(sentences, given, min_df=2, size=5)
    vectors = {
        word: vocabulary.vectors[vocabulary.indices[word] - vocabulary.n_learnt].tolist()
        for word in ("dog", "cat", "Dog", "CAT")
    }
    assert vectors == {"dog": [2, 3], "cat": [4, 5], "Dog": [0, 1], "CAT": [6, 7]}
    assert vocabulary.n_learnt == N_RESERVED + 1
    assert vocabulary.encode(["bird", "fish"]).tolist() == [N_RESERVED, UNKNOWN]
    assert build_vocabulary(sentences, None, min_df=1, size=5).vectors.shape == (0, 5)


# --- batches and network ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 31, 32, 1000, 5000])
def test_batches_hold_every_row_once_and_similar_lengths(n):
    lengths = np.random.default_rng(0).integers(1, 60, size=n)
    torch.manual_seed(0)
    order = np.array(list(SimilarLengths(lengths, 32)))
    assert_array_equal(np.sort(order), np.arange(n))
    if n == 5000:
        spread = [np.ptp(lengths[order[i : i + 32]]) for i in range(0, n, 32)]
        assert np.median(spread) <= 3
        means = np.array([lengths[order[i : i + 32]].mean() for i in range(0, n, 32)])
        assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3
        assert list(SimilarLengths(lengths, 32)) != order.tolist()


def network(attention, combination="comparison", n_given=4):
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).normal(size=(n_given, 5)).astype(np.float32)
    return NLINetwork(vectors, 6, 3, 7, 0.5, attention, combination).eval()


@every_attention
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_padding_changes_nothing(attention, combination):
    rng = np.random.default_rng(1)
    premises = [rng.integers(1, 10, size=n) for n in (3, 8, 1)]
    hypotheses = [rng.integers(1, 10, size=n) for n in (5, 2, 1)]
    pairs = Pairs(premises, hypotheses)
    model = network(attention, combination)
    batch, _ = collate([pairs[i] for i in range(3)])
    scores, weights = model(**batch)
    for i in range(3):
        one, _ = collate([pairs[i]])
        alone, its_weights = model(**one)
        assert_allclose(scores[i].detach(), alone[0].detach(), rtol=1e-5, atol=1e-6)
        n = len(premises[i])
        assert_allclose(weights[i, :n].detach(), its_weights[0].detach(), rtol=1e-4, atol=1e-6)
        assert (weights[i, n:] == 0).all()


def test_given_vectors_are_not_trained():
    model = network("softmax")
    assert "given" in dict(model.named_buffers())
    assert "given" not in dict(model.named_parameters())
    batch, _ = collate([Pairs([np.array([7, 2])], [np.array([9])])[0]])
    model(**batch)[0].sum().backward()
    touched = model.learnt.weight.grad.abs().sum(dim=1) > 0
    assert touched.tolist() == [False, False, True, False, False, False]


# --- the estimator ----------------------------------------------------------------------------


@every_attention
@pytest.mark.parametrize("container", ["list", "array", "frame"])
def test_fit_and_predict(attention, container):
    pairs = {"list": list, "array": np.array}.get(
        container, pytest.importorskip("pandas").DataFrame
    )
    model = small(attention).fit(pairs(X), Y)
    p = model.predict_proba(pairs(X))
    assert p.shape == (300, 3)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert_array_equal(model.predict(pairs(X)), model.classes_[p.argmax(axis=1)])
    assert model.n_iter_ == len(model.history_) == 2
    assert 1 <= model.best_iter_ <= 2
    weights, words = model.attention_weights(pairs(X[:7])), model.premise_words(pairs(X[:7]))
    assert [*map(len, weights)] == [*map(len, words)]
    for row in weights:
        assert row.min() >= 0
        if attention != "logistic":
            assert_allclose(row.sum(), 1, rtol=1e-5)


def test_rows_are_predicted_alike_alone_and_together(fitted):
    pairs = [*X[:20], (" ".join(p for p, _ in X[:30]), "Anna agrees")]
    together = fitted.predict_proba(pairs)
    weights = fitted.attention_weights(pairs)
    for i, pair in enumerate(pairs):
        assert_allclose(fitted.predict_proba([pair])[0], together[i], rtol=1e-4, atol=1e-6)
        assert_allclose(fitted.attention_weights([pair])[0], weights[i], rtol=1e-3, atol=1e-5)


def test_the_best_epoch_is_kept():
    model = small(max_iter=12, n_iter_no_change=12, learning_rate=0.05)
    model.fit(X, Y, X[:80], Y[:80])
    accuracies = [epoch["validation_accuracy"] for epoch in model.history_]
    assert model.best_iter_ == 1 + np.argmax(accuracies)
    assert model.score(X[:80], Y[:80]) == pytest.approx(max(accuracies))
    assert min(accuracies) < max(accuracies)


def test_training_ends_when_the_accuracy_rises_no_more():
    model = small(max_iter=50, n_iter_no_change=3, learning_rate=1e-9).fit(X, Y)
    assert model.n_iter_ <= 4 + 3


def test_a_seed_gives_the_same_model_and_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first, again, other = (small(random_state=seed).fit(X, Y) for seed in (1, 1, 2))
    assert_array_equal(torch.get_rng_state(), state)
    assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


def test_it_is_pickled_cloned_and_searched(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert clone(fitted).get_params() == fitted.get_params()
    search = GridSearchCV(small(max_iter=1), {"attention": ["none", "sparsemax"]}, cv=2)
    search.fit(X, Y)
    assert search.predict(X).shape == (300,)


def test_given_vectors_serve_words_that_were_not_in_training():
    words = ["dog", "cat", "runs", "sleeps"]
    vectors = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    pairs = [("a dog runs", "runs"), ("a dog runs", "sleeps")] * 10
    model = small(vectors=(words, vectors), validation_fraction=0.5).fit(pairs, ["yes", "no"] * 10)
    assert set(model.vocabulary_) == {*words, "a"}
    assert model.net_.module_.given.shape == (5, 6)
    assert not np.array_equal(
        *model.predict_proba([("a cat runs", "runs"), ("a zebu runs", "runs")])
    )


def test_a_line_for_each_epoch(capsys):
    model = small(verbose=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[0].startswith("[nli] epoch   1  training loss ")
    small().fit(X, Y)
    assert capsys.readouterr().out == ""


def test_callbacks_see_every_epoch():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = small().set_callbacks(monitor).fit(X, Y)
    assert model.n_iter_ == 2
    assert pickle.loads(pickle.dumps(model)).predict(X[:1]).shape == (1,)


def test_an_interrupted_epoch_is_not_a_model(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(NLINetwork, "forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small().fit(X, Y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], []), ValueError, "X is empty; at least one pair"),
        (("text", ["a"]), TypeError, "X is a str; a list of"),
        (([("a", "b", "c")], ["yes"]), ValueError, r"X\[0\] has 3 entries"),
        (([("a", "b"), ("a", None)], [0, 1]), TypeError, r"hypothesis of X\[1\] is None"),
        (([("a", "b"), ("", "b")], [0, 1]), ValueError, r"premise of X\[1\] has no words"),
        (([("a", "b")] * 4, [0, 1]), ValueError, "X has 4 pairs, but y has 2"),
        (([("a", "b")] * 4, [1] * 4), ValueError, "y holds 1 class; at least 2"),
        ((X, Y, X), ValueError, "y_val is None; give both"),
        ((X, Y, None, Y), ValueError, "X_val is None; give both"),
        ((X, Y, X, ["maybe"] * 300), ValueError, "y_val holds the class .*maybe"),
        ((X, Y, [("a", " ")], ["neutral"]), ValueError, r"hypothesis of X_val\[0\] has no words"),
    ],
)
def test_bad_pairs(arguments, error, message):
    with pytest.raises(error, match=message):
        small(validation_fraction=0.5).fit(*arguments)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ((["a"], np.zeros((1, 2)), 3), "vectors has 3 entries"),
        ((["a", "b"], np.zeros((1, 2))), r"vectors\[1\] has the shape \(1, 2\).*2 words"),
        ((["a"], np.zeros(2)), "has the shape"),
        ((["a"], np.full((1, 2), np.nan)), "finite floating-point"),
        ((["a"], np.array([["x", "y"]])), "finite floating-point"),
    ],
)
def test_bad_vectors(vectors, message):
    with pytest.raises(ValueError, match=message):
        small(vectors=vectors).fit(X, Y)


@pytest.mark.parametrize(
    "option",
    [
        {"attention": "hard"},
        {"combination": "product"},
        {"dropout": 1.0},
        {"learning_rate": 0},
        {"max_iter": 0},
    ],
)
def test_bad_parameters(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        small(**option).fit(X, Y)


def test_it_is_not_fitted_yet():
    with pytest.raises(ValueError, match="not fitted yet"):
        small().predict(X)
    with pytest.raises(ValueError, match="not fitted yet"):
        small().attention_weights(X)


def test_without_the_extra_the_import_says_what_to_install():
    code = "import sys; sys.modules['skorch'] = None; import sklearn_sparsemax.torch.nli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'sklearn-sparsemax[nli]'" in done.stderr


def fit_generated(attention):
    """A model of pairs that tell of eight people, only one of whom matters; and test pairs."""
    pairs, labels = make_nli(5500, n_facts=8, random_state=0)
    model = AttentionNLIClassifier(attention, max_iter=6, n_iter_no_change=6, random_state=0)
    model.fit(pairs[:4000], labels[:4000], pairs[4000:4500], labels[4000:4500])
    return model, pairs[4500:], labels[4500:]


@pytest.mark.slow
def test_attention_finds_the_words_that_matter():
    model, X_test, y_test = fit_generated("sparsemax")
    assert model.score(X_test, y_test) >= 0.95
    weights, words = model.attention_weights(X_test), model.premise_words(X_test)
    # the state after the verb knows of the name before it, and so does that after the comma
    names = [p.index(h.split()[0].lower()) for p, (_, h) in zip(words, X_test, strict=True)]
    found = [row[at : at + 3].sum() for row, at in zip(weights, names, strict=True)]
    assert np.mean(found) > 0.5
    assert np.mean([np.count_nonzero(row) for row in weights]) < 23 / 2


@pytest.mark.slow
def test_without_attention_the_words_are_not_found():
    model, X_test, y_test = fit_generated("none")
    assert model.score(X_test, y_test) <= 0.95 - 0.15
