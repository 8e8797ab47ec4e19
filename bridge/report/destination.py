"""Where one room reports to: the URL in use, its heirs, and what is done when it is refused.

A URL comes from the configuration, from the answer to a refresh, from the job query or from the
operator's hand. A newer one is used at once; the older is kept until the newer has worked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import structlog

from bridge.clock import Clock
from bridge.credential_guard import MAX_REFUSED_CALLS, CredentialGuard, GuardedCall
from bridge.errors import CloudError, ConfigError
from bridge.report.contract import Hold, Job, JobFinder, JobState, Signer
from bridge.report.url import ReportUrl, report_url
from bridge.report.url_store import UrlStore
from bridge.report.wire import Answer

REREAD_SECS = 1.0
REFUSED_WAITS_SECS = (1.0, 4.0)
"""Waits before the second and third call with a credential that was refused; then it is held."""
REFUSED_AGAIN_SECS = 300.0
"""While the cloud refuses the very URLs that it gives out: how long until the next one is tried."""
DRAIN_SECS = 8.0
"""How long what waits when the job's stream ends may take to be sent."""
QUIET_REFRESH_SECS = (1.0, 30.0)
"""Bounds of the pause between two calls that are made for the refresh alone; a tenth of their time otherwise."""

log = structlog.get_logger()


class Destination:
    """The report URL of one room and its fate.

    ``on_new_url`` is called when there is another job, or the operator gave another URL: what the last
    one made us wait for is over. ``job_alarm`` is for whoever follows the room's jobs.
    """

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
        self._hold = Hold.NO_URL if configured else Hold.NO_JOB
        self._paused = False
        self._ended_job_id = ""
        self._drain_until = float("-inf")
        self._configured_url: ReportUrl | None = None
        self._configured_unreadable = False
        self._older: ReportUrl | None = None
        self._called: ReportUrl | None = None
        self._sent_headers: Mapping[str, str] = {}
        self._refused_in_a_row = 0
        self._refused_credential = ""
        self._not_again_before = float("-inf")
        self._is_misled = False
        self._quiet_refresh_at = float("-inf")
        self._alarm = ""
        self.on_new_url: Callable[[], None] = lambda: None
        self.url: ReportUrl | None = None
        self.job_id = ""
        self.job_alarm = ""
        self.refreshes = 0
        self.clock_skew_ms = 0

    def start(self) -> None:
        """Take the configured URL, or the newer one that descends from it and was kept."""
        self._take_configured()

    @property
    def hold(self) -> Hold:
        """Why the room does not report at present."""
        if self._paused:
            return Hold.PAUSED
        is_over = self._hold is Hold.NONE and self._has_ended and not self.is_draining
        return Hold.ENDED if is_over else self._hold

    @property
    def is_draining(self) -> bool:
        """Whether the job's stream ended and only what waited then is still sent."""
        return self._has_ended and self._clock.monotonic() < self._drain_until

    @property
    def is_ready(self) -> bool:
        """Whether a call can be made."""
        return self.hold is Hold.NONE and self.url is not None

    @property
    def alarm(self) -> str:
        """What needs the operator's hand, "" if nothing does."""
        return "; ".join(filter(None, (self._alarm, self.job_alarm)))

    def raise_alarm(self, text: str) -> None:
        """Show ``text`` to the operator until a call works."""
        self._alarm = text

    def wants_refresh(self) -> bool:
        """Whether the next call should ask for a fresh URL."""
        return self.url is not None and self.url.wants_refresh(self._clock.now_ms())

    def wants_quiet_refresh(self) -> bool:
        """Whether a call is due for the refresh alone; begin it with ``begin_quiet_refresh``."""
        due = self.url is not None and self.is_ready and self.url.wants_quiet_refresh(self._clock.now_ms())
        return due and self._clock.monotonic() >= self._quiet_refresh_at

    def begin_quiet_refresh(self) -> None:
        """Take note that one is tried, so that the next one is not due for a while."""
        assert self.url is not None
        shortest, longest = QUIET_REFRESH_SECS
        pause_secs = min(max(self.url.quiet_margin_secs / 10, shortest), longest)
        self._quiet_refresh_at = self._clock.monotonic() + pause_secs

    def call(self) -> AbstractAsyncContextManager[GuardedCall]:
        """Let one call with the present credential through; raises ``CloudAuthError`` when it was refused too often."""
        self._called = self.url
        return self._credentials.call(self._credential)

    async def request(self, body: bytes) -> tuple[str, Mapping[str, str]]:
        """Return URL and headers for the call that was let through."""
        url = self._called
        assert url is not None
        asks_refresh = url.wants_refresh(self._clock.now_ms())
        headers: dict[str, str] = {}
        if self._key_in_headers:
            url, headers = url.as_headers()
        text = url.with_query(refresh_url="true") if asks_refresh else url.text
        if self._signer is not None:
            headers.update(await self._signer.headers("POST", text, body))
            self._sent_headers = headers
        return text, headers

    def delivered(self, answer: Answer) -> None:
        """Take note that a call worked: the older URL is not needed any more, a fresh one is taken over."""
        self._measure_skew(answer)
        if self.url is None or self.url is not self._called:
            return  # another one took over while the call was under way, and has not worked yet
        self._begin_anew()
        self._older = None
        if answer.new_url:
            self._adopt(self.url, answer.new_url)

    async def refused(self, answer: Answer) -> float:
        """Take note of a refused credential; returns how long to wait before the next call. Check ``is_ready`` then.

        Newer URL in the configuration, then the older URL, then the job query; else the same one again
        with growing waits. After three refusals, whichever URLs they were for, nothing until something changes.
        """
        self._measure_skew(answer)
        if self.url is not self._called:
            return 0.0
        self._refused_in_a_row += 1
        if self._refused_in_a_row < MAX_REFUSED_CALLS:
            renewed = await self._renewed() if self._signer else await self._take_another()
            if renewed or self.url is not self._called:
                return 0.0
        if self._refused_in_a_row >= MAX_REFUSED_CALLS or self._credentials.is_held(self._credential):
            self._hold_refused(answer)
            return 0.0
        return REFUSED_WAITS_SECS[self._refused_in_a_row - 1]

    async def gone(self) -> None:
        """Take note that the cloud does not know the address: look for another, ask whether the job still runs."""
        self._is_misled = True
        if not self._take_configured():
            await self.ask_for_job()

    def misconfigured(self, answer: Answer) -> None:
        """Take note that the address does not lead to the report call."""
        self._is_misled = True
        self._alarm = f"reporting does not work as it is set up ({answer}): check {self._where}"

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
        """Report to ``job`` from now on; ``None``: nothing runs, stop reporting. Another job's end changes nothing."""
        if job is None or job.state is JobState.ENDED:
            if job is None or job.job_id == self.job_id or not self.job_id:
                self._stop_reporting()
            return
        if not job.url:
            if self.url is None:
                self._hold = Hold.NO_URL
            return
        try:
            url = report_url(job.url, self._clock.now_ms())
        except ValueError:
            self._log.error("job.url_invalid", job_id=job.job_id)
            return
        if job.job_id != self.job_id:
            self._log.info("job.followed", job_id=job.job_id, previous=self.job_id)
            self._begin_with(url)
            self.job_id = job.job_id
        elif self._is_better(url):
            self._older = self.url if not self._refused_in_a_row else None
            self._use(url)

    def set_url(self, text: str) -> None:
        """Take a URL from the operator's hand, also one that was refused. Raises ``ValueError`` when it is none."""
        url = report_url(text, self._clock.now_ms())
        self._older, self.url = None, url
        self._ended_job_id = ""
        self._try_again()
        self._keep(url)

    def pause(self, *, paused: bool) -> None:
        """Stop or go on reporting, by the operator's will; going on also gives a refused credential another try."""
        self._paused = paused
        if not paused:
            self._ended_job_id = ""
        if not paused and self._hold is Hold.REFUSED:
            self._try_again()

    def stream_ended(self) -> bool:
        """Take note that the present job's stream is over: send what waits, then hold until it is connected again.

        Another job, another URL by the operator's hand and the operator's "go on" end it too. Returns ``False`` when
        it was known.
        """
        if not self.job_id or self._has_ended:
            return False
        self._ended_job_id = self.job_id
        self._drain_until = self._clock.monotonic() + DRAIN_SECS
        self._log.warning("job.stream_ended", job_id=self.job_id)
        return True

    def drained(self) -> None:
        """Take note that everything that waited when the stream ended has its fate."""
        self._drain_until = float("-inf")

    def stream_connected(self) -> None:
        """Take note that the present job's stream is there (again)."""
        if self._has_ended:
            self._ended_job_id = ""
            self._log.info("job.stream_resumed", job_id=self.job_id)

    async def watch(self) -> None:
        """While nothing works, look whether there is another URL or credential to be had. Runs for ever."""
        while True:
            await self._clock.sleep(REREAD_SECS)
            if self._is_misled or self._hold in (Hold.REFUSED, Hold.NO_URL):
                self._take_configured()
            if self._hold is Hold.REFUSED and self._signer and self._credential != self._refused_credential:
                self._try_again()

    @property
    def _has_ended(self) -> bool:
        return bool(self.job_id) and self._ended_job_id == self.job_id

    @property
    def _credential(self) -> str:
        if self._signer is not None:
            return self._signer.fingerprint
        return self.url.fingerprint if self.url else ""

    @property
    def _where(self) -> str:
        """What the operator has to look at."""
        account = "metastudio's credentials in bridge.yaml"
        return self._configured_in or (account if self._signer else f"{account}, or start the job anew")

    def _begin_anew(self) -> None:
        """Forget what was refused: something worked, or somebody gave us another credential."""
        self._refused_in_a_row = 0
        self._not_again_before = float("-inf")
        self._is_misled = False
        self._alarm = ""

    def _try_again(self) -> None:
        assert self.url is not None
        self._credentials.forget(self._credential)
        self._begin_with(self.url)

    def _begin_with(self, url: ReportUrl) -> None:
        """Use a URL that has nothing to do with what was refused so far."""
        self._older = None
        self._begin_anew()
        self._use(url)
        self.on_new_url()

    def _use(self, url: ReportUrl) -> None:
        self.url = url
        self.job_id = url.job_id or self.job_id
        self._hold = Hold.NONE
        self._quiet_refresh_at = float("-inf")
        self._log.info("report_url.used", url=str(url), expires_at_ms=url.expires_at_ms)

    def _adopt(self, present: ReportUrl, text: str) -> None:
        if text == present.text:
            return
        try:
            url = report_url(text, self._clock.now_ms())
        except ValueError:
            self._log.warning("report_url.not_adopted", problem="the refreshed URL is not an http(s) URL")
            return
        if not present.is_kin(url):
            self._log.warning("report_url.not_adopted", problem="another host or path, or no key", url=str(url))
            return
        lives_shorter = 0 < url.expires_at_ms < present.expires_at_ms
        if lives_shorter or self._credentials.is_held(url.fingerprint):
            return
        self._older, self.url = present, url
        self._quiet_refresh_at = float("-inf")
        self.refreshes += 1
        self._log.info("report_url.refreshed", expires_at_ms=url.expires_at_ms)
        self._keep(url)

    async def _renewed(self) -> bool:
        """Have the refused token replaced, once in a row; returns whether there is a fresh one."""
        if self._signer is None or self._refused_in_a_row > 1:
            return False
        try:
            return await self._signer.renew(self._sent_headers)
        except CloudError as error:
            self._log.warning("credential.not_renewed", problem=str(error))
            return False

    async def _take_another(self) -> bool:
        """Take another URL than the refused one; returns whether there was one."""
        refused, older = self.url, self._older
        self._older = None
        if self._take_configured():
            return True
        if older is not None and not self._credentials.is_held(older.fingerprint):
            self._log.warning("report_url.fell_back", url=str(older), expires_at_ms=older.expires_at_ms)
            self.url = older
            self._keep(older)
        else:
            await self.ask_for_job()
        return self.url is not refused

    def _take_configured(self) -> bool:
        """Take what the configuration says, or what descends from it, if it says something new."""
        url = self._read_configured()
        known = self._configured_url
        if url is None or (known is not None and url.text == known.text):
            return False
        self._configured_url = url
        heir = self._store.heir_of(url)
        self._begin_with(heir or url)
        self._older = url if heir else None
        return True

    def _read_configured(self) -> ReportUrl | None:
        if self._configured is None:
            return None
        try:
            url = report_url(self._configured(), self._clock.now_ms())
        except (ConfigError, ValueError, OSError):
            if not self._configured_unreadable:
                self._log.warning("report_url.unreadable", where=self._configured_in)
            self._configured_unreadable = True
            if self.url is None:
                self._alarm = f"there is no usable report URL: give one in {self._where}"
            return None
        self._configured_unreadable = False
        return url

    def _is_better(self, url: ReportUrl) -> bool:
        """Whether a URL from the job query beats the one in use: ours does not work, or soon will not."""
        present = self.url
        if present is None:
            return True
        if url.text == present.text or self._credentials.is_held(url.fingerprint):
            return False
        if self._hold is Hold.REFUSED:
            return self._clock.monotonic() >= self._not_again_before
        outlives = not url.expires_at_ms or url.expires_at_ms > present.expires_at_ms
        return self._refused_in_a_row > 0 or self._is_misled or (self.wants_refresh() and outlives)

    def _keep(self, url: ReportUrl) -> None:
        if self._configured_url is not None and not self._store.keep(self._configured_url, url):
            self._log.warning(
                "report_url.not_kept", problem="the disk did not take it: a restart begins with an older one"
            )

    def _stop_reporting(self) -> None:
        if self.job_id:
            self._log.warning("job.ended", job_id=self.job_id)
        self._hold, self.job_id, self.url, self._older = Hold.NO_JOB, "", None, None
        self._begin_anew()

    def _hold_refused(self, answer: Answer) -> None:
        held_again = self._refused_in_a_row > MAX_REFUSED_CALLS
        self._not_again_before = self._clock.monotonic() + (REFUSED_AGAIN_SECS if held_again else 0.0)
        self._hold, self._refused_credential = Hold.REFUSED, self._credential
        skew = f"; the clocks differ by {self.clock_skew_ms // 1000} s" if abs(self.clock_skew_ms) > 30_000 else ""
        self._alarm = f"the cloud refuses the credential ({answer}){skew}: renew {self._where}"
        self._log.error("report_url.refused", problem=str(answer), renew=self._where, clock_skew_ms=self.clock_skew_ms)

    def _measure_skew(self, answer: Answer) -> None:
        if answer.date_ms:
            self.clock_skew_ms = self._clock.now_ms() - answer.date_ms
