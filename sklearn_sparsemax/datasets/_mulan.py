"""The multilabel benchmarks of the sparsemax paper that Mulan publishes as ARFF files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from .._docs import shared_docs
from ._bunch import check_subset, make_bunch, split_indices
from ._cache import cached_file
from ._files import load_multilabel_file

BASE_URL = (
    "https://raw.githubusercontent.com/tsoumakas/mulan/"
    "43f6389095ad71984264db4387a8074b22bc7d4a/data/multi-label"
)

SHA256 = {
    "scene-train.arff": "b53ba93bdf412de922e3960389bcee24744fa3e872ce610511fc1d750888b64d",
    "scene-test.arff": "ea38d20296b3ff7e220f477a3b802a9bcb2d768881fe6ee163efbc97ea527a42",
    "scene.xml": "55d8b247b949ad5c52e5a73d8c6775ec6e5469ce9682465b45b333b68ee4bcc5",
    "emotions-train.arff": "bbe704106c79bb8fb99c1d1d2e9bde081d6a2daeb01f100862f11fd91a3c1f98",
    "emotions-test.arff": "f13d4b746b7b5c8eb484bd751d6ac463d4560dff998a93516a5c1fe35daf6c8f",
    "emotions.xml": "dbce8e6ccbbb2fcbfd9e9edbb230d7ed12692c6e13f59fdbc0161fa9b6cf2dc0",
    "birds-train.arff": "8f215db6ee163149901e753977f631ba8bea0e0e8e1abc42b234414822f8ae36",
    "birds-test.arff": "51ba6326d65ccdd7c755b6461280eb6d2769c7f59d8e12fd4250f91e6ca28326",
    "birds.xml": "0f4ea547b2b3d538c8402662daf689e0d4520cc8b4f5ba113c2e7c01700f010f",
    "cal500.arff": "cfe6097ba5fd6e8584e54911ab9783dcab34e898446b7c9370c71d477eae56d3",
    "cal500.xml": "877e128531268d7661faa3e44f7bb43cbcda829c0895e49879168775b192728c",
}

# Training rows come first; CAL500 is published undivided.
N_TRAIN = {"scene": 1211, "emotions": 391, "birds": 322, "cal500": 400}

DESCRIPTIONS = {
    "scene": (
        "Scene. Colour moments of 7 x 7 blocks of still images, labelled with six kinds of "
        "scenery. From Mulan's collection. M. R. Boutell, J. Luo, X. Shen, C. M. Brown (2004). "
        "Learning multi-label scene classification. Pattern Recognition 37(9), 1757-1771."
    ),
    "emotions": (
        "Emotions. Rhythmic and timbre features of songs, labelled with the moods they evoke. "
        "From Mulan's collection. K. Trohidis, G. Tsoumakas, G. Kalliris, I. Vlahavas (2008). "
        "Multi-label classification of music into emotions. ISMIR, 325-330."
    ),
    "birds": (
        "Birds. Audio features of field recordings, labelled with the species of birds heard in "
        "them. From Mulan's collection. F. Briggs et al. (2013). The 9th annual MLSP competition: "
        "new methods for acoustic classification of multiple simultaneous bird species in a noisy "
        "environment. IEEE MLSP."
    ),
    "cal500": (
        "CAL500. Timbre features of songs, labelled with concepts of mood, genre, instruments, "
        "vocals and usage. From Mulan's collection. D. Turnbull, L. Barrington, D. Torres, G. "
        "Lanckriet (2008). Semantic annotation and retrieval of music and sound effects. IEEE "
        "Transactions on Audio, Speech, and Language Processing 16(2), 467-476."
    ),
}


described = shared_docs(
    parameters="""\
    data_home : str or path-like, default=None
        Folder below which downloads are kept, in ``sklearn_sparsemax``. None means
        scikit-learn's data home.
    subset : {"all", "train", "test"}, default="all"
        Which rows to return: the published halves, or those that the description names.
    download_if_missing : bool, default=True
        If False, raise an error instead of downloading.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return pandas DataFrames.
    n_retries : int, default=3
        How many times a failed download is tried again.
    delay : float, default=1.0
        Seconds between tries.
    """,
    results="""\
    data : Bunch
        With the entries

        - data : ndarray or DataFrame of shape (n_samples, n_features), float64
        - target : ndarray or DataFrame of shape (n_samples, n_labels), int64, 1 where the row
          has the label
        - frame : DataFrame of both with ``as_frame=True``, else None
        - feature_names, target_names : lists of str
        - train_indices, test_indices : ndarrays, the row numbers of the two halves
        - DESCR : str

    (data, target) : tuple if ``return_X_y`` is True
        Features and label sets alone.

    Raises
    ------
    ValueError
        If `subset` is unknown.
    OSError
        If a file cannot be downloaded, or its cached copy is corrupted.
    ImportError
        If ``as_frame=True`` and pandas is not installed.
    """,
)


def _fetch(
    name: str,
    *,
    data_home: str | os.PathLike[str] | None,
    subset: str,
    download_if_missing: bool,
    return_X_y: bool,
    as_frame: bool,
    n_retries: int,
    delay: float,
) -> Any:
    check_subset(subset)
    from sklearn.datasets import get_data_home

    folder = Path(get_data_home(data_home)) / "sklearn_sparsemax"
    paths = {
        file: cached_file(
            f"{BASE_URL}/{name}/{file}",
            folder,
            sha256=sha256,
            download_if_missing=download_if_missing,
            n_retries=n_retries,
            delay=delay,
        )
        for file, sha256 in SHA256.items()
        if file.startswith(name)
    }
    labels = paths.pop(f"{name}.xml")
    tables = [load_multilabel_file(path, labels=labels) for path in paths.values()]
    rows = {
        "all": slice(None),
        "train": slice(None, N_TRAIN[name]),
        "test": slice(N_TRAIN[name], None),
    }[subset]
    X = np.concatenate([table.data for table in tables])[rows]
    Y = np.concatenate([table.target for table in tables])[rows]
    return make_bunch(
        X,
        Y,
        feature_names=tables[0].feature_names,
        target_names=tables[0].target_names,
        return_X_y=return_X_y,
        as_frame=as_frame,
        **split_indices(len(X), N_TRAIN[name], subset),
        DESCR=DESCRIPTIONS[name],
    )


@described
def fetch_scene(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "all",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load Scene: still images, six kinds of scenery.

    Colour moments of the 49 blocks of a 7 x 7 grid. The training file is sorted by class:
    shuffle it before splitting it into contiguous folds.

    ==================  =====
    Rows                2407
    Training rows       1211
    Features            294
    Labels              6
    Labels per row      1.074
    Rows with no label  0
    ==================  =====

    Parameters
    ----------
    %(parameters)s

    Returns
    -------
    %(results)s

    References
    ----------
    M. R. Boutell, J. Luo, X. Shen, C. M. Brown (2004). Learning multi-label scene
    classification. Pattern Recognition 37(9), 1757-1771.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import fetch_scene
    >>> scene = fetch_scene(subset="train")  # doctest: +SKIP
    >>> scene.data.shape, scene.target.shape  # doctest: +SKIP
    ((1211, 294), (1211, 6))
    """
    return _fetch(
        "scene",
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
        n_retries=n_retries,
        delay=delay,
    )


@described
def fetch_emotions(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "all",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load Emotions: songs, six moods they evoke.

    Eight rhythmic and 64 timbre features of 30-second clips.

    ==================  =====
    Rows                593
    Training rows       391
    Features            72
    Labels              6
    Labels per row      1.868
    Rows with no label  0
    ==================  =====

    Parameters
    ----------
    %(parameters)s

    Returns
    -------
    %(results)s

    References
    ----------
    K. Trohidis, G. Tsoumakas, G. Kalliris, I. Vlahavas (2008). Multi-label classification of
    music into emotions. ISMIR, 325-330.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import fetch_emotions
    >>> emotions = fetch_emotions(subset="train")  # doctest: +SKIP
    >>> emotions.data.shape, emotions.target.shape  # doctest: +SKIP
    ((391, 72), (391, 6))
    """
    return _fetch(
        "emotions",
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
        n_retries=n_retries,
        delay=delay,
    )


@described
def fetch_birds(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "all",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load Birds: ten-second audio recordings, the 19 species heard in them.

    Nearly half of the recordings hold no bird. Of the 260 published attributes, the recording site
    becomes 12 columns of 0 and 1, ``location_2`` to ``location_11``, in the published order;
    ``hasSegments`` stays one column of 0 and 1.

    ==================  =====
    Rows                645
    Training rows       322
    Features            271
    Labels              19
    Labels per row      1.014
    Rows with no label  294
    ==================  =====

    Parameters
    ----------
    %(parameters)s

    Returns
    -------
    %(results)s

    References
    ----------
    F. Briggs et al. (2013). The 9th annual MLSP competition: new methods for acoustic
    classification of multiple simultaneous bird species in a noisy environment. IEEE MLSP.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import fetch_birds
    >>> birds = fetch_birds(subset="train")  # doctest: +SKIP
    >>> birds.data.shape, birds.target.shape  # doctest: +SKIP
    ((322, 271), (322, 19))
    """
    return _fetch(
        "birds",
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
        n_retries=n_retries,
        delay=delay,
    )


@described
def fetch_cal500(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "all",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load CAL500: songs, 174 concepts of mood, genre, instruments, vocals and usage.

    The published file is undivided: the first 400 rows are the training half, the last 102 the test
    half. Nine labels never occur in the test half.

    ==================  =====
    Rows                502
    Training rows       400
    Features            68
    Labels              174
    Labels per row      26.044
    Rows with no label  0
    ==================  =====

    Parameters
    ----------
    %(parameters)s

    Returns
    -------
    %(results)s

    References
    ----------
    D. Turnbull, L. Barrington, D. Torres, G. Lanckriet (2008). Semantic annotation and
    retrieval of music and sound effects. IEEE Transactions on Audio, Speech, and Language
    Processing 16(2), 467-476.

    Examples
    --------
    >>> from sklearn_sparsemax.datasets import fetch_cal500
    >>> cal500 = fetch_cal500(subset="train")  # doctest: +SKIP
    >>> cal500.data.shape, cal500.target.shape  # doctest: +SKIP
    ((400, 68), (400, 174))
    """
    return _fetch(
        "cal500",
        data_home=data_home,
        subset=subset,
        download_if_missing=download_if_missing,
        return_X_y=return_X_y,
        as_frame=as_frame,
        n_retries=n_retries,
        delay=delay,
    )
