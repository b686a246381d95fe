"""The benchmark of losses for label sets, on small data."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import recipe
from benchmarks.tables import read_rows
from sklearn_sparsemax import MultilabelSparsemaxClassifier, TunedMultilabelThresholdCV

SIMULATED = recipe.Data("simulated", (0.1, 1.0), inner_folds=2, outer_folds=2, repeats=1)


def simulated(name="simulated"):
    X, Y = make_multilabel_classification(
        160, n_classes=4, length=150, allow_unlabeled=False, random_state=0
    )
    return X[:80], Y[:80], X[80:], Y[80:]


def test_scores_are_those_of_plain_code():
    X, Y, X_test, Y_test = simulated()
    (one, each, *_) = recipe.scores("sparsemax", SIMULATED, X, Y, X_test, Y_test)
    for row, per_label in ((one, False), (each, True)):
        models = [
            TunedMultilabelThresholdCV(
                make_pipeline(StandardScaler(), MultilabelSparsemaxClassifier(alpha, threshold=0)),
                per_label=per_label,
                cv=KFold(2, shuffle=True, random_state=0),
            ).fit(X, Y)
            for alpha in SIMULATED.alphas
        ]
        best = max(models, key=lambda model: model.best_score_)
        assert row["score"] == f1_score(Y_test, best.predict(X_test), average="micro")
        assert row["alpha"] == best.estimator_[-1].alpha


def test_tables_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "halves", simulated)
    recipe.run(threads=1, out=tmp_path, data=[SIMULATED])
    rows = read_rows(tmp_path / "recipe.csv")
    # 5 losses, 2 cuts, 2 criteria, each on 2 folds and on the test half
    assert len(rows) == 5 * 2 * 2 * (2 + 1)
    assert all(0 <= row["score"] <= 1 for row in rows)
    of_folds = [
        100 * row["score"]
        for row in rows
        if (row["loss"], row["cut"], row["criterion"], row["of"])
        == ("softmax", "one", "micro", "folds")
    ]
    text = (tmp_path / "recipe.md").read_text()
    assert f"{np.mean(of_folds):.1f} ({np.std(of_folds):.1f})" in text
    assert "80 training rows with a label, 4 labels." in text
