"""What skorch needs for the training: the loss, and progress reporting."""

from __future__ import annotations

from typing import Any, NamedTuple

from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import Tensor, nn

from ..._problem.progress import SILENT, Progress


class Training(NamedTuple):
    """A network after some epochs."""

    net: NeuralNetClassifier
    n_iter: int


class CrossEntropyOfScores(nn.Module):
    """Cross-entropy of the first output of the network: the second are the weights."""

    def forward(self, output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output[0], target)


class Report(Callback):
    """Tells of each epoch, and ends the training where a callback of scikit-learn wants it."""

    def __init__(self, progress: Progress = SILENT) -> None:
        self.progress = progress

    def on_epoch_begin(self, net: NeuralNetClassifier, **_: Any) -> None:
        self.progress.begin("epoch", lambda: Training(net, len(net.history)))

    def on_epoch_end(self, net: NeuralNetClassifier, **_: Any) -> None:
        epoch = net.history[-1]
        self.progress.line(
            "[nli] epoch %3d  training loss %.4f  validation loss %.4f, accuracy %.2f %%  %.1f s",
            epoch["epoch"],
            epoch["train_loss"],
            epoch["valid_loss"],
            100 * epoch["valid_acc"],
            epoch["dur"],
        )
        if self.progress.end(lambda: Training(net, len(net.history))):
            # how skorch's own callbacks end a training
            raise KeyboardInterrupt
