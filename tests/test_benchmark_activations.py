"""`activations`: the functions and their derivatives, what is measured of them, and the figure."""

from __future__ import annotations

import builtins
import json
import re

import numpy as np
import pytest
import textbook
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, minimize_scalar

from sklearn_sparsemax.experiments import _report, activations, main
from sklearn_sparsemax.experiments._activation_functions import ELEMENTWISE, SIMPLEX, curve

FUNCTIONS = {function.name: function for function in (*ELEMENTWISE, *SIMPLEX)}
FAST = ["--shape", "400", "7", "--repeats", "2"]

every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))


def polu(n):
    return lambda x: np.array([t if t >= 0 else (1 - t) ** -n - 1 for t in x.flat]).reshape(x.shape)


def entmax15(z):
    """The definition: [z / 2 - tau]_+^2, with tau found by bisection."""
    z = z / 2
    low, high = (z.max(axis=1, keepdims=True) - shift for shift in (1, 0))
    for _ in range(60):
        tau = (low + high) / 2
        above = (np.maximum(z - tau, 0) ** 2).sum(axis=1, keepdims=True) >= 1
        low, high = np.where(above, tau, low), np.where(above, high, tau)
    return np.maximum(z - low, 0) ** 2


TEXTBOOK = {
    "sigmoid": textbook.sigmoid,
    "ReLU": lambda x: np.where(x > 0, x, 0),
    "PoLU, n = 1": polu(1),
    "PoLU, n = 2": polu(2),
    "Swish": lambda x: x / (1 + np.exp(-x)),
    "softmax": textbook.softmax,
    "entmax 1.5": entmax15,
    "sparsemax": textbook.sparsemax,
}


def cells(line):
    return re.split(" {2,}", line.strip())


def report(tmp_path, *argv):
    """What the command writes as JSON; the results by the name of the function."""
    file = tmp_path / "report.json"
    assert main(["activations", *FAST, *argv, "--json", str(file)]) == 0
    content = json.loads(file.read_text(encoding="utf-8"))
    return content, {result["function"]: result for result in content["results"]}


def rejection(argv, capsys):
    """The one sentence that rejects the arguments."""
    with pytest.raises(SystemExit) as exit_:
        main(["activations", *map(str, argv)])
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@every_function
def test_values_are_those_of_the_definition(function):
    z = 3 * np.random.default_rng(0).standard_normal((500, 6))
    z[0] = 0
    assert_allclose(function.value(z), TEXTBOOK[function.name](z), rtol=1e-9, atol=1e-12)


@every_function
def test_derivatives_are_those_of_differences(function):
    z, v = np.random.default_rng(1).standard_normal((2, 500, 6))
    step = 1e-5 * v
    before, after = function.value(z - step), function.value(z + step)
    # where a kink lies in between, the two sides have different derivatives
    same_side = np.sign(z - step) == np.sign(z + step)
    same_support = ((before == 0) == (after == 0)).all(axis=1, keepdims=True)
    smooth = same_side if function in ELEMENTWISE else same_support & (z == z)
    assert smooth.mean() > 0.99
    differences = (after - before) / 2e-5
    assert_allclose(function.jvp(z, v)[smooth], differences[smooth], rtol=1e-5, atol=1e-6)


@every_function
def test_curves(function):
    x = np.linspace(-3.05, 3.05, 62)  # no kink at these points
    values, derivatives = curve(function, x)
    if function in SIMPLEX:
        assert_allclose(values, function.value(np.stack([x + 5, 0 * x + 5], axis=1))[:, 0])
        assert_allclose(values, 1 - curve(function, -x)[0], atol=1e-12)
    else:
        assert_array_equal(values, function.value(x))
    differences = (curve(function, x + 1e-6)[0] - curve(function, x - 1e-6)[0]) / 2e-6
    assert_allclose(derivatives, differences, atol=1e-6)


def test_derivatives_at_kinks_are_one_sided():
    at_zero = {name: curve(FUNCTIONS[name], np.zeros(1))[1] for name in FUNCTIONS}
    assert at_zero["ReLU"] == 0
    assert at_zero["PoLU, n = 1"] == at_zero["PoLU, n = 2"] == 1
    assert_array_equal(curve(FUNCTIONS["sparsemax"], np.array([-1.0, 1.0]))[1], 0)


@every_function
def test_ranges(function):
    opening, low, high, closing = re.fullmatch(
        r"([\[(])(\S+), (\S+)([\])])", function.range
    ).groups()
    values, _ = curve(function, np.linspace(-30, 30, 60_001))
    lowest, highest = values.min(), values.max()
    if function.name == "Swish":
        minimum = minimize_scalar(TEXTBOOK["Swish"], bounds=(-5, 0), options={"xatol": 1e-9}).fun
        assert f"{minimum:.3f}" == low
        assert lowest == pytest.approx(minimum, abs=1e-6)
    elif opening == "[":
        assert lowest == float(low)
    else:
        assert float(low) < lowest < float(low) + 0.05
    if closing == "]":
        assert highest == float(high)
    elif high == "inf":
        assert highest > 29
    else:
        assert float(high) - 0.05 < highest < float(high)


def test_zeros_are_counted(tmp_path):
    content, results = report(tmp_path, "--shape", "2000", "5", "--seed", "3")
    assert content["options"]["shape"] == [2000, 5]
    scores = np.random.default_rng(3).standard_normal((2, 2000, 5))[0]
    shares = {name: result["share_of_zeros"] for name, result in results.items()}
    for name, share in shares.items():
        assert share == np.mean(TEXTBOOK[name](scores) == 0), name
    for name in ("sigmoid", "PoLU, n = 1", "PoLU, n = 2", "Swish", "softmax"):
        assert shares[name] == 0
    assert 0.48 < shares["ReLU"] < 0.52
    assert 0.1 < shares["entmax 1.5"] < shares["sparsemax"] < 0.8


def test_where_values_and_derivatives_are_zero(tmp_path):
    _, results = report(tmp_path)
    negative, outside_2, outside_1 = [[None, 0]], [[None, -2], [2, None]], [[None, -1], [1, None]]
    assert {name: result["zero"] for name, result in results.items()} == {
        "sigmoid": [], "ReLU": negative, "PoLU, n = 1": [[0, 0]], "PoLU, n = 2": [[0, 0]],
        "Swish": [[0, 0]], "softmax": [], "entmax 1.5": outside_2[:1], "sparsemax": outside_1[:1],
    }  # fmt: skip
    assert {name: result["flat"] for name, result in results.items()} == {
        "sigmoid": [], "ReLU": negative, "PoLU, n = 1": [], "PoLU, n = 2": [],
        "Swish": [], "softmax": [], "entmax 1.5": outside_2, "sparsemax": outside_1,
    }  # fmt: skip


@pytest.mark.parametrize("small", [0.01, 0.05])
def test_saturation_begins_where_the_derivative_is_small(small, tmp_path):
    _, results = report(tmp_path, "--small", str(small))

    def ends(name, *brackets):
        function = FUNCTIONS[name]
        return [
            brentq(lambda t: abs(curve(function, np.array([t]))[1][0]) - small, *bracket)
            for bracket in brackets
        ]

    expected = {
        "sigmoid": ends("sigmoid", (-9, 0), (0, 9)),
        "softmax": ends("softmax", (-9, 0), (0, 9)),
        "entmax 1.5": ends("entmax 1.5", (-3, -1), (1, 3)),
        "PoLU, n = 1": [1 - small**-0.5],
        "PoLU, n = 2": [1 - (2 / small) ** (1 / 3)],
        # around its minimum at -1.278, too
        "Swish": ends("Swish", (-9, -2.5), (-2.3, -1.279), (-1.277, 0)),
        "ReLU": [0],
        "sparsemax": [-1, 1],
    }
    for name, limits in expected.items():
        found = [end for pair in results[name]["saturated"] for end in pair if end is not None]
        assert_allclose(found, limits, atol=0.0101, err_msg=name)


@pytest.mark.parametrize(
    ("selected", "expected", "words"),
    [
        ([0, 0, 0, 0, 0], [], "-"),
        ([1, 1, 1, 1, 1], [(None, None)], "all x"),
        ([1, 1, 0, 0, 0], [(None, -1.0)], "x <= -1"),
        ([0, 0, 0, 1, 1], [(1.0, None)], "x >= 1"),
        ([1, 1, 0, 1, 1], [(None, -1.0), (1.0, None)], "|x| >= 1"),
        ([1, 0, 0, 1, 1], [(None, -2.0), (1.0, None)], "x <= -2 or x >= 1"),
        ([0, 1, 0, 1, 0], [(-1.0, -1.0), (1.0, 1.0)], "x = -1 or x = 1"),
        ([0, 1, 1, 0, 1], [(-1.0, 0.0), (2.0, None)], "-1 <= x <= 0 or x >= 2"),
    ],
)
def test_intervals(selected, expected, words):
    found = activations.intervals(np.arange(-2.0, 3.0), np.array(selected, dtype=bool))
    assert found == expected
    assert activations._describe(found) == words


def test_every_function_is_timed_in_the_same_way(monkeypatch):
    calls = []
    clock = iter(range(100))
    monkeypatch.setattr(activations.time, "perf_counter", lambda: 1e-9 * next(clock) ** 2)

    class Recorder:
        def __init__(self, name):
            self.value = lambda z: calls.append((name, "value"))
            self.jvp = lambda z, v: calls.append((name, "jvp"))

    z = np.zeros((2, 5))
    times = activations._times([Recorder("a"), Recorder("b")], z, z, repeats=3)
    one_round = [("a", "value"), ("a", "jvp"), ("b", "value"), ("b", "jvp")]
    assert calls == 4 * one_round  # one round that is not timed, and three
    # the readings of the clock are 0, 1, 4, 9 ... ns: the first round is the fastest
    assert_allclose(times, [[0.1, 0.5], [0.9, 1.3]])


def test_table(tmp_path, capsys):
    _, results = report(tmp_path)
    out = capsys.readouterr().out
    title, table, columns = out.split("\n\n")
    assert title.startswith("400 x 7 standard normal scores; c = 0.01.\nTimed on one of ")
    header, _, *lines = table.splitlines()
    assert cells(header) == list(activations.COLUMNS)
    assert [cells(line)[0] for line in lines] == list(FUNCTIONS)
    for line in lines:
        row = dict(zip(activations.COLUMNS, cells(line), strict=True))
        result = results[row["function"]]
        assert row["range"] == result["range"]
        assert row["zeros"] == f"{100 * result['share_of_zeros']:.1f}"
        assert row["ns f"] == f"{result['ns_value']:.1f}"
        assert row["ns f'"] == f"{result['ns_derivative']:.1f}"
        assert min(result["ns_value"], result["ns_derivative"]) > 0
    rows = {cells(line)[0]: cells(line) for line in lines}
    assert rows["ReLU"][4:6] == ["x <= 0", "x <= 0"]
    assert rows["sparsemax"][2::2][:2] == ["x <= -1", "|x| >= 1"]
    assert "product of each row's Jacobian and a vector" in columns


def test_the_machine_is_named(tmp_path):
    content, _ = report(tmp_path)
    assert set(content["machine"]) == {"platform", "cpu_count", "processor"}
    assert content["machine"]["processor"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "model name\t: Chip X\ncpu family\t: 6\nmodel\t: 7\n\nmodel name\t: second\n",
            "Chip X (family 6, model 7)",
        ),
        ("CPU part\t: 0xd0c\n", "armv8"),
        (None, "armv8"),
    ],
)
def test_processors(text, expected, tmp_path, monkeypatch):
    cpuinfo = tmp_path / "cpuinfo"
    if text is not None:
        cpuinfo.write_text(text)
    monkeypatch.setattr(_report, "Path", {"/proc/cpuinfo": cpuinfo}.__getitem__)
    monkeypatch.setattr(_report.platform, "processor", lambda: "armv8")
    assert _report.processor() == expected


def test_figure(tmp_path, capsys):
    matplotlib = pytest.importorskip("matplotlib")
    file = tmp_path / "figure.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        assert main(["activations", *FAST, str(file)]) == 0
    assert f"wrote {file}" in capsys.readouterr().err
    text = file.read_text(encoding="utf-8")
    for words in (*FUNCTIONS, "f(x)", "derivative f′(x)", "its derivative", "score of class 2"):
        assert words in text
    # in the planes of the entmax and the sparsemax, not of the softmax
    assert text.count("exactly 0") == text.count("exactly 1") == 2


def test_png(tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "figure.png"
    assert main(["activations", *FAST, str(file)]) == 0
    assert file.read_bytes().startswith(b"\x89PNG")


def test_without_a_file_nothing_is_drawn(capsys):
    assert main(["activations", *FAST]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--shape", "0", "3"], "argument --shape: '0' is not an integer above 0"),
        (["--shape", "3"], "argument --shape: expected 2 arguments"),
        (["--small", "0"], "argument --small: '0' is not a finite number above 0"),
        (["--small", "nan"], "argument --small: 'nan' is not a finite number above 0"),
        (["--repeats", "0"], "argument --repeats: '0' is not an integer above 0"),
        (["--seed", "-1"], "argument --seed: '-1' is not an integer from 0 to 4294967295"),
        (["no/such/folder/a.png"], "argument FILE: 'no/such/folder/a.png' cannot be written"),
    ],
)
def test_bad_arguments(argv, words, capsys):
    assert words in rejection(argv, capsys)


def test_unusable_figures_are_found_before_the_work(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(activations, "_results", lambda *_: pytest.fail("it has begun to work"))
    message = rejection([tmp_path / "figure.txt"], capsys)
    assert "argument FILE: " in message
    assert "does not end in ." in message

    def without_matplotlib(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return import_(name, *arguments, **options)

    import_ = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    message = rejection([tmp_path / "figure.png"], capsys)
    assert "argument FILE needs matplotlib: pip install 'sklearn-sparsemax[plot]'" in message


def test_help(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["activations", "--help"])
    out = capsys.readouterr().out
    assert exit_.value.code == 0
    assert "a function is saturated where |f'| < C" in out
    assert "percentage of exact zeros" in out
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "sigmoid, ReLU, PoLU, Swish" in capsys.readouterr().out
