"""Packages that users combine with this one. `.ci/neighbours` runs these in their own environment.

A package that is not installed is skipped.
"""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import StandardScaler
from tables import ESTIMATORS

import sklearn_sparsemax as package
from sklearn_sparsemax import (
    CalibratedMultilabelClassifierCV,
    CalibratedSparsemaxClassifierCV,
    MultilabelLogisticClassifier,
    MultilabelSparsemaxClassifier,
    SparsemaxClassifier,
    SparsemaxClassifierCV,
    TunedMultilabelThresholdCV,
    softmax,
)
from sklearn_sparsemax.skops import TRUSTED_TYPES

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0)


# --- containers -----------------------------------------------------------------------------


def frames(X, name):
    """X as a frame of float columns "a", "b", ..."""
    columns = {chr(ord("a") + j): X[:, j] for j in range(X.shape[1])}
    if name == "pyarrow":
        return pytest.importorskip("pyarrow").table(columns)
    if name == "polars":
        return pytest.importorskip("polars").DataFrame(columns)
    frame = pytest.importorskip("pandas").DataFrame(columns)
    return {
        "pandas": lambda: frame,
        "pandas, nullable": lambda: frame.convert_dtypes(),
        "pandas, float32": lambda: frame.astype("Float32"),
        "pandas, arrow": lambda: frame.convert_dtypes(dtype_backend="pyarrow"),
        "pandas, sparse": lambda: frame.astype(pytest.importorskip("pandas").SparseDtype(float, 0)),
    }[name]()


def series(y, name):
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    if name == "pyarrow":
        return pytest.importorskip("pyarrow").array(names)
    if name == "polars":
        return pytest.importorskip("polars").Series(names)
    kinds = {"pandas, nullable": "string", "pandas, arrow": "category"}
    pandas = pytest.importorskip("pandas")
    return pandas.Series(names, dtype=kinds.get(name, object))


CONTAINERS = ["pandas", "polars", "pyarrow"]
CONTAINERS += [f"pandas, {kind}" for kind in ("nullable", "float32", "arrow", "sparse")]


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("make", [SparsemaxClassifier, SparsemaxClassifierCV])
def test_frames(iris, name, make):
    if "arrow" in name:
        pytest.importorskip("pyarrow")
    X, y = iris
    frame, labels = frames(X, name), series(y, name)
    options = {"random_state": 0} if make is SparsemaxClassifierCV else {"alpha": 1e-2}
    tolerance = 1e-4 if "float32" in name else 1e-9
    if name == "pyarrow":
        # scikit-learn cannot take rows of a table by index
        if make is SparsemaxClassifierCV:
            pytest.skip("scikit-learn has no folds of pyarrow tables")
        labels = labels.to_pylist()
    model = make(**options).fit(frame, labels)
    expected = make(**options).fit(X, y)
    assert_allclose(model.predict_proba(frame), expected.predict_proba(X), atol=tolerance)
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]
    if name != "pyarrow":
        assert list(model.feature_names_in_) == list("abcd")


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_transformers_with_set_output(iris, output):
    pytest.importorskip(output)
    X, y = iris
    scaler = StandardScaler().set_output(transform=output)
    pipeline = make_sklearn_pipeline(scaler, SparsemaxClassifier()).fit(X, y)
    expected = make_sklearn_pipeline(StandardScaler(), SparsemaxClassifier()).fit(X, y)
    assert_allclose(pipeline.predict_proba(X), expected.predict_proba(X), atol=1e-9)
    assert pipeline[-1].n_features_in_ == 4


# --- calibration ----------------------------------------------------------------------------


@pytest.mark.parametrize("score", ["lac", "aps", "raps"])
def test_mapie(digits, score):
    classification = pytest.importorskip("mapie.classification")
    X, X_test, y, y_test = digits
    model = SparsemaxClassifier(alpha=1e-2).fit(X[:700], y[:700])
    conformal = classification.SplitConformalClassifier(
        model, confidence_level=0.95, conformity_score=score, prefit=True, random_state=0
    )
    conformal.conformalize(X[700:], y[700:])
    labels, sets = conformal.predict_set(X_test)
    assert_array_equal(labels, model.predict(X_test))
    covered = sets[np.arange(len(y_test)), y_test, 0].mean()
    assert 0.91 < covered <= 1


def test_crepes(digits):
    crepes = pytest.importorskip("crepes")
    X, X_test, y, y_test = digits
    wrapped = crepes.WrapClassifier(SparsemaxClassifier(alpha=1e-2))
    wrapped.fit(X[:700], y[:700])
    wrapped.calibrate(X[700:], y[700:], seed=0)
    sets = wrapped.predict_set(X_test, confidence=0.95)
    covered = np.mean([label in labels for label, labels in zip(y_test, sets, strict=True)])
    assert 0.91 < covered <= 1
    around = crepes.WrapClassifier(
        CalibratedSparsemaxClassifierCV(SparsemaxClassifier(), random_state=0)
    )
    around.fit(X[:700], y[:700])
    assert_allclose(around.predict_proba(X_test).sum(axis=1), 1)


# --- rows and labels ------------------------------------------------------------------------


def test_imbalanced_learn(digits):
    pipeline = pytest.importorskip("imblearn.pipeline")
    over = pytest.importorskip("imblearn.over_sampling")
    X, X_test, y, y_test = digits
    rare = (y != 3) | (np.arange(len(y)) % 8 == 0)
    model = pipeline.make_pipeline(
        over.RandomOverSampler(random_state=0), StandardScaler(), SparsemaxClassifier(alpha=1e-2)
    ).fit(X[rare], y[rare])
    assert model.score(X_test, y_test) > 0.9
    calibrated = CalibratedSparsemaxClassifierCV(model, confidence_level=0.95, random_state=0)
    report = calibrated.fit(X, y).coverage(X_test, y_test)
    assert report["coverage"] > 0.91


def test_cleanlab(digits):
    classification = pytest.importorskip("cleanlab.classification")
    X, _, y, _ = digits
    wrong = np.arange(0, len(y), 20)
    noisy = y.copy()
    noisy[wrong] = (noisy[wrong] + 1) % 10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = classification.CleanLearning(SparsemaxClassifier(alpha=1e-2), seed=0)
        issues = model.find_label_issues(X, noisy)
        model.fit(X, noisy, label_issues=issues)
    found = issues["is_label_issue"].to_numpy()
    assert found[wrong].mean() > 0.8
    assert found.mean() < 0.1
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_shap(iris):
    shap = pytest.importorskip("shap")
    X, y = iris
    model = SparsemaxClassifier(alpha=1e-2).fit(X, y)
    background = X[::10]
    explained = shap.Explainer(model.predict_proba, background)(X[:5])
    p = explained.values.sum(axis=1) + explained.base_values
    assert_allclose(p, model.predict_proba(X[:5]), atol=1e-6)
    binary = SparsemaxClassifier(alpha=1e-2).fit(X[:100], y[:100])
    linear = shap.LinearExplainer(binary, background)(X[:5])
    scores = linear.values.sum(axis=1) + linear.base_values
    assert_allclose(np.ravel(scores), binary.decision_function(X[:5]), atol=1e-6)


def test_optuna(iris):
    optuna = pytest.importorskip("optuna")
    from sklearn.model_selection import cross_val_score

    X, y = iris
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        alpha = trial.suggest_float("alpha", 1e-4, 10, log=True)
        return cross_val_score(SparsemaxClassifier(alpha=alpha), X, y, cv=3).mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=8)
    assert study.best_value > 0.9


# --- files ----------------------------------------------------------------------------------

LABEL_SETS = make_multilabel_classification(n_classes=4, random_state=0)


def models():
    """Every estimator that can be fitted, with its rows."""
    for case in ESTIMATORS:
        yield case.model(), case.data()
    yield SparsemaxClassifierCV(3, random_state=0), load_iris(return_X_y=True)
    yield package.EntmaxClassifierCV(3, random_state=0), load_iris(return_X_y=True)
    for name in ("Sparsemax", "Softmax", "Entmax", "Logistic", "BinarySparsemax"):
        make = getattr(package, f"Multilabel{name}ClassifierCV")
        yield make(3, random_state=0), LABEL_SETS
    yield (
        CalibratedSparsemaxClassifierCV(SparsemaxClassifier(), random_state=0),
        load_iris(return_X_y=True),
    )
    base = MultilabelLogisticClassifier()
    yield CalibratedMultilabelClassifierCV(base, random_state=0), LABEL_SETS
    yield TunedMultilabelThresholdCV(base, random_state=0), LABEL_SETS


MODELS = [pytest.param(*pair, id=type(pair[0]).__name__) for pair in models()]


@pytest.mark.parametrize(("model", "data"), MODELS)
def test_skops_files(model, data, tmp_path):
    skops = pytest.importorskip("skops.io")
    X, y = data
    model.fit(X, y)
    path = tmp_path / "model.skops"
    skops.dump(model, path)
    # nothing is loaded that is not named
    with pytest.raises(skops.exceptions.UntrustedTypesFoundException):
        skops.load(path, trusted=[])
    again = skops.load(path, trusted=TRUSTED_TYPES)
    assert_array_equal(again.predict(X), model.predict(X))
    if hasattr(model, "predict_proba"):
        assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    if hasattr(model, "partial_fit"):
        again.partial_fit(X, y)
        model.partial_fit(X, y)
        assert_array_equal(again.coef_, model.coef_)


def test_every_trusted_type_is_needed():
    skops = pytest.importorskip("skops.io")
    found = set()
    for model, (X, y) in models():
        found |= set(skops.get_untrusted_types(data=skops.dumps(model.fit(X, y))))
    assert found == set(TRUSTED_TYPES)


def test_sparse_label_sets_and_coefficients_in_skops_files(tmp_path):
    skops = pytest.importorskip("skops.io")
    X, Y = LABEL_SETS
    model = MultilabelSparsemaxClassifier().fit(sparse.csr_array(X), sparse.csr_array(Y))
    model.sparsify()
    skops.dump(model, tmp_path / "model.skops")
    trusted = [*TRUSTED_TYPES, *skops.get_untrusted_types(file=tmp_path / "model.skops")]
    again = skops.load(tmp_path / "model.skops", trusted=trusted)
    difference = again.predict(X) != model.predict(X)
    assert difference.nnz == 0


def test_model_card(tmp_path, monkeypatch):
    pytest.importorskip("skops.card")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / "model_card.py"))
    text = (tmp_path / "model_card" / "README.md").read_text()
    assert "SparsemaxClassifier" in text
    assert "confidence_level" in text
    assert (tmp_path / "model_card" / "coverage.png").exists()
    assert (tmp_path / "model_card" / "model.skops").exists()


def test_the_scores_of_other_classifiers_as_conformal_sets(digits):
    """The same split and level: shortlists here and LAC of MAPIE have similar sizes."""
    classification = pytest.importorskip("mapie.classification")
    X, X_test, y, _ = digits
    base = LogisticRegression(max_iter=1000).fit(X[:700], y[:700])
    ours = CalibratedSparsemaxClassifierCV(base, cv="prefit", confidence_level=0.99)
    ours.fit(X[700:], y[700:])
    conformal = classification.SplitConformalClassifier(
        base, confidence_level=0.99, conformity_score="lac", prefit=True
    )
    conformal.conformalize(X[700:], y[700:])
    sets = conformal.predict_set(X_test)[1][:, :, 0]
    assert_allclose(softmax(base.decision_function(X_test)), base.predict_proba(X_test))
    assert abs(ours.predict_support(X_test).sum(axis=1).mean() - sets.sum(axis=1).mean()) < 0.7
