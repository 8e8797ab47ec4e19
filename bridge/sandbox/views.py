"""Rooms and jobs as the cloud's answers show them. Pure.

Field names and formats are those of the official SDK's newest models; fields without a value are left out.
"""

from __future__ import annotations

import hashlib
from typing import Any

from bridge.sandbox.parameters import time_text
from bridge.sandbox.state import FAILED, Job, Room

_ECHOED = ("live_event_callback_config", "rtc_callback_config", "co_streamer_config")
_RTC_USERS = ("CAPTURE", "PLAYER")
_RTC_LIFE_SECS = 86_400


def job_view(job: Job, room: Room | None, report_url: str, now_ms: int) -> dict[str, Any]:
    """Return a job as SmartLiveJob; an absent ``room`` was deleted since."""
    until_ms = job.ended_at_ms or now_ms
    duration = (until_ms - job.started_at_ms) / 1000 if job.started_at_ms else 0.0
    view: dict[str, Any] = {
        "job_id": job.job_id,
        "room_id": job.room_id,
        "room_name": room.name if room else None,
        "state": job.state,
        "duration": duration,
        "stream_duration": duration,
        "start_time": time_text(job.started_at_ms) if job.started_at_ms else None,
        "end_time": time_text(job.ended_at_ms) if job.ended_at_ms else None,
        "create_time": time_text(job.created_at_ms),
        "lastupdate_time": time_text(job.updated_at_ms),
        "error_info": {"error_code": "MSS.00000004", "error_msg": "Internal error"} if job.state == FAILED else None,
        "rtc_room_info": rtc_room_info(job),
        "live_event_report_url": report_url,
        "block_reason": job.block_reason or None,
        "relation_live_platform_info": room.data.get("relation_live_platform_info") if room else None,
        "used_resource_type": "ONDEMAND",
        "is_ai_mark_on": False,
    }
    view |= {name: effective(job, room, name) for name in _ECHOED}
    return _without_none(view)


def started_view(job: Job, room: Room | None, report_url: str) -> dict[str, Any]:
    """Return the answer to the call that started a job."""
    return _without_none(
        {
            "job_id": job.job_id,
            "rtc_room_info": rtc_room_info(job),
            "live_event_report_url": report_url,
            "live_event_callback_config": effective(job, room, "live_event_callback_config"),
            "live_warning_info": [],
            "limit_duration": 0,
        }
    )


def effective(job: Job, room: Room | None, name: str) -> Any:
    """Return a setting that the start of the job may have given, else the room's, else ``None``."""
    return job.request.get(name) or (room.data.get(name) if room else None)


def rtc_room_info(job: Job) -> dict[str, Any]:
    """Return an RTC room that does not exist: enough for a client to read."""
    digest = hashlib.sha256(job.job_id.encode()).hexdigest()
    expires_secs = job.created_at_ms // 1000 + _RTC_LIFE_SECS
    users = [
        {
            "user_type": kind,
            "user_id": f"{kind.lower()}_{digest[:8]}",
            "signature": hashlib.sha256(f"{kind}{digest}".encode()).hexdigest(),
            "ctime": expires_secs,
        }
        for kind in _RTC_USERS
    ]
    return {"app_id": digest[:24], "room_id": digest[:32], "users": users}


def room_view(room: Room) -> dict[str, Any]:
    """Return a room as the show and update calls do: what was sent, and what the cloud adds."""
    added = {
        "room_id": room.room_id,
        "create_time": time_text(room.created_at_ms),
        "update_time": time_text(room.updated_at_ms),
        "room_state": "ENABLE",
        "script_version": str(room.updated_at_ms),
    }
    return {"room_type": "NORMAL", "view_mode": "VERTICAL"} | room.data | added


def room_summary(room: Room, project_id: str, jobs: list[Job]) -> dict[str, Any]:
    """Return a room as the list call does; ``jobs`` are its own, oldest first."""
    last = jobs[-1] if jobs else None
    data = room.data
    return _without_none(
        {
            "room_id": room.room_id,
            "project_id": project_id,
            "room_name": room.name,
            "room_type": data.get("room_type", "NORMAL"),
            "room_state": "ENABLE",
            "view_mode": data.get("view_mode", "VERTICAL"),
            "room_description": data.get("room_description"),
            "priv_data": data.get("priv_data"),
            "shared_config": data.get("shared_config"),
            "create_time": time_text(room.created_at_ms),
            "update_time": time_text(room.updated_at_ms),
            "last_job_start_time": time_text(last.started_at_ms) if last and last.started_at_ms else None,
            "last_job_end_time": time_text(last.ended_at_ms) if last and last.ended_at_ms else None,
            "last_job_status": last.state if last else None,
        }
    )


def _without_none(view: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if value is not None}
