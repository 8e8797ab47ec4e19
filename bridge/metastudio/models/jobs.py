"""Jobs: starting one, and what the cloud tells of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bridge.metastudio.models.base import ErrorInfo, ObjectsOnly, Part, SecretText, SecretUrl
from bridge.metastudio.models.callbacks import LiveEventCallbackConfig, RtcCallbackConfig
from bridge.metastudio.models.limits import chars, one_of
from bridge.metastudio.models.problems import problems
from bridge.metastudio.models.rooms import (
    CoStreamerConfig,
    LivePlatformInfo,
    OutputUrls,
    PlayPolicy,
    StreamKeys,
    VideoConfig,
    ViewMode,
)

PROCESSING = "PROCESSING"
WAITING = "WAITING"
JOB_STATES = (WAITING, PROCESSING, "SUCCEED", "FAILED", "BLOCKED")
ENDED_STATES = frozenset({"SUCCEED", "FAILED", "BLOCKED"})


class JobRunConfig(Part):
    """What a job may use up. Without ``single_job_in_room`` several jobs can run in one room."""

    allow_resource_type: Annotated[str, one_of("PERIOD", "ONDEMAND", "UNLIMITED", "ONE_TIME")] | None = None
    single_job_in_room: bool | None = None


class StartJobRequest(Part):
    """What ``start job`` takes, all of it optional: what is absent comes from the room."""

    video_config: VideoConfig | None = None
    play_policy: PlayPolicy | None = None
    output_urls: OutputUrls | None = None
    stream_keys: StreamKeys | None = None
    interaction_callback_url: Annotated[SecretUrl, chars(0, 2048)] | None = None
    live_event_callback_config: LiveEventCallbackConfig | None = None
    rtc_callback_config: RtcCallbackConfig | None = None
    view_mode: ViewMode | None = None
    co_streamer_config: CoStreamerConfig | None = None
    job_run_config: JobRunConfig | None = None


class RtcUser(Part):
    """One who may enter the RTC room with ``signature``; ``ctime`` is in seconds."""

    user_type: str | None = None
    user_id: str | None = None
    signature: SecretText | None = None
    ctime: int | None = None


class RtcRoomInfo(Part):
    """The RTC room of a job."""

    app_id: str | None = None
    room_id: str | None = None
    users: list[RtcUser] | None = None


class JobLog(Part):
    """Where a job's records lie: signed download links. ``reviced`` is the cloud's spelling."""

    interaction_records_url: SecretUrl | None = None
    job_config_records_url: SecretUrl | None = None
    scripts_records_url: SecretUrl | None = None
    command_reviced_records_url: SecretUrl | None = None
    command_exec_records_url: SecretUrl | None = None


class JobPlatformInfo(LivePlatformInfo):
    """The live platform with the account that was used."""

    platform: str | None = None
    account: str | None = None


class SmartLiveJob(Part):
    """A livestreaming job. Times are RFC 3339 in UTC, durations in seconds."""

    job_id: str = ""
    room_id: str = ""
    room_name: str = ""
    state: str = ""
    duration: float | None = None
    stream_duration: float | None = None
    start_time: str | None = None
    end_time: str | None = None
    create_time: str | None = None
    lastupdate_time: str | None = None
    error_info: ErrorInfo | None = None
    rtc_room_info: RtcRoomInfo | None = None
    live_event_report_url: SecretUrl | None = None
    live_event_callback_config: LiveEventCallbackConfig | None = None
    rtc_callback_config: RtcCallbackConfig | None = None
    block_reason: str | None = None
    cover_url: str | None = None
    co_streamer_config: CoStreamerConfig | None = None
    live_job_log: JobLog | None = None
    relation_live_platform_info: JobPlatformInfo | None = None
    used_resource_type: str | None = None
    is_ai_mark_on: bool | None = None

    @property
    def ended(self) -> bool:
        """Whether the job will never take events again; a state that we do not know has not ended."""
        return self.state in ENDED_STATES


class JobList(Part):
    """One page of jobs; ``count`` is how many there are in all."""

    count: int = 0
    smart_live_jobs: Annotated[list[SmartLiveJob], ObjectsOnly] = Field(default_factory=list)


class LiveWarning(Part):
    """What the cloud finds risky in a room that goes live."""

    warning_type: str = ""


class JobStarted(Part):
    """The answer to ``start job``: it already holds the report URL. ``limit_duration`` is hours, 0 without limit."""

    job_id: str = ""
    rtc_room_info: RtcRoomInfo | None = None
    live_event_report_url: SecretUrl | None = None
    live_event_callback_config: LiveEventCallbackConfig | None = None
    live_warning_info: list[LiveWarning] | None = None
    limit_duration: int | None = None


def job_problems(data: object) -> list[str]:
    """Return everything that is wrong with a start request, as ``path: problem: what is allowed``."""
    return problems(StartJobRequest, data)
