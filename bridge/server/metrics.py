"""``/metrics``: what the rooms counted, in Prometheus' words. Read at scrape time; counting costs nothing more.

The sums reconcile: ``received = delivered + dropped (all reasons) + queue``, over all types of a room.
"""

from __future__ import annotations

import platform as python_platform
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bridge import __version__
from bridge.clock import Clock
from bridge.counters import Histogram
from bridge.outbox.paced_outbox import PacedOutbox
from bridge.outbox.spool import Spool
from bridge.report.limiter import CallLimiter
from bridge.room import Room
from bridge.server.room_callbacks import RoomCallbacks
from bridge.sources.supervisor import SourceState

RECOVERED = "spool"
"""The ``platform`` under which events found in the spool at start are counted as received."""


class BridgeCollector(Collector):
    """Turns the state of the process into metric families."""

    def __init__(
        self,
        rooms: Mapping[str, Room],
        spool: Spool,
        limiter: CallLimiter,
        clock: Clock,
        lag_secs: list[float],
        *,
        callbacks: Mapping[str, RoomCallbacks],
    ) -> None:
        self._rooms = rooms
        self._callbacks = callbacks
        self._spool = spool
        self._limiter = limiter
        self._clock = clock
        self._lag_secs = lag_secs

    def collect(self) -> Iterable[Metric]:
        """Yield all families."""
        yield from self._sources()
        yield from self._events()
        yield from self._calls()
        yield from self._urls()
        yield from self._told()
        yield from self._process()

    def _sources(self) -> Iterable[Metric]:
        received = _counter("bridge_source_events_received", "Events decoded", "room", "platform", "type")
        invalid = _counter("bridge_source_events_invalid", "Messages that could not be read", "room", "platform")
        unknown = _counter("bridge_source_messages_unknown", "Messages of a new name", "room", "platform", "name")
        ignored = _counter("bridge_source_messages_ignored", "Messages that are no event", "room", "platform", "name")
        duplicates = _counter("bridge_source_duplicates", "Replays removed", "room", "platform")
        masked = _counter("bridge_source_masked_users", "Events of users without identity", "room", "platform")
        paid = _counter(
            "bridge_source_paid_value", "Money given, in the currency's unit", "room", "platform", "currency"
        )
        unpriced = _counter("bridge_source_gifts_unpriced", "Gifts without a known price", "room", "platform")
        connected = _gauge("bridge_source_connected", "Whether the source is connected", "room", "source")
        reconnects = _counter("bridge_source_reconnects", "Connections lost or refused", "room", "source")
        last = _gauge("bridge_source_last_event_timestamp_seconds", "Last event", "room", "source", "type")
        alarms = _gauge("bridge_source_alarms", "What the operator should look into, see /status", "room", "source")
        for name, room in self._rooms.items():
            counters = room.counters
            for (source, kind), count in counters.received.items():
                received.add_metric([name, source, kind.name.lower()], count)
            for kind, count in counters.recovered.items():
                received.add_metric([name, RECOVERED, kind.name.lower()], count)
            for family, values in (
                (invalid, counters.rejected),
                (duplicates, counters.duplicates),
                (masked, counters.masked_users),
                (unpriced, counters.unpriced_gifts),
            ):
                for source, count in values.items():
                    family.add_metric([name, source], count)
            for (source, message), count in counters.unknown.items():
                unknown.add_metric([name, source, message], count)
            for (source, message), count in counters.ignored.items():
                ignored.add_metric([name, source, message], count)
            for (source, currency), value in counters.paid_value.items():
                paid.add_metric([name, source, currency], value)
            for entry in room.sources.values():
                for kind, at_ms in entry.last_event_at_ms.items():
                    last.add_metric([name, entry.name, kind.name.lower()], at_ms / 1000)
                alarms.add_metric([name, entry.name], len(entry.complaints()))
                if entry.supervisor is not None:
                    status = entry.supervisor.status
                    up = status.state in (SourceState.CONNECTED, SourceState.LISTENING)
                    connected.add_metric([name, entry.name], int(up))
                    reconnects.add_metric([name, entry.name], status.reconnects)
        yield from (
            received,
            invalid,
            unknown,
            ignored,
            duplicates,
            masked,
            paid,
            unpriced,
            connected,
            reconnects,
            last,
            alarms,
        )

    def _events(self) -> Iterable[Metric]:
        delivered = _counter("bridge_events_delivered", "Events that the cloud accepted", "room", "type")
        dropped = _counter("bridge_events_dropped", "Events that were not sent", "room", "type", "reason")
        queue = _gauge("bridge_queue_events", "Events without a fate yet", "room")
        size = _gauge("bridge_queue_bytes", "Text that waits", "room")
        oldest = _gauge("bridge_queue_oldest_age_seconds", "Age of the oldest waiting event", "room")
        latency = HistogramMetricFamily("bridge_event_latency_seconds", "From receipt to acceptance", labels=["room"])
        dead = _counter("bridge_dlq_events", "Events that became dead letters", "room", "code")
        for name, room in self._rooms.items():
            for kind, count in room.counters.delivered.items():
                delivered.add_metric([name, kind.name.lower()], count)
            for (kind, reason), count in room.counters.dropped.items():
                dropped.add_metric([name, kind.name.lower(), reason.value], count)
            for code, count in room.counters.dead_letters.items():
                dead.add_metric([name, code], count)
            queue.add_metric([name], room.pending_events())
            size.add_metric([name], room.outbox.size_bytes)
            arrived_at = room.outbox.oldest_arrival()
            oldest.add_metric([name], self._clock.monotonic() - arrived_at if arrived_at is not None else 0)
            _add_histogram(latency, [name], room.counters.latency_secs)
        yield from (delivered, dropped, queue, size, oldest, latency, dead)

    def _calls(self) -> Iterable[Metric]:
        requests = _counter("bridge_http_requests", "Report calls by status, or by what kept it away", "room", "code")
        secs = HistogramMetricFamily("bridge_http_request_duration_seconds", "Report calls", labels=["room"])
        batch = HistogramMetricFamily("bridge_http_batch_events", "Events a call", labels=["room"])
        limit = _gauge("bridge_http_limit_per_second", "Calls that the limiter allows")
        for name, room in self._rooms.items():
            for code, count in room.counters.calls.items():
                requests.add_metric([name, code], count)
            _add_histogram(secs, [name], room.counters.call_secs)
            _add_histogram(batch, [name], room.counters.batch_events)
        limit.add_metric([], self._limiter.calls_per_second)
        yield from (requests, secs, batch, limit)

    def _urls(self) -> Iterable[Metric]:
        expiry = _gauge("bridge_url_expiry_timestamp_seconds", "When the report URL dies", "room")
        refreshes = _counter("bridge_url_refresh", "Report URLs taken over", "room")
        ready = _gauge("bridge_destination_ready", "Whether the room can report", "room")
        skew = _gauge("bridge_clock_skew_seconds", "Our clock less the cloud's", "room")
        for name, room in self._rooms.items():
            destination = room.destination
            if destination.url is not None and destination.url.expires_at_ms:
                expiry.add_metric([name], destination.url.expires_at_ms / 1000)
            refreshes.add_metric([name], destination.refreshes)
            ready.add_metric([name], int(destination.is_ready))
            skew.add_metric([name], destination.clock_skew_ms / 1000)
        yield from (expiry, refreshes, ready, skew)

    def _told(self) -> Iterable[Metric]:
        told = _counter("bridge_callbacks", "MetaStudio's callbacks", "room", "type", "outcome")
        forwarded = _counter("bridge_callbacks_forwarded", "Handed on to the operator's webhook", "room")
        lost = _counter("bridge_callbacks_forward_dropped", "Not handed on", "room")
        pace = _gauge("bridge_replies_per_minute", "What the virtual human manages, where comments are paced", "room")
        for name, callbacks in self._callbacks.items():
            for (kind, outcome), count in callbacks.counts.items():
                told.add_metric([name, kind.lower(), outcome.value], count)
            if callbacks.forwarder is not None:
                forwarded.add_metric([name], callbacks.forwarder.forwarded)
                lost.add_metric([name], callbacks.forwarder.dropped)
        for name, room in self._rooms.items():
            if isinstance(room.outbox, PacedOutbox):
                per_minute = room.outbox.pace.replies_per_minute(self._clock.monotonic())
                if per_minute is not None:
                    pace.add_metric([name], per_minute)
        yield from (told, forwarded, lost, pace)

    def _process(self) -> Iterable[Metric]:
        statistics = self._spool.statistics
        values = (
            ("bridge_spool_events", "Durable events that wait", self._spool.kept_events()),
            ("bridge_spool_degraded", "Whether nothing reaches the disk", int(statistics.degraded)),
            ("bridge_spool_last_commit_duration_seconds", "The last commit", statistics.last_commit_secs),
            ("bridge_eventloop_lag_seconds", "How late the event loop is", self._lag_secs[0]),
        )
        for name, help_text, value in values:
            gauge = _gauge(name, help_text)
            gauge.add_metric([], value)
            yield gauge
        totals = (
            ("bridge_spool_commits", "Groups written", statistics.commits),
            ("bridge_spool_committed_events", "Events written", statistics.committed_events),
            ("bridge_spool_commit_duration_seconds", "Time spent in commits", statistics.commit_secs_total),
            ("bridge_spool_faults", "Faults of the disk", statistics.faults),
        )
        for name, help_text, value in totals:
            counter = _counter(name, help_text)
            counter.add_metric([], value)
            yield counter
        info = _gauge("bridge_build_info", "The program", "version", "python")
        info.add_metric([__version__, python_platform.python_version()], 1)
        yield info


def registry(collector: BridgeCollector) -> CollectorRegistry:
    """Return a registry of our own: nothing is global."""
    own = CollectorRegistry()
    own.register(collector)
    ProcessCollector(registry=own)
    return own


def _counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, help_text, labels=labels)


def _gauge(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=labels)


def _add_histogram(family: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), total))
    family.add_metric(labels, buckets=buckets, sum_value=histogram.total)
