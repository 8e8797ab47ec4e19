"""How often refusals are said in the log: if never, a wrong secret looks like a silent room; each one would drown it."""

from __future__ import annotations

from bridge.clock import Clock

REFUSALS_LOGGED_EVERY_SECS = 30.0


class RefusalPace:
    """The pace of one kind of refusals."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said_at = float("-inf")

    def is_due(self) -> bool:
        """Tell whether the refusal at hand is to be said; if so, the next ones wait their time."""
        now = self._clock.monotonic()
        if now - self._said_at < REFUSALS_LOGGED_EVERY_SECS:
            return False
        self._said_at = now
        return True
