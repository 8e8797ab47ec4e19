"""Hands a room's callbacks on to the operator's own webhook, signed as Standard Webhooks say.

In order, one call at a time, from a bounded queue: the cloud's own call never waits for it. A call that fails is tried
again with growing waits until the news is too old to matter; a repeated one carries the same ``webhook-id``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from standardwebhooks import Webhook

from bridge.backoff import Backoff
from bridge.clock import Clock
from bridge.report.post import Poster
from bridge.report.wire import Verdict
from bridge.secret import Secret, redact_url

MAX_WAITING = 1000
MAX_AGE_SECS = 900.0
BACKOFF_FIRST_SECS = 1.0
BACKOFF_MAX_SECS = 60.0
GONE = 410
"""The receiver does not want this any more (Standard Webhooks): not tried again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    body: bytes
    dies_at: float


class Forwarder:
    """One room's way to the operator's webhook. Raises ``ValueError`` for a secret that is none.

    ``poster`` is the one of the reports: it follows no redirect and waits ten seconds at most.
    """

    def __init__(
        self, room: str, *, url: Secret, secret: Secret, poster: Poster, clock: Clock, random: Callable[[], float]
    ) -> None:
        self._room = room
        self._url = url
        self._webhook = webhook_signer(secret)
        self._poster = poster
        self._clock = clock
        self._backoff = Backoff(BACKOFF_FIRST_SECS, BACKOFF_MAX_SECS, random)
        self._log = log.bind(room=room)
        self._waiting: deque[_Message] = deque()
        self._woken = asyncio.Event()
        self.forwarded = 0
        self.dropped = 0
        self.last_error = ""

    @property
    def waiting(self) -> int:
        """How many messages have not arrived yet."""
        return len(self._waiting)

    def offer(self, message_id: str, kind: str, data: dict[str, Any], at_ms: int) -> None:
        """Let a message wait to be sent. When too many wait, the oldest is dropped."""
        body = {
            "type": kind,
            "timestamp": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "data": {"room": self._room, **data},
        }
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._give_up("too many wait")
        self._waiting.append(_Message(message_id, orjson.dumps(body), self._clock.monotonic() + MAX_AGE_SECS))
        self._woken.set()

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            while self._waiting:
                await self._send(self._waiting[0])
            self._woken.clear()
            await self._woken.wait()

    async def _send(self, message: _Message) -> None:
        if self._clock.monotonic() >= message.dies_at:
            self._leave(message)
            self._give_up("too old")
            return
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        headers = {
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message.id, now, message.body.decode()),
        }
        answer = await self._poster.post(self._url.reveal(), headers, message.body)
        if answer.verdict is Verdict.DELIVERED:
            self._leave(message)
            self._backoff.reset()
            self.forwarded += 1
            self.last_error = ""
            return
        # Only the status and our own word for it are shown: what the receiver says back may hold what it was sent.
        problem = f"HTTP {answer.status}" if answer.status else answer.verdict.value
        if problem != self.last_error:
            self.last_error = problem
            self._log.warning("callback.not_forwarded", url=redact_url(self._url.reveal()), problem=problem)
        if answer.status == GONE:
            self._leave(message)
            self._give_up("the receiver is gone")
            return
        await self._clock.sleep(max(self._backoff.next_secs(), min(answer.retry_after_secs, BACKOFF_MAX_SECS)))

    def _leave(self, message: _Message) -> None:
        """Take a message out of the queue, unless a newer one pushed it out while it was sent."""
        if self._waiting and self._waiting[0] is message:
            self._waiting.popleft()

    def _give_up(self, reason: str) -> None:
        self.dropped += 1
        self._log.warning("callback.forward_dropped", reason=reason, dropped=self.dropped)


def webhook_signer(secret: Secret) -> Webhook:
    """Return what signs with a Standard Webhooks secret (``whsec_`` and base64); ``ValueError`` when it is none."""
    try:
        return Webhook(secret.reveal())
    except Exception:  # noqa: BLE001 - the library has several errors of its own, some of which quote the secret
        raise ValueError("forward_secret: is no Standard Webhooks secret: whsec_ and base64") from None
