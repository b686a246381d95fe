"""
Text: which part of a library does a passage come from?
=======================================================

The corpus is the documentation inside installed packages: docstrings of NumPy, SciPy, scikit-learn,
pandas and matplotlib. The classes are their modules, some dozens. A linear classifier of words
finds the module, says which others are possible, and shows the words that decide.
"""

import inspect
import pkgutil
import re
import time
from importlib import import_module

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_sparsemax import SparsemaxClassifier

# %%
# The corpus
# ----------
# A text is the docstring of a public function, class or method. Examples and names of modules are
# cut out, since they would give the answer away. Modules with fewer than 20 texts are left out.

LIBRARIES = ["numpy", "scipy", "sklearn", "pandas", "matplotlib"]
SKIPPED = ["conftest", "core", "matlib", "testing", "tests"]  # deprecated, or not for users


def docstrings(module):
    """Texts of the public functions, classes and methods of a module."""
    for name in getattr(module, "__all__", None) or dir(module):
        try:
            thing = getattr(module, name)
        except Exception:  # it needs what is not installed
            continue
        if name.startswith("_") or not callable(thing):
            continue
        parts = vars(thing).values() if inspect.isclass(thing) else []
        for part in [thing, *parts]:
            if isinstance(text := getattr(part, "__doc__", None), str):
                text = text.partition("Examples\n")[0]
                if len(text) > 200:
                    yield re.sub(r"\w+\.[\w.]+|>>>.*", " ", text)


texts, names = [], []
for library in LIBRARIES:
    package = import_module(library)
    modules = {library: package}
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_") and found.name not in SKIPPED:
            try:
                modules[f"{library}.{found.name}"] = import_module(f"{library}.{found.name}")
            except Exception:  # a module that needs what is not installed
                continue
    for name, module in modules.items():
        for text in dict.fromkeys(docstrings(module)):
            texts.append(text)
            names.append(name)

# a text that stands in several modules has no single answer
texts, names = np.array(texts, dtype=object), np.array(names)
_, first, counts = np.unique(texts.astype(str), return_index=True, return_counts=True)
texts, names = texts[first[counts == 1]], names[first[counts == 1]]
modules, sizes = np.unique(names, return_counts=True)
kept = np.isin(names, modules[sizes >= 20])
texts, names = texts[kept], names[kept]
print(f"{len(texts)} texts of {len(np.unique(names))} modules")

# %%
# Two classifiers
# ---------------
# Both get the same features and the same strength of penalty, ``alpha = 1 / (C n)``. Neither is
# tuned.

texts_train, texts_test, y_train, y_test = train_test_split(
    texts, names, test_size=0.3, stratify=names, random_state=0
)
C = 10
models = {
    "SparsemaxClassifier": SparsemaxClassifier(alpha=1 / (C * len(texts_train))),
    "LogisticRegression": LogisticRegression(C=C, solver="newton-cg"),
}
for name, model in models.items():
    pipeline = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), model)
    start = time.perf_counter()
    pipeline.fit(texts_train, y_train)
    seconds = time.perf_counter() - start
    p = pipeline.predict_proba(texts_test)
    one_hot = model.classes_ == y_test[:, None]
    print(
        f"{name:20} accuracy {pipeline.score(texts_test, y_test):.3f}, Brier score "
        f"{np.mean(np.sum((p - one_hot) ** 2, axis=1)):.3f}, possible modules "
        f"{np.mean((p > 0).sum(axis=1)):.1f}, true one possible "
        f"{np.mean(p[one_hot] > 0):.3f}, fitted in {seconds:.1f} s"
    )
    models[name] = pipeline

# %%
# One text
# --------
# The shortlist of a doubtful text. How often is the true module missing from a shortlist? To choose
# that, see :ref:`sphx_glr_auto_examples_plot_coverage.py`.

pipeline = models["SparsemaxClassifier"]
classifier, vectorizer = pipeline[-1], pipeline[0]
p = pipeline.predict_proba(texts_test)
row = int(np.argmin(np.abs(p.max(axis=1) - 0.5) + 10 * ((p > 0).sum(axis=1) != 3)))
print(" ".join(texts_test[row].split())[:300], "...\n")
print("true module:", y_test[row])
for k in np.argsort(-p[row])[:4]:
    print(f"  {classifier.classes_[k]:24} {p[row, k]:.2f}")

# %%
# The words that decide
# ---------------------
# The contribution of a word to the score of a class is its weight in the text times its
# coefficient. The bars show by how much each word favours the first module over the second one.

first, second = np.argsort(-p[row])[:2]
weights = vectorizer.transform(texts_test[[row]]).toarray()[0]
contributions = weights * (classifier.coef_[first] - classifier.coef_[second])
strongest = np.argsort(-np.abs(contributions))[:12][::-1]
words = vectorizer.get_feature_names_out()[strongest]

figure, axes = plt.subplots(figsize=(7.5, 4.2))
colours = np.where(contributions[strongest] > 0, "#0072B2", "#D55E00")
axes.barh(words, contributions[strongest], color=colours)
axes.set(xlabel="contribution to the difference of the scores")
axes.set_title(f"for {classifier.classes_[first]}", color="#0072B2", loc="right")
axes.set_title(f"for {classifier.classes_[second]}", color="#D55E00", loc="left")
axes.grid(visible=False, axis="y")
plt.show()
