"""What happened in one room, in numbers. Plain integers: counting an event must cost nothing.

Every event that came in is in exactly one place:
``received + recovered = delivered + dropped (all reasons) + pending``.
Dead letters are dropped with the reason ``poison``, expired events with ``ttl``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from bridge.events import EventType
from bridge.pending import DropReason

LATENCY_BOUNDS_SECS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
BATCH_BOUNDS_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Histogram:
    """Counts in buckets, as Prometheus wants them."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_ages(self, moments: Sequence[float], now: float) -> None:
        """Count how long ago each of ``moments`` was; they are in order, so it takes a search a bucket, not an event."""
        younger = len(moments)
        for index, bound in enumerate(self.bounds):
            older = bisect_left(moments, now - bound, hi=younger)
            self.counts[index] += younger - older
            younger = older
        self.counts[-1] += younger
        self.total += now * len(moments) - sum(moments)


class RoomCounters:
    """The counters of one room."""

    def __init__(self) -> None:
        self.received: Counter[tuple[str, EventType]] = Counter()
        self.recovered: Counter[EventType] = Counter()
        self.delivered: Counter[EventType] = Counter()
        self.dropped: Counter[tuple[EventType, DropReason]] = Counter()
        self.dead_letters: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.ignored: Counter[tuple[str, str]] = Counter()
        self.unknown: Counter[tuple[str, str]] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.masked_users: Counter[str] = Counter()
        self.paid_value: Counter[tuple[str, str]] = Counter()
        self.unpriced_gifts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.call_secs = Histogram(LATENCY_BOUNDS_SECS)
        self.batch_events = Histogram(BATCH_BOUNDS_EVENTS)
        self.latency_secs = Histogram(LATENCY_BOUNDS_SECS)
        self.last_delivered_at_ms = 0

    def received_events(self) -> int:
        """Return how many events came in, including those found in the spool."""
        return self.received.total() + self.recovered.total()
