"""``/status``: what an operator wants to see of each room. No secret and no viewer's name is in it."""

from __future__ import annotations

from typing import Any

from bridge.clock import Clock
from bridge.outbox.paced_outbox import PacedOutbox
from bridge.room import Room
from bridge.server.room_callbacks import RoomCallbacks
from bridge.sources.room_source import RoomSource


def room_status(room: Room, clock: Clock, callbacks: RoomCallbacks | None) -> dict[str, Any]:
    """Return one room's state as JSON values."""
    destination, counters = room.destination, room.counters
    url = destination.url
    arrived_at = room.outbox.oldest_arrival()
    return {
        "job_id": destination.job_id,
        "reporting": "yes" if destination.is_ready else destination.hold.value,
        "report_url": str(url) if url else "",
        "report_url_expires_at_ms": url.expires_at_ms if url else 0,
        "report_url_refreshes": destination.refreshes,
        "live": room.is_live,
        "alarms": alarms(room),
        "last_error": room.reporter.last_error,
        "last_delivered_at_ms": counters.last_delivered_at_ms,
        "received": counters.received_events(),
        "delivered": counters.delivered.total(),
        "dropped": dict(sorted(_dropped_by_reason(room).items())),
        "pending": room.pending_events(),
        "pending_by_type": {kind.name.lower(): count for kind, count in room.outbox.waiting().items() if count},
        "oldest_pending_secs": round(clock.monotonic() - arrived_at, 1) if arrived_at is not None else 0,
        "callbacks": callbacks.status() if callbacks else None,
        "pacing": _pacing_status(room, clock),
        "sources": {name: source_status(room, source) for name, source in room.sources.items()},
    }


def _pacing_status(room: Room, clock: Clock) -> dict[str, Any] | None:
    """Return what the virtual human manages, ``None`` in a room that is not paced; its values are null until learnt."""
    if not isinstance(room.outbox, PacedOutbox):
        return None
    pace, now = room.outbox.pace, clock.monotonic()
    per_minute = pace.replies_per_minute(now)
    return {
        "replies_per_minute": None if per_minute is None else round(per_minute, 1),
        "answered_share": None if per_minute is None else round(pace.answered_share, 2),
    }


def source_status(room: Room, source: RoomSource) -> dict[str, Any]:
    """Return one source's state as JSON values."""
    counters = room.counters
    status = source.supervisor.status if source.supervisor else None
    return {
        "platform": source.platform,
        "state": status.state.value if status else "",
        "since_ms": status.since_ms if status else 0,
        "reconnects": status.reconnects if status else 0,
        "last_frame_at_ms": status.last_frame_at_ms if status else 0,
        "last_error": status.last_error if status else "",
        "credential_alarm": source.credential_alarm,
        "rejected": counters.rejected[source.platform],
        "live": source.is_live,
        "alarms": list(source.alarms.values()),
        "last_event_at_ms": {kind.name.lower(): at_ms for kind, at_ms in source.last_event_at_ms.items()},
    }


def alarms(room: Room) -> list[str]:
    """Return what needs the operator's hand."""
    found = [room.destination.alarm] if room.destination.alarm else []
    for source in room.sources.values():
        found += [f"{source.name}: {complaint}" for complaint in source.complaints()]
    return found


def _dropped_by_reason(room: Room) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (_, reason), count in room.counters.dropped.items():
        totals[reason.value] = totals.get(reason.value, 0) + count
    return totals
