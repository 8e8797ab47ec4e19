"""HTTP around the cloud's calls: reads a request, plays the script's step on it, writes the answer, keeps the books."""

from __future__ import annotations

import re
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate

from aiohttp import web

from bridge.errors import DecodeError
from bridge.metastudio.signing import decoded_query
from bridge.sandbox import refusal
from bridge.sandbox.asked import Answer, Asked, refused
from bridge.sandbox.checks import MAX_BODY_BYTES
from bridge.sandbox.cloud import Call, Cloud
from bridge.sandbox.faults import Step
from bridge.sandbox.ledger import CallRecord
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.report import credential_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_MAX_FAULT_CHARS = 200
_GARBAGE = b"\x1f\x8b<html>not what you think</html>\xff\xfe"


@dataclass(slots=True)
class _Exchange:
    """One call under way; ``call`` is its number if it is a report, else 0."""

    request: web.Request
    call: int
    job_id: str
    received_at_ms: int
    request_id: str
    body: bytes = b""
    credential: str = ""
    refresh_url: bool = False
    status: int = 0
    refusal: Refusal | None = None
    accepted: int = 0
    fault: str = ""


def serve(cloud: Cloud, name: str, group: str, call: Call) -> Handler:
    """Return the HTTP handler of a call; ``group`` is what a script calls its kind."""

    async def handle(request: web.Request) -> web.StreamResponse:
        cloud.ledger.calls_by_name[name] += 1
        exchange = _Exchange(
            request,
            cloud.ledger.next_call() if group == "report" else 0,
            request.match_info.get("job_id", ""),
            cloud.clock.now_ms(),
            secrets.token_hex(16),
        )
        try:
            return await _handle(cloud, call, exchange, cloud.script.take(group, exchange.job_id))
        finally:
            if exchange.call:
                _settle(cloud, exchange)

    return handle


async def _handle(cloud: Cloud, call: Call, exchange: _Exchange, step: Step | None) -> web.StreamResponse:
    if step is not None:
        parts = (f"{name}={value}" for name, value in step.model_dump(exclude_defaults=True).items())
        exchange.fault = ", ".join(parts)[:_MAX_FAULT_CHARS]
        if await _is_cut_before(cloud, exchange, step):
            return _reset(exchange.request)
    answer = await _answer(cloud, call, exchange, step)
    if step is not None and answer.refusal is None:
        if step.lost_answer:
            await cloud.closing.wait()  # the client ends this by going away
        if step.lost_answer or step.reset == "after":
            return _reset(exchange.request)
        answer = _disguised(answer, step, exchange.request_id)
        if step.drip_bytes_per_second:
            return await _drip(cloud, exchange, answer, step.drip_bytes_per_second)
    exchange.status = answer.status
    exchange.refusal = answer.refusal
    return web.Response(
        status=answer.status,
        body=answer.body(),
        headers=_headers(cloud, exchange, answer),
        content_type=answer.content_type,
    )


async def _is_cut_before(cloud: Cloud, exchange: _Exchange, step: Step) -> bool:
    """Do what a step does before the call takes effect; tell whether the connection is to be cut."""
    job = cloud.tenant.jobs.get(exchange.job_id)
    if step.expire_url and job is not None:
        cloud.urls.expire(job, "all", cloud.clock.now_ms())
    if step.delay_ms:
        await cloud.clock.sleep(step.delay_ms / 1000)
    if step.reset == "during":
        await exchange.request.content.readany()
    return step.reset in {"before", "during"}


async def _answer(cloud: Cloud, call: Call, exchange: _Exchange, step: Step | None) -> Answer:
    """Return what the call answers by the cloud's rules, or the script's refusal of it."""
    early = await _read_body(exchange)
    if exchange.call and early is None:
        early = cloud.script.refuse_early(exchange.job_id, len(exchange.body), cloud.clock.monotonic())
    if early is not None:
        return refused(early, exchange.request_id)
    asked = _asked(cloud, exchange)
    if isinstance(asked, Refusal):
        return refused(asked, exchange.request_id)
    exchange.credential = credential_of(asked)
    exchange.refresh_url = asked.query.get("refresh_url") == "true"
    if step is not None and step.refuses:
        return _scripted(step, exchange.request_id)
    result = call(cloud, asked)
    if isinstance(result, Refusal):
        return refused(result, exchange.request_id)
    exchange.accepted = result.accepted
    return result


async def _read_body(exchange: _Exchange) -> Refusal | None:
    if (exchange.request.content_length or 0) > MAX_BODY_BYTES:
        return refusal.too_large(MAX_BODY_BYTES)
    try:
        exchange.body = await exchange.request.read()
    except web.HTTPRequestEntityTooLarge:
        return refusal.too_large(MAX_BODY_BYTES)
    return None


def _asked(cloud: Cloud, exchange: _Exchange) -> Asked | Refusal:
    request = exchange.request
    path, _, raw_query = request.raw_path.partition("?")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return refusal.not_json("Content-Encoding is not supported")
    try:
        query = dict(decoded_query(raw_query))
    except DecodeError as error:
        return refusal.invalid_parameter(str(error))
    host = request.headers.get("Host", "")
    return Asked(
        method=request.method,
        path=path,
        raw_query=raw_query,
        query=query,
        headers=request.headers,
        body=exchange.body,
        ids=request.match_info,
        base_url=f"http://{host}" if _HOST.fullmatch(host) else cloud.base_url,
        call=exchange.call,
    )


def _scripted(step: Step, request_id: str) -> Answer:
    """Return the answer of a step's own status."""
    answer = refused(step.refusal, request_id)
    if step.body is not None:
        answer = replace(answer, data=step.body.encode())
    if step.location:
        answer = replace(answer, headers={**answer.headers, "Location": step.location})
    return answer


def _disguised(answer: Answer, step: Step, request_id: str) -> Answer:
    """Return what a step makes of an answer after the call took effect."""
    if step.status >= 300:
        return _scripted(step, request_id)
    if step.status:
        answer = replace(answer, status=step.status)
    if step.garbage:
        answer = replace(answer, data=_GARBAGE)
    if step.body is not None:
        answer = replace(answer, data=step.body.encode())
    if step.answer_url is not None:
        answer = replace(answer, data={"live_event_report_url": step.answer_url})
    return answer


async def _drip(cloud: Cloud, exchange: _Exchange, answer: Answer, bytes_per_second: float) -> web.StreamResponse:
    body = answer.body()
    headers = _headers(cloud, exchange, answer) | {
        "Content-Type": answer.content_type,
        "Content-Length": str(len(body)),
    }
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(exchange.request)
    for index in range(len(body)):
        await response.write(body[index : index + 1])
        await cloud.clock.sleep(1 / bytes_per_second)
    exchange.status = answer.status
    return response


def _headers(cloud: Cloud, exchange: _Exchange, answer: Answer) -> dict[str, str]:
    date = formatdate(cloud.clock.now_ms() / 1000, usegmt=True)
    return {"X-Request-Id": exchange.request_id, "Date": date, **answer.headers}


def _reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection so that the client sees a reset; the response returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        handle = transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


def _settle(cloud: Cloud, exchange: _Exchange) -> None:
    why = exchange.refusal
    cloud.ledger.settle(
        CallRecord(
            call=exchange.call,
            received_at_ms=exchange.received_at_ms,
            job_id=exchange.job_id,
            status=exchange.status,
            error_code=why.error_code if why else "",
            error_msg=why.error_msg if why else "",
            events=exchange.accepted,
            body_bytes=len(exchange.body),
            credential=exchange.credential,
            refresh_url=exchange.refresh_url,
            fault=exchange.fault,
        )
    )
