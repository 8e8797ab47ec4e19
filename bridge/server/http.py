"""The bridge's own HTTP: health, metrics, status, push sources, and what the operator may do with a token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from bridge.clock import Clock
from bridge.errors import ListenError
from bridge.outbox.spool import Spool
from bridge.room import Room
from bridge.secret import Secret
from bridge.server.callbacks import CallbackRoute
from bridge.server.operator import OperatorRoutes
from bridge.server.page_socket import PageSocketRoute
from bridge.server.push import PushRoute
from bridge.server.room_callbacks import RoomCallbacks
from bridge.server.status import room_status

LOOP_BEAT_LIMIT_SECS = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Health:
    """What ``/livez`` and ``/readyz`` are asked about. No room's fate is part of it."""

    beat_at: float = 0.0
    ready: bool = False
    problem: str = "starting"


class Server:
    """Listens on one address; ``start`` raises ``ListenError`` when it cannot be had."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        admin_token: Secret,
        rooms: Mapping[str, Room],
        callbacks: Mapping[str, RoomCallbacks],
        spool: Spool,
        registry: CollectorRegistry,
        health: Health,
        clock: Clock,
    ) -> None:
        self._host = host
        self._port = port
        self._admin_token = admin_token
        self._rooms = rooms
        self._callbacks = callbacks
        self._registry = registry
        self._health = health
        self._clock = clock
        push = PushRoute(rooms, spool, clock)
        pages = PageSocketRoute(rooms, admin_token)
        operator = OperatorRoutes(rooms, spool, clock)
        callback = CallbackRoute(callbacks)
        application = web.Application(client_max_size=1024 * 1024)
        application.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                web.get("/status", self._status),
                web.head("/push/{platform}/{room}", push.head),
                web.get("/push/{platform}/{room}", pages.get, allow_head=False),
                web.post("/push/{platform}/{room}", push.post),
                web.post("/callbacks/{room}", callback.post),
                web.post("/rooms/{room}/pause", self._guarded(operator.pause)),
                web.post("/rooms/{room}/resume", self._guarded(operator.resume)),
                web.post("/rooms/{room}/report-url", self._guarded(operator.report_url)),
                web.post("/dead-letters/{id}/retry", self._guarded(operator.retry)),
                web.post("/dead-letters/{id}/drop", self._guarded(operator.drop)),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=False, shutdown_timeout=1.0)

    async def start(self) -> str:
        """Listen; returns the address."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ListenError(f"server.listen {self._host}:{self._port}: {error.strerror}") from None
        host, port = self._runner.addresses[0][:2]
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        late_secs = self._clock.monotonic() - self._health.beat_at
        if late_secs > LOOP_BEAT_LIMIT_SECS:
            return web.Response(status=503, text=f"the event loop has not beaten for {late_secs:.0f} s\n")
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if not self._health.ready:
            return web.Response(status=503, text=f"{self._health.problem}\n")
        return web.Response(text="ok\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _status(self, _: web.Request) -> web.Response:
        status = {
            "ready": self._health.ready,
            "rooms": {
                name: room_status(room, self._clock, self._callbacks.get(name)) for name, room in self._rooms.items()
            },
        }
        return web.json_response(status)

    def _guarded(self, handler: Handler) -> Handler:
        """Let a request through only with the admin token."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._admin_token:
                return web.json_response({"error": "set server.admin_token to allow this"}, status=403)
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(errors="surrogateescape"), self._admin_token.reveal().encode()):
                return web.json_response({"error": "wrong or missing admin token"}, status=401)
            return await handler(request)

        return guarded
