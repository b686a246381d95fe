"""PyTorch's own L-BFGS (strong Wolfe line search) on entmax's SparsemaxLoss, by autograd."""

from __future__ import annotations

from typing import Any

from scipy import sparse

from benchmarks.machine import thread_count

from ._competitor import Competitor, Fit


def fit(X: Any, y: Any, *, alpha: float, max_iter: int, tol: float) -> Fit:
    import torch
    from entmax import SparsemaxLoss

    torch.set_num_threads(thread_count())
    features = _as_tensor(X)
    codes = torch.from_numpy(y)
    K = int(codes.max()) + 1
    W = torch.zeros(X.shape[1], K, dtype=features.dtype, requires_grad=True)
    b = torch.zeros(K, dtype=features.dtype, requires_grad=True)
    loss = SparsemaxLoss(reduction="elementwise_mean")
    optimizer = torch.optim.LBFGS(
        [W, b],
        max_iter=max_iter,
        max_eval=100 * max_iter,
        tolerance_grad=tol,
        tolerance_change=tol,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(features @ W + b, codes) + alpha / 2 * (W**2).sum()
        value.backward()
        return value

    optimizer.step(closure)
    n_iter = optimizer.state[W]["n_iter"]
    return Fit(W.detach().numpy().T, b.detach().numpy(), n_iter)


def _as_tensor(X: Any) -> Any:
    import torch

    if not sparse.issparse(X):
        return torch.from_numpy(X)
    parts = (torch.from_numpy(part) for part in (X.indptr, X.indices, X.data))
    return torch.sparse_csr_tensor(*parts, size=X.shape)


COMPETITORS = [
    Competitor("PyTorch+entmax", "sparsemax", fit, requires=("torch", "entmax")),
]
