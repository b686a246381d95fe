"""A user's own multilabel file: ARFF with an XML list of labels, or svmlight."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._arff import has_meka_labels, read_arff
from ._bunch import make_bunch
from ._label_lists import read_label_list
from ._streams import open_bytes, read_text
from ._svmlight import NumberedNames, read_svmlight

_SVMLIGHT = (".svm", ".svmlight", ".libsvm")


def load_multilabel_file(
    path: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    n_features: int | None = None,
    zero_based: bool | str = "auto",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    r"""Load a multilabel dataset from an ARFF or an svmlight file.

    The extension tells the format: ``.arff`` (the format of Weka and Mulan, with dense or sparse
    rows), or ``.svm``, ``.svmlight``, ``.libsvm`` (lines ``label,label index:value ...``).
    Either may be compressed: a further ``.gz`` or ``.bz2``.

    Parameters
    ----------
    path : str or path-like
        The file.
    labels : str, path-like or sequence of str, default=None
        The names of the labels, or the file that lists them: ``.xml`` as Mulan writes it, or
        text with one name per line. In an ARFF file they say which attributes are labels. None
        means the option ``-C`` of the relation where there is one, as MEKA writes it, and else
        the XML file beside it: for ``birds-train.arff``, ``birds-train.xml`` or ``birds.xml``. In
        an svmlight file label ``k`` is the name at position ``k``, counted
        from 0, and None names the labels ``"0"``, ``"1"``, ... up to the greatest one that occurs.
    n_features : int, default=None
        Number of columns of X, for svmlight files only, which do not tell: pass that of the
        training data when loading test data. None means the greatest index that occurs.
    zero_based : bool or "auto", default="auto"
        Whether the feature indices of an svmlight file start at 0. "auto" takes them to start
        at 1 when none is 0, which can be wrong for a small file.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas DataFrames, with sparse columns when the data are sparse.

    Returns
    -------
    data : Bunch
        With the entries

        - data : ndarray or CSR matrix of shape (n_samples, n_features), float64; sparse for
          svmlight and for ARFF with sparse rows. Missing values are NaN. Nominal attributes other
          than {0,1} become one 0/1 column per value, named ``attribute_value``, or
          ``attribute=value`` where another column has that name.
        - target : ndarray or CSR matrix of shape (n_samples, n_labels), int64, 1 where the row has
          the label; sparse when `data` is.
        - frame : DataFrame of both with ``as_frame=True``, else None.
        - feature_names, target_names : sequences of str; features of svmlight are ``"x0"``,
          ``"x1"``, ..., made when they are asked for
        - filename : str

    (data, target) : tuple if ``return_X_y`` is True
        Features and label sets alone.

    Raises
    ------
    ValueError
        If the extension is none of the above; the file is malformed, cut short, wrongly
        compressed or not in UTF-8, with its line where there is one; a label is not among the
        attributes of the ARFF file, beyond the list of names or beyond 10 million; a label value
        of an ARFF file is neither 0 nor 1; or `n_features` is too small.
    FileNotFoundError
        If `path` or the list of labels does not exist.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    See Also
    --------
    sklearn.datasets.load_svmlight_file : The svmlight reader underneath.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_sparsemax.datasets import load_multilabel_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "news.svm"
    ...     _ = path.write_text("0,2 1:0.5 4:1.5\n1 2:2.0\n 3:1.0\n")
    ...     news = load_multilabel_file(path, labels=["sport", "politics", "health"])
    >>> news.data.toarray()
    array([[0.5, 0. , 0. , 1.5],
           [0. , 2. , 0. , 0. ],
           [0. , 0. , 1. , 0. ]])
    >>> news.target.toarray()
    array([[1, 0, 1],
           [0, 1, 0],
           [0, 0, 0]])
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bz2"):
        suffixes.pop()
    extension = suffixes[-1] if suffixes else ""

    feature_names: Sequence[str]
    target_names: Sequence[str]
    if extension == ".arff":
        if n_features is not None:
            raise ValueError(
                f"n_features={n_features} has no meaning for an ARFF file, which lists its "
                f"attributes: leave it out for {path}."
            )
        text = read_text(path)
        if labels is None and not has_meka_labels(text, str(path)):
            labels = _labels_beside(path)
        names = None if labels is None else _label_names(labels)
        X, Y, feature_names, target_names = read_arff(text, names, str(path))
    elif extension in _SVMLIGHT:
        names = None if labels is None else _label_names(labels)
        with open_bytes(path) as file:
            X, Y = read_svmlight(file, names, n_features, zero_based, str(path))
        feature_names = NumberedNames("x", X.shape[1])
        target_names = names or NumberedNames("", Y.shape[1])
    else:
        raise ValueError(
            f"{path} has an extension that says nothing about its format: it must be .arff, "
            f"{', '.join(_SVMLIGHT[:-1])} or {_SVMLIGHT[-1]}, optionally followed by .gz or .bz2."
        )
    return make_bunch(
        X,
        Y,
        feature_names=feature_names,
        target_names=target_names,
        return_X_y=return_X_y,
        as_frame=as_frame,
        filename=str(path),
    )


def _labels_beside(path: Path) -> Path:
    """Mulan's convention: one NAME.xml for NAME.arff, NAME-train.arff and NAME-test.arff."""
    stem = path.name[: path.name.lower().index(".arff")]
    bare = stem.removesuffix("-train").removesuffix("-test")
    candidates = [path.with_name(f"{name}.xml") for name in dict.fromkeys((stem, bare))]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ValueError(
        "labels is None, the relation has no option -C as MEKA writes it, and there is no "
        f"{' or '.join(map(str, candidates))}: pass labels, the XML file or the names that say "
        f"which attributes of {path} are labels."
    )


def _label_names(labels: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    if isinstance(labels, (str, os.PathLike)):
        source = str(labels)
        names = read_label_list(Path(source))
    else:
        source = "labels"
        names = list(labels)
    if not names:
        raise ValueError(f"{source} names no label.")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"{source} names {', '.join(map(repr, repeated))} more than once.")
    return names
