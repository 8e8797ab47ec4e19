"""How long to wait before trying again: exponential, with full jitter. Pure."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Delays of one thing that is tried again and again.

    ``random`` returns a number in [0, 1). A delay is anything up to the doubled last ceiling, so that
    many who failed together do not come back together.
    """

    def __init__(self, first_secs: float, max_secs: float, random: Callable[[], float]) -> None:
        self._first_secs = first_secs
        self._max_secs = max_secs
        self._random = random
        self.failures = 0

    def next_secs(self) -> float:
        """Return how long to wait now, and wait longer next time."""
        ceiling = min(self._max_secs, self._first_secs * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return ceiling * (0.1 + 0.9 * self._random())

    def reset(self) -> None:
        """Begin anew: it worked."""
        self.failures = 0
