"""
Attention on digits
===================

Sparsemax inside your own PyTorch model: which parts of an image are needed to read a digit?

    python examples/torch_attention.py [FILE]

The images of scikit-learn's digits are cut into 16 patches. A small network computes a score for
each patch, turns the scores into weights, and classifies the weighted sum. With sparsemax weights,
most patches have a weight of 0. The output has the sparsemax loss, so that it too gives a shortlist
of classes. The script needs the extra `torch`. With FILE, it draws the weights on a few images.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from sklearn_sparsemax.torch import SparsemaxLoss, sparsemax


class PatchAttention(nn.Module):
    """Classes from a weighted sum of patches."""

    def __init__(self, weigh, n_patches: int = 16, n_pixels: int = 4, size: int = 32) -> None:
        super().__init__()
        self.weigh = weigh
        self.encode = nn.Sequential(nn.Linear(n_pixels, size), nn.ReLU(), nn.Linear(size, size))
        self.position = nn.Parameter(0.1 * torch.randn(n_patches, size))
        self.look = nn.Sequential(nn.Linear(n_patches * n_pixels, size), nn.Tanh())
        self.classify = nn.Sequential(nn.ReLU(), nn.Linear(size, 10))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        states = self.encode(patches) * (1 + self.position)
        query = self.look(patches.flatten(1))
        scores = torch.einsum("nps,ns->np", states, query) / states.shape[-1] ** 0.5
        weights = self.weigh(scores, dim=-1)
        return self.classify(torch.einsum("np,nps->ns", weights, states)), weights


def train(weigh, patches: Tensor, y: Tensor, n_epochs: int = 60) -> PatchAttention:
    torch.manual_seed(0)
    model, loss = PatchAttention(weigh), SparsemaxLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(y)).split(64):
            optimizer.zero_grad()
            loss(model(patches[rows])[0], y[rows]).backward()
            optimizer.step()
    return model.eval()


def cut(images: np.ndarray) -> Tensor:
    """Images (n, 8, 8) as patches (n, 16, 4) of 2 x 2 pixels."""
    n = len(images)
    patches = images.reshape(n, 4, 2, 4, 2).transpose(0, 1, 3, 2, 4).reshape(n, 16, 4)
    return torch.tensor(patches / 16, dtype=torch.float32)


def main() -> None:
    digits = load_digits()
    images, y = digits.images, torch.tensor(digits.target)
    train_rows, test_rows = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
    found = {}
    for name, weigh in (("softmax", torch.softmax), ("sparsemax", sparsemax)):
        model = train(weigh, cut(images[train_rows]), y[train_rows])
        with torch.no_grad():
            scores, found[name] = model(cut(images[test_rows]))
        accuracy = (scores.argmax(dim=1) == y[test_rows]).double().mean()
        looked_at = (found[name] > 0).sum(dim=1).double().mean()
        possible = (sparsemax(scores) > 0).sum(dim=1).double().mean()
        print(
            f"{name:9}  accuracy {accuracy:.3f}, patches with weight {looked_at:.1f} of 16, "
            f"classes with probability {possible:.2f} of 10"
        )
    if len(sys.argv) > 1:
        draw(images[test_rows], found, sys.argv[1])


def draw(images: np.ndarray, weights: dict[str, Tensor], file: str, n: int = 8) -> None:
    """Draw the first images. The more weight a patch has, the stronger its colour."""
    from matplotlib import pyplot as plt
    from matplotlib.patches import Rectangle

    figure, rows = plt.subplots(
        len(weights), n, figsize=(1.2 * n, 1.35 * len(weights)), layout="constrained"
    )
    for (name, of_images), panels in zip(weights.items(), rows, strict=True):
        for axes, image, of_patches in zip(panels, images, of_images.tolist(), strict=False):
            axes.imshow(image, cmap="gray_r")
            for k, weight in enumerate(of_patches):
                corner = (2 * (k % 4) - 0.5, 2 * (k // 4) - 0.5)
                look = {"facecolor": "#0072B2", "alpha": 0.75 * weight**0.5, "linewidth": 0}
                axes.add_patch(Rectangle(corner, 2, 2, **look))
            axes.set(xticks=[], yticks=[])
        panels[0].set_ylabel(name)
    figure.savefig(file, dpi=150)
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
