"""The sandbox itself: a local MetaStudio with one project, one room and one running job to begin with.

``async with Sandbox(listen="127.0.0.1:9300") as sandbox`` listens; leaving the block frees the port. It speaks plain
HTTP, knows one access key and one IAM user, and keeps nothing on disk.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from bridge.clock import Clock, SystemClock
from bridge.errors import ListenError
from bridge.sandbox import api, iam
from bridge.sandbox.auth import Credentials, Gate
from bridge.sandbox.checks import MAX_BODY_BYTES
from bridge.sandbox.cloud import Call, Cloud, IamUser, no_such_api
from bridge.sandbox.control import Control
from bridge.sandbox.faults import Script
from bridge.sandbox.ledger import AcceptedEvent, Ledger
from bridge.sandbox.report import report
from bridge.sandbox.serving import serve
from bridge.sandbox.state import Tenant
from bridge.sandbox.tokens import Tokens
from bridge.sandbox.urls import OldUrlDies, ReportUrls
from bridge.secret import Secret

_JOBS = "/v1/{project_id}/smart-live-rooms/{room_id}/smart-live-jobs"
_ROOMS = "/v1/{project_id}/smart-live-rooms"
_CALLS: tuple[tuple[str, str, str, str, Call], ...] = (
    ("POST", f"{_JOBS}/{{job_id}}/live-event-report", "live_event_report", "report", report),
    ("GET", _JOBS, "list_room_jobs", "jobs", api.list_room_jobs),
    ("GET", "/v1/{project_id}/smart-live-jobs", "list_tenant_jobs", "jobs", api.list_tenant_jobs),
    ("GET", f"{_JOBS}/{{job_id}}", "show_job", "jobs", api.show_job),
    ("POST", _JOBS, "start_job", "jobs", api.start_job),
    ("POST", f"{_JOBS}/{{job_id}}/stop", "stop_job", "jobs", api.stop_job),
    ("POST", _ROOMS, "create_room", "rooms", api.create_room),
    ("GET", _ROOMS, "list_rooms", "rooms", api.list_rooms),
    ("GET", f"{_ROOMS}/{{room_id}}", "show_room", "rooms", api.show_room),
    ("PUT", f"{_ROOMS}/{{room_id}}", "update_room", "rooms", api.update_room),
    ("DELETE", f"{_ROOMS}/{{room_id}}", "delete_room", "rooms", api.delete_room),
    ("POST", "/v3/auth/tokens", "create_token", "iam", iam.create_token),
    ("GET", "/v3/projects", "list_projects", "iam", iam.list_projects),
    ("GET", "/v3/regions", "list_regions", "iam", iam.list_regions),
    ("*", "/{path:.*}", "no_such_api", "other", no_such_api),
)
"""Method, path, name in the statistics, kind in a fault script, and the call."""

_MAX_HEADER_BYTES = 32 * 1024  # a token alone may have 16384
_SHUTDOWN_SECS = 1.0


class Sandbox:
    """A local MetaStudio.

    ``listen`` is ``HOST:PORT``, port 0 for a free one. ``url_life_secs`` is how long a report URL lives, ``None`` as
    long as can be; ``old_url_dies`` when a replaced one stops. ``checks="light"`` holds the schema but not the
    shape of ``content``, for speed. The newest ``keep_events`` accepted events are kept. Ids and credentials are
    drawn anew unless given. ``ended_job_status`` answers a report to a job that is over (not documented).
    """

    def __init__(
        self,
        *,
        listen: str = "127.0.0.1:0",
        clock: Clock | None = None,
        url_life_secs: float | None = 3600,
        old_url_dies: OldUrlDies = "on_use",
        checks: Literal["strict", "light"] = "strict",
        keep_events: int = 2_000_000,
        project_id: str = "",
        access_key: str = "",
        secret_key: str = "",
        security_token: str = "",
        room_id: str = "",
        job_id: str = "",
        room_name: str = "sandbox room",
        iam_user: str = "sandbox",
        iam_password: str = "",
        iam_domain: str = "sandbox",
        region: str = "cn-north-4",
        token_life_secs: float = 86_400,
        ended_job_status: int = 404,
        keepalive_secs: float = 75.0,
    ) -> None:
        self.project_id = project_id or secrets.token_hex(16)
        self.access_key = access_key or secrets.token_hex(10).upper()
        self.secret_key = secret_key or secrets.token_urlsafe(30)
        self.room_id = room_id or str(uuid.uuid4())
        self.job_id = job_id or str(uuid.uuid4())
        self.iam_user = iam_user
        self.iam_password = iam_password or secrets.token_urlsafe(12)
        self.iam_domain = iam_domain
        self._listen = listen
        self._keepalive_secs = keepalive_secs
        self._runner: web.AppRunner | None = None
        keys = Credentials(self.project_id, self.access_key, Secret(self.secret_key), Secret(security_token))
        tokens = Tokens(int(token_life_secs * 1000))
        self._cloud = Cloud(
            clock=clock or SystemClock(),
            tenant=Tenant(self.project_id, lambda: str(uuid.uuid4())),
            urls=ReportUrls(self.project_id, secrets.token_bytes(32), _life_ms(url_life_secs), old_url_dies),
            gate=Gate(keys, tokens),
            tokens=tokens,
            user=IamUser(iam_user, Secret(self.iam_password), iam_domain, region),
            ledger=Ledger(keep_events),
            script=Script(),
            strict=checks == "strict",
            ended_job_status=ended_job_status,
        )
        _open_house(self._cloud, room_name, self.room_id, self.job_id)

    async def __aenter__(self) -> Self:
        """Listen; raises ``ListenError`` when the address cannot be had."""
        host, port = _host_and_port(self._listen)
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            handler_cancellation=True,
            auto_decompress=False,
            keepalive_timeout=self._keepalive_secs,
            shutdown_timeout=_SHUTDOWN_SECS,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            raise ListenError(f"cannot listen on {self._listen}: {error}") from None
        self._runner = runner
        self._cloud.base_url = _base_url(host, runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and cut what is under way."""
        self._cloud.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def base_url(self) -> str:
        """The endpoint of every call, IAM's included, without a trailing slash."""
        return self._cloud.base_url

    @property
    def report_url(self) -> str:
        """The newest report URL of the first job; a dead one is replaced."""
        return self._cloud.report_url(self._cloud.tenant.jobs[self.job_id])

    def events(self, job_id: str | None = None) -> list[AcceptedEvent]:
        """Return what was accepted for a job, for all jobs by default, in the order of acceptance."""
        return self._cloud.ledger.events(job_id)

    def accepted(self, job_id: str | None = None) -> int:
        """Return how many events were accepted for a job, for all jobs by default."""
        return self._cloud.ledger.accepted if job_id is None else self._cloud.tenant.jobs[job_id].accepted

    def misbehave(self, *steps: dict[str, Any]) -> None:
        """Add to the script of faults, as ``POST /_sandbox/faults`` does; raises ``DecodeError``."""
        self._cloud.script.extend(list(steps))

    def behave(self) -> None:
        """Clear the script of faults."""
        self._cloud.script.clear()
        self._cloud.gate.unlock()

    async def wait_for_events(self, count: int, job_id: str | None = None, timeout_secs: float = 10.0) -> None:
        """Wait until that many events were accepted; raises ``TimeoutError``."""
        async with asyncio.timeout(timeout_secs):
            while self.accepted(job_id) < count:
                await self._cloud.arrival.wait()

    def banner(self) -> list[str]:
        """Return what a user needs to know, one ``name: value`` a line, the report URL first."""
        events = f"{self.base_url}/_sandbox/events?job_id={self.job_id}"
        lines = [f"{name}: {value}" for name, value in self._head().items()]
        lines.append(f"events: {events}")
        if not _is_loopback(self._listen):
            lines.append("warning: who reaches this address rules the sandbox; it is not for the open network")
        return lines

    def _head(self) -> dict[str, str]:
        return {
            "report_url": self.report_url,
            "project_id": self.project_id,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "endpoint": self.base_url,
            "smart_live_room_id": self.room_id,
            "job_id": self.job_id,
            "iam_user": self.iam_user,
            "iam_password": self.iam_password,
            "iam_domain": self.iam_domain,
        }

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES + 1)
        application.on_response_prepare.append(_identify)
        application.add_routes(Control(self._cloud, self.job_id, self._head).routes())
        for method, path, name, group, call in _CALLS:
            application.router.add_route(method, path, serve(self._cloud, name, group, call))
        return application


def _life_ms(secs: float | None) -> int | None:
    return None if secs is None else int(secs * 1000)


def _open_house(cloud: Cloud, room_name: str, room_id: str, job_id: str) -> None:
    """Create the room and the running job that the sandbox begins with."""
    now_ms = cloud.clock.now_ms()
    cloud.tenant.add_room({"room_name": room_name}, now_ms, room_id)
    cloud.tenant.start_job(room_id, {}, now_ms, job_id=job_id)


async def _identify(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("X-Request-Id", secrets.token_hex(16))
    response.headers["Server"] = "api-gateway"


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ListenError(f"cannot listen on {listen}: HOST:PORT expected")
    return host.strip("[]"), int(port)


def _base_url(host: str, port: int) -> str:
    """Return how this machine reaches the server; an address of all interfaces becomes loopback."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _is_loopback(listen: str) -> bool:
    host = _host_and_port(listen)[0]
    return host in {"localhost", "::1"} or host.startswith("127.")
