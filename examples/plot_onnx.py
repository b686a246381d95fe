"""
Export to ONNX
==============

A fitted pipeline becomes an ONNX model, which a server runs without Python. The zeros of the
probabilities are kept: the same classes are ruled out. This example needs the extra ``onnx``:
``pip install "sklearn-sparsemax[onnx]"``.
"""

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_sparsemax import SparsemaxClassifier
from sklearn_sparsemax.onnx import register_converters

X, y = load_digits(return_X_y=True)
X = X.astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = make_pipeline(StandardScaler(), SparsemaxClassifier(alpha=1e-2)).fit(X_train, y_train)

# %%
# ``register_converters`` makes skl2onnx know the estimators of this package.

register_converters()
model = to_onnx(pipeline, X_train[:1])
session = onnxruntime.InferenceSession(model.SerializeToString())
labels, exported = session.run(None, {"X": X_test})
p = pipeline.predict_proba(X_test)
print(f"{len(model.SerializeToString()) / 1024:.0f} KiB")
print(f"labels agree in {np.mean(labels == pipeline.predict(X_test)):.1%} of the rows")
print(f"largest difference of a probability: {np.abs(exported - p).max():.1e}")
print(f"zeros agree in {np.mean((exported > 0) == (p > 0)):.2%} of the probabilities")

# %%
# Every probability, from scikit-learn and from ONNX.

figure, axes = plt.subplots(figsize=(4.6, 4.2))
axes.plot(p.ravel(), exported.ravel(), ".", markersize=4)
axes.set(xlabel="probability, scikit-learn", ylabel="probability, ONNX Runtime", aspect="equal")
plt.show()
