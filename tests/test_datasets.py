from __future__ import annotations

import bz2
import gzip
import hashlib
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils import Bunch

from sklearn_sparsemax import datasets
from sklearn_sparsemax.datasets import _mulan as mulan
from sklearn_sparsemax.datasets import (
    fetch_birds,
    fetch_cal500,
    fetch_emotions,
    fetch_reuters,
    fetch_scene,
    load_multilabel_file,
    make_label_proportions,
)

FETCHERS = [fetch_scene, fetch_emotions, fetch_birds, fetch_cal500]

# Rows, training rows, features, labels, labels per row, rows with no label (train, test).
FACTS = {
    fetch_scene: (2407, 1211, 294, 6, "1.074", (0, 0)),
    fetch_emotions: (593, 391, 72, 6, "1.868", (0, 0)),
    fetch_birds: (645, 322, 271, 19, "1.014", (143, 151)),
    fetch_cal500: (502, 400, 68, 174, "26.044", (0, 0)),
}


@pytest.fixture
def fetch_local(data_home):
    return {
        fetch: partial(fetch, data_home=data_home, download_if_missing=False) for fetch in FETCHERS
    }


# The published benchmarks


@pytest.mark.parametrize("fetch", FETCHERS, ids=lambda fetch: fetch.__name__)
def test_published_facts(fetch, fetch_local):
    n_rows, n_train, n_features, n_labels, cardinality, empty = FACTS[fetch]
    data = fetch_local[fetch]()
    assert isinstance(data, Bunch)
    assert data.data.shape == (n_rows, n_features)
    assert data.data.dtype == np.float64
    assert np.isfinite(data.data).all()
    assert data.target.shape == (n_rows, n_labels)
    assert data.target.dtype == np.int64
    np.testing.assert_array_equal(np.unique(data.target), [0, 1])
    assert len(data.feature_names) == len(set(data.feature_names)) == n_features
    assert len(data.target_names) == len(set(data.target_names)) == n_labels
    np.testing.assert_array_equal(data.train_indices, np.arange(n_train))
    np.testing.assert_array_equal(data.test_indices, np.arange(n_train, n_rows))
    without = data.target.sum(axis=1) == 0
    assert (without[data.train_indices].sum(), without[data.test_indices].sum()) == empty
    assert f"{data.target.sum(axis=1).mean():.3f}" == cardinality
    assert data.frame is None
    assert "Mulan" in data.DESCR

    table = [line.rsplit(maxsplit=1) for line in fetch.__doc__.splitlines()]
    documented = {line[0].strip(): line[1] for line in table if len(line) == 2}
    assert [documented[row] for row in ("Rows", "Training rows", "Features", "Labels")] == [
        str(number) for number in (n_rows, n_train, n_features, n_labels)
    ]
    assert documented["Labels per row"] == cardinality
    assert documented["Rows with no label"] == str(sum(empty))


@pytest.mark.parametrize("fetch", [fetch_birds, fetch_cal500], ids=lambda fetch: fetch.__name__)
def test_subsets_are_the_halves(fetch, fetch_local):
    both = fetch_local[fetch]()
    train, test = fetch_local[fetch](subset="train"), fetch_local[fetch](subset="test")
    np.testing.assert_array_equal(np.vstack([train.data, test.data]), both.data)
    np.testing.assert_array_equal(np.vstack([train.target, test.target]), both.target)
    n_train = FACTS[fetch][1]
    assert len(train.data) == len(train.train_indices) == n_train
    assert len(test.data) == len(test.test_indices) == len(both.data) - n_train
    assert train.test_indices.size == test.train_indices.size == 0


def test_rows_are_those_of_the_files(data_home, fetch_local):
    """Against the text itself: the last attributes of the first rows of both halves."""
    for fetch, half in ((fetch_emotions, "train"), (fetch_emotions, "test")):
        text = (data_home / "sklearn_sparsemax" / f"emotions-{half}.arff").read_text()
        first = text.split("@data")[1].split()[0].split(",")
        data = fetch_local[fetch](subset=half)
        np.testing.assert_array_equal(data.data[0], np.array(first[:-6], dtype=float))
        np.testing.assert_array_equal(data.target[0], np.array(first[-6:], dtype=int))


def test_names_with_quotes_and_special_characters(fetch_local):
    birds = fetch_local[fetch_birds]().target_names
    assert birds[:2] == ["Brown Creeper", "Pacific Wren"]
    assert "Swainson's Thrush" in birds
    concepts = fetch_local[fetch_cal500]().target_names
    assert concepts[0] == "Angry-Agressive"
    assert "Instrument_-_Electric_Guitar_(clean)" in concepts


def test_labels_that_a_half_never_has(fetch_local):
    never = {
        (fetch, half): int((fetch_local[fetch](subset=half).target.sum(axis=0) == 0).sum())
        for fetch in FETCHERS
        for half in ("train", "test")
    }
    assert {key: count for key, count in never.items() if count} == {(fetch_cal500, "test"): 9}


def test_birds_nominal_attributes(fetch_local):
    birds = fetch_local[fetch_birds]()
    sites = [name for name in birds.feature_names if name.startswith("location_")]
    assert [site.removeprefix("location_") for site in sites] == (
        ["2", "10", "1", "7", "5", "4", "17", "15", "16", "8", "13", "11"]
    )
    one_hot = birds.data[:, [birds.feature_names.index(site) for site in sites]]
    np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
    assert set(np.unique(one_hot)) == {0.0, 1.0}
    has_segments = birds.data[:, birds.feature_names.index("hasSegments")]
    segments = birds.data[:, birds.feature_names.index("segments")]
    np.testing.assert_array_equal(has_segments, segments > 0)


def test_return_pair_and_frames(fetch_local):
    pd = pytest.importorskip("pandas")
    fetch = fetch_local[fetch_emotions]
    data = fetch()
    X, Y = fetch(return_X_y=True)
    np.testing.assert_array_equal(X, data.data)
    np.testing.assert_array_equal(Y, data.target)
    X, Y = fetch(return_X_y=True, as_frame=True)
    assert isinstance(X, pd.DataFrame)
    assert list(X.columns) == data.feature_names
    assert list(Y.columns) == data.target_names
    np.testing.assert_array_equal(X.to_numpy(), data.data)
    np.testing.assert_array_equal(Y.to_numpy(), data.target)
    frame = fetch(as_frame=True).frame
    assert list(frame.columns) == data.feature_names + data.target_names


def test_as_frame_without_pandas(fetch_local, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"as_frame=True needs pandas.*sklearn-sparsemax\[data\]"):
        fetch_local[fetch_emotions](as_frame=True)


@pytest.mark.parametrize("fetch", [*FETCHERS, fetch_reuters], ids=lambda fetch: fetch.__name__)
def test_unknown_subset(fetch, tmp_path):
    with pytest.raises(ValueError, match=r"subset must be one of .*'train'.*, got 'dev'"):
        fetch(data_home=tmp_path, subset="dev")


# Downloads, from a server on this machine


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class _CutShort(_Handler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"@relation")


@pytest.fixture
def serve(monkeypatch):
    """Serve a folder as the place where the files are published."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def start(folder, handler=_Handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(mulan, "BASE_URL", f"http://127.0.0.1:{server.server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A stand-in for Emotions: a folder to serve, and its hashes in the table."""
    folder = tmp_path / "published" / "emotions"
    folder.mkdir(parents=True)
    header = "@relation toy\n@attribute a numeric\n@attribute b {0,1}\n@data\n"
    contents = {
        "emotions-train.arff": header + "0.5,1\n1.5,0\n",
        "emotions-test.arff": header + "2.5,1\n",
        "emotions.xml": '<labels xmlns="m"><label name="b"></label></labels>',
    }
    for name, text in contents.items():
        (folder / name).write_text(text, newline="")
        monkeypatch.setitem(mulan.SHA256, name, hashlib.sha256(text.encode()).hexdigest())
    monkeypatch.setitem(mulan.N_TRAIN, "emotions", 2)
    return folder.parent


def _cached(home):
    return sorted(path.name for path in (home / "sklearn_sparsemax").iterdir())


def test_download_is_cached(published, serve, tmp_path):
    serve(published)
    home = tmp_path / "home"
    X, Y = fetch_emotions(data_home=home, return_X_y=True)
    np.testing.assert_array_equal(X, [[0.5], [1.5], [2.5]])
    np.testing.assert_array_equal(Y, [[1], [0], [1]])
    assert _cached(home) == ["emotions-test.arff", "emotions-train.arff", "emotions.xml"]
    shutil.rmtree(published)
    again, _ = fetch_emotions(data_home=home, return_X_y=True)
    np.testing.assert_array_equal(again, X)


def test_data_home_defaults_to_that_of_scikit_learn(published, serve, tmp_path, monkeypatch):
    serve(published)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "default"))
    fetch_emotions()
    assert "emotions.xml" in _cached(tmp_path / "default")


@pytest.mark.parametrize("failure", ["changed", "cut short", "absent", "no server"])
def test_failed_download_leaves_nothing(failure, published, serve, tmp_path, monkeypatch):
    if failure == "changed":
        (published / "emotions" / "emotions-train.arff").write_text("@relation other\n")
    elif failure == "absent":
        (published / "emotions" / "emotions-train.arff").unlink()
    if failure == "no server":
        monkeypatch.setattr(mulan, "BASE_URL", "http://127.0.0.1:9")
    else:
        serve(published, _CutShort if failure == "cut short" else _Handler)
    home = tmp_path / "home"
    with pytest.raises(OSError, match=r"could not be downloaded .*or save that file as .*train"):
        fetch_emotions(data_home=home, n_retries=0)
    assert _cached(home) == []


def test_failed_download_is_tried_again(published, serve, tmp_path):
    class FailsOnce(_Handler):
        failures = 1

        def do_GET(self):
            if FailsOnce.failures:
                FailsOnce.failures -= 1
                self.send_error(503)
            else:
                super().do_GET()

    serve(published, FailsOnce)
    with pytest.warns(UserWarning, match="Retry downloading"):
        data = fetch_emotions(data_home=tmp_path / "home", n_retries=1, delay=0.0)
    assert data.data.shape == (3, 1)


def test_missing_file_without_download(tmp_path):
    with pytest.raises(OSError, match=r"emotions-train\.arff is missing and download_if_missing"):
        fetch_emotions(data_home=tmp_path, download_if_missing=False)


def test_corrupted_cached_file(data_home, tmp_path):
    folder = tmp_path / "sklearn_sparsemax"
    folder.mkdir()
    for name in ("emotions-train.arff", "emotions-test.arff", "emotions.xml"):
        folder.joinpath(name).write_bytes((data_home / folder.name / name).read_bytes())
    with folder.joinpath("emotions-test.arff").open("ab") as file:
        file.write(b"0\n")
    with pytest.raises(OSError, match=r"emotions-test\.arff is corrupted: .*SHA-256.*Delete it"):
        fetch_emotions(data_home=tmp_path)
    # What is there is the user's to delete.
    assert folder.joinpath("emotions-test.arff").read_bytes().endswith(b"0\n")


# Reuters


def test_reuters_wraps_scikit_learn(tmp_path, monkeypatch):
    calls = []

    def fake(**parameters):
        calls.append(parameters)
        return Bunch(
            data=sparse.random(5, 4, 0.5, "csr", random_state=0),
            target=sparse.csr_matrix(np.eye(5, 3, dtype=np.uint8)),
            sample_id=np.arange(5),
            target_names=np.array(["C11", "C12", "C13"], dtype=object),
            DESCR="RCV1",
        )

    monkeypatch.setattr("sklearn.datasets.fetch_rcv1", fake)
    reuters = fetch_reuters(data_home=tmp_path, subset="test", n_retries=1, delay=0.5)
    assert calls == [
        {
            "data_home": tmp_path,
            "subset": "test",
            "download_if_missing": True,
            "n_retries": 1,
            "delay": 0.5,
        }
    ]
    assert reuters.target.dtype == np.int64
    assert sparse.issparse(reuters.target)
    np.testing.assert_array_equal(reuters.target.toarray(), np.eye(5, 3))
    assert reuters.target_names == ["C11", "C12", "C13"]
    assert reuters.feature_names == ["x0", "x1", "x2", "x3"]
    assert reuters.train_indices.size == 0
    np.testing.assert_array_equal(reuters.test_indices, np.arange(5))
    X, Y = fetch_reuters(data_home=tmp_path, return_X_y=True)
    assert X.shape == (5, 4)
    assert Y.shape == (5, 3)


def test_reuters_missing_or_corrupted(tmp_path):
    with pytest.raises(OSError, match=r"RCV1-v2 could not be loaded from .*RCV1.*delete"):
        fetch_reuters(data_home=tmp_path, download_if_missing=False)


@pytest.mark.parametrize(
    ("half", "n_rows", "never"),
    [("test", 5123, 2), pytest.param("train", 22490, 0, marks=pytest.mark.slow)],
)
def test_reuters_sample(half, n_rows, never, data_home):
    folder = data_home / "sklearn_sparsemax"
    sample = load_multilabel_file(
        folder / f"rcv1_sample_{half}.svm.bz2",
        labels=folder / "rcv1_sample_labels.txt",
        n_features=47236,
    )
    assert sample.data.shape == (n_rows, 47236)
    assert sample.target.shape == (n_rows, 101)
    assert sample.target_names[0] == "C11"
    np.testing.assert_allclose(sample.data.multiply(sample.data).sum(axis=1), 1, atol=1e-5)
    labels_per_row = np.asarray(sample.target.sum(axis=1)).ravel()
    assert f"{labels_per_row.mean():.2f}" == "2.91"
    assert labels_per_row.min() == 1
    assert (np.asarray(sample.target.sum(axis=0)) == 0).sum() == never


# One's own ARFF files

HEADER = """% made by hand
@RELATION 'toy: -C 2'

@attribute width numeric
@attribute 'it\\'s red' {0,1}
@attribute colour {red,'light blue',green}
@attribute\tb {0,1}
@attribute a REAL

@DATA
"""
DENSE = HEADER.replace("'light blue'", "blue") + "1.5,1,red,0,1\n% a comment\n\n?,?,?,1,0\n"
XML = """<?xml version="1.0" encoding="utf-8"?>
<labels xmlns="http://mulan.sourceforge.net/labels">
<label name="a"><label name="b"></label></label>
</labels>"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


def test_arff(write):
    toy = load_multilabel_file(write("toy.arff", DENSE), labels=write("names.xml", XML))
    assert toy.feature_names == ["width", "it's red", "colour_red", "colour_blue", "colour_green"]
    np.testing.assert_array_equal(toy.data, [[1.5, 1, 1, 0, 0], [np.nan] * 5])
    # In the order of the XML file, labels of a hierarchy included.
    assert toy.target_names == ["a", "b"]
    np.testing.assert_array_equal(toy.target, [[1, 0], [0, 1]])
    assert toy.filename.endswith("toy.arff")


@pytest.mark.parametrize("labels", [["a", "b"], "text"])
def test_label_names_from_elsewhere(labels, write):
    if labels == "text":
        labels = str(write("names.txt", "a\nb\n\n"))
    X, Y = load_multilabel_file(write("toy.arff", DENSE), labels=labels, return_X_y=True)
    assert X.shape == (2, 5)
    np.testing.assert_array_equal(Y, [[1, 0], [0, 1]])


@pytest.mark.parametrize("arff", ["toy.arff", "toy-train.arff", "toy-test.ARFF.gz"])
def test_labels_beside_the_file(arff, write, tmp_path):
    write("toy.xml", XML)
    text = DENSE.replace("-C 2", "")
    path = write(arff, text)
    if arff.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    assert load_multilabel_file(path).target_names == ["a", "b"]


def test_no_labels_for_arff(write):
    path = write("toy-train.arff", DENSE.replace("-C 2", ""))
    with pytest.raises(ValueError, match=r"no .*toy-train\.xml or .*toy\.xml: pass labels"):
        load_multilabel_file(path)


SPARSE = """@relation toy
@attribute w0 numeric
@attribute a {0,1}
@attribute w1 {0,1}
@attribute w2 numeric
@attribute b {0,1}
@data
{0 1.5,1 1}
{ 4 1, 2 1 ,3 ?}
{}
% a comment
{1 0, 2 '1'}
"""


@pytest.mark.parametrize("suffix", ["", ".bz2"])
def test_sparse_arff(suffix, write):
    path = write("toy.arff" + suffix, SPARSE)
    if suffix:
        path.write_bytes(bz2.compress(SPARSE.encode()))
    toy = load_multilabel_file(path, labels=["b", "a"])
    assert sparse.issparse(toy.data)
    assert sparse.issparse(toy.target)
    assert toy.target.dtype == np.int64
    assert toy.feature_names == ["w0", "w1", "w2"]
    np.testing.assert_array_equal(
        toy.data.toarray(), [[1.5, 0, 0], [0, 1, np.nan], [0, 0, 0], [0, 1, 0]]
    )
    np.testing.assert_array_equal(toy.target.toarray(), [[0, 1], [1, 0], [0, 0], [0, 0]])
    assert toy.target.nnz == 2


def test_sparse_arff_as_frame(write):
    pytest.importorskip("pandas")
    toy = load_multilabel_file(write("toy.arff", SPARSE), labels=["b", "a"], as_frame=True)
    assert list(toy.frame.columns) == ["w0", "w1", "w2", "b", "a"]
    assert toy.frame["w0"].tolist() == [1.5, 0, 0, 0]


def test_arff_whose_xml_names_a_missing_label(write):
    xml = write("toy.xml", XML.replace('"b"', '"missing"'))
    with pytest.raises(ValueError, match=r"toy\.arff has no attribute named 'missing'"):
        load_multilabel_file(write("toy.arff", DENSE), labels=xml)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "has no @data line"),
        ("@relation r\n@attribute a {0,1}\n@attribute b string\n@data\n0,x\n", "'b' .* string"),
        ("@relation r\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n0\n", "row 0 .* 1 values"),
        (
            "@relation r\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n0,1,1\n",
            "row 0 .* 3 values",
        ),
        ("@relation r\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n0,0\n0,?\n", r"\? in row 1"),
        ("@relation r\n@attribute a numeric\n@attribute b {0,1}\n@data\n2,0\n", "'a' .* is 2.0 in"),
        ("@relation r\n@attribute a {n,y}\n@attribute b {0,1}\n@data\nn,0\n", "must be 0 or 1"),
        (
            "@relation r\n@attribute a {0,1}\n@attribute b {0,1}\n@attribute d date yyyy\n@data\n"
            "0,0,1999\n",
            "'d' .* is of type date",
        ),
        (SPARSE + "{0 1, 5 1}\n", "row 4 .* no attribute number 5"),
        (SPARSE + "{0 1, 3}\n", "row 4"),
        (SPARSE + "{0 x}\n", "row 4 .* could not convert"),
        (SPARSE + "0,0,0,0,0\n", "row 4 .* not of the form"),
        (SPARSE + "{0 1}, {2}\n", "row 4 .* not of the form"),
        (SPARSE + "{0 1, 0 1}\n", "twice in one row"),
        (SPARSE + "{1 2}\n", "label 'a' .* is 2 in row 4"),
        (SPARSE + "{4 ?}\n", "label 'b' .* is nan in row 4"),
        (SPARSE.replace("w1 {0,1}", "w1 {YES,NO}"), "'w1' .* dense rows"),
        (SPARSE.replace("w1 {0,1}", "w1 {1,0}"), "'w1' .* dense rows"),
    ],
)
def test_malformed_arff(text, message, write):
    with pytest.raises(ValueError, match=message):
        load_multilabel_file(write("toy.arff", text), labels=["a", "b"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("names.xml", "<labels><label name='a'></labels>", "could not be read as XML"),
        ("names.xml", "<labels><label/></labels>", "without a name attribute"),
        ("names.xml", "<labels></labels>", "names no label"),
        ("names.txt", "a\n\nb\n", "line 2 of .* is blank"),
        ("names.txt", "a\nb\na\n", "names 'a' more than once"),
    ],
)
def test_malformed_label_names(name, text, message, write):
    with pytest.raises(ValueError, match=message):
        load_multilabel_file(write("toy.arff", DENSE), labels=write(name, text))


def test_n_features_means_nothing_for_arff(write):
    with pytest.raises(ValueError, match=r"n_features=3 has no meaning for an ARFF file"):
        load_multilabel_file(write("toy.arff", DENSE), labels=["a", "b"], n_features=3)


# One's own svmlight files

SVM = "0,2 1:0.5 4:1.5\n1,1 2:2.0  # twice the same\n 3:1.0\n"


@pytest.mark.parametrize("suffix", [".svm", ".svmlight", ".libsvm", ".svm.gz", ".svm.bz2"])
def test_svmlight(suffix, write):
    path = write("toy" + suffix, SVM)
    if suffix.endswith(".gz"):
        path.write_bytes(gzip.compress(SVM.encode()))
    elif suffix.endswith(".bz2"):
        path.write_bytes(bz2.compress(SVM.encode()))
    toy = load_multilabel_file(path)
    assert sparse.issparse(toy.data)
    assert toy.data.format == toy.target.format == "csr"
    assert toy.data.dtype == np.float64
    assert toy.target.dtype == np.int64
    np.testing.assert_array_equal(
        toy.data.toarray(), [[0.5, 0, 0, 1.5], [0, 2, 0, 0], [0, 0, 1, 0]]
    )
    np.testing.assert_array_equal(toy.target.toarray(), [[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    assert toy.feature_names == ["x0", "x1", "x2", "x3"]
    assert toy.target_names == ["0", "1", "2"]


def test_svmlight_shape_of_the_training_data(write):
    toy = load_multilabel_file(
        write("toy.svm", SVM), labels=["p", "q", "r", "s"], n_features=7, zero_based=True
    )
    assert toy.data.shape == (3, 7)
    assert toy.data[0, 1] == 0.5
    assert toy.target.shape == (3, 4)
    assert toy.target_names == ["p", "q", "r", "s"]


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        (SVM, {"labels": ["a", "b"]}, r"row 0 .* has the label 2: labels must be 0 to 1, one for"),
        (" 1:1\n-1 1:1\n", {}, r"row 1 .* has the label -1: labels must be 0, 1, 2"),
        ("0.5 1:1\n", {}, r"the label 0\.5"),
        ("nan 1:1\n", {}, "the label nan"),
        ("sport 1:1\n", {}, r"toy\.svm could not be read as multilabel svmlight"),
        (SVM, {"n_features": 2}, "n_features was set to 2"),
        (SVM, {"zero_based": "no"}, "zero_based"),
    ],
)
def test_malformed_svmlight(text, parameters, message, write):
    with pytest.raises(ValueError, match=message):
        load_multilabel_file(write("toy.svm", text), **parameters)


@pytest.mark.parametrize("name", ["toy.csv", "toy", "toy.bz2", "toy.svm.zip"])
def test_unknown_extension(name, write):
    with pytest.raises(ValueError, match=r"must be \.arff, \.svm, \.svmlight or \.libsvm"):
        load_multilabel_file(write(name, SVM))


def test_file_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_multilabel_file(tmp_path / "toy.svm")
    with pytest.raises(FileNotFoundError):
        load_multilabel_file(tmp_path / "toy.arff", labels=["a"])


# Simulated label proportions


@pytest.mark.parametrize("proportions", ["uniform", "random"])
def test_proportions(proportions):
    X, Y = make_label_proportions(5000, n_classes=6, proportions=proportions, random_state=0)
    assert X.shape == Y.shape == (5000, 6)
    assert X.dtype == Y.dtype == np.float64
    np.testing.assert_array_equal(X, np.floor(X))
    assert X.sum(axis=1).min() > 0
    assert Y.min() == 0
    np.testing.assert_allclose(Y.sum(axis=1), 1, atol=1e-14)
    sizes = (Y > 0).sum(axis=1)
    assert sizes.min() == 1
    if proportions == "uniform":
        np.testing.assert_allclose(Y.max(axis=1), 1 / sizes)
    else:
        # The first of two flat Dirichlet proportions is uniform on (0, 1).
        pairs = np.array([row[row > 0] for row in Y[sizes == 2]])[:, 0]
        assert abs(pairs.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / len(pairs))
        assert abs(pairs.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / len(pairs))


def test_number_of_labels_is_poisson_without_zero():
    n_samples = 20000
    for n_labels, n_classes in ((1.0, 10), (2.5, 3)):
        _, Y = make_label_proportions(
            n_samples, n_classes=n_classes, n_labels=n_labels, random_state=1
        )
        sizes = np.arange(1, n_classes + 1)
        expected = np.cumprod(n_labels / sizes)
        expected /= expected.sum()
        observed = np.bincount((Y > 0).sum(axis=1), minlength=n_classes + 1)[1:] / n_samples
        np.testing.assert_array_less(
            abs(observed - expected), 5 * np.sqrt(expected / n_samples) + 5 / n_samples
        )
        frequency = (Y > 0).mean(axis=0)
        mean_size = expected @ sizes
        np.testing.assert_array_less(
            abs(frequency - mean_size / n_classes), 5 * np.sqrt(mean_size / n_classes / n_samples)
        )


def test_words_come_from_the_mixture():
    X, Y, words = make_label_proportions(
        4000, n_classes=5, n_features=7, length=300, return_distributions=True, random_state=2
    )
    assert words.shape == (5, 7)
    np.testing.assert_allclose(words.sum(axis=1), 1)
    # Standardized counts of a Poisson number of words: mean 0, variance 1, uncorrelated.
    rates = 300 * Y @ words
    z = (X - rates) / np.sqrt(rates)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=5 / np.sqrt(4000))
    np.testing.assert_allclose(np.cov(z.T), np.eye(7), atol=5 * np.sqrt(2 / 4000))


def test_frequencies():
    counts, _ = make_label_proportions(50, length=20, random_state=3)
    frequencies, _ = make_label_proportions(50, length=20, normalize=True, random_state=3)
    np.testing.assert_allclose(frequencies.sum(axis=1), 1)
    np.testing.assert_allclose(frequencies * counts.sum(axis=1, keepdims=True), counts)


def test_no_document_is_empty():
    X, _ = make_label_proportions(2000, length=1, random_state=4)
    assert X.sum(axis=1).min() == 1


def test_seeds():
    draw = partial(make_label_proportions, 100, random_state=5)
    X, Y = draw()
    for again, array in zip(draw(), (X, Y), strict=True):
        np.testing.assert_array_equal(again, array)
    other, _ = make_label_proportions(100, random_state=6)
    assert (other != X).any()
    np.testing.assert_array_equal(draw(length=200)[1], Y)
    np.testing.assert_array_equal(draw(proportions="random")[1] > 0, Y > 0)


def test_one_class_and_very_many():
    _, Y = make_label_proportions(3, n_classes=1, random_state=0)
    np.testing.assert_array_equal(Y, 1)
    _, Y = make_label_proportions(3, n_classes=2000, n_labels=1500, random_state=0)
    assert ((Y > 0).sum(axis=1) > 1000).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples == 0, must be >= 1"),
        ({"n_classes": 0}, ValueError, "n_classes == 0"),
        ({"n_classes": 2.5}, TypeError, "n_classes must be an instance of"),
        ({"n_features": 0}, ValueError, "n_features == 0"),
        ({"n_labels": 0}, ValueError, "n_labels == 0, must be > 0"),
        ({"length": 0.5}, ValueError, r"length == 0\.5, must be >= 1"),
        ({"proportions": "equal"}, ValueError, r"must be one of .*'uniform'.*, got 'equal'"),
    ],
)
def test_bad_simulation_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        make_label_proportions(**parameters)


def test_everything_public_is_exported():
    assert sorted(datasets.__all__) == datasets.__all__
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)
