"""`multilabel`: the paper's protocol, on problems of any origin."""

from __future__ import annotations

import contextlib
import io
import json
import re
from argparse import Namespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import (
    MultilabelBinarySparsemaxClassifier,
    MultilabelEntmaxClassifier,
    MultilabelLogisticClassifier,
    MultilabelSoftmaxClassifier,
    MultilabelSparsemaxClassifier,
    entmax_support,
    sparsemax_support,
)
from sklearn_sparsemax.experiments import _multilabel_data, main, multilabel
from sklearn_sparsemax.metrics import f1_of_mean_precision_recall, jensen_shannon_divergence

ESTIMATORS = {
    "logistic": MultilabelLogisticClassifier,
    "softmax": MultilabelSoftmaxClassifier,
    "sparsemax": MultilabelSparsemaxClassifier,
    "entmax15": MultilabelEntmaxClassifier,
    "binary_sparsemax": MultilabelBinarySparsemaxClassifier,
}


def cells(line):
    return re.split(" {2,}", line.strip())


def run(*argv):
    """(stdout, stderr) of a command that succeeds."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main(["multilabel", *map(str, argv)]) == 0
    return out.getvalue(), err.getvalue()


def rejection(argv, capsys):
    """The one sentence that rejects the arguments."""
    with pytest.raises(SystemExit) as exit_:
        main(["multilabel", *map(str, argv)])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    assert captured.err.endswith("--help).\n")
    return captured.err


def simulated():
    """The halves of the problem that runs by default: dense, standardised, without empty rows."""
    X, Y = make_multilabel_classification(2000, n_classes=10, random_state=0)
    train, test = np.split(np.arange(2000), 2)
    train, test = train[Y[train].any(axis=1)], test[Y[test].any(axis=1)]
    scaler = StandardScaler().fit(X[train])
    return scaler.transform(X[train]), Y[train], scaler.transform(X[test]), Y[test]


def plain_fit(loss, alpha, X, Y):
    with pytest.warns(ConvergenceWarning) if alpha < 1e-6 else contextlib.nullcontext():
        return ESTIMATORS[loss](alpha, solver="lbfgs", tol=1e-8, max_iter=100).fit(X, Y)


def plain_label_sets(loss, model, X, decision):
    if loss == "sparsemax":
        return sparsemax_support(decision * model.decision_function(X)).astype(int)
    if loss == "entmax15":
        return entmax_support(decision * model.decision_function(X)).astype(int)
    return (model.predict_proba(X) > decision).astype(int)


def plain_scores(Y, predicted):
    options = {"zero_division": 0.0}
    return [
        f1_score(Y, predicted, average="micro", **options),
        f1_score(Y, predicted, average="macro", **options),
        f1_of_mean_precision_recall(Y, predicted, **options),
    ]


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """(stdout, stderr, JSON) of a run on the problem that needs no file."""
    file = tmp_path_factory.mktemp("multilabel") / "report.json"
    out, err = run("--alphas", 0.1, 1, "--folds", "contiguous", "--json", file)
    return out, err, json.loads(file.read_text(encoding="utf-8"))


def test_table(output):
    out, err, report = output
    header, rule, *lines = out.split("\n\n")[1].splitlines()
    assert cells(header) == list(multilabel.COLUMNS)
    assert set(rule) == {"-", " "}
    assert len(lines) == 15
    for line, result in zip(lines, report["results"], strict=True):
        row = dict(zip(multilabel.COLUMNS, cells(line), strict=True))
        assert (row["data"], row["loss"]) == ("simulated", result["loss"])
        assert row["tuned for"] == result["criterion"]
        assert row["micro-F1"] == f"{100 * result['micro_f1']:.2f}"
        assert row["F1 of means"] == f"{100 * result['f1_of_mean_precision_recall']:.2f}"
        assert (row["paper"], row["difference"]) == ("-", "-")
        assert float(row["alpha"]) == result["alpha"]
    assert all(f"\n{column} " in out for column in multilabel.COLUMNS)
    assert "5 contiguous folds" in out
    n_train, n_test, n_left_out = (
        report["results"][0][name] for name in ("n_train", "n_test", "n_left_out")
    )
    assert n_train + n_test + n_left_out == 2000
    assert (
        f"simulated: {n_train} training rows, {n_test} test rows, 20 features, 10 labels; "
        f"{n_left_out} rows with no label left out\n"
    ) in err
    for loss in multilabel.LOSSES:
        # 2 alphas x 5 folds, and the chosen ones again on all rows
        assert 11 <= len(re.search(rf"  {loss} (\.+)\n", err)[1]) <= 12


def test_json(output):
    report = output[2]
    options = report["options"]
    assert (options["alphas"], options["folds"]) == ([0.1, 1.0], "contiguous")
    for result in report["results"]:
        assert result["n_features"] == 20
        assert result["n_labels"] == 10
        assert np.shape(result["validation_scores"]) == (2, len(result["decisions"]))
        a, d = (
            result["alphas"].index(result["alpha"]),
            result["decisions"].index(result["decision"]),
        )
        assert result["validation_scores"][a][d] == np.max(result["validation_scores"])
        assert 0 <= result["dual_gap"] < 1e-4 * result["objective"]
        assert result["paper"] is None
        assert result["seconds"] > 0
    assert [result["decisions"] for result in report["results"][::3]] == [
        pytest.approx(np.arange(1, 11) / 20),
        pytest.approx(np.arange(1, 11) / 10),
        pytest.approx(np.arange(1, 5.5, 0.5)),
        pytest.approx(np.arange(1, 5.5, 0.5)),
        pytest.approx(np.arange(1, 11) / 20),
    ]


def test_scores_are_those_of_plain_code(output):
    X, Y, X_test, Y_test = simulated()
    for result in output[2]["results"]:
        loss, decision = result["loss"], result["decision"]
        model = plain_fit(loss, result["alpha"], X, Y)
        assert (result["n_train"], result["n_test"]) == (len(X), len(X_test))
        assert result["n_iter"] == model.n_iter_
        predicted = plain_label_sets(loss, model, X_test, decision)
        names = ("micro_f1", "macro_f1", "f1_of_mean_precision_recall")
        assert [result[name] for name in names] == pytest.approx(plain_scores(Y_test, predicted))
        assert result["predicted_labels_per_row"] == predicted.sum() / len(Y_test)
        assert result["labels_per_row"] == Y_test.sum() / len(Y_test)
        p = model.predict_proba(X_test)
        p[p.sum(axis=1) == 0] = 1
        divergence = jensen_shannon_divergence(
            Y_test / Y_test.sum(axis=1, keepdims=True), p / p.sum(axis=1, keepdims=True)
        )
        assert result["jensen_shannon_divergence"] == pytest.approx(divergence, rel=1e-9)


def test_validation_scores_are_means_over_folds(output):
    X, Y, _, _ = simulated()
    size = -(-len(X) // 5)
    for result in output[2]["results"][::3]:
        loss, decision = result["loss"], result["decision"]
        scores = []
        for start in range(0, len(X), size):
            held_out = np.zeros(len(X), dtype=bool)
            held_out[start : start + size] = True
            model = plain_fit(loss, result["alpha"], X[~held_out], Y[~held_out])
            predicted = plain_label_sets(loss, model, X[held_out], decision)
            scores.append(plain_scores(Y[held_out], predicted)[0])
        assert np.max(result["validation_scores"]) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("kind", ["shuffled", "contiguous"])
@pytest.mark.parametrize("n_rows", [5, 6, 391])
def test_folds(kind, n_rows):
    splits = multilabel._splits(n_rows, Namespace(folds=kind, seed=3))
    folds = [held_out for _, held_out in splits]
    assert np.array_equal(np.sort(np.concatenate(folds)), np.arange(n_rows))
    assert {len(fold) for fold in folds[:-1]} == {-(-n_rows // 5)}
    for train, held_out in splits:
        assert np.array_equal(np.sort(np.concatenate([train, held_out])), np.arange(n_rows))
    in_order = np.array_equal(np.concatenate(folds), np.arange(n_rows))
    assert in_order == (kind == "contiguous")


def test_without_folds_the_test_half_chooses(tmp_path):
    file = tmp_path / "report.json"
    out, err = run(
        *("--losses", "sparsemax", "--folds", "none", "--json", file),
        *("--alphas", 0.01, 10, "--decisions", 1, 2, 8),
    )
    assert "chosen on the test half itself" in out
    assert "  sparsemax ..\n" in err  # no fit for the folds, none again
    for result in json.loads(file.read_text(encoding="utf-8"))["results"]:
        assert result["decisions"] == [1.0, 2.0, 8.0]
        scores = dict(
            zip(
                multilabel.CRITERIA,
                (result["micro_f1"], result["macro_f1"], result["f1_of_mean_precision_recall"]),
                strict=True,
            )
        )
        assert scores[result["criterion"]] == np.max(result["validation_scores"])


def test_jobs_change_nothing_but_time(tmp_path):
    reports = []
    for jobs in (1, 2):
        file = tmp_path / f"{jobs}.json"
        run("--losses", "softmax", "--alphas", 1, 10, "--jobs", jobs, "--json", file)
        results = json.loads(file.read_text(encoding="utf-8"))["results"]
        reports.append([{**result, "seconds": None} for result in results])
    assert reports[0] == reports[1]


@pytest.fixture
def svmlight_files(tmp_path):
    """Halves of a sparse problem; the test file lacks the last features and the last label."""
    rng = np.random.default_rng(0)
    X = sparse.random(60, 30, density=0.3, random_state=0).toarray()
    Y = (rng.random((60, 4)) < 0.4).astype(int)
    Y[40:, 3] = 0
    X[40:, 25:] = 0
    X = sparse.csr_matrix(X)
    halves = (X[:40], Y[:40]), (X[40:], Y[40:])
    files = tmp_path / "train.svm", tmp_path / "test.svm"
    for file, half in zip(files, halves, strict=True):
        dump_svmlight_file(*half, str(file), zero_based=False, multilabel=True)
    return files, halves


def test_svmlight_files(svmlight_files, tmp_path):
    files, ((X, Y), (X_test, Y_test)) = svmlight_files
    labelled, labelled_test = Y.any(axis=1), Y_test.any(axis=1)
    assert not labelled.all()
    report = tmp_path / "report.json"
    run(
        *("--train", files[0], "--test", files[1], "--json", report, "--losses", "sparsemax"),
        *("--alphas", 0.01, "--decisions", 1.5),
    )
    (result, *_) = json.loads(report.read_text(encoding="utf-8"))["results"]
    assert (result["n_train"], result["n_test"]) == (labelled.sum(), labelled_test.sum())
    assert (result["n_features"], result["n_labels"]) == (30, 4)
    model = plain_fit("sparsemax", 0.01, X[labelled], Y[labelled])
    predicted = plain_label_sets("sparsemax", model, X_test[labelled_test], 1.5)
    assert result["micro_f1"] == pytest.approx(plain_scores(Y_test[labelled_test], predicted)[0])


def test_files_that_cannot_be_used(svmlight_files, tmp_path, capsys):
    (train, test), _ = svmlight_files
    missing = tmp_path / "missing.svm"
    assert "missing.svm" in rejection(["--train", train, "--test", missing], capsys)
    empty = tmp_path / "empty.svm"
    empty.write_text(" 1:0.5\n 2:0.5\n")
    assert "no row of the test half" in rejection(["--train", train, "--test", empty], capsys)
    short = tmp_path / "short.svm"
    short.write_text("0 1:0.5\n0,1 2:0.5\n")
    assert "fewer than 5 training rows" in rejection(["--train", short, "--test", test], capsys)
    zero_based = tmp_path / "zero.svm"
    zero_based.write_text("0 0:0.5\n")
    assert "zero.svm" in rejection(["--train", zero_based, "--test", test], capsys)
    arff = "@relation r\n@attribute {} numeric\n@attribute y {{0,1}}\n@data\n1,1\n"
    for name, feature in (("a", "length"), ("b", "width")):
        (tmp_path / f"{name}.arff").write_text(arff.format(feature))
    (tmp_path / "y.txt").write_text("y\n")
    files = ["--train", tmp_path / "a.arff", "--test", tmp_path / "b.arff"]
    message = rejection([*files, "--labels", tmp_path / "y.txt"], capsys)
    assert "differ in feature_names" in message


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["iris"], "'iris' is not one of scene, emotions, birds, cal500, reuters"),
        (["--losses", "hinge"], "'hinge' is not one of logistic, softmax, sparsemax"),
        (["--folds", "random"], "argument --folds: invalid choice: 'random'"),
        (["--alphas", "0"], "argument --alphas: '0' is not a finite number above 0"),
        (["--alphas", "1", "inf"], "argument --alphas: 'inf' is not a finite number above 0"),
        (["--decisions", "-1"], "argument --decisions"),
        (["--decisions", "0.2"], "argument --decisions needs a single loss"),
        (["--jobs", "0"], "argument --jobs: '0' is not -1 or an integer above 0"),
        (["--train", "a.svm"], "arguments --train and --test go together"),
        (["--test", "a.svm"], "arguments --train and --test go together"),
        (["emotions", "--labels", "a.xml"], "argument --labels needs --train and --test"),
        (["emotions", "--train", "a.svm", "--test", "b.svm"], "leave no room for 'emotions'"),
    ],
)
def test_bad_arguments(argv, words, capsys):
    message = rejection(argv, capsys)
    assert words in message
    assert message.count("\n") == 1


def test_help(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["multilabel", "--help"])
    out = capsys.readouterr().out
    assert exit_.value.code == 0
    assert all(f"\n{column} " in out for column in multilabel.COLUMNS)
    assert "make_multilabel_classification" in out


def test_emotions_gives_the_figures_of_the_paper(data_home, tmp_path):
    """With the alphas that the whole grid chooses."""
    file = tmp_path / "report.json"
    out, _ = run("emotions", "emotions", "--folds", "contiguous", "--json", file,
                 "--alphas", 0.1, 1, "--losses", "logistic", "softmax", "sparsemax")  # fmt: skip
    results = json.loads(file.read_text(encoding="utf-8"))["results"]
    assert len(results) == 9
    for result in results:
        assert (result["n_train"], result["n_test"]) == (391, 202)
        if result["criterion"] == "micro-F1":
            assert result["micro_f1"] == pytest.approx(result["paper"] / 100, abs=0.005)
        if result["criterion"] == "macro-F1":
            assert result["paper"] is None
        if result["criterion"] == "F1 of means":
            assert result["f1_of_mean_precision_recall"] == pytest.approx(
                result["paper"] / 100, abs=0.005
            )
    row = dict(zip(multilabel.COLUMNS, cells(out.split("\n\n")[1].splitlines()[2]), strict=True))
    assert row["paper"] == "66.75"
    assert row["difference"] == f"{100 * results[0]['micro_f1'] - 66.75:+.2f}"


def test_birds_leaves_out_rows_with_no_label(data_home):
    birds = _multilabel_data.fetch("birds")
    assert (birds.X_train.shape, birds.X_test.shape) == ((179, 271), (172, 271))
    assert birds.n_left_out == 294
    assert birds.Y_train.any(axis=1).all()
    assert birds.Y_test.any(axis=1).all()
    assert np.allclose(birds.X_train.mean(axis=0), 0)
    assert np.allclose(birds.X_train.std(axis=0), 1)
