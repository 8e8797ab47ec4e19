"""The cloud's management calls: jobs and rooms. Reporting events is ``bridge.report``'s.

Every call raises ``CloudAuthError`` (the credential), ``CloudUnavailableError`` (ask again later) or ``CloudError``
(refused, or an answer that cannot be read). Nothing is retried here but a stale token, once.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from bridge.clock import Clock
from bridge.credential_guard import CredentialGuard
from bridge.errors import CloudAuthError, CloudError
from bridge.metastudio.auth import Authenticator
from bridge.metastudio.exchange import HttpAnswer, exchange
from bridge.metastudio.models import (
    PROCESSING,
    WAITING,
    JobList,
    JobQuery,
    JobStarted,
    RoomCreated,
    RoomList,
    RoomQuery,
    RoomRequest,
    SmartLiveJob,
    SmartLiveRoom,
    SmartLiveRoomSummary,
    StartJobRequest,
)
from bridge.metastudio.models.base import Part
from bridge.metastudio.refusal import clock_skew_secs, error_of, is_stale_token, read_refusal
from bridge.metastudio.regions import checked_endpoint

Answer = TypeVar("Answer", bound=Part)

_APP_USER_ID = re.compile(r"[\x21-\x7e]{1,256}")


class MetaStudioClient:
    """Calls one project at one endpoint as one authenticator.

    Raises ``ValueError`` for an endpoint that is no plain https origin (or http on this machine) and for an
    ``app_user_id`` that no header can carry.
    ``clock_skew_secs`` is by how much the cloud's clock was ahead of ours at the last answer, ``None`` before.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        endpoint: str,
        project_id: str,
        authenticator: Authenticator,
        guard: CredentialGuard,
        clock: Clock,
        app_user_id: str = "",
    ) -> None:
        if app_user_id and not _APP_USER_ID.fullmatch(app_user_id):
            raise ValueError(f"app_user_id: is {app_user_id!r}: 1 to 256 ASCII characters without spaces")
        self.clock_skew_secs: float | None = None
        self._http = http
        self._base = f"{checked_endpoint(endpoint)}/v1/{quote(project_id, safe='')}"
        self._authenticator = authenticator
        self._guard = guard
        self._clock = clock
        self._headers = {"X-App-UserId": app_user_id} if app_user_id else {}

    async def list_jobs(self, room_id: str, query: JobQuery | None = None) -> JobList:
        """Return one page of a room's jobs."""
        query = replace(query or JobQuery(), room_name="")  # a filter of the other list
        return await self._get(
            JobList, f"list the jobs of room {room_id}", _path(room_id, "smart-live-jobs"), query.pairs()
        )

    async def list_all_jobs(self, query: JobQuery | None = None) -> JobList:
        """Return one page of the jobs of the whole tenant."""
        return await self._get(JobList, "list the jobs", "smart-live-jobs", (query or JobQuery()).pairs())

    async def each_job(self, query: JobQuery | None = None, *, room_id: str = "") -> AsyncIterator[SmartLiveJob]:
        """Go through all pages, of a room or of the tenant; a job that moves between pages comes once."""
        query = query or JobQuery()
        seen: set[str] = set()
        while True:
            page = await (self.list_jobs(room_id, query) if room_id else self.list_all_jobs(query))
            new = [job for job in page.smart_live_jobs if job.job_id and job.job_id not in seen]
            for job in new:
                seen.add(job.job_id)
                yield job
            query = replace(query, offset=query.offset + len(page.smart_live_jobs))
            if not new or query.offset >= page.count:
                return

    async def newest_job(self, room_id: str) -> SmartLiveJob | None:
        """Return the job to report to: the newest that runs, else the newest that waits, else ``None``."""
        waiting: SmartLiveJob | None = None
        async for job in self.each_job(JobQuery(states=(PROCESSING, WAITING)), room_id=room_id):
            # The states are looked at again: an answer to an unheeded filter must not hand us an ended job.
            if job.state == PROCESSING:
                return job
            if job.state == WAITING and waiting is None:
                waiting = job
        return waiting

    async def show_job(self, room_id: str, job_id: str) -> SmartLiveJob:
        """Return one job."""
        return await self._get(SmartLiveJob, f"show job {job_id}", _path(room_id, "smart-live-jobs", job_id))

    async def start_job(self, room_id: str, request: StartJobRequest | None = None) -> JobStarted:
        """Start a job; the answer already holds its report URL."""
        doing = f"start a job of room {room_id}"
        answer = await self._call(doing, "POST", _path(room_id, "smart-live-jobs"), body=_json(request))
        started = _read(JobStarted, doing, answer)
        if not started.job_id:
            raise CloudError(f"{doing}: the answer names no job", status=answer.status)
        return started

    async def stop_job(self, room_id: str, job_id: str) -> None:
        """Stop a job."""
        await self._call(f"stop job {job_id}", "POST", _path(room_id, "smart-live-jobs", job_id, "stop"))

    async def create_room(self, request: RoomRequest) -> str:
        """Create a room and return its id; take ``request`` from ``RoomRequest.from_operator``."""
        doing = "create a room"
        answer = await self._call(doing, "POST", _path(), body=_json(request))
        created = _read(RoomCreated, doing, answer)
        if not created.room_id:
            raise CloudError(f"{doing}: the answer names no room", status=answer.status)
        return created.room_id

    async def list_rooms(self, query: RoomQuery | None = None) -> RoomList:
        """Return one page of the project's rooms."""
        return await self._get(RoomList, "list the rooms", _path(), (query or RoomQuery()).pairs())

    async def each_room(self, query: RoomQuery | None = None) -> AsyncIterator[SmartLiveRoomSummary]:
        """Go through all pages of rooms; each comes once."""
        query = query or RoomQuery()
        seen: set[str] = set()
        while True:
            page = await self.list_rooms(query)
            new = [room for room in page.smart_live_rooms if room.room_id and room.room_id not in seen]
            for room in new:
                seen.add(room.room_id)
                yield room
            query = replace(query, offset=query.offset + len(page.smart_live_rooms))
            if not new or query.offset >= page.count:
                return

    async def show_room(self, room_id: str) -> SmartLiveRoom:
        """Return one room whole."""
        return await self._get(SmartLiveRoom, f"show room {room_id}", _path(room_id))

    async def update_room(self, room_id: str, request: RoomRequest) -> None:
        """Replace a room's settings; what ``request`` leaves out is not kept."""
        await self._call(f"update room {room_id}", "PUT", _path(room_id), body=_json(request))

    async def delete_room(self, room_id: str) -> None:
        """Delete a room."""
        await self._call(f"delete room {room_id}", "DELETE", _path(room_id))

    async def _get(self, model: type[Answer], doing: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        return _read(model, doing, await self._call(doing, "GET", path, query=query))

    async def _call(
        self, doing: str, method: str, path: str, *, query: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> HttpAnswer:
        url = f"{self._base}/{path}"
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe="")
        used: dict[str, str] = {}
        try:
            return await self._attempt(doing, method, url, body, used)
        except CloudAuthError as error:
            stale = used and is_stale_token(error.status, error.error_code)
            if not stale or not await self._authenticator.renew(used):
                raise
        return await self._attempt(doing, method, url, body, used)

    async def _attempt(self, doing: str, method: str, url: str, body: bytes, used: dict[str, str]) -> HttpAnswer:
        """Make one call; ``used`` takes up the headers that went out, also when it fails."""
        authenticator = self._authenticator
        used.clear()
        async with self._guard.call(authenticator.fingerprint) as call:
            # Nothing is awaited between the two: another call's refusal must not take the token away in between.
            await authenticator.prepare()
            headers = authenticator.sign_call(url, body, method=method, headers=self._headers)
            used.update(headers)
            answer = await exchange(self._http, doing, method, url, headers=headers, body=body)
            now_ms = self._clock.now_ms()
            self.clock_skew_secs = clock_skew_secs(answer.headers, now_ms)
            if 200 <= answer.status < 300:
                call.accepted()
                return answer
            refusal = read_refusal(answer.headers, answer.body, authenticator.secrets)
            error = error_of(
                doing, answer.status, answer.headers, refusal, now_ms=now_ms, credential=authenticator.label
            )
            if isinstance(error, CloudAuthError):
                call.refused(error)
            elif refusal.error_code.startswith("MSS."):
                call.accepted()  # the service itself spoke: the call came past the gateway
            raise error


def _path(*segments: str) -> str:
    return "/".join(("smart-live-rooms", *(quote(segment, safe="") for segment in segments)))


def _json(request: Part | None) -> bytes:
    return orjson.dumps(request.to_wire() if request else {})


def _read(model: type[Answer], doing: str, answer: HttpAnswer) -> Answer:
    try:
        data = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise CloudError(f"{doing}: the answer is no JSON object ({len(answer.body)} bytes)", status=answer.status)
    return model.model_validate(data)
