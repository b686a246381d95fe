"""
Attention with zeros, on digits
===============================

Which parts of an image are needed to read a digit? The images of scikit-learn's digits are cut into
16 patches. A small network computes a score for each patch, turns the scores into weights, and
classifies the weighted sum. With sparsemax weights, most patches have a weight of exactly 0.

The output has the sparsemax loss, so that it too gives a shortlist of classes. This example needs
PyTorch: ``pip install "sklearn-sparsemax[torch]"``.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from sklearn_sparsemax.torch import SparsemaxLoss, sparsemax

# %%
# The network
# -----------


class PatchAttention(nn.Module):
    """Classes from a weighted sum of patches."""

    def __init__(self, weigh, n_patches=16, n_pixels=4, size=32):
        super().__init__()
        self.weigh = weigh
        self.encode = nn.Sequential(nn.Linear(n_pixels, size), nn.ReLU(), nn.Linear(size, size))
        self.position = nn.Parameter(0.1 * torch.randn(n_patches, size))
        self.look = nn.Sequential(nn.Linear(n_patches * n_pixels, size), nn.Tanh())
        self.classify = nn.Sequential(nn.ReLU(), nn.Linear(size, 10))

    def forward(self, patches):
        states = self.encode(patches) * (1 + self.position)
        query = self.look(patches.flatten(1))
        scores = torch.einsum("nps,ns->np", states, query) / states.shape[-1] ** 0.5
        weights = self.weigh(scores, dim=-1)
        return self.classify(torch.einsum("np,nps->ns", weights, states)), weights


def train(weigh, patches, y, n_epochs=40):
    torch.manual_seed(0)
    model, loss = PatchAttention(weigh), SparsemaxLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(y)).split(64):
            optimizer.zero_grad()
            loss(model(patches[rows])[0], y[rows]).backward()
            optimizer.step()
    return model.eval()


def cut(images):
    """Images (n, 8, 8) as patches (n, 16, 4) of 2 x 2 pixels."""
    n = len(images)
    patches = images.reshape(n, 4, 2, 4, 2).transpose(0, 1, 3, 2, 4).reshape(n, 16, 4)
    return torch.tensor(patches / 16, dtype=torch.float32)


# %%
# Softmax and sparsemax weights
# -----------------------------

digits = load_digits()
images, y = digits.images, torch.tensor(digits.target)
train_rows, test_rows = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
found = {}
for name, weigh in [("softmax", torch.softmax), ("sparsemax", sparsemax)]:
    model = train(weigh, cut(images[train_rows]), y[train_rows])
    with torch.no_grad():
        scores, found[name] = model(cut(images[test_rows]))
    accuracy = (scores.argmax(dim=1) == y[test_rows]).double().mean()
    looked_at = (found[name] > 0).sum(dim=1).double().mean()
    possible = (sparsemax(scores) > 0).sum(dim=1).double().mean()
    print(
        f"{name:9}  accuracy {accuracy:.3f}, patches with weight {looked_at:.1f} of 16, "
        f"possible digits {possible:.2f}"
    )

# %%
# The more weight a patch has, the stronger its colour. The sparsemax looks at a few places.

figure, rows = plt.subplots(2, 8, figsize=(10, 2.9))
for (name, weights), panels in zip(found.items(), rows, strict=True):
    for axes, image, of_patches in zip(panels, images[test_rows], weights.tolist(), strict=False):
        axes.imshow(image, cmap="gray_r")
        for k, weight in enumerate(of_patches):
            corner = (2 * (k % 4) - 0.5, 2 * (k // 4) - 0.5)
            look = {"facecolor": "#0072B2", "alpha": 0.75 * weight**0.5, "linewidth": 0}
            axes.add_patch(Rectangle(corner, 2, 2, **look))
        axes.set(xticks=[], yticks=[])
    panels[0].set_ylabel(name)
plt.show()
