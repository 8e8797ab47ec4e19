"""TikTok's messages, each to its event.

Field numbers were observed in recorded payloads (``captures/tiktok``); see ``codecs/tiktok.proto``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import DecodeError as WireError
from google.protobuf.message import Message

from bridge.errors import DecodeError, RoomOfflineError
from bridge.events import (
    FIRST_MS,
    Comment,
    Content,
    Follow,
    Gift,
    Join,
    Like,
    LiveEvent,
    Streak,
    User,
    Viewers,
    clamped,
    in_ms,
    plausible_timestamp_ms,
)
from bridge.sources.codecs import tiktok_pb2 as wire
from bridge.sources.codecs.results import MAX_NAME_CHARS, Collected
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.platforms.tiktok.ignored import IGNORED

MAX_MESSAGES = 10_000
"""Of one frame; real ones hold some dozens."""

_GRADE_BADGE = 8
_FANS_BADGE = 10
_STREAKABLE = 1
_UNTOLD = 0  # the gift's own data is missing: then the group id alone tells a streak
_JOINED = frozenset({0, 1})  # 0 is what a missing action reads as
_FOLLOWED = 1
_ENDED = frozenset({3, 4})  # 4, ended by TikTok: inferred from other clients

Told = LiveEvent | Notice | None
"""What a message says: something happened, something about the room, or nothing for us."""

_Any = TypeVar("_Any", bound=Message)


def parse(kind: type[_Any], data: bytes, at: str) -> _Any:
    """Parse protobuf, or raise ``DecodeError`` at ``at``. Fields of another wire type than ours are skipped."""
    try:
        return kind.FromString(data)
    except WireError:
        raise _unreadable(at, data) from None


def _unreadable(at: str, data: bytes) -> DecodeError:
    return DecodeError(at, f"is not readable protobuf ({len(data)} bytes)")


def text(raw: bytes) -> str:
    """Return the text; what is not UTF-8 becomes U+FFFD."""
    return raw.decode("utf-8", "replace")


def label(name: str) -> str:
    """Return a name that the platform sent, fit to count by."""
    return name if name.isidentifier() and len(name) <= MAX_NAME_CHARS else "(odd name)"


def chat(message: wire.Chat, msg_id: int, at_ms: int) -> Told:
    """Read a comment; one without words is nothing."""
    words = message.content
    if not words:
        return None
    return _event(message.common, msg_id, at_ms, Comment(viewer(message.user), text(words)))


def member(message: wire.Member, msg_id: int, at_ms: int) -> Told:
    """Read an entry. Its member_count is not used: ``RoomUserSeq`` is the one source of viewer counts."""
    if message.action not in _JOINED or not message.HasField("user"):
        return None
    return _event(message.common, msg_id, at_ms, Join(viewer(message.user)))


def like(message: wire.Like, msg_id: int, at_ms: int) -> Told:
    """Read up to 15 likes of one viewer."""
    if not message.HasField("user"):
        return None
    return _event(message.common, msg_id, at_ms, Like(viewer(message.user), clamped(message.count) or 1))


def gift(message: wire.Gift, msg_id: int, at_ms: int) -> Told:
    """Read a gift, priced in diamonds.

    A streak's messages tell its running total and share a group id, which is when it began (ms). A
    streak without one cannot be told from the next, so only its end mark counts.
    """
    detail = message.detail
    group_id = message.group_id if detail.type in {_STREAKABLE, _UNTOLD} else 0
    if detail.type == _STREAKABLE and not group_id and not message.repeat_end:
        return None
    count = clamped((message.group_count or 1) * (message.repeat_count or message.combo_count)) or 1
    unit_value = clamped(detail.diamond_count)
    content = Gift(
        user=viewer(message.user),
        name=text(detail.name) or f"gift {message.gift_id}",
        count=count,
        unit_value=unit_value,
        total_value=count * unit_value,
        currency="diamond",
        priced=unit_value > 0,
    )
    streak = None
    if group_id:
        began_at_ms = group_id if group_id >= FIRST_MS else 0
        streak = Streak(str(group_id), ended=message.repeat_end == 1, started_at_ms=began_at_ms)
    return _event(message.common, msg_id, at_ms, content, streak)


def social(message: wire.Social, msg_id: int, at_ms: int) -> Told:
    """Read a follow; shares are nothing."""
    if message.action != _FOLLOWED or not message.HasField("user"):
        return None
    return _event(message.common, msg_id, at_ms, Follow(viewer(message.user)))


def subscription(message: wire.Subscription, msg_id: int, at_ms: int) -> Told:
    """Read a paid subscription: one month bought, its price is not told. ``sub_month`` counts the months so far."""
    content = Gift(viewer(message.user), "Subscription", priced=False)
    return _event(message.common, msg_id, at_ms, content)


def room_users(message: wire.RoomUsers, msg_id: int, at_ms: int) -> Told:
    """Read how many watch now; a missing total is 0, as the last viewer leaves."""
    return _event(message.common, msg_id, at_ms, Viewers(clamped(message.total)))


def control(message: wire.Control, _msg_id: int, _at_ms: int) -> Told:
    """Read the end of the live; pauses are nothing."""
    return Notice(NoticeKind.ENDED, "TikTok says that the live has ended") if message.action in _ENDED else None


Read = Callable[[Any, int, int], Told]
"""Takes a message, the id on its envelope (or 0) and the time to fall back to."""

MESSAGES: dict[str, tuple[type[Message], Read]] = {
    "WebcastChatMessage": (wire.Chat, chat),
    "WebcastMemberMessage": (wire.Member, member),
    "WebcastLikeMessage": (wire.Like, like),
    "WebcastGiftMessage": (wire.Gift, gift),
    "WebcastSocialMessage": (wire.Social, social),
    "WebcastSubNotifyMessage": (wire.Subscription, subscription),
    "WebcastRoomUserSeqMessage": (wire.RoomUsers, room_users),
    "WebcastControlMessage": (wire.Control, control),
}

_READ = {name.encode(): (kind.FromString, read) for name, (kind, read) in MESSAGES.items()}


def decode_messages(envelopes: Sequence[wire.Envelope], at_ms: int) -> Collected:
    """Read what one frame holds: each message on its own, so that one bad message costs only itself."""
    found = Collected()
    for number, envelope in enumerate(envelopes[:MAX_MESSAGES]):
        method = envelope.method
        known = _READ.get(method)
        if known is None:
            _pass_over(text(method), number, found)
            continue
        if envelope.is_history:
            found.ignored.append("history")
            continue
        parsed, read = known
        try:
            told = read(parsed(envelope.payload), envelope.msg_id, at_ms)
        except WireError:
            found.rejected.append(_unreadable(text(method), envelope.payload))
            continue
        if type(told) is LiveEvent:
            found.events.append(told)
        elif told is None:
            found.ignored.append(text(method))
        elif isinstance(told, Notice):
            found.notices.append(told)
    if len(envelopes) > MAX_MESSAGES:
        found.rejected.append(DecodeError("frame.messages", f"are more than {MAX_MESSAGES}: the rest was not read"))
    if found.notices:
        found.end = RoomOfflineError("the live has ended")
    return found


def viewer(user: wire.User) -> User:
    """Return the viewer: level from the grade badge, badge from the fans badge. Only id 0 is nobody in particular."""
    user_id = user.id or _digits(user.id_text)
    level = badge_level = 0
    badge = ""
    for one in user.badges[:]:  # a slice is a list, which is walked at half the cost
        scene = one.scene
        if scene == _GRADE_BADGE:
            level = _digits(one.privilege_log.level) or level
        elif scene == _FANS_BADGE:
            badge = text(one.combine.text) or "Fans"
            badge_level = _digits(one.privilege_log.level)
    return User(f"tiktok_{user_id}", text(user.nickname or user.display_id), level, badge, badge_level, user_id == 0)


def _digits(raw: bytes) -> int:
    return int(raw) if raw.isdigit() and len(raw) <= 20 else 0


def _event(common: wire.Common, msg_id: int, at_ms: int, content: Content, streak: Streak | None = None) -> LiveEvent:
    created_at_ms = in_ms(common.create_time)  # seconds were seen on some messages without an event
    message_id = msg_id or common.msg_id
    return LiveEvent(
        plausible_timestamp_ms(created_at_ms, at_ms), content, str(message_id) if message_id else "", streak
    )


def _pass_over(method: str, number: int, found: Collected) -> None:
    if method in IGNORED:
        found.ignored.append(method)
    elif method:
        found.unknown.append(label(method))
    else:
        found.rejected.append(DecodeError(f"frame.messages[{number}].method", "is missing, a name expected"))
