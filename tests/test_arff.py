r"""Readers of ARFF, svmlight and lists of labels: what is legal, and what is not."""

from __future__ import annotations

import bz2
import gzip
import tracemalloc

import fuzz_datasets
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_sparsemax.datasets import load_multilabel_file
from sklearn_sparsemax.datasets._svmlight import NumberedNames
from sklearn_sparsemax.datasets._tokens import is_missing, split_fields


@pytest.fixture
def load(tmp_path):
    """Write a file, and load it."""

    def load(text, name="toy.arff", labels=("a",), **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        labels = None if labels is None else list(labels)
        return load_multilabel_file(path, labels=labels, **options)

    return load


# --- fields of a line ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("1,2, 3 ", ["1", "2", "3"]),
        ("", [""]),
        (",", ["", ""]),
        ("'x y',2,5", ["x y", "2", "5"]),
        ("'a,b',\"c,d\"", ["a,b", "c,d"]),
        (r"'it\'s', \"", ["it's", r"\""]),
        (r"'a\\b\tc\%'", ["a\\b\tc%"]),
        ('"it\'s", \'say "no"\'', ["it's", 'say "no"']),
        ("it's, 5", ["it's", "5"]),
        ("1, 2 % comment, with 'quotes", ["1", "2"]),
        ("'1', 2 % comment", ["1", "2"]),
        ("50%,1", ["50%", "1"]),
        ("'50 % of', 1", ["50 % of", "1"]),
        ("?, '?'", ["?", "?"]),
        (" 'x' , y ", ["x", "y"]),
    ],
)
def test_fields(line, fields):
    assert split_fields(line) == fields


def test_quotes_are_told():
    assert list(map(is_missing, split_fields("?,'?'"))) == [True, False]


@pytest.mark.parametrize("line", ["'x", '"x', "'x' y", r"'x\'", "1,'2,3"])
def test_broken_quotes(line):
    with pytest.raises(ValueError, match="quote"):
        split_fields(line)


# --- columns ------------------------------------------------------------------------------


def test_names_of_one_hot_columns_do_not_collide(load):
    text = "@relation r\n@attribute c {p,q}\n@attribute c_p numeric\n@attribute a {0,1}\n@data\n"
    toy = load(text + "p,5,1\nq,6,0\n")
    assert toy.feature_names == ["c=p", "c_q", "c_p"]
    assert_array_equal(toy.data, [[1, 0, 5], [0, 1, 6]])
    text = "@relation r\n@attribute s_u {v}\n@attribute s {u_v,w}\n@attribute a {0,1}\n@data\n"
    toy = load(text + "v,w,1\nv,u_v,0\n")
    assert toy.feature_names == ["s_u=v", "s=u_v", "s_w"]
    assert_array_equal(toy.data, [[1, 0, 1], [1, 1, 0]])


def test_names_that_collide_all_the_same(load):
    text = "@relation r\n@attribute c {p,q}\n@attribute c_p numeric\n@attribute c=p numeric\n"
    toy = load(text + "@attribute a {0,1}\n@data\np,5,7,1\n")
    assert toy.feature_names == ["c=p", "c_q", "c_p", "c=p (2)"]
    assert_array_equal(toy.data, [[1, 0, 5, 7]])


def test_an_attribute_declared_twice(load):
    with pytest.raises(ValueError, match="declares the attribute 'a' twice"):
        load("@relation r\n@attribute a {0,1}\n@attribute a {0,1}\n@data\n0,0\n")


def test_the_order_of_zero_and_one_does_not_matter(load):
    text = "@relation r\n@attribute f {1,0}\n@attribute a {1,0}\n@data\n1,0\n0,1\n?,1\n"
    toy = load(text)
    assert toy.feature_names == ["f"]
    assert_array_equal(toy.data, [[1], [0], [np.nan]])
    assert_array_equal(toy.target, [[0], [1], [1]])


# --- rows ---------------------------------------------------------------------------------

FOUR = "@relation r\n@attribute n {'x y',z}\n@attribute u numeric\n@attribute v numeric\n"
FOUR += "@attribute a {0,1}\n@data\n"


@pytest.mark.parametrize("row", ["'x y',2,5,1,0", "'x y',2,5", "z,2,5,1,0", "z", "'x y' 2 5 1"])
def test_a_row_of_another_number_of_values(load, row):
    with pytest.raises(ValueError, match=r"row 1 \(line 8\) of .* could not be read: "):
        load(FOUR + "z,1,1,0\n" + row + "\n")


@pytest.mark.parametrize("data", ["@data z,2,5,1\n", "@DATA\tz,2,5,1 % first\n", "@data z,2,5,1"])
def test_a_row_on_the_line_of_data(load, data):
    toy = load(FOUR.replace("@data\n", data))
    assert_array_equal(toy.data, [[0, 1, 2, 5]])
    assert_array_equal(toy.target, [[1]])


def test_a_sparse_row_on_the_line_of_data(load):
    text = "@relation r\n@attribute u numeric\n@attribute a {0,1}\n@data {0 3, 1 1} % first\n{1 1}"
    toy = load(text)
    assert sparse.issparse(toy.data)
    assert_array_equal(toy.data.toarray(), [[3], [0]])
    assert_array_equal(toy.target.toarray(), [[1], [1]])


@pytest.mark.parametrize(
    "rows",
    [
        "'x y',1,2,1\nz,3,4,0\n",  # quotes in some rows, as Weka writes them
        "\"x y\",1,2,1\n'z',3,4,0\n",  # both kinds
        "'x y',1,2,1 % a comment\nz,3,4,0%no comment?\n".replace("%no comment?", " % behind a row"),
        "  'x y' ,\t1 , 2,1\n z,3, 4 ,0  \n",
        "'x y',1,2,'1'\nz,'3',4,0\n",
        "'x y',1,2,1\r\nz,3,4,0\r\n",
    ],
)
def test_rows_as_weka_writes_and_reads_them(load, rows):
    toy = load(FOUR + rows)
    assert_array_equal(toy.data, [[1, 0, 1, 2], [0, 1, 3, 4]])
    assert_array_equal(toy.target, [[1], [0]])


def test_blanks_between_values(load):
    toy = load("@relation r\n@attribute u numeric\n@attribute a {0,1}\n@data\n2 1\n3\t0\n")
    assert_array_equal(toy.data, [[2], [3]])


@pytest.mark.parametrize(
    ("declaration", "value", "name"),
    [
        ("'big size' numeric", "5", "big size"),
        ('"big size" numeric', "5", "big size"),
        ('"it\'s big" numeric', "5", "it's big"),
        ("'x' numeric", "5", "x"),
        ('"x" real', "5", "x"),
        ("größe numeric", "5", "größe"),
        ("u{0,1}", "1", "u"),
        ("u {0 , 1}", "1", "u"),
        ("u { 0,1 } % a comment", "1", "u"),
        ("u numeric % a comment", "5", "u"),
        ("u INTEGER", "5", "u"),
        ("u numeric [0, 10]", "5", "u"),
    ],
)
def test_declarations(load, declaration, value, name):
    text = f"@relation r\n@attribute {declaration}\n@attribute a {{0,1}}\n@data\n{value},1\n"
    toy = load(text)
    assert toy.feature_names == [name]
    assert_array_equal(toy.data, [[float(value)]])


@pytest.mark.parametrize(
    ("values", "value", "names"),
    [
        ("{rot, grün}", "grün", ["c_rot", "c_grün"]),
        ("{'light blue', \"dark red\"}", '"light blue"', ["c_light blue", "c_dark red"]),
        (r"{'it\'s', no}", r"'it\'s'", ["c_it's", "c_no"]),
        ("{'a,b', 'c}d'}", "'c}d'", ["c_a,b", "c_c}d"]),
        ("{'50 %', x} % percent", "'50 %'", ["c_50 %", "c_x"]),
        ("{'?', x}", "'?'", ["c_?", "c_x"]),
    ],
)
def test_nominal_values(load, values, value, names):
    text = f"@relation r\n@attribute c {values}\n@attribute a {{0,1}}\n@data\n{value},1\n?,0\n"
    toy = load(text)
    assert toy.feature_names == names
    assert toy.data[0].sum() == 1
    assert np.isnan(toy.data[1]).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FOUR + "y,1,1,1\n", r"row 0 \(line 7\) .* attribute 'n' has no value 'y'"),
        (FOUR + "z,one,1,1\n", r"row 0 \(line 7\) .* could not convert string to float: 'one'"),
        (FOUR + "z,1_0,1,1\n", "could not convert '1_0'"),
        (FOUR + "'z,1,1,1\n", r"row 0 \(line 7\) .* quote at character 1 does not end"),
        (FOUR.replace("numeric", "numerik"), r"line 3 .* unknown type 'numerik'"),
        (FOUR.replace("{0,1}", "{0,1"), r"line 5 .* no closing brace"),
        (FOUR.replace("{0,1}", "{0,0}"), r"line 5 .* one of them twice"),
        (FOUR.replace("{0,1}", "{0,,1}"), r"line 5 .* an empty one"),
        (FOUR.replace("@attribute u", "@attr u"), r"line 3 .* neither a declaration"),
        (FOUR.replace(" u numeric", ""), r"line 3 .* has no name"),
        (FOUR.replace(" u numeric", " u"), r"line 3 .* 'u' has no type"),
        (FOUR.replace("u numeric", "u date 'yyyy'") + "z,1,1,1\n", "'u' .* is of type date"),
    ],
)
def test_what_is_wrong_is_said(load, text, words):
    with pytest.raises(ValueError, match=words):
        load(text)


# --- MEKA ---------------------------------------------------------------------------------

MEKA = """@relation 'Music: -C {} -split-number 100'
@attribute a {{0,1}}
@attribute b {{0,1}}
@attribute u numeric
@attribute c {{0,1}}
@data
1,0,3.5,1
0,1,?,0
"""


@pytest.mark.parametrize(
    ("option", "labels", "features"),
    [(2, ["a", "b"], ["u", "c"]), (-1, ["c"], ["a", "b", "u"]), (1, ["a"], ["b", "u", "c"])],
)
def test_meka(load, option, labels, features):
    """The relation says how many labels there are, and on which side."""
    toy = load(MEKA.format(option), labels=None)
    assert list(toy.target_names) == labels
    assert list(toy.feature_names) == features
    columns = {"a": [1, 0], "b": [0, 1], "c": [1, 0]}
    assert_array_equal(toy.target, np.column_stack([columns[name] for name in labels]))


def test_labels_that_are_given_go_before_those_of_meka(load):
    assert load(MEKA.format(2), labels=["c"]).target_names == ["c"]


@pytest.mark.parametrize("option", [0, 5, -5])
def test_meka_with_too_many_labels(load, option):
    with pytest.raises(ValueError, match=f"says -C {option}, but there are 4 attributes"):
        load(MEKA.format(option), labels=None)


# --- large numbers in svmlight ------------------------------------------------------------


def test_a_large_index_costs_nothing(load):
    tracemalloc.start()
    try:
        toy = load(f"0 1:1 {2**24}:2\n1 {2**24}:3\n", "toy.svm", labels=None)
        assert toy.data.shape == (2, 2**24)
        assert toy.feature_names[2**24 - 1] == f"x{2**24 - 1}"
        assert len(toy.feature_names) == 2**24
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueError, match="as_frame=True would make a DataFrame of 16,777,216"):
        load(f"0 {2**24}:2\n", "toy.svm", labels=None, as_frame=True)


@pytest.mark.parametrize("label", ["2000000000", "100000000000", "1e300", "-1", "0.5"])
def test_an_impossible_label(load, label):
    with pytest.raises(ValueError, match=r"row 1 \(line 3\) .* label .*labels must be 0"):
        load(f"0 1:1\n# a comment\n{label} 1:2\n", "toy.svm", labels=None)


@pytest.mark.parametrize("line", ["0 1:x", "0 1", "x 1:1", "0 2:1 1:1", "0 -1:1", "1,,2 1:1"])
def test_the_wrong_line_is_named(load, line):
    with pytest.raises(ValueError, match=r"of .*toy\.svm could not be read|toy\.svm could not be"):
        load(f"0 1:1\n{line}\n", "toy.svm", labels=None)


def test_the_number_of_the_wrong_line(load):
    with pytest.raises(ValueError, match=r"line 2 of .*toy\.svm could not be read"):
        load("0 1:1\n0 1:x\n", "toy.svm", labels=None)


def test_numbered_names():
    names = NumberedNames("x", 5)
    assert list(names) == ["x0", "x1", "x2", "x3", "x4"] == names
    assert names[-1] == "x4"
    assert names[1:3] == ["x1", "x2"]
    assert names == NumberedNames("x", 5) != NumberedNames("y", 5)
    assert names != ["x0"]
    assert "x3" in names
    with pytest.raises(IndexError):
        names[5]
    assert repr(names) == "NumberedNames('x', 5)"


# --- compression and encoding -------------------------------------------------------------

SVM = "0 1:1\n1 2:2\n"


@pytest.mark.parametrize("suffix", [".gz", ".GZ", ".bz2", ".BZ2", ".Gz"])
@pytest.mark.parametrize(("name", "text"), [("toy.svm", SVM), ("toy.arff", FOUR + "z,1,2,1\n")])
def test_suffixes_of_compression(load, suffix, name, text):
    compress = gzip.compress if suffix.lower() == ".gz" else bz2.compress
    labels = None if name == "toy.svm" else ["a"]
    toy = load(compress(text.encode()), name + suffix, labels=labels)
    assert toy.data.shape[0] == text.count("\n") - (0 if labels is None else 6)


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
@pytest.mark.parametrize("name", ["toy.svm", "toy.arff", "names.xml"])
def test_files_cut_short_or_of_another_kind(tmp_path, suffix, name):
    text = {"toy.svm": SVM, "toy.arff": FOUR, "names.xml": "<labels></labels>"}[name] * 50
    whole = (gzip.compress if suffix == ".gz" else bz2.compress)(text.encode())
    other = (bz2.compress if suffix == ".gz" else gzip.compress)(text.encode())
    for content in (whole[:-5], whole[: len(whole) // 2], other, text.encode(), b"\x00" * 20):
        path = tmp_path / (name + suffix)
        path.write_bytes(content)
        arff, labels = path, None if name == "toy.svm" else ["a"]
        if name == "names.xml":
            arff, labels = tmp_path / "x.arff", path
            arff.write_text(FOUR)
        with pytest.raises(ValueError, match=rf"{name}{suffix} could not be decompressed"):
            load_multilabel_file(arff, labels=labels)


def test_the_line_of_a_wrong_encoding(load):
    content = (FOUR + "z,1,2,1\n").replace("'x y'", "'größe'").encode("latin-1")
    with pytest.raises(ValueError, match=r"line 2 of .*toy\.arff is not in UTF-8 \(byte 0xf6\)"):
        load(content)
    with pytest.raises(ValueError, match="is not in UTF-8"):
        load((FOUR + "z,1,2,1\n").encode("utf-16"))


def test_a_byte_order_mark(load):
    assert load((FOUR + "z,1,2,1\n").encode("utf-8-sig")).data.shape == (1, 4)


# --- lists of labels in XML ---------------------------------------------------------------

LAUGHS = "<!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(97 + i)} '{f'&{chr(96 + i)};' * 10}'>" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (LAUGHS + "]><labels><label name='&j;'/></labels>", "declares entities"),
        (
            "<!DOCTYPE l [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><l><label name='a'/>&x;</l>",
            "declares entities",
        ),
        ("<l>" * 5000 + "<label name='a'/>" + "</l>" * 5000, "nested more than 1000 deep"),
        ("<labels><label name='a'></labels>", "could not be read as XML"),
        ("<labels>&undefined;</labels>", "could not be read as XML"),
        ("<labels><label/></labels>", "line 1 .* without a name attribute"),
        ("<?xml version='1.0' encoding='utf-7'?><labels/>", "could not be read"),
        ("", "could not be read as XML"),
    ],
)
def test_xml_that_is_refused(load, tmp_path, xml, words):
    names = tmp_path / "names.xml"
    names.write_text(xml)
    path = tmp_path / "toy.arff"
    path.write_text(FOUR + "z,1,2,1\n")
    with pytest.raises(ValueError, match=words):
        load_multilabel_file(path, labels=names)


# --- mutations ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files_give_data_or_a_value_error(seed, tmp_path):
    for number in range(100):
        fuzz_datasets.check(1000 * seed + number, tmp_path)
