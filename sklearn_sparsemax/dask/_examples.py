"""The examples of the docstrings, one for each kind of target."""

CLASSES = """\
>>> import dask.array as da
>>> from sklearn.datasets import load_iris
>>> from sklearn_sparsemax.dask import {name}
>>> X, y = load_iris(return_X_y=True)
>>> X, y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
>>> classifier = {name}(alpha=1e-3).fit(X, y)
>>> classifier.predict(X[:3]).compute()
array([0, 0, 0])"""

LABELS = """\
>>> import dask.array as da
>>> from sklearn.datasets import make_multilabel_classification
>>> from sklearn_sparsemax.dask import {name}
>>> X, Y = make_multilabel_classification(n_classes=4, random_state=0)
>>> X, Y = da.from_array(X, chunks=(50, 20)), da.from_array(Y, chunks=(50, 4))
>>> classifier = {name}(alpha=0.1).fit(X, Y)
>>> classifier.predict(X).compute().shape
(100, 4)"""

PROPORTIONS = """\
>>> import dask.array as da
>>> from sklearn_sparsemax.dask import {name}
>>> from sklearn_sparsemax.datasets import make_label_proportions
>>> X, Y = make_label_proportions(100, n_classes=3, normalize=True, random_state=0)
>>> X, Y = da.from_array(X, chunks=(50, -1)), da.from_array(Y, chunks=(50, 3))
>>> regressor = {name}(alpha=1e-4).fit(X, Y)
>>> regressor.predict(X).compute().shape
(100, 3)"""

OF_KIND = {"classes": CLASSES, "labels": LABELS, "proportions": PROPORTIONS}


def example(name: str, kind: str) -> str:
    """The section of a docstring with the example of a class."""
    return "Examples\n--------\n" + OF_KIND[kind].format(name=name)
