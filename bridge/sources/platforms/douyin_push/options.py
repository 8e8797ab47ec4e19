"""What a Douyin push source can be given."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions

KINDS = ("live_comment", "live_gift", "live_like", "live_fansclub", "live_follow", "live_enter")
"""The message types that can be decoded; the last two are not documented."""

DEFAULT_TASKS = ("live_comment", "live_gift", "live_like", "live_fansclub")


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Douyin's official data push. `room` is the 64-bit room id of the present broadcast, not the number in the URL."""

    secrets: dict[str, Secret] = field(default_factory=dict)
    """The console's push secret of each message type: `live_comment`, `live_gift`, `live_like`, `live_fansclub`."""
    app_id: str = ""
    """The app's id, `tt…`; with `app_secret`, the bridge starts and stops the push tasks itself."""
    app_secret: Secret = field(default_factory=Secret)
    """The app's secret."""
    companion_token: Secret = field(default_factory=Secret)
    """The token that the live companion starts an app with; tells the room id where `room` is empty. Lives 30 minutes."""
    tasks: list[str] = field(default_factory=lambda: list(DEFAULT_TASKS))
    """The message types to ask for."""
    trust_unsigned: bool = False
    """Take calls without a signature: behind Douyin Cloud, which removes it, and nowhere else."""
    gift_names: dict[str, str] = field(default_factory=dict)
    """Names of gifts by `sec_gift_id`, beside the few that are known."""
    api_base: str = ""
    """Replaces scheme and host of the API calls."""
    auth_base: str = ""
    """Replaces scheme and host of the token call; `https://minigame.zijieapi.com/mgplatform` for mini games."""

    def __post_init__(self) -> None:
        if not any(self.secrets.values()) and not self.trust_unsigned:
            raise ValueError(f"secrets: is missing: the push secret of each type, such as {', '.join(DEFAULT_TASKS)}")
        for kind in self.secrets:
            if kind not in KINDS:
                raise ValueError(f"secrets.{kind}: is no message type: one of {', '.join(KINDS)}")
        if bool(self.app_id) != bool(self.app_secret):
            raise ValueError("app_id: goes with app_secret: both or neither")
        if self.app_id and not (self.room or self.companion_token):
            raise ValueError("room: is needed to start push tasks: the room id, or companion_token to find it")
