"""The order of the gallery: from the idea to the tools."""

from __future__ import annotations

ORDER = (
    "plot_sparsemax_softmax.py",
    "plot_activations.py",
    "plot_losses.py",
    "plot_entmax.py",
    "plot_simplex.py",
    "plot_shortlists.py",
    "plot_coverage.py",
    "plot_text.py",
    "plot_multilabel.py",
    "plot_unlabelled.py",
    "plot_label_proportions.py",
    "plot_alpha_path.py",
    "plot_certificate.py",
    "plot_stream_drift.py",
    "plot_attention.py",
    "plot_onnx.py",
)


class ExampleOrder:
    """A key that sorts file names as in `ORDER`; others come last."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, name: str) -> tuple[int, str]:
        """Sort key of a file."""
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.folder}>"
