"""Report URLs: made, used, replaced, dead. Pure.

By the documents a URL is the report call's path with ``auth_key`` and ``expires_time`` (ms) in its query. That the key
is an HMAC over path and expiry, 64 hex digits, is inferred from its length. Not documented, hence settings: how long a
URL lives, and whether the former one dies when the new one is first used. An expired URL cannot refresh itself.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from bridge.sandbox import refusal
from bridge.sandbox.checks import MAX_TIMESTAMP_MS
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.state import Job, UrlKey

OldUrlDies = Literal["on_use", "at_expiry"]
"""When a replaced URL stops working: when its successor is first used, or at its own expiry."""

_MAX_KEYS = 16
"""How many URLs of one job are remembered; the oldest dies first."""


class ReportUrls:
    """Makes and checks the keys of report URLs; ``life_ms`` ``None`` makes them last as long as a time can say."""

    def __init__(self, project_id: str, secret: bytes, life_ms: int | None, old_dies: OldUrlDies) -> None:
        self.life_ms = life_ms
        self.old_dies = old_dies
        self._project_id = project_id
        self._secret = secret

    def path(self, job: Job) -> str:
        """Return the path of a job's report call."""
        return f"/v1/{self._project_id}/smart-live-rooms/{job.room_id}/smart-live-jobs/{job.job_id}/live-event-report"

    def current(self, job: Job, now_ms: int) -> str:
        """Return path and query of the newest URL; a new one is made when that is dead."""
        if not job.keys or now_ms >= job.keys[-1].dies_at_ms:
            return self.renewed(job, now_ms)
        key = job.keys[-1]
        return f"{self.path(job)}?auth_key={key.auth_key}&expires_time={key.expires_at_ms}"

    def renewed(self, job: Job, now_ms: int) -> str:
        """Make a new URL and return its path and query."""
        newest_ms = max((key.expires_at_ms for key in job.keys), default=0)
        if self.life_ms is None:
            expires_at_ms = MAX_TIMESTAMP_MS - job.keys_made  # unlike the former one, so that its key differs too
        else:
            expires_at_ms = min(max(now_ms + self.life_ms, newest_ms + 1), MAX_TIMESTAMP_MS)
        job.keys_made += 1
        text = f"{self.path(job)}\n{expires_at_ms}".encode()
        auth_key = hmac.new(self._secret, text, hashlib.sha256).hexdigest()
        job.keys = [*job.keys[1 - _MAX_KEYS :], UrlKey(auth_key, expires_at_ms, expires_at_ms)]
        return self.current(job, now_ms)

    def use(self, job: Job, auth_key: str, expires_time: str, now_ms: int) -> Refusal | None:
        """Check the key of a call; a new URL's first use may end the former ones."""
        wanted = auth_key.encode("utf-8", "surrogatepass")
        key = next((key for key in job.keys if hmac.compare_digest(key.auth_key.encode(), wanted)), None)
        if key is None:
            return refusal.url_key_refused("auth_key is wrong or replaced")
        if expires_time != str(key.expires_at_ms):
            return refusal.url_key_refused("auth_key does not belong to expires_time")
        if now_ms >= key.dies_at_ms:
            return refusal.url_key_refused("auth_key has expired")
        if self.old_dies == "on_use":
            del job.keys[: job.keys.index(key)]
        return None

    def expire(self, job: Job, which: Literal["all", "old", "current"], at_ms: int) -> int:
        """Let URLs die at a time, and return how many that concerns."""
        chosen = {"all": job.keys, "old": job.keys[:-1], "current": job.keys[-1:]}[which]
        for key in chosen:
            key.dies_at_ms = min(key.dies_at_ms, at_ms)
        return len(chosen)
