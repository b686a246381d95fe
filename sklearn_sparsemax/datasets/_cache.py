"""Published files, downloaded once into a folder and verified every time they are used."""

from __future__ import annotations

import hashlib
from pathlib import Path


def cached_file(
    url: str,
    folder: Path,
    *,
    sha256: str,
    download_if_missing: bool,
    n_retries: int,
    delay: float,
) -> Path:
    """Return the verified local copy of `url`, downloading it into `folder` when it is absent.

    Raises
    ------
    OSError
        If the cached file is corrupted, is missing and may not be downloaded, or cannot be
        downloaded. Nothing is left behind by a download that fails.
    """
    path = folder / url.rsplit("/", 1)[-1]
    if path.exists():
        # scikit-learn's fetch_file would overwrite it: a file that somebody edited is not ours
        # to throw away, and without a network the message would be about the network.
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise OSError(
                f"{path} is corrupted: its SHA-256 is {found}, the published file's is {sha256}. "
                "Delete it and call again to download it afresh."
            )
        return path
    if not download_if_missing:
        raise OSError(
            f"{path} is missing and download_if_missing is False: pass "
            f"download_if_missing=True, or put the file from {url} there."
        )

    from http.client import HTTPException

    from sklearn.datasets import fetch_file

    folder.mkdir(parents=True, exist_ok=True)
    try:
        # Writes to a temporary file that takes the final name only once its hash is right.
        return fetch_file(url, folder=folder, sha256=sha256, n_retries=n_retries, delay=delay)
    except (OSError, HTTPException) as error:
        raise OSError(
            f"{url} could not be downloaded ({type(error).__name__}: {error}). Check the network "
            f"connection and call again, or save that file as {path} by other means."
        ) from error
