"""
A model card
============

A model that others use needs a page that says what it does: its parameters, how it was measured,
what it promises, and what it does not. This example writes such a card, the model itself as a file
that runs no code when it is loaded, and two figures. It needs skops: ``pip install skops``.
"""

from pathlib import Path

import skops.io
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skops.card import Card

from sklearn_sparsemax import CalibratedSparsemaxClassifierCV, SparsemaxClassifier
from sklearn_sparsemax.plotting import CoverageDisplay, SupportSizeDisplay
from sklearn_sparsemax.skops import TRUSTED_TYPES

# %%
# The model: digits, with a shortlist that has the right one in 99 % of the images.

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
model = CalibratedSparsemaxClassifierCV(
    SparsemaxClassifier(), confidence_level=0.99, random_state=0
).fit(X, y)
report = model.coverage(X_test, y_test)

folder = Path("model_card")
folder.mkdir(exist_ok=True)
skops.io.dump(model, folder / "model.skops")

# %%
# The figures.

CoverageDisplay.from_estimator(model, X_test, y_test).figure_.savefig(folder / "coverage.png")
SupportSizeDisplay.from_estimator(model, X_test, y_test).figure_.savefig(folder / "sizes.png")

# %%
# The card.

card = Card(model, template=None)
card.add(
    **{
        "Shortlists of digits": (
            "For an image of 8 x 8 pixels, the model lists the digits that are possible. All other "
            "digits have a probability of exactly 0."
        ),
        "Shortlists of digits/Intended use": (
            "Images that were made and scaled as those of the training. For other images the "
            "promise below may fail."
        ),
        "Shortlists of digits/Promise": (
            f"The right digit is on the list with a probability of at least "
            f"{model.confidence_level:.0%}. {model.n_calibration_rows_} images that the model was "
            "not fitted to have set the scale of its scores (split conformal prediction). The "
            "promise is about all images together, not about each digit."
        ),
        "Shortlists of digits/How to load": (
            "```python\nimport skops.io\nfrom sklearn_sparsemax.skops import TRUSTED_TYPES\n\n"
            'model = skops.io.load("model.skops", trusted=TRUSTED_TYPES)\n'
            "model.predict_set(X)\n```"
        ),
    }
)
card.add_hyperparams(section="Shortlists of digits/Parameters")
card.add_metrics(
    section=f"Shortlists of digits/Measured on {len(y_test)} other images",
    **{
        "right digit is on the list": f"{report['coverage']:.3f}",
        "mean length of the list": f"{report['mean_size']:.2f}",
        "most probable digit is right": f"{model.score(X_test, y_test):.3f}",
    },
)
card.add_plot(
    **{
        "Shortlists of digits/Figures/Coverage": "coverage.png",
        "Shortlists of digits/Figures/Lengths": "sizes.png",
    }
)
card.save(folder / "README.md")

# %%
# What a user does with the files.

again = skops.io.load(folder / "model.skops", trusted=TRUSTED_TYPES)
print([labels.tolist() for labels in again.predict_set(X_test[:5])])
