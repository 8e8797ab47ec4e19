"""Where one room reports to: the URL in use, its heirs, and what is done when it is refused.

A URL comes from the configuration, from the answer to a refresh, from the job query or from the
operator's hand. A newer one is used at once; the older is kept until the newer has worked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog

from bridge.clock import Clock
from bridge.credential_guard import MAX_REFUSED_CALLS, CredentialGuard, GuardedCall
from bridge.errors import CloudError, ConfigError
from bridge.report.url import ReportUrl, report_url
from bridge.report.url_store import UrlStore
from bridge.report.wire import Answer

REREAD_SECS = 5.0
REFUSED_WAITS_SECS = (1.0, 4.0)
"""Waits before the second and third call with a credential that was refused; then it is held."""

log = structlog.get_logger()


class JobState(Enum):
    """What a job query says about a job, as far as reporting is concerned."""

    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the cloud lists it."""

    job_id: str
    state: JobState
    url: str


class JobFinder(Protocol):
    """Asks the cloud for the job to report to. Raises ``CloudError``."""

    async def find(self) -> Job | None:
        """Return the newest running job of the room, ``None`` if none runs."""
        ...


class Signer(Protocol):
    """Adds the credential to a call whose URL carries none."""

    @property
    def fingerprint(self) -> str:
        """Names the credential."""
        ...

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """Return the headers to send. Raises ``CloudError`` when a token cannot be had."""
        ...


class Hold(Enum):
    """Why a room does not report at present."""

    NONE = ""
    NO_URL = "no report URL yet"
    NO_JOB = "no running job"
    REFUSED = "credential refused"
    PAUSED = "paused by the operator"


class Destination:
    """The report URL of one room and its fate."""

    def __init__(
        self,
        room: str,
        *,
        clock: Clock,
        store: UrlStore,
        credentials: CredentialGuard,
        configured: Callable[[], str] | None = None,
        configured_in: str = "",
        finder: JobFinder | None = None,
        signer: Signer | None = None,
        key_in_headers: bool = False,
    ) -> None:
        self._clock = clock
        self._store = store
        self._credentials = credentials
        self._configured = configured
        self._configured_in = configured_in
        self._finder = finder
        self._signer = signer
        self._key_in_headers = key_in_headers
        self._log = log.bind(room=room)
        self._room = room
        self._configured_url: ReportUrl | None = None
        self._older: ReportUrl | None = None
        self._refused_in_a_row = 0
        self._refresh_asked_at_ms = 0
        self.url: ReportUrl | None = None
        self.job_id = ""
        self.hold = Hold.NO_URL if configured else Hold.NO_JOB
        self.changed = asyncio.Event()
        self.refreshes = 0
        self.alarm = ""
        self.clock_skew_ms = 0

    def start(self) -> None:
        """Take the configured URL, or the newer one that descends from it and was kept."""
        if self._configured is None:
            return
        url = self._read_configured()
        if url is None:
            return
        self._configured_url = url
        heir = self._store.heir_of(url)
        self._use(heir or url, kept=heir is not None)
        self._older = url if heir else None

    @property
    def is_ready(self) -> bool:
        """Whether a call can be made."""
        return self.hold is Hold.NONE and self.url is not None

    def wants_refresh(self) -> bool:
        """Whether the next call should ask for a fresh URL."""
        return self.url is not None and self.url.wants_refresh(self._clock.now_ms())

    def wants_quiet_refresh(self) -> bool:
        """Whether a call is due for the refresh alone; asked again no sooner than after a second."""
        now_ms = self._clock.now_ms()
        due = self.url is not None and self.is_ready and self.url.wants_quiet_refresh(now_ms)
        return due and now_ms - self._refresh_asked_at_ms >= 1000

    def call(self) -> AbstractAsyncContextManager[GuardedCall]:
        """Let one call with the present credential through; raises ``CloudAuthError`` when it was refused too often."""
        return self._credentials.call(self._credential)

    async def request(self, body: bytes) -> tuple[str, Mapping[str, str]]:
        """Return URL and headers for the next call."""
        url = self.url
        assert url is not None
        headers: dict[str, str] = {}
        if self._key_in_headers:
            url, headers = url.as_headers()
        text = url.text
        if self.wants_refresh():
            self._refresh_asked_at_ms = self._clock.now_ms()
            text = url.with_query(refresh_url="true")
        if self._signer is not None:
            headers.update(await self._signer.headers("POST", text, body))
        return text, headers

    def delivered(self, answer: Answer) -> None:
        """Take note that a call worked: the older URL is not needed any more, a fresh one is taken over."""
        assert self.url is not None
        self._refused_in_a_row = 0
        self._older = None
        self.alarm = ""
        self._measure_skew(answer)
        if answer.new_url:
            self._adopt(answer.new_url)

    async def refused(self, answer: Answer) -> float:
        """Take note of a refused credential; returns how long to wait before the next call. Check ``is_ready`` then.

        Newer URL in the configuration, then the older URL, then the job query; else the same one twice
        more with growing waits, and then nothing until something changes.
        """
        self._measure_skew(answer)
        self._refused_in_a_row += 1
        if self._refused_in_a_row < MAX_REFUSED_CALLS and await self._take_another():
            return 0.0
        if self._refused_in_a_row >= MAX_REFUSED_CALLS or self._credentials.is_held(self._credential):
            self._hold_refused(answer)
            return 0.0
        return REFUSED_WAITS_SECS[self._refused_in_a_row - 1]

    async def gone(self) -> None:
        """Take note that the cloud does not know the address: ask whether the job still runs."""
        await self.ask_for_job()

    async def ask_for_job(self) -> None:
        """Take what the job query says, if there is one to ask."""
        if self._finder is None:
            return
        try:
            job = await self._finder.find()
        except CloudError as error:
            self._log.warning("job.query_failed", problem=str(error))
            return
        self.follow_job(job)

    def follow_job(self, job: Job | None) -> None:
        """Report to ``job`` from now on; ``None``: nothing runs, stop reporting."""
        if job is None or job.state is JobState.ENDED or not job.url:
            if self.hold is not Hold.PAUSED and (self.job_id or self.hold is not Hold.NO_JOB):
                self._log.warning("job.ended", job_id=self.job_id)
                self.hold, self.job_id, self.url, self._older = Hold.NO_JOB, "", None, None
                self.changed.set()
            return
        try:
            url = report_url(job.url, self._clock.now_ms())
        except ValueError:
            self._log.error("job.url_invalid", job_id=job.job_id)
            return
        if job.job_id != self.job_id:
            self._log.info("job.followed", job_id=job.job_id, previous=self.job_id)
            self.job_id = job.job_id
            self._older = None
            self._use(url)
        elif self.url is None or (self.url.text != url.text and self._is_better(url)):
            self._older = self.url
            self._use(url)

    def set_url(self, text: str) -> None:
        """Take a URL from the operator's hand. Raises ``ValueError`` when it is none."""
        url = report_url(text, self._clock.now_ms())
        self._older = None
        self._use(url)
        if self._configured_url is not None:
            self._store.keep(self._configured_url, url)

    def pause(self, *, paused: bool) -> None:
        """Stop or go on reporting, by the operator's will or the job's callbacks."""
        if paused and self.hold is Hold.NONE:
            self.hold = Hold.PAUSED
        elif not paused and self.hold is Hold.PAUSED:
            self.hold = Hold.NONE if self.url else Hold.NO_URL
            self.changed.set()

    async def watch(self) -> None:
        """While nothing works, look whether the configuration or its secret file has another URL. Runs for ever."""
        while True:
            await self._clock.sleep(REREAD_SECS)
            if self.hold in (Hold.REFUSED, Hold.NO_URL):
                self._take_configured()

    @property
    def _credential(self) -> str:
        if self._signer is not None:
            return self._signer.fingerprint
        return self.url.fingerprint if self.url else ""

    def _use(self, url: ReportUrl, *, kept: bool = False) -> None:
        self.url = url
        self.job_id = url.job_id or self.job_id
        if self.hold is not Hold.PAUSED:
            self.hold = Hold.NONE
        self._refused_in_a_row = 0
        self.alarm = ""
        self.changed.set()
        self._log.info("report_url.used", url=str(url), expires_at_ms=url.expires_at_ms, kept=kept)

    def _adopt(self, text: str) -> None:
        assert self.url is not None
        if text == self.url.text:
            return
        try:
            url = report_url(text, self._clock.now_ms())
        except ValueError:
            self._log.warning("report_url.not_adopted", problem="the refreshed URL is not an http(s) URL")
            return
        if not self.url.is_kin(url):
            self._log.warning("report_url.not_adopted", problem="another host or path", url=str(url))
            return
        self._older, self.url = self.url, url
        self.refreshes += 1
        self._log.info("report_url.refreshed", expires_at_ms=url.expires_at_ms)
        if self._configured_url is not None:
            self._store.keep(self._configured_url, url)

    async def _take_another(self) -> bool:
        """Switch to another URL that was not refused yet, if there is one."""
        if self._take_configured():
            return True
        if self._older is not None and not self._credentials.is_held(self._older.fingerprint):
            self.url, self._older = self._older, None
            return True
        before = self.url
        await self.ask_for_job()
        return self.url is not None and before is not None and self.url.text != before.text

    def _take_configured(self) -> bool:
        url = self._read_configured()
        known = self._configured_url
        if url is None or (known is not None and url.text == known.text):
            return False
        self._configured_url = url
        if self._credentials.is_held(url.fingerprint):
            return False
        self._older = None
        self._use(url)
        return True

    def _read_configured(self) -> ReportUrl | None:
        if self._configured is None:
            return None
        try:
            return report_url(self._configured(), self._clock.now_ms())
        except (ConfigError, ValueError, OSError):
            self._log.warning("report_url.unreadable", where=self._configured_in)
            return None

    def _is_better(self, url: ReportUrl) -> bool:
        """Whether a URL from the job query beats the one in use: it lives longer, or ours does not work."""
        assert self.url is not None
        if self._credentials.is_held(url.fingerprint):
            return False
        return self.hold is Hold.REFUSED or self._refused_in_a_row > 0 or url.expires_at_ms > self.url.expires_at_ms

    def _hold_refused(self, answer: Answer) -> None:
        self.hold = Hold.REFUSED
        where = self._configured_in or "metastudio credentials in bridge.yaml"
        skew = f"; the clocks differ by {self.clock_skew_ms // 1000} s" if abs(self.clock_skew_ms) > 30_000 else ""
        self.alarm = f"the cloud refuses the credential ({answer}){skew}: renew {where}"
        self._log.error("report_url.refused", problem=str(answer), renew=where, clock_skew_ms=self.clock_skew_ms)

    def _measure_skew(self, answer: Answer) -> None:
        if answer.date_ms:
            self.clock_skew_ms = self._clock.now_ms() - answer.date_ms
