"""Huya's pushed messages: one visible table from their uris to decode functions, and those functions.

The numbers are TARS tags. They come from community sources, which agree with each other and with the
decoded messages in ``captures/huya``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Comment, Gift, Join, LiveEvent, User
from bridge.sources.codecs import tars
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import (
    integer,
    mapping,
    optional_integer,
    optional_mapping,
    optional_sequence,
    optional_text,
    text,
)

COIN_CENT = "huya_coin_cent"
"""1/100 Huya coin; 1 coin costs 1 CNY."""

_BADGE_DECORATION = 10400

Struct = dict[int, Any]

Read = Callable[[Struct, str, int], LiveEvent | Notice | None]
"""Takes a pushed message, its id and the time of receipt."""


def _comment(body: Struct, message_id: str, at_ms: int) -> LiveEvent | None:
    """1400 MessageNotice. Pictures without words come as an empty text: ``None``."""
    sender = mapping(body, 0, "notice")
    words = text(body, 3, "notice")
    if not words:
        return None
    uid, level = integer(sender, 0, "notice[0]"), optional_integer(sender, 5)
    user = _user(uid, optional_text(sender, 2), level, optional_sequence(body, 8))
    return LiveEvent(at_ms, Comment(user, words), message_id)


def _gift(body: Struct, message_id: str, at_ms: int) -> LiveEvent:
    """6501 SendItemSubBroadcastPacket: ``count`` (2) is this sending alone, ``lPayTotal`` (41) its whole price."""
    item = integer(body, 0, "gift")
    count = integer(body, 2, "gift") or 1
    if count < 0:
        raise DecodeError("gift[2]", "is negative")
    total = optional_integer(body, 41)
    if total < 0:
        raise DecodeError("gift[41]", "is negative")
    uid, level = integer(body, 4, "gift"), optional_integer(body, 28)
    gift = Gift(
        _user(uid, optional_text(body, 6), level, optional_sequence(optional_mapping(body, 23), 0)),
        optional_text(body, 20) or str(item),
        count,
        total // count,
        total,
        COIN_CENT,
        priced=41 in body,
    )
    pay_id = optional_text(body, 1)
    return LiveEvent(at_ms, gift, message_id or (f"pay:{pay_id}" if pay_id else ""))


def _vip_enters(body: Struct, message_id: str, at_ms: int) -> LiveEvent:
    """6110 VipEnterBanner."""
    return LiveEvent(at_ms, Join(_user(integer(body, 0, "vip"), optional_text(body, 1))), message_id)


def _show_begins(_body: Struct, _message_id: str, _at_ms: int) -> Notice:
    return Notice(NoticeKind.LIVE)


def _show_ends(_body: Struct, _message_id: str, _at_ms: int) -> Notice:
    return Notice(NoticeKind.ENDED, "the show has ended")


def _user(uid: int, name: str, level: int = 0, decorations: Sequence[Any] = ()) -> User:
    badge, badge_level = _badge(decorations)
    return User(f"huya_{uid}", name, level, badge, badge_level, masked=uid == 0)


def _badge(decorations: Sequence[Any]) -> tuple[str, int]:
    """Return name and level of the fan badge among a name's decorations; one that cannot be read is none."""
    for decoration in decorations:
        if optional_integer(decoration, 0) == _BADGE_DECORATION:
            try:
                badge = tars.read_struct(raw(decoration, 2, "badge"), "badge")
            except DecodeError:
                return "", 0
            name = optional_text(badge, 3)
            return name, optional_integer(badge, 4) if name else 0
    return "", 0


MESSAGES: Mapping[int, Read] = {
    1400: _comment,
    6501: _gift,
    6110: _vip_enters,
    8000: _show_begins,
    8001: _show_ends,
}

IGNORED: dict[int, str] = {
    1001: "NobleNotice",
    1002: "NobleEnterNotice",
    1003: "NobleSpeakBrst",
    1005: "NobleEnterNotice",
    1006: "NobleLevelNotice",
    1422: "ExpressionEmoticonNotice",
    3104: "SubscribeInfoNotify",
    6052: "SendItemNoticeWordBroadcastPacket",
    6074: "PublicMessageAreaGuideWindow",
    6102: "WeekStarPropsIdsTab",
    6200: "EnterPushInfo",
    6201: "GameAdvertisement",
    6203: "ViewerListRsp",
    6210: "VipBarListRsp",
    6211: "VipBarListStatInfo",
    6219: "UserWeekRankScoreInfo",
    6220: "WeekRankListRsp",
    6221: "WeekRankEnterBanner",
    6223: "FansSupportListRsp",
    6230: "FansRankListRsp",
    6231: "BadgeInfo",
    6232: "BadgeScoreChanged",
    6233: "FansInfoNotice",
    6234: "UserGiftNotice",
    6235: "WeekStarPropsIds",
    6245: "SuperFansExtendInfo",
    6249: "GuardianCountChangedNotice",
    6250: "GiftBarRsp",
    6291: "BannerNotice",
    6502: "SendItemNoticeWordBroadcastPacket",
    6507: "SendItemNoticeGameBroadcastPacket",
    6508: "SendItemActivityNoticeBroadcastPacket",
    6514: "SendItemOtherBroadcastPacket",
    6515: "GiftStatusNotify",
    6590: "ObtainDecoNotify",
    6602: "TreasureResultBroadcastPacket",
    6604: "TreasureUpdateNotice",
    6640: "ShowScreenSkinNotify",
    6641: "HideScreenSkinNotify",
    6647: "ActCommPanelChangeNotify",
    6710: "FansBadgeLevelUpNotice",
    6711: "FansPromoteNotice",
    7709: "PresenterLevelNotice",
    8002: "StreamSettingNotice",
    8004: "LiveInfoChangedNotice",
    8006: "AttendeeCountNotice",
    100000: "StreamChangeNotice",
    1025493: "PushPresenterAdNotice",
    1025504: "RoomAdInfo",
    1025566: "PushAdInfo",
    1130050: "FloatMomentNotice",
    2001203: "MessageEasterEggNotice",
    2001231: "MessageRichTextNotice",
}
"""Messages without an event for us, by their uri. 8006 counts heat, not viewers."""


def raw(fields: Any, tag: int, at: str) -> bytes:
    """Return the bytes at ``tag``."""
    value = fields.get(tag) if type(fields) is dict else None
    if type(value) is not bytes:
        raise DecodeError(f"{at}[{tag}]", "is missing or no bytes")
    return value
