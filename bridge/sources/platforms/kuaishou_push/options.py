"""What a Kuaishou push source can be given, and how its calls are signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.secret import Secret
from bridge.sources.contract import SourceOptions

TASK_APIS = ("small_play", "task")


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """Kuaishou's official interactive push. `room` is the room code (直播间绑定码) that the live companion shows."""

    app_secret: Secret = field(default_factory=Secret)
    """The app's secret: it signs the platform's calls and ours."""
    app_id: str = ""
    """The app's id; with it and `room`, the bridge binds the room itself and fetches gifts whose push got lost."""
    task_api: str = "small_play"
    """Which calls bind the room: `small_play` (present apps) or `task` (older ones)."""
    api_base: str = ""
    """Replaces scheme and host of the API calls."""
    auth_base: str = ""
    """Replaces scheme and host of the token call."""

    def __post_init__(self) -> None:
        if not self.app_secret:
            raise ValueError("app_secret: is missing: the app's secret")
        if self.task_api not in TASK_APIS:
            raise ValueError(f"task_api: {self.task_api!r} is not known: {' or '.join(TASK_APIS)}")


def push_signature(body: bytes, secret: Secret) -> str:
    """Return ``kwaisign``: MD5 of the raw body and the app's secret, in hex (vendor documentation)."""
    return hashlib.md5(body + secret.reveal().encode(), usedforsecurity=False).hexdigest()


def call_signature(parameters: Mapping[str, str | int], app_id: str, secret: Secret) -> str:
    """Return ``sign``: MD5 of all parameters that say something, by name, and the secret (vendor documentation).

    ``app_id`` is signed although it stands in the query; ``sign`` itself and the call-back URL are not.
    """
    signed = {**parameters, "app_id": app_id}
    joined = "&".join(
        f"{name}={signed[name]}"
        for name in sorted(signed)
        if name not in {"sign", "callBackUrl"} and signed[name] != ""
    )
    return hashlib.md5((joined + secret.reveal()).encode(), usedforsecurity=False).hexdigest()
