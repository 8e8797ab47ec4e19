"""The two programs that republish ``{"Type", "Data"}``: the same messages under other numbers.

DouyinBarrageGrab counts comments as 1, BarrageGrab entries: a wrong guess would turn every entry into a comment.
A fork of the first adds ``Platform``; its Kuaishou frames carry the viewer as a ``User`` or spread over ``Data``
(read from its source), and no ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bridge.errors import DecodeError
from bridge.events import Comment, Follow, Join, Like, User
from bridge.sources.fields import as_integer, integer, mapping, optional_integer, optional_text
from bridge.sources.platforms.douyin_relay.options import BARRAGE_GRAB, DOUYIN_BARRAGE_GRAB
from bridge.sources.platforms.douyin_relay.told import ENDED, Site, Told, liked, priced, viewer, watching

Read = Callable[[dict[str, Any], Site], Told]

_JOINED_THE_CLUB = 2


def _user(data: dict[str, Any], site: Site) -> User:
    """Read the viewer: a nested ``User``, or ``secOpenid`` and ``nickName`` beside the message's own fields.

    ``PayLevel`` is the level that viewers see; ``Level`` is 0 or 1 for everybody (observed). The program sends
    ``null`` for a viewer whom Douyin left out: that is nobody in particular.
    """
    if data.get("User") is None:
        return viewer(site, "", optional_text(data, "secOpenid"), optional_text(data, "nickName"))
    user = mapping(data, "User", "Data")
    club = user.get("FansClub")
    return viewer(
        site,
        optional_text(user, "Id"),
        optional_text(user, "SecUid"),
        optional_text(user, "Nickname") or optional_text(user, "NickName"),
        level=optional_integer(user, "PayLevel"),
        badge=optional_text(club, "ClubName"),
        badge_level=optional_integer(club, "Level"),
    )


def _first(data: dict[str, Any], *keys: str) -> int | None:
    """Return the first of several spellings that holds an integer."""
    for key in keys:
        if (number := as_integer(data.get(key))) is not None:
            return number
    return None


def comment(data: dict[str, Any], site: Site) -> Told:
    """Read a comment; one without words is nothing."""
    words = optional_text(data, "Content") or optional_text(data, "content")
    return Comment(_user(data, site), words) if words else None


def like(data: dict[str, Any], site: Site) -> Told:
    """Read the likes of one viewer; ``Total`` is the room's."""
    return Like(_user(data, site), liked(_first(data, "Count", "likeNum")))


def enter(data: dict[str, Any], site: Site) -> Told:
    """Read an entry. Its ``CurrentCount`` is not used: the statistics are the one source of viewer counts."""
    return Join(_user(data, site))


def follow(data: dict[str, Any], site: Site) -> Told:
    """Read a follow."""
    return Follow(_user(data, site))


def gift(data: dict[str, Any], site: Site) -> Told:
    """Read a gift. ``GiftCount`` is the increment, ``RepeatCount`` the running total and not used; 0 adds nothing."""
    count = _first(data, "GiftCount", "giftNum", "Count")
    if count is None:
        count = integer(data, "GiftCount", "Data")
    if count < 0:
        raise DecodeError("Data.GiftCount", "is negative")
    if count == 0:
        return None
    name = optional_text(data, "GiftName") or optional_text(data, "giftName")
    name = name or optional_text(data, "GiftId") or optional_text(data, "secGiftId")
    return priced(_user(data, site), name, count, _first(data, "DiamondCount"), site)


def viewers(data: dict[str, Any], _site: Site) -> Told:
    """Read how many watch now."""
    for key in ("OnlineUserCount", "WatchingCount", "watchingCount"):
        if (count := data.get(key)) is not None:
            return watching(count, f"Data.{key}")
    raise DecodeError("Data.OnlineUserCount", "is missing, an integer expected")


def fans_club(data: dict[str, Any], site: Site) -> Told:
    """Read of the fans' club: joining is a follow, a level more is nothing."""
    return Follow(_user(data, site)) if optional_integer(data, "Type") == _JOINED_THE_CLUB else None


def ended(_data: dict[str, Any], _site: Site) -> Told:
    """Read that the live has ended; there is no user."""
    return ENDED


class Program(NamedTuple):
    """What a program's numbers mean: the messages that are read, and the names of those that are not."""

    messages: Mapping[int, Read]
    ignored: Mapping[int, str]


PROGRAMS: Mapping[str, Program] = {
    DOUYIN_BARRAGE_GRAB: Program(
        {
            1: comment,
            2: like,
            3: enter,
            4: follow,
            5: gift,
            6: viewers,
            7: fans_club,
            9: ended,
        },
        {8: "share", 101: "companion started", 102: "companion stopped"},
    ),
    BARRAGE_GRAB: Program(
        {
            1: enter,
            2: follow,
            3: comment,
            4: like,
            5: gift,
            7: viewers,
            8: ended,
            9: fans_club,
        },
        {6: "share", 10: "room statistics"},
    ),
}
