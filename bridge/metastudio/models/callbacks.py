"""Where the cloud calls back to, as rooms and jobs configure it."""

from __future__ import annotations

from typing import Annotated, Any

from bridge.metastudio.models.base import Part, SecretText, SecretUrl
from bridge.metastudio.models.limits import Items, chars, https_url, one_of


class LiveEventCallbackConfig(Part):
    """HTTPS callbacks of a job. With ``NONE`` the URL itself carries the secret, so it never shows whole."""

    live_event_type_callback_url: Annotated[SecretUrl, https_url(2048)] | None = None
    auth_type: Annotated[str, one_of("NONE", "MSS_A", "MSS_A_HEAD", "MEITUAN_DEFAULT")] | None = None
    key: Annotated[SecretText, chars(0, 32)] | None = None
    callback_event_type: (
        Annotated[
            list[Annotated[str, one_of("SHOOT_SCRIPT_SWITCH", "RTMP_STREAM_STATE_CHANGE", "REPLY_COMMAND_FINISH")]],
            Items(10, least=1),
        ]
        | None
    ) = None

    @classmethod
    def contradictions(cls, data: dict[str, Any]) -> list[tuple[str, str]]:
        """Ask for the key of a signature: with an empty one anybody could make it."""
        auth_type = data.get("auth_type")
        if isinstance(auth_type, str) and auth_type.startswith("MSS_A") and not data.get("key"):
            return [("key", f"is missing: a text of 1 to 32 characters, because {auth_type} signs with it")]
        return []


class RoomEventCallbackConfig(LiveEventCallbackConfig):
    """The same on a room; the vendor's text gives both true and false as the default of the inheritance."""

    is_inheritance_platform_callback: bool | None = None


class RtcCallbackConfig(Part):
    """Messages that the job sends into its RTC room."""

    rtc_callback_event_type: (
        Annotated[list[Annotated[str, one_of("LIVE_PROGRESS", "REPLY_COMMAND_FINISH")]], Items(10, least=1)] | None
    ) = None
