"""Smart live rooms: creating, changing, showing and listing them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bridge.metastudio.models.base import ErrorInfo, ObjectsOnly, Part, SecretText
from bridge.metastudio.models.callbacks import RoomEventCallbackConfig, RtcCallbackConfig
from bridge.metastudio.models.interaction import InteractionConfig, InteractionRule
from bridge.metastudio.models.limits import COLOUR, REQUIRED, TIME, Items, chars, integer, matching, number, one_of
from bridge.metastudio.models.problems import problems
from bridge.metastudio.models.report import ReviewConfig
from bridge.metastudio.models.scripts import SceneScript, VoiceConfig

ViewMode = Annotated[str, one_of("LANDSCAPE", "VERTICAL")]
OutputUrls = Annotated[list[Annotated[SecretText, chars(0, 1024)]], Items(1)]
"""RTMP targets; many platforms put the stream key into the path, so none of it shows."""
StreamKeys = Annotated[list[Annotated[SecretText, chars(0, 1024)]], Items(1)]


class LiveExitConfig(Part):
    """When a live ends by itself: hours, and minutes of trouble; 0 is without limit."""

    max_live_duration: Annotated[int, integer(0, 168)] | None = None
    auto_stop_mode: Annotated[str, one_of("FORCE_EXIT", "SEGMENT_END", "SCENE_END", "SCRIPT_END")] | None = None
    max_exception_waiting_duration: Annotated[int, integer(0, 60)] | None = None


class PlayPolicy(Part):
    """How the scenes are played; ``repeat_count`` -1 repeats them until somebody stops the job."""

    repeat_count: Annotated[int, integer(-1, 100)] | None = None
    auto_play_script: bool | None = None
    play_mode: Annotated[str, one_of("TEXT", "AUDIO", "NO_PRESET")] | None = None
    random_play_mode: Annotated[str, one_of("NONE", "SCENE", "SCRIPT_ITEM", "SCENE_AND_SCRIPT_ITEM")] | None = None
    need_independent_capture_client: bool | None = None
    live_exit_config: LiveExitConfig | None = None
    is_rewrite_delay: bool | None = None


class SubtitleConfig(Part):
    """Subtitles in the picture."""

    dx: int | None = None
    dy: int | None = None
    h: int | None = None
    w: int | None = None
    font_name: Annotated[str, chars(0, 64)] | None = None
    font_size: Annotated[int, integer(0, 120)] | None = None
    font_color: Annotated[str, COLOUR] | None = None
    stroke_color: Annotated[str, COLOUR] | None = None
    stroke_thickness: Annotated[float, number(0, 50)] | None = None
    opacity: Annotated[float, number(0, 1)] | None = None


class VideoConfig(Part):
    """The output picture. Lives are 1920x1080 or 1080x1920 at 1000 to 8000 kbit/s."""

    clip_mode: Annotated[str, one_of("RESIZE", "CROP")] | None = None
    codec: Annotated[str, one_of("H264", "VP8", "VP9", "QTRLE")] | None = None
    bitrate: Annotated[int, integer(40, 30_000), REQUIRED] = 0
    width: Annotated[int, integer(0, 3840), REQUIRED] = 0
    height: Annotated[int, integer(0, 3840), REQUIRED] = 0
    frame_rate: Annotated[str, chars(0, 10)] | None = None
    is_subtitle_enable: bool | None = None
    subtitle_config: SubtitleConfig | None = None
    dx: Annotated[int, integer(-1920, 3840)] | None = None
    dy: Annotated[int, integer(-1920, 3840)] | None = None
    is_enable_super_resolution: bool | None = None
    is_end_at_first_frame: bool | None = None
    output_external_url: Annotated[SecretText, chars(0, 2048)] | None = None
    is_vocabulary_config_enable: bool | None = None


class SharedConfig(Part):
    """Who else may use a template."""

    shared_type: Annotated[str, one_of("PRIVATE", "PUBLIC", "SHARED")] | None = None
    shared_state: Annotated[str, one_of("PUBLISHED", "DRAFT", "REVIEW")] | None = None
    expire_time: Annotated[str, TIME] | None = None
    allowed_project_ids: Annotated[list[Annotated[str, chars(1, 64)]], Items(100)] | None = None


class CoStreamerConfig(Part):
    """The second voice, and what the first does meanwhile."""

    voice_config: VoiceConfig | None = None
    streamer_action: Annotated[str, one_of("SILENCE", "VOLUME_DOWN")] | None = None


class LivePlatformInfo(Part):
    """The live platform that the room belongs to; ``platform`` and ``account`` stand in answers only."""

    platform_id: Annotated[str, chars(1, 64), REQUIRED] = ""
    live_id: Annotated[
        str,
        matching(r"[a-zA-Z0-9_-]{1,64}", "1 to 64 letters, digits, - and _", "has other characters or length"),
        REQUIRED,
    ] = ""


class RoomRequest(Part):
    """What ``create room`` and ``update room`` take. An update replaces the whole."""

    room_name: Annotated[str, chars(1, 256), REQUIRED] = ""
    room_description: Annotated[str, chars(0, 1024)] | None = None
    room_type: Annotated[str, one_of("NORMAL", "TEMP", "TEMPLATE")] | None = None
    scene_scripts: Annotated[list[SceneScript], Items(100, least=1)] | None = None
    interaction_config: InteractionConfig | None = None
    interaction_rules: Annotated[list[InteractionRule], Items(500)] | None = None
    play_policy: PlayPolicy | None = None
    video_config: VideoConfig | None = None
    output_urls: OutputUrls | None = None
    stream_keys: StreamKeys | None = None
    backup_model_asset_ids: Annotated[list[Annotated[str, chars(0, 64)]], Items(32)] | None = None
    live_event_callback_config: RoomEventCallbackConfig | None = None
    rtc_callback_config: RtcCallbackConfig | None = None
    review_config: ReviewConfig | None = None
    shared_config: SharedConfig | None = None
    view_mode: ViewMode | None = None
    co_streamer_config: CoStreamerConfig | None = None
    priv_data: Annotated[str, chars(0, 8192)] | None = None
    relation_live_platform_info: LivePlatformInfo | None = None


class SmartLiveRoom(RoomRequest):
    """A room as the cloud shows it."""

    room_id: str = ""
    cover_url: str | None = None
    thumbnail: str | None = None
    room_state: str | None = None
    confirm_state: str | None = None
    script_version: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    error_info: ErrorInfo | None = None

    def as_request(self) -> RoomRequest:
        """Return what an update would take: everything that this program knows to be the operator's to set."""
        settings = {name: value for name, value in self.to_wire().items() if name in RoomRequest.model_fields}
        return RoomRequest.model_validate(settings)


class ModelInfo(Part):
    """A virtual human of a room."""

    model_asset_id: str | None = None
    asset_name: str | None = None
    backup_model_asset_ids: list[str] | None = None


class SmartLiveRoomSummary(Part):
    """A room as the list shows it."""

    room_id: str = ""
    project_id: str | None = None
    room_name: str = ""
    room_type: str | None = None
    room_state: str | None = None
    view_mode: str | None = None
    error_info: ErrorInfo | None = None
    shared_config: SharedConfig | None = None
    room_description: str | None = None
    cover_url: str | None = None
    thumbnail: str | None = None
    model_infos: list[ModelInfo] | None = None
    create_time: str | None = None
    update_time: str | None = None
    last_job_start_time: str | None = None
    last_job_end_time: str | None = None
    last_job_status: str | None = None
    priv_data: str | None = None
    confirm_state: str | None = None


class RoomList(Part):
    """One page of rooms; ``count`` is how many there are in all."""

    count: int = 0
    smart_live_rooms: Annotated[list[SmartLiveRoomSummary], ObjectsOnly] = Field(default_factory=list)


class RoomCreated(Part):
    """The answer to ``create room``."""

    room_id: str = ""


def room_problems(data: object) -> list[str]:
    """Return everything that is wrong with a room file, as ``path: problem: what is allowed``."""
    return problems(RoomRequest, data)
