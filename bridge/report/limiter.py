"""How fast a tenant's calls may follow each other: one limiter a process, adapted to what the cloud bears. Pure."""

from __future__ import annotations

SLOWDOWN = 0.5
SPEEDUP_SHARE = 0.02
MIN_CALLS_PER_SECOND = 0.2


class CallLimiter:
    """A token bucket whose rate halves when the cloud throttles and creeps back to its ceiling.

    Time is passed in (monotonic seconds). ``max_calls_per_second`` is also the burst.
    """

    def __init__(self, max_calls_per_second: float) -> None:
        self._ceiling = max_calls_per_second
        self.calls_per_second = max_calls_per_second
        self._next_at = 0.0
        self._blocked_until = 0.0

    def reserve(self, now: float) -> float:
        """Book one call; returns in how many seconds it may start."""
        interval_secs = 1 / self.calls_per_second
        burst_secs = max(self._ceiling - 1, 0) * interval_secs
        self._next_at = max(self._next_at, now - burst_secs)
        starts_at = max(self._next_at, now)
        self._next_at += interval_secs
        return starts_at - now

    def throttled(self, now: float, wait_secs: float) -> None:
        """Take note of a 429: everybody waits, and goes on slower.

        The calls that were under way when it came are refused too; together they slow us down once.
        """
        if now >= self._blocked_until:
            self.calls_per_second = max(self.calls_per_second * SLOWDOWN, min(MIN_CALLS_PER_SECOND, self._ceiling))
        self._blocked_until = max(self._blocked_until, now + wait_secs)
        self._next_at = max(self._next_at, self._blocked_until)

    def succeeded(self) -> None:
        """Take note of an accepted call: the rate creeps back."""
        if self.calls_per_second < self._ceiling:
            self.calls_per_second = min(self._ceiling, self.calls_per_second + SPEEDUP_SHARE * self._ceiling)
