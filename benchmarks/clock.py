"""Progress of a benchmark."""

from __future__ import annotations

import time


class Clock:
    """Progress, with the seconds since the beginning."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def say(self, message: str) -> None:
        print(f"[{time.perf_counter() - self.start:8.1f} s] {message}", flush=True)
