"""The two programs that republish Douyin's own messages by their names.

douyinLive sends the whole protobuf as JSON (64-bit numbers as texts, zeros left out), dycast an array of
excerpts. Shapes: the programs' documents and sources; a gift and a count of viewers were observed in
``captures/douyin_web``, which has the same JSON form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Comment, Follow, Gift, Join, Like, Streak, User
from bridge.sources.codecs.combos import Combos
from bridge.sources.fields import (
    as_integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
)
from bridge.sources.platforms.douyin_relay.told import DOUYIN, ENDED, Counted, Told, liked, priced, viewer, watching

Read = Callable[[dict[str, Any], str, Combos, int], Told]
"""Takes a message, its id, the combos under way and the time of receipt."""

_FOLLOWED = 1
_JOINED_THE_CLUB = 2
_ENDED = frozenset({3, 4})  # 4, ended by the platform: inferred from TikTok's numbers

_LIKED = re.compile(r"\(([0-9]{1,9})\)", re.ASCII)
"""dycast tells a like's count only in its words, ``…(3)`` (read from its source)."""
_MAX_LIKE_WORDS = 64


def _user(message: dict[str, Any]) -> User:
    user = _viewer_of(message)
    club = optional_mapping(user.get("fansClub"), "data")
    return viewer(
        DOUYIN,
        optional_text(user, "idStr") or optional_text(user, "id"),
        optional_text(user, "secUid"),
        optional_text(user, "nickname"),
        level=optional_integer(user.get("payGrade"), "level"),
        badge=optional_text(club, "clubName"),
        badge_level=optional_integer(club, "level"),
    )


def _viewer_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return the viewer's fields; a message that leaves the viewer out is of nobody in particular."""
    return {} if message.get("user") is None else mapping(message, "user")


def chat(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read a comment; one without words is nothing."""
    words = optional_text(message, "content")
    return Comment(_user(message), words) if words else None


def emoji_chat(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read a comment that is one emoji, by its name in brackets; a picture alone is nothing."""
    words = optional_text(message, "defaultContent")
    return Comment(_user(message), words) if words else None


def like(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read the likes of one viewer; ``total`` is the room's."""
    return Like(_user(message), liked(optional_integer(message, "count", 1)))


def member(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read an entry. Being made an administrator comes by the same name and is nothing."""
    return None if message.get("isSetToAdmin") is True else Join(_user(message))


def social(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read a follow; shares are nothing."""
    return Follow(_user(message)) if optional_integer(message, "action") == _FOLLOWED else None


def fans_club(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read of the fans' club: joining is a follow, a level more is nothing."""
    action = optional_integer(message, "action") or optional_integer(message, "type")
    return Follow(_user(message)) if action == _JOINED_THE_CLUB else None


def gift(message: dict[str, Any], message_id: str, combos: Combos, at_ms: int) -> Told:
    """Read a gift: running totals of a combo that ``groupId`` names.

    A pack of 66 comes as ``groupCount``; ``repeatCount`` may hold the product already.
    """
    detail = optional_mapping(message, "gift")
    user = _user(message)
    group, repeat, combo = (optional_integer(message, key) for key in ("groupCount", "repeatCount", "comboCount"))
    if min(group, repeat, combo) < 0:
        raise DecodeError("repeatCount", "is negative")
    count = max(max(group, 1) * combo, group, repeat, 1)
    name = optional_text(detail, "name") or optional_text(message, "giftId") or optional_text(detail, "id")
    given = priced(user, name, count, as_integer(detail.get("diamondCount")), DOUYIN)
    ended = _is_set(message.get("repeatEnd"))
    return _counted(given, optional_text(message, "groupId"), message_id, combos, at_ms, ended=ended)


def _counted(given: Gift, group_id: str, message_id: str, combos: Combos, at_ms: int, *, ended: bool) -> Counted:
    if group_id in {"", "0"}:
        who = f"{given.user.id}/{given.user.name}\x1f{given.name}"
        group_id = combos.key(who, as_integer(message_id) or 0, given.count, at_ms, ended=ended)
    return Counted(given, Streak(group_id, ended))


def _is_set(flag: object) -> bool:
    return flag is True or as_integer(flag) == 1


def room_users(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read how many watch now; a message without the total is only the ranking."""
    total = message.get("total")
    return None if total is None else watching(total, "total")


def control(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read the end of the live; pauses are nothing."""
    action = optional_integer(message, "action") or optional_integer(message, "status")
    return ENDED if action in _ENDED else None


DOUYIN_LIVE: Mapping[str, Read] = {
    "WebcastChatMessage": chat,
    "WebcastEmojiChatMessage": emoji_chat,
    "WebcastMemberMessage": member,
    "WebcastLikeMessage": like,
    "WebcastGiftMessage": gift,
    "WebcastSocialMessage": social,
    "WebcastFansclubMessage": fans_club,
    "WebcastRoomUserSeqMessage": room_users,
    "WebcastControlMessage": control,
}


def _excerpt_user(message: dict[str, Any]) -> User:
    user = _viewer_of(message)
    return viewer(DOUYIN, "", optional_text(user, "id"), optional_text(user, "name"))


def excerpt_chat(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read a comment; one without words is nothing."""
    words = optional_text(message, "content")
    return Comment(_excerpt_user(message), words) if words else None


def excerpt_like(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read the likes of one viewer."""
    match = _LIKED.search(optional_text(message, "content")[:_MAX_LIKE_WORDS])
    return Like(_excerpt_user(message), liked(int(match[1]) if match else 1))


def excerpt_member(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read an entry."""
    return Join(_excerpt_user(message))


def excerpt_social(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read a follow; dycast calls shares so too and leaves out what would tell them apart."""
    return Follow(_excerpt_user(message))


def excerpt_gift(message: dict[str, Any], message_id: str, combos: Combos, at_ms: int) -> Told:
    """Read a gift: a running total, of a combo that nothing names. One that tells no gift at all is nothing."""
    if message.get("gift") is None:
        return None
    detail = mapping(message, "gift")
    count = optional_integer(detail, "count", 1)
    if count < 0:
        raise DecodeError("gift.count", "is negative")
    name = optional_text(detail, "name") or optional_text(detail, "id")
    given = priced(_excerpt_user(message), name, max(count, 1), as_integer(detail.get("price")), DOUYIN)
    return _counted(given, "", message_id, combos, at_ms, ended=_is_set(detail.get("repeatEnd")))


def excerpt_room_users(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read how many watch now."""
    count = optional_mapping(message, "room").get("audienceCount")
    return None if count is None else watching(count, "room.audienceCount")


def excerpt_control(message: dict[str, Any], _id: str, _combos: Combos, _at_ms: int) -> Told:
    """Read the end of the live."""
    return ENDED if optional_integer(message.get("room"), "status") in _ENDED else None


DYCAST: Mapping[str, Read] = {
    "WebcastChatMessage": excerpt_chat,
    "WebcastMemberMessage": excerpt_member,
    "WebcastLikeMessage": excerpt_like,
    "WebcastGiftMessage": excerpt_gift,
    "WebcastSocialMessage": excerpt_social,
    "WebcastRoomUserSeqMessage": excerpt_room_users,
    "WebcastControlMessage": excerpt_control,
}
