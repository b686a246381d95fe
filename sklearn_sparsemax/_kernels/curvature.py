"""Second derivatives of the sparsemax loss, summed over rows."""

import numpy as np

from ._jit import njit


@njit
def add_jacobians(p, weights, total):
    """Add weights_i (diag(s) - s s^T / |S|) of all rows of p (n, K) to total (K, K).

    s is the indicator of the support S of row i. A row costs |S|^2 operations. A row whose support
    is a single output costs nothing, since its Jacobian is 0.
    """
    n_rows, n_outputs = p.shape
    support = np.empty(n_outputs, dtype=np.int64)
    for i in range(n_rows):
        n_support = 0
        for k in range(n_outputs):
            if p[i, k] > 0.0:
                support[n_support] = k
                n_support += 1
        if n_support > 1:
            share = weights[i] / n_support
            for a in range(n_support):
                row = total[support[a]]
                row[support[a]] += weights[i]
                for b in range(n_support):
                    row[support[b]] -= share
