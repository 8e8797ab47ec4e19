"""A room file of the bridge for a smart live room of the cloud, ready to paste. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from bridge.config.documents import plain_value
from bridge.metastudio.models.callbacks import LiveEventCallbackConfig
from bridge.secret import Secret

DEFAULT_NAME = "evening-show"

_CALLBACK_PATH = re.compile(r"/callbacks/([a-z0-9][a-z0-9_-]{0,62})/?")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9_-]+")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")
_SOURCES = """\
sources:
  # Put your own platform and room; `live-event-bridge platforms` lists the platforms.
  - platform: bilibili
    room: 21452505
"""


@dataclass(frozen=True)
class Snippet:
    """The text of a room file, and the environment variables that it reads with their values, as far as known."""

    name: str
    text: str
    environment: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Where it belongs, below the configuration directory."""
        return f"rooms/{self.name}.yaml"


def room_name(callbacks: LiveEventCallbackConfig | None, *others: str) -> str:
    """Return a name for the bridge's room: the one that the callbacks name, else the first of ``others`` that is one."""
    match = _callback_path(callbacks)
    if match:
        return match[1]
    for other in others:
        name = _NOT_IN_A_NAME.sub("-", other.lower()).strip("-_")[:63]
        if name:
            return name
    return DEFAULT_NAME


def following(name: str, room_id: str, callbacks: LiveEventCallbackConfig | None) -> Snippet:
    """Return a room that follows the jobs of a smart live room; ``bridge.yaml`` must have credentials."""
    report = (
        "report:\n"
        "  # The newest running job of this smart live room; when a new one starts, it is followed.\n"
        f"  smart_live_room_id: {_scalar(room_id)}\n"
    )
    return _snippet(name, report, {}, callbacks)


def by_url(name: str, url: Secret, callbacks: LiveEventCallbackConfig | None) -> Snippet:
    """Return a room that reports to one job's URL, which it reads from the environment; it needs no credentials."""
    variable = variable_of(name, "REPORT_URL")
    report = f"report:\n  # One job's URL; the next job has another one.\n  url: ${{{variable}}}\n"
    return _snippet(name, report, {variable: url}, callbacks)


def variable_of(name: str, what: str) -> str:
    """Return the name of a room's environment variable."""
    begin = name.upper().replace("-", "_")
    return f"{'ROOM_' if begin[0].isdigit() else ''}{begin}_{what}"


def environment_lines(environment: Mapping[str, Secret], *, reveal: bool) -> list[str]:
    """Return what sets the variables in a shell, or only their names unless the values are to be revealed."""
    if reveal:
        return [f"export {name}={shlex.quote(value.reveal())}" for name, value in environment.items()]
    return [f"needs {name} in the bridge's environment; --reveal prints its value" for name in environment]


def _snippet(
    name: str, report: str, environment: Mapping[str, Secret], callbacks: LiveEventCallbackConfig | None
) -> Snippet:
    section, variables = _callbacks(name, callbacks)
    return Snippet(name, _SOURCES + report + section, {**environment, **variables})


def _callbacks(name: str, callbacks: LiveEventCallbackConfig | None) -> tuple[str, dict[str, Secret]]:
    """Return the section for callbacks that come to this room, with its variables."""
    match = _callback_path(callbacks)
    if callbacks is None or match is None or match[1] != name:
        return "", {}  # none, or they go to somebody else
    url = (callbacks.live_event_type_callback_url or Secret()).reveal()
    parts = urlsplit(url)
    auth_type = callbacks.auth_type or "NONE"
    if auth_type == "NONE":
        token = parse_qs(parts.query).get("token", [""])[0]
        if not token:
            return "# Callbacks without a signature are only taken with a token in their URL: ?token=…\n", {}
        variable = variable_of(name, "CALLBACK_TOKEN")
        return f"callbacks:\n  auth_type: NONE\n  token: ${{{variable}}}\n", {variable: Secret(token)}
    if auth_type not in {"MSS_A", "MSS_A_HEAD"}:
        return f"# The bridge cannot verify callbacks of the kind {_scalar(auth_type)}.\n", {}
    variable = variable_of(name, "CALLBACK_KEY")
    variables = {variable: callbacks.key or Secret()}
    lines = f"callbacks:\n  auth_type: {auth_type}\n  key: ${{{variable}}}\n"
    if parts.query or "@" in parts.netloc:
        url_variable = variable_of(name, "CALLBACK_URL")
        variables[url_variable] = Secret(url)
        return f"{lines}  url: ${{{url_variable}}}\n", variables
    return f"{lines}  url: {_scalar(url)}\n", variables


def _callback_path(callbacks: LiveEventCallbackConfig | None) -> re.Match[str] | None:
    """Match the path of a callback URL; a proxy may have put something before it."""
    url = callbacks.live_event_type_callback_url if callbacks else None
    try:
        path = urlsplit(url.reveal()).path if url else ""
    except ValueError:
        return None
    return _CALLBACK_PATH.fullmatch(path[max(path.rfind("/callbacks/"), 0) :])


def _scalar(text: str) -> str:
    """Write a text so that the configuration's reader takes it as one, whatever it looks like."""
    if _PLAIN.fullmatch(text) and not text.endswith(":") and plain_value(text) == text:
        return text
    return json.dumps(text.replace("$", "$$"))
