"""Douyu's messages: one visible table from their names to decode functions, and those functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.errors import DecodeError
from bridge.events import Comment, Gift, Join, LiveEvent, User, plausible_timestamp_ms, with_words
from bridge.sources.codecs.stt import parse, value
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import as_integer, integer, optional_integer, positive
from bridge.sources.platforms.douyu.gifts import GiftTable

Fields = Mapping[str, str]

YUCHI_CENT = "douyu_yuchi_cent"
"""1/100 yuchi; 1 yuchi costs 1 CNY."""

_LOOP = "1"
_DERIVED = "99"
"""``ct`` of what a chance gift hatched: its money was told by the gift that was paid for (observed, community)."""


def name_of(fields: Fields) -> str:
    """Return a message's name: its type, with the subtype where one type carries unlike things."""
    name = fields.get("type")
    if not name:
        raise DecodeError("type", "is missing, a text expected")
    if name in _SUBTYPED and "btype" in fields:
        return f"{name}/{value(fields, 'btype')}"
    return name


def _comment(fields: Fields, at_ms: int, _: GiftTable) -> LiveEvent:
    if "txt" not in fields:
        raise DecodeError("txt", "is missing, a text expected")
    sent_at_ms = plausible_timestamp_ms(as_integer(fields.get("cst")) or 0, at_ms)
    return LiveEvent(sent_at_ms, Comment(_user(fields), value(fields, "txt")), fields.get("cid", ""))


def _paid_comment(fields: Fields, at_ms: int, _: GiftTable) -> LiveEvent:
    """Read a comment that was paid to be shown: the chat message is nested, ``cprice`` is fen."""
    if "chatmsg" not in fields:
        raise DecodeError("chatmsg", "is missing, a nested message expected")
    inner = parse(value(fields, "chatmsg"))
    price = integer(fields, "cprice")
    if price < 0:
        raise DecodeError("cprice", "is negative")
    buyer = _user(inner if "uid" in inner else {**inner, "uid": fields.get("uid", "")})
    gift = Gift(buyer, "高能弹幕", unit_value=price, total_value=price, currency="CNY")
    words = value(inner, "txt")
    return LiveEvent(
        plausible_timestamp_ms(optional_integer(fields, "now"), at_ms),
        with_words(gift, words),
        id=value(fields, "vrid") or value(inner, "cid"),
    )


def _gift(fields: Fields, at_ms: int, gifts: GiftTable) -> LiveEvent:
    """Each ``dgb`` is one increment of ``gfcnt``; ``hits`` is the combo so far. It has no id and no time."""
    gift_id, prop_id = value(fields, "gfid"), value(fields, "pid")
    if not gift_id:
        raise DecodeError("gfid", "is missing, an id expected")
    count = positive(fields, "gfcnt") if fields.get("gfcnt") else 1
    listed = gifts.look_up(gift_id, prop_id)
    price = 0 if gift_id == "0" and value(fields, "ct") == _DERIVED else listed.price
    return LiveEvent(
        at_ms,
        Gift(
            _user(fields),
            value(fields, "gfn") or listed.name or (prop_id if gift_id == "0" else gift_id),
            count,
            price or 0,
            (price or 0) * count,
            YUCHI_CENT,
            priced=price is not None,
        ),
    )


def _fan_membership(fields: Fields, at_ms: int, _: GiftTable) -> LiveEvent | None:
    """Read a diamond fan membership: ``mn`` months for ``price`` in all (observed, community).

    It is sent over several channels of the room; who bought and when it will end make it one fact.
    ``None``: a membership of another room, bought here.
    """
    room = value(fields, "rrid")
    if room and room != value(fields, "rid", room):
        return None
    total = integer(fields, "price")
    months = optional_integer(fields, "mn", 1)
    if total < 0 or months < 1:
        raise DecodeError("mn" if months < 1 else "price", "is not a positive number")
    buyer = _user(fields, name_key="nick")
    gift = Gift(buyer, "钻粉", months, total // months, total, YUCHI_CENT)
    ends = value(fields, "bet")
    return LiveEvent(at_ms, gift, id=f"fans:{buyer.id}:{ends}" if ends else "")


def _join(fields: Fields, at_ms: int, _: GiftTable) -> LiveEvent:
    return LiveEvent(at_ms, Join(_user(fields)))


def _live_state(fields: Fields, _: int, __: GiftTable) -> Notice:
    if integer(fields, "ss") == 0:
        return Notice(NoticeKind.ENDED, "the show has ended")
    if value(fields, "ivl") == _LOOP:
        return Notice(NoticeKind.ENDED, "the room plays a recording")
    return Notice(NoticeKind.LIVE)


def _user(fields: Fields, name_key: str = "nn") -> User:
    user_id = fields.get("uid") or fields.get("hashid") or "0"
    badge = value(fields, "bnn")
    return User(
        f"douyu_{user_id}",
        value(fields, name_key),
        as_integer(fields.get("level")) or 0,
        badge,
        (as_integer(fields.get("bl")) or 0) if badge else 0,
        user_id == "0",
    )


_SUBTYPED = frozenset({"comm_chatmsg", "gbroadcast"})

MESSAGES: dict[str, Callable[[Fields, int, GiftTable], LiveEvent | Notice | None]] = {
    "chatmsg": _comment,
    "comm_chatmsg": _paid_comment,
    "comm_chatmsg/voiceDanmu": _paid_comment,
    "dgb": _gift,
    "dfobc": _fan_membership,
    "dfrbc": _fan_membership,
    "uenter": _join,
    "rss": _live_state,
}

IGNORED = frozenset(
    {
        # the session
        "loginres",
        "loginresp",
        "mrkl",
        "keeplive",
        "pingreq",
        "subres",
        "msgrepeaterproxylist",
        # told by another message: a combo by its dgb, a membership that came with a gift by that gift
        "hit",
        "odfpbc",
        "rdfpbc",
        # memberships without their price: dfobc and dfrbc tell it (inferred)
        "odfbc",
        "rndfbc",
        # broadcasts to the whole site
        "spbc",
        "cthn",
        "anbc",
        "rnewbc",
        "tsgs",
        "ro_game_succ",
        "ssd",
        "gbroadcast",
        "gbroadcast/pandora",
        "gbroadcast/voiceDanmu",
        "comm_chatmsg/pandora",
        # levels, ranks, games, house-keeping
        "blab",
        "upgrade",
        "upbc",
        "rankup",
        "frank",
        "ranklist",
        "synexp",
        "noble_num_info",
        "oni",
        "rri",
        "wirt",
        "tsboxb",
        "mapkb",
        "pdrinfo",
        "configscreen",
        "srres",
        "newblackres",
        "al",
        "ab",
        "h5cs",
        "h5gkcres",
        "h5ckres",
        # the same, by community sources
        "dfrank",
        "fswrank",
        "framl",
        "wiru",
        "rtss_update",
        "qausrespond",
        "lucky_wheel_star_pool",
        "defAltLogin",
        "dealtarlock",
        "yinpinshejiao",
        "anchorclub",
        "diamondfansv2",
        "musicopen",
        "voicelevel",
        "ro_date_succ",
        "romantic_screen",
        "fansPaper",
    }
)
