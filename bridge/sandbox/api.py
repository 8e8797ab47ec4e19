"""The cloud's calls on rooms and jobs, all behind the gateway's door."""

from __future__ import annotations

from typing import Any

from bridge.metastudio.models.jobs import job_problems
from bridge.metastudio.models.rooms import room_problems
from bridge.sandbox import parameters, refusal
from bridge.sandbox.asked import Answer, Asked
from bridge.sandbox.checks import parse_body
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.state import Job
from bridge.sandbox.views import job_view, room_summary, room_view, started_view


def list_room_jobs(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """List the jobs of a room; the oldest first unless asked otherwise."""
    why = _refusal(cloud, asked)
    if why:
        return why
    room = cloud.tenant.room(asked.ids["room_id"])
    return room if isinstance(room, Refusal) else _jobs_answer(cloud, asked, room.room_id)


def list_tenant_jobs(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """List the jobs of the tenant."""
    return _refusal(cloud, asked) or _jobs_answer(cloud, asked, None)


def show_job(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Show a job, with its newest report URL."""
    why = _refusal(cloud, asked)
    if why:
        return why
    job = cloud.tenant.job(asked.ids["room_id"], asked.ids["job_id"])
    return job if isinstance(job, Refusal) else Answer(200, _shown(cloud, asked, job))


def start_job(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Start a job: 202, and the answer has the report URL already. An empty body takes everything from the room."""
    why = _refusal(cloud, asked)
    if why:
        return why
    data: dict[str, Any] | Refusal = parse_body(asked.body) if asked.body.strip() else {}
    if isinstance(data, Refusal):
        return data
    problems = job_problems(data)
    if problems:
        return refusal.invalid_parameter("; ".join(problems))
    job = cloud.tenant.start_job(asked.ids["room_id"], data, cloud.clock.now_ms())
    if isinstance(job, Refusal):
        return job
    room = cloud.tenant.rooms.get(job.room_id)
    return Answer(202, started_view(job, room, cloud.report_url(job, asked.base_url)))


def stop_job(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Stop a job."""
    why = _refusal(cloud, asked) or cloud.tenant.stop_job(
        asked.ids["room_id"], asked.ids["job_id"], cloud.clock.now_ms()
    )
    return why or Answer(200)


def create_room(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Create a room, every field of it checked."""
    why = _refusal(cloud, asked)
    if why:
        return why
    data = _room_data(asked)
    if isinstance(data, Refusal):
        return data
    room = cloud.tenant.add_room(data, cloud.clock.now_ms())
    return room if isinstance(room, Refusal) else Answer(200, {"room_id": room.room_id})


def list_rooms(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """List the tenant's rooms, the oldest first."""
    why = _refusal(cloud, asked)
    if why:
        return why
    query = parameters.room_query(asked.query)
    if isinstance(query, Refusal):
        return query
    count, rooms = cloud.tenant.find_rooms(query)
    items = [room_summary(room, cloud.tenant.project_id, jobs) for room, jobs in rooms]
    return _page_answer("smart_live_rooms", count, items)


def show_room(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Show a room whole."""
    why = _refusal(cloud, asked)
    if why:
        return why
    room = cloud.tenant.room(asked.ids["room_id"])
    return room if isinstance(room, Refusal) else Answer(200, room_view(room))


def update_room(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Replace a room's settings: what is not sent is not kept."""
    why = _refusal(cloud, asked)
    if why:
        return why
    room = cloud.tenant.room(asked.ids["room_id"])
    data = _room_data(asked)
    if isinstance(room, Refusal):
        return room
    if isinstance(data, Refusal):
        return data
    room.data = data
    room.updated_at_ms = cloud.clock.now_ms()
    return Answer(200, room_view(room))


def delete_room(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Delete a room."""
    return _refusal(cloud, asked) or cloud.tenant.remove_room(asked.ids["room_id"]) or Answer(200)


def _refusal(cloud: Cloud, asked: Asked) -> Refusal | None:
    return cloud.gate_refusal(asked) or parameters.common_problem(asked)


def _jobs_answer(cloud: Cloud, asked: Asked, room_id: str | None) -> Answer | Refusal:
    query = parameters.job_query(asked.query)
    if isinstance(query, Refusal):
        return query
    count, jobs = cloud.tenant.find_jobs(query, room_id)
    return _page_answer("smart_live_jobs", count, [_shown(cloud, asked, job) for job in jobs])


def _page_answer(name: str, count: int, items: list[dict[str, Any]]) -> Answer:
    """Return a page; an empty one has no list at all, as the schema's minimum of one item says."""
    return Answer(200, {"count": count} | ({name: items} if items else {}))


def _shown(cloud: Cloud, asked: Asked, job: Job) -> dict[str, Any]:
    room = cloud.tenant.rooms.get(job.room_id)
    return job_view(job, room, cloud.report_url(job, asked.base_url), cloud.clock.now_ms())


def _room_data(asked: Asked) -> dict[str, Any] | Refusal:
    data = parse_body(asked.body)
    if isinstance(data, Refusal):
        return data
    problems = room_problems(data)
    return refusal.invalid_parameter("; ".join(problems)) if problems else data
