"""The rooms and jobs of the sandbox's one tenant. Pure: ids and times are passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.metastudio.models.jobs import ENDED_STATES, PROCESSING, WAITING
from bridge.sandbox import refusal
from bridge.sandbox.parameters import JobQuery, RoomQuery
from bridge.sandbox.refusal import Refusal

SUCCEED, FAILED, BLOCKED = "SUCCEED", "FAILED", "BLOCKED"
MAX_ROOMS = 10_000
MAX_JOBS = 10_000


@dataclass(slots=True)
class UrlKey:
    """The key of one report URL. It says ``expires_at_ms``; a script may let it die before, at ``dies_at_ms``."""

    auth_key: str
    expires_at_ms: int
    dies_at_ms: int


@dataclass(slots=True)
class Room:
    """A smart live room; ``data`` is what its creator sent."""

    room_id: str
    data: dict[str, Any]
    created_at_ms: int
    updated_at_ms: int

    @property
    def name(self) -> str:
        """Return the room's name."""
        return str(self.data.get("room_name", ""))


@dataclass(slots=True)
class Job:
    """A livestreaming job; ``request`` is the body of the call that started it, ``keys`` its report URLs' (newest last).

    Times that have not come yet are 0.
    """

    job_id: str
    room_id: str
    serial: int
    state: str
    request: dict[str, Any]
    created_at_ms: int
    updated_at_ms: int
    started_at_ms: int = 0
    ended_at_ms: int = 0
    block_reason: str = ""
    accepted: int = 0
    keys: list[UrlKey] = field(default_factory=list)
    keys_made: int = 0

    @property
    def is_over(self) -> bool:
        """Tell whether the job has ended, in whatever way."""
        return self.state in ENDED_STATES


class Tenant:
    """All rooms and jobs of one project."""

    def __init__(self, project_id: str, new_id: Callable[[], str]) -> None:
        self.project_id = project_id
        self.rooms: dict[str, Room] = {}
        self.jobs: dict[str, Job] = {}
        self._new_id = new_id
        self._jobs_made = 0

    def add_room(self, data: dict[str, Any], now_ms: int, room_id: str = "") -> Room | Refusal:
        """Create a room."""
        if len(self.rooms) >= MAX_ROOMS:
            return refusal.quota_reached()
        room = Room(room_id or self._new_id(), data, now_ms, now_ms)
        self.rooms[room.room_id] = room
        return room

    def room(self, room_id: str) -> Room | Refusal:
        """Return a room."""
        return self.rooms.get(room_id) or refusal.room_not_found()

    def remove_room(self, room_id: str) -> Refusal | None:
        """Delete a room; one with a running job stays."""
        if room_id not in self.rooms:
            return refusal.room_not_found()
        if any(not job.is_over for job in self.jobs_of(room_id)):
            return refusal.job_state_forbids()
        del self.rooms[room_id]
        return None

    def start_job(
        self, room_id: str, request: dict[str, Any], now_ms: int, *, state: str = PROCESSING, job_id: str = ""
    ) -> Job | Refusal:
        """Start a job. Several may run in one room unless the caller asks for a single one."""
        if room_id not in self.rooms:
            return refusal.room_not_found()
        single = (request.get("job_run_config") or {}).get("single_job_in_room", False)
        if single and any(not job.is_over for job in self.jobs_of(room_id)):
            return refusal.job_exists()
        if len(self.jobs) >= MAX_JOBS:
            return refusal.quota_reached()
        self._jobs_made += 1
        job = Job(job_id or self._new_id(), room_id, self._jobs_made, WAITING, request, now_ms, now_ms)
        self.jobs[job.job_id] = job
        self.move_job(job, state, now_ms)
        return job

    def job(self, room_id: str, job_id: str) -> Job | Refusal:
        """Return a job of a room."""
        job = self.jobs.get(job_id)
        return job if job is not None and job.room_id == room_id else refusal.job_over()

    def stop_job(self, room_id: str, job_id: str, now_ms: int) -> Refusal | None:
        """End a job as its owner asked; one that is over cannot be ended again."""
        job = self.job(room_id, job_id)
        if isinstance(job, Refusal):
            return job
        if job.is_over:
            return refusal.job_state_forbids()
        self.move_job(job, SUCCEED, now_ms)
        return None

    def move_job(self, job: Job, state: str, now_ms: int, reason: str = "") -> None:
        """Put a job into a state; ``reason`` is why it was blocked."""
        job.state = state
        job.updated_at_ms = now_ms
        job.block_reason = reason if state == BLOCKED else ""
        if state == PROCESSING:
            job.started_at_ms = job.started_at_ms or now_ms
        job.ended_at_ms = now_ms if state in ENDED_STATES else 0

    def jobs_of(self, room_id: str) -> list[Job]:
        """Return a room's jobs, oldest first."""
        return [job for job in self.jobs.values() if job.room_id == room_id]

    def find_jobs(self, query: JobQuery, room_id: str | None) -> tuple[int, list[Job]]:
        """Return how many jobs match, and the page asked for; ``room_id`` ``None`` searches the whole tenant."""
        found = [job for job in self.jobs.values() if self._matches(job, query, room_id)]
        key = _by_update if query.sort_key == "update_time" else _by_creation
        found.sort(key=key, reverse=query.descending)
        return len(found), found[query.offset : query.offset + query.limit]

    def find_rooms(self, query: RoomQuery) -> tuple[int, list[tuple[Room, list[Job]]]]:
        """Return how many rooms match, and the page asked for, each with its jobs."""
        found = [
            (room, jobs)
            for room in self.rooms.values()
            for jobs in (self.jobs_of(room.room_id),)
            if query.room_name in room.name
            and query.room_type in {"", room.data.get("room_type", "NORMAL")}
            and _last_job_matches(jobs, query)
        ]
        return len(found), found[query.offset : query.offset + query.limit]

    def _matches(self, job: Job, query: JobQuery, room_id: str | None) -> bool:
        if room_id is not None:
            if job.room_id != room_id:
                return False
        elif query.room_name and query.room_name not in self._room_name(job):
            return False
        created_at_ms = job.created_at_ms // 1000 * 1000
        return (not query.states or job.state in query.states) and (
            query.created_since_ms <= created_at_ms <= query.created_until_ms
        )

    def _room_name(self, job: Job) -> str:
        room = self.rooms.get(job.room_id)
        return room.name if room else ""


def _by_creation(job: Job) -> tuple[int, int]:
    return job.created_at_ms, job.serial


def _by_update(job: Job) -> tuple[int, int]:
    return job.updated_at_ms, job.serial


def _last_job_matches(jobs: list[Job], query: RoomQuery) -> bool:
    """Filter by the newest job; the state ``NULL`` means a room that never had one."""
    if not jobs:
        return (not query.states or "NULL" in query.states) and query.started_since_ms == 0
    last = jobs[-1]
    is_wanted = not query.states or last.state in query.states
    return is_wanted and query.started_since_ms <= last.started_at_ms <= query.started_until_ms
