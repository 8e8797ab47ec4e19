"""How fast a host may be dialled: one limiter a process, kept by all of its sources together. Pure."""

from __future__ import annotations

from collections import deque

from bridge.sources.contract import DialLimit

MARGIN_SECS = 1.0
"""The host counts when dials arrive: of two that start a window apart the first may take the longer way."""


class DialLimiter:
    """No more than a host's limit in any window of its length; what is within it starts at once.

    Time is passed in (monotonic seconds). Dials through another proxy come from another address.
    """

    def __init__(self) -> None:
        self._starts: dict[tuple[str, str], deque[float]] = {}

    def reserve(self, host: str, proxy: str, limit: DialLimit, now: float) -> float:
        """Book one dial; returns in how many seconds it may start."""
        starts = self._starts.setdefault((host, proxy), deque(maxlen=limit.dials))
        starts_at = now
        if len(starts) == limit.dials:
            starts_at = max(now, starts[0] + limit.window_secs + MARGIN_SECS)
        starts.append(starts_at)
        return starts_at - now
