r"""What a job tells its owner: callbacks over HTTPS, and the same news in its RTC room. Pure.

A callback is JSON in JSON (vendor documentation), an RTC message has other names for the same::

    {"event_type": "REPLY_COMMAND_FINISH", "message": "{\"room_id\":\"…\",\"job_id\":\"…\",\"reply_id\":\"…\"}"}
    {"message_type": "reply_command_finish_notify", "data": {"reply_id": "…"}}

The documents' own samples are not quite JSON: in one an inner quote is not escaped, in another an object stands in
quotes. So what strict parsing cannot read is searched for ``"name": value`` pairs. No real traffic was seen yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bridge.errors import DecodeError
from bridge.events import encodable
from bridge.secret import redact_url
from bridge.sources.fields import as_integer, identifier, optional_text, parse_json

END = "END"
"""Stream state: finished, no more reconnects."""
CONNECTED = "CONNECTED"
STREAM_STATES = ("CONNECTING", CONNECTED, "DISCONNECTED", "RECONNECTING", END)

MAX_TEXT_CHARS = 256
MAX_FURTHER = 16
MAX_SEARCHED_CHARS = 65_536
_MAX_WRAPPINGS = 4
_MAX_INTEGER = 2**53 - 1

_SECRET_WORDS = ("key", "secret", "token", "sign", "auth", "password")
_PAIR = re.compile(
    r'"([A-Za-z_]{1,64})"\s*:\s*(?:"((?:[^"\\{\s]|\\.)(?:[^"\\]|\\.)*|)"|(-?[0-9]{1,20}))',
    re.DOTALL,
)
_ONE_LEVEL = re.compile(r'\\(["\\/])')


@dataclass(frozen=True, slots=True)
class ScriptSwitched:
    """The show came to another paragraph of its script. ``sequence_no`` is ``None`` where it is not told.

    ``further`` is what else it carried: with products configured, product and live ids, whose names are not documented.
    """

    name: ClassVar = "SHOOT_SCRIPT_SWITCH"
    job_id: str
    room_id: str = ""
    scene: str = ""
    sequence_no: int | None = None
    title: str = ""
    further: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamStateChanged:
    """The outgoing stream changed its ``state``: one of ``STREAM_STATES``, or a new one. Its key is not kept."""

    name: ClassVar = "RTMP_STREAM_STATE_CHANGE"
    job_id: str
    state: str
    room_id: str = ""
    output_url: str = ""


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """A reply was spoken to its end. The RTC message names neither job nor room."""

    name: ClassVar = "REPLY_COMMAND_FINISH"
    reply_id: str
    job_id: str = ""
    room_id: str = ""


@dataclass(frozen=True, slots=True)
class LiveProgress:
    """Where the script stands, told in the RTC room; ``offset`` is as the cloud counts it."""

    name: ClassVar = "LIVE_PROGRESS"
    script: str = ""
    sequence_no: int | None = None
    title: str = ""
    offset: int | None = None
    reply_id: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """News of a kind that is not documented: ``event_type`` is its name."""

    name: ClassVar = "UNKNOWN"
    event_type: str


CallbackEvent = ScriptSwitched | StreamStateChanged | ReplyFinished | LiveProgress | Unknown


def read_callback(body: bytes) -> CallbackEvent:
    """Read a callback's body or an RTC message; raises ``DecodeError`` when nothing can be made of it."""
    envelope = _unwrapped(body.decode("utf-8", "replace").lstrip("\ufeff"), "")
    kind = optional_text(envelope, "event_type") or optional_text(envelope, "message_type")
    if not kind.strip():
        raise DecodeError("event_type", "is missing, the name of an event expected")
    read = _EVENTS.get(kind.strip().lower())
    if read is None:
        return Unknown(_clean(kind))
    inner = next((name for name in ("message", "data") if envelope.get(name) not in (None, "")), "")
    if not inner:
        return read(envelope, "")  # the fields stand beside the name, or were found by searching
    return read(_unwrapped(envelope[inner], inner), inner)


def _unwrapped(value: Any, at: str) -> dict[str, Any]:
    """Return the object that ``value`` is, or is the text of, however often it was put in quotes."""
    for _ in range(_MAX_WRAPPINGS):
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            break
        text = value
        try:
            value = parse_json(text, at)
        except DecodeError:
            found = _searched(text)
            if not found:
                raise
            return found
    raise DecodeError(at, "is not an object")


def _searched(text: str) -> dict[str, Any]:
    """Return the name and value pairs in a text that is not quite JSON; of a name given twice the first."""
    found: dict[str, Any] = {}
    # What stands in quotes inside quotes is escaped once more than its surroundings: one level less makes all alike.
    for name, quoted, digits in _PAIR.findall(_ONE_LEVEL.sub(r"\1", text[:MAX_SEARCHED_CHARS])):
        found.setdefault(name, int(digits) if digits else _unescaped(quoted))
    return found


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        return quoted


def _script(message: dict[str, Any], at: str) -> ScriptSwitched:
    return ScriptSwitched(
        job_id=_id(message, "job_id", at),
        room_id=_text(message, "room_id"),
        scene=_text(message, "scene_script_name"),
        # A text in the callback, a number in the RTC message (vendor documentation).
        sequence_no=_whole(message.get("shoot_script_sequence_no")),
        title=_text(message, "shoot_script_title"),
        further=_further(message),
    )


def _stream(message: dict[str, Any], at: str) -> StreamStateChanged:
    return StreamStateChanged(
        job_id=_id(message, "job_id", at),
        state=_id(message, "state", at).strip().upper(),
        room_id=_text(message, "room_id"),
        output_url=_without_key(optional_text(message, "output_url"), optional_text(message, "stream_key")),
    )


def _reply(message: dict[str, Any], at: str) -> ReplyFinished:
    return ReplyFinished(
        reply_id=_id(message, "reply_id", at), job_id=_text(message, "job_id"), room_id=_text(message, "room_id")
    )


def _progress(message: dict[str, Any], _: str) -> LiveProgress:
    return LiveProgress(
        script=_text(message, "script_name"),
        sequence_no=_whole(message.get("shoot_script_sequence_no")),
        title=_text(message, "shoot_script_title"),
        offset=_whole(message.get("offset")),
        reply_id=_text(message, "reply_id"),
    )


_EVENTS: Mapping[str, Callable[[dict[str, Any], str], CallbackEvent]] = {
    "shoot_script_switch": _script,
    "rtmp_stream_state_change": _stream,
    "reply_command_finish": _reply,
    "live_progress_notify": _progress,
    "reply_command_finish_notify": _reply,
}

_SCRIPT_FIELDS = {
    "job_id", "room_id", "scene_script_name", "shoot_script_sequence_no", "shoot_script_title", "event_type", "message_type",
}  # fmt: skip


def _further(message: dict[str, Any]) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for name, value in message.items():
        is_secret = any(word in name.lower() for word in _SECRET_WORDS)
        if name in _SCRIPT_FIELDS or is_secret or len(found) >= MAX_FURTHER:
            continue
        if type(value) is str:
            found[_clean(name)] = _clean(value)
        elif type(value) is int and abs(value) <= _MAX_INTEGER:
            found[_clean(name)] = value
    return found


def _without_key(url: str, stream_key: str) -> str:
    """Return what may be shown of a stream's address: no query, and no key where it stands in the path."""
    shown = redact_url(url)
    if stream_key:
        return _clean(shown.replace(stream_key, "***"))
    scheme, mark, rest = shown.partition("://")
    host, slash, path = rest.partition("/")
    return _clean(f"{scheme}{mark}{host}{slash}{path.partition('/')[0]}")


def _id(message: dict[str, Any], name: str, at: str) -> str:
    return _clean(identifier(message, name, at))


def _text(message: dict[str, Any], name: str) -> str:
    return _clean(optional_text(message, name))


def _clean(text: str) -> str:
    return encodable(text[:MAX_TEXT_CHARS]).replace("\0", "")


def _whole(value: Any) -> int | None:
    number = as_integer(value)
    return number if number is not None and abs(number) <= _MAX_INTEGER else None
