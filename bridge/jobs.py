"""Which job a room reports to, when it is found by asking the cloud."""

from __future__ import annotations

import structlog

from bridge.clock import Clock
from bridge.errors import CloudAuthError, CloudError, CloudUnavailableError
from bridge.metastudio.client import MetaStudioClient
from bridge.metastudio.models import SmartLiveJob
from bridge.report.contract import Job, JobFinder, JobState
from bridge.report.destination import Destination

LONGEST_POLL_SECS = 60.0
"""How long until the next query after a refused one, and the most that a throttled one makes us wait."""

log = structlog.get_logger()


class RoomJobFinder:
    """Asks for the newest running job of a smart live room, or after one certain job of it."""

    def __init__(self, client: MetaStudioClient, smart_live_room_id: str, job_id: str, *, built_url: str) -> None:
        self._client = client
        self._smart_live_room_id = smart_live_room_id
        self._job_id = job_id
        self._built_url = built_url

    async def find(self) -> Job | None:
        """Return the job to report to, ``None`` if none runs. Raises ``CloudError``."""
        if self._job_id:
            return self._job(await self._client.show_job(self._smart_live_room_id, self._job_id))
        found = await self._client.newest_job(self._smart_live_room_id)
        return self._job(found) if found else None

    def _job(self, job: SmartLiveJob) -> Job:
        state = JobState.ENDED if job.ended else JobState.RUNNING
        job_id = job.job_id or self._job_id
        # Signed calls go to the endpoint itself, not to the URL that carries a key of its own.
        given = job.live_event_report_url.reveal() if job.live_event_report_url else ""
        return Job(job_id, state, self._built_url.format(job_id=job_id) if self._built_url else given)


async def follow(room: str, finder: JobFinder, destination: Destination, clock: Clock, poll_secs: float) -> None:
    """Ask again and again, and have the destination follow; runs until cancelled."""
    room_log = log.bind(room=room)
    while True:
        wait_secs = poll_secs
        try:
            job = await finder.find()
        except CloudError as error:
            if isinstance(error, CloudAuthError):
                wait_secs = max(poll_secs, LONGEST_POLL_SECS)
            elif isinstance(error, CloudUnavailableError):
                wait_secs = max(poll_secs, min(error.retry_after_secs, LONGEST_POLL_SECS))
            alarm = f"the job query fails: {error}"
            if alarm != destination.job_alarm:
                destination.job_alarm = alarm
                room_log.warning("job.query_failed", problem=str(error))
        else:
            destination.job_alarm = ""
            destination.follow_job(job)
        await clock.sleep(wait_secs)
