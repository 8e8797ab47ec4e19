"""``/_sandbox/``: what the cloud does not have. Look at what arrived, and make the cloud misbehave.

Wrong orders get 400 ``{"error": "place: problem; …"}``, unknown jobs and rooms 404; nothing of them takes effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from bridge.errors import DecodeError
from bridge.metastudio.models.jobs import PROCESSING
from bridge.sandbox.callbacks import Outgoing, callback_body, signed_callback
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.orders import CallbackOrder, ExpireOrder, JobOrder, is_callable, parse
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.rules import RoomRules
from bridge.sandbox.state import BLOCKED, FAILED, SUCCEED, Job
from bridge.sandbox.views import effective, job_view

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CALLBACK_TIMEOUT_SECS = 10.0
_MAX_SHOWN_ANSWER_BYTES = 2000
_STATES = {"run": PROCESSING, "end": SUCCEED, "fail": FAILED, "block": BLOCKED}


class Control:
    """The sandbox's own calls; ``stats`` is the head of the statistics, what a user pastes elsewhere."""

    def __init__(self, cloud: Cloud, first_job_id: str, stats: Callable[[], dict[str, Any]]) -> None:
        self._cloud = cloud
        self._first_job_id = first_job_id
        self._stats = stats
        self._rules = RoomRules(cloud)
        self._last_callback: Outgoing | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.route(method, path, _plain(handler)) for method, path, handler in self._table()]

    def _table(self) -> list[tuple[str, str, _Handler]]:
        return [
            ("GET", "/_sandbox/", self.index),
            ("GET", "/_sandbox/events", self.events),
            ("DELETE", "/_sandbox/events", self.forget_events),
            ("GET", "/_sandbox/calls", self.calls),
            ("GET", "/_sandbox/replies", self.replies),
            ("GET", "/_sandbox/stats", self.stats),
            ("GET", "/_sandbox/faults", self.faults),
            ("POST", "/_sandbox/faults", self.add_faults),
            ("DELETE", "/_sandbox/faults", self.clear_faults),
            ("GET", "/_sandbox/jobs", self.jobs),
            ("POST", "/_sandbox/jobs", self.order_job),
            ("POST", "/_sandbox/expire", self.expire),
            ("POST", "/_sandbox/callback", self.callback),
        ]

    async def index(self, _request: web.Request) -> web.StreamResponse:
        """Say what can be asked here."""
        return _json({f"{method} {path}": handler.__doc__ for method, path, handler in self._table()})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream the accepted events, of one job or all, after a call's number if asked."""
        job_id = request.query.get("job_id")
        if job_id is not None and job_id not in self._cloud.tenant.jobs:
            return _error(404, "job_id: no such job")
        after_call = _number(request.query, "after_call")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"job_id":' + orjson.dumps(job_id) + b',"events":[')
        glue = b""
        for batch in self._cloud.ledger.batches(job_id, after_call):
            if batch:
                await response.write(glue + orjson.dumps(batch)[1:-1])
                glue = b","
        await response.write(b"]}")
        return response

    async def forget_events(self, _request: web.Request) -> web.StreamResponse:
        """Drop what was kept; the totals go on."""
        self._cloud.ledger.forget()
        return _json({})

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """Show what became of the newest report calls."""
        return _json({"calls": self._cloud.ledger.call_records(_number(request.query, "after_call"))})

    async def replies(self, request: web.Request) -> web.StreamResponse:
        """Show what the interaction rules of a job's room answered to its events, after an event's number if asked."""
        job_id = request.query.get("job_id", self._first_job_id)
        job = self._cloud.tenant.jobs.get(job_id)
        if job is None:
            return _error(404, "job_id: no such job")
        replies = await self._rules.replies(job, _number(request.query, "after_event"))
        return _json({"job_id": job_id, "replies": replies})

    async def stats(self, _request: web.Request) -> web.StreamResponse:
        """Show credentials, totals, jobs and what the script still holds."""
        cloud = self._cloud
        return _json(
            self._stats()
            | cloud.ledger.totals()
            | {
                "faults_played": cloud.script.played,
                "faults_waiting": cloud.script.waiting(),
                "access_key_locks": cloud.gate.locks,
                "access_key_locked": cloud.gate.is_locked(cloud.clock.monotonic()),
                "jobs": [self._summary(job) for job in cloud.tenant.jobs.values()],
            }
        )

    async def faults(self, _request: web.Request) -> web.StreamResponse:
        """Show what the script still holds."""
        return _json({"waiting": self._cloud.script.waiting()})

    async def add_faults(self, request: web.Request) -> web.StreamResponse:
        """Add to the script."""
        try:
            data = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise DecodeError("body", f"is not JSON: {error}") from None
        self._cloud.script.extend(data)
        return _json({"waiting": self._cloud.script.waiting()})

    async def clear_faults(self, _request: web.Request) -> web.StreamResponse:
        """Behave again: no more script, and no lock on the access key."""
        self._cloud.script.clear()
        self._cloud.gate.unlock()
        return _json({"waiting": []})

    async def jobs(self, _request: web.Request) -> web.StreamResponse:
        """List all jobs."""
        return _json({"jobs": [self._summary(job) for job in self._cloud.tenant.jobs.values()]})

    async def order_job(self, request: web.Request) -> web.StreamResponse:
        """Start a job, or move one into another state."""
        order = parse(JobOrder, await request.read())
        cloud, now_ms = self._cloud, self._cloud.clock.now_ms()
        job: Job | Refusal | None
        if order.action == "start":
            room_id = order.room_id or self._first_job().room_id
            job = cloud.tenant.start_job(room_id, {}, now_ms, state=order.state or PROCESSING, job_id=order.job_id)
        else:
            job = cloud.tenant.jobs.get(order.job_id or self._first_job_id)
            if job is not None:
                cloud.tenant.move_job(job, _STATES[order.action], now_ms, order.reason)
        if job is None:
            return _error(404, "job_id: no such job")
        if isinstance(job, Refusal):
            return _error(job.status, job.error_msg)
        room = cloud.tenant.rooms.get(job.room_id)
        return _json(job_view(job, room, cloud.report_url(job), now_ms))

    async def expire(self, request: web.Request) -> web.StreamResponse:
        """Let report URLs or tokens die."""
        order = parse(ExpireOrder, await request.read())
        cloud = self._cloud
        if order.url_life_secs is not None:
            cloud.urls.life_ms = int(order.url_life_secs * 1000)
        at_ms = cloud.clock.now_ms() + int(order.in_secs * 1000)
        if order.what != "url":
            return _json({"expired": cloud.tokens.expire(at_ms) if order.what == "tokens" else cloud.tokens.revoke()})
        if order.job_id and order.job_id not in cloud.tenant.jobs:
            return _error(404, "job_id: no such job")
        jobs = [cloud.tenant.jobs[order.job_id]] if order.job_id else list(cloud.tenant.jobs.values())
        return _json({"expired": sum(cloud.urls.expire(job, order.which, at_ms) for job in jobs)})

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Send a callback and show what it was answered with."""
        order = parse(CallbackOrder, await request.read())
        outgoing = self._last_callback if order.again else self._outgoing(order)
        if outgoing is None:
            return _error(400, "again: no callback was sent yet")
        self._last_callback = outgoing
        sent = {"url": outgoing.url, "headers": outgoing.headers, "body": outgoing.body.decode("utf-8", "replace")}
        timeout = aiohttp.ClientTimeout(total=_CALLBACK_TIMEOUT_SECS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(outgoing.url, data=outgoing.body, headers=outgoing.headers, allow_redirects=False) as answer,
            ):
                text = await answer.content.read(_MAX_SHOWN_ANSWER_BYTES)
        except (TimeoutError, aiohttp.ClientError) as error:
            return _json({"sent": sent, "status": 0, "error": str(error) or type(error).__name__}, 502)
        return _json({"sent": sent, "status": answer.status, "answer": text.decode("utf-8", "replace")})

    def _outgoing(self, order: CallbackOrder) -> Outgoing:
        cloud = self._cloud
        job = cloud.tenant.jobs.get(order.job_id) if order.job_id else self._first_job()
        if job is None:
            raise DecodeError("job_id", "no such job")
        config = effective(job, cloud.tenant.rooms.get(job.room_id), "live_event_callback_config") or {}
        configured_url = config.get("live_event_type_callback_url", "")
        target = order.target or configured_url
        if not is_callable(target):
            raise DecodeError("target", "is missing: an https URL expected, or http on loopback")
        auth_type = order.auth_type or config.get("auth_type", "NONE")
        key = config.get("key", "") if order.key is None else order.key
        if auth_type not in {"NONE", "MSS_A", "MSS_A_HEAD"}:
            raise DecodeError("auth_type", "NONE, MSS_A or MSS_A_HEAD expected")
        if auth_type != "NONE" and not key:
            raise DecodeError("key", f"is missing, {auth_type} signs with it")
        body = callback_body(order.event_type, order.message, room_id=job.room_id, job_id=job.job_id)
        return signed_callback(
            target=target,
            signed_url=order.signed_url or configured_url or target,
            body=body if order.body is None else order.body.encode(),
            auth_type=auth_type,
            key=key,
            at_ms=max(0, cloud.clock.now_ms() + int(order.time_offset_secs * 1000)),
            uri=order.uri,
            time_unit=order.time_unit,
        )

    def _first_job(self) -> Job:
        return self._cloud.tenant.jobs[self._first_job_id]

    def _summary(self, job: Job) -> dict[str, Any]:
        cloud = self._cloud
        report_url = cloud.report_url(job)
        return {
            "job_id": job.job_id,
            "room_id": job.room_id,
            "state": job.state,
            "accepted": job.accepted,
            "report_url": report_url,
            "expires_at_ms": job.keys[-1].expires_at_ms,
        }


def _plain(handler: _Handler) -> _Handler:
    """Turn an order that cannot be read into a 400."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except DecodeError as error:
            return _error(400, str(error))

    return handle


def _number(query: Any, name: str) -> int:
    text = query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise DecodeError(name, "a call's number expected")
    return int(text)


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json")


def _error(status: int, problem: str) -> web.Response:
    return _json({"error": problem}, status)
