"""RCV1-v2, in scikit-learn's copy, with the interface of the other benchmarks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ._bunch import check_subset, make_bunch, split_indices
from ._svmlight import NumberedNames

N_TRAIN = 23149


def fetch_reuters(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "all",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load Reuters RCV1-v2 (news stories, 103 topics) through scikit-learn.

    =============  ==================
    Rows           804414
    Training rows  23149 (the first)
    Features       47236, tf-idf, unit rows
    Labels         103
    =============  ==================

    Parameters
    ----------
    data_home : str or path-like, default=None
        Where downloads are kept. None means scikit-learn's data home.
    subset : {"all", "train", "test"}, default="all"
        Which rows to return: the split by date of Lewis et al., training rows first.
    download_if_missing : bool, default=True
        If False, raise an error instead of downloading.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    n_retries : int, default=3
        How many times a failed download is tried again.
    delay : float, default=1.0
        Seconds between tries.

    Returns
    -------
    data : Bunch
        With the entries

        - data : CSR matrix of shape (n_samples, 47236), float64
        - target : CSR matrix of shape (n_samples, 103), int64
        - frame : None
        - feature_names : sequence of str, ``"x0"``, ``"x1"``, ...: the words are not distributed
        - target_names : list of str, the codes of the topics
        - train_indices, test_indices : ndarrays, the row numbers of the two halves
        - sample_id : ndarray of shape (n_samples,), identifiers of the stories
        - DESCR : str

    (data, target) : tuple if ``return_X_y`` is True
        Features and label sets alone.

    Raises
    ------
    ValueError
        If `subset` is unknown.
    OSError
        If the data cannot be downloaded, or the cached files cannot be read.

    See Also
    --------
    sklearn.datasets.fetch_rcv1 : The function underneath.

    References
    ----------
    D. D. Lewis, Y. Yang, T. G. Rose, F. Li (2004). RCV1: a new benchmark collection for text
    categorization research. JMLR 5, 361-397.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import fetch_reuters
    >>> X, Y = fetch_reuters(subset="train", return_X_y=True)  # doctest: +SKIP
    >>> X.shape, Y.shape  # doctest: +SKIP
    ((23149, 47236), (23149, 103))
    """
    check_subset(subset)
    from sklearn.datasets import fetch_rcv1, get_data_home

    try:
        rcv1 = fetch_rcv1(
            data_home=data_home,
            subset=subset,
            download_if_missing=download_if_missing,
            n_retries=n_retries,
            delay=delay,
        )
    except Exception as error:
        # A download that fails and a pickle that is cut short raise errors of many types.
        folder = Path(get_data_home(data_home)) / "RCV1"
        raise OSError(
            f"RCV1-v2 could not be loaded from {folder} ({type(error).__name__}: {error}). To "
            "download it afresh, delete that folder and call again with download_if_missing=True "
            "and a network connection."
        ) from error
    return make_bunch(
        rcv1.data,
        rcv1.target.astype(np.int64),
        feature_names=NumberedNames("x", rcv1.data.shape[1]),
        target_names=[str(name) for name in rcv1.target_names],
        return_X_y=return_X_y,
        **split_indices(rcv1.data.shape[0], N_TRAIN, subset),
        sample_id=rcv1.sample_id,
        DESCR=rcv1.DESCR,
    )
