"""Reading what others post to us, and no more of it than agreed."""

from __future__ import annotations

from aiohttp import web

from bridge.errors import PushRefusedError

MAX_BODY_BYTES = 1024 * 1024


async def read_body(request: web.Request) -> bytes:
    """Return a request's body; ``PushRefusedError`` (413 or 400) when it is too long or breaks off."""
    too_long = PushRefusedError(413, f"a body may have {MAX_BODY_BYTES} bytes")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise too_long
    body = b""
    try:
        while len(body) <= MAX_BODY_BYTES and not request.content.at_eof():
            body += await request.content.read(MAX_BODY_BYTES + 1 - len(body))
    except (OSError, web.RequestPayloadError):
        raise PushRefusedError(400, "the body broke off, or is not compressed as it says") from None
    if len(body) > MAX_BODY_BYTES:
        raise too_long
    return body
