"""Gifts, guards and super chats: the messages that carry money.

Units: gifts and guards in gold coins, 1000 of which are one yuan (observed); super chats in fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.errors import DecodeError
from bridge.events import Gift, Twin, User, with_words
from bridge.sources.codecs.bilibili_pb2 import SendGift
from bridge.sources.codecs.bilibili_socket import Findings
from bridge.sources.fields import (
    as_integer,
    identifier,
    mapping,
    optional_integer,
    optional_mapping,
    optional_text,
    positive,
)
from bridge.sources.platforms.bilibili.values import medal_worn, message_id, read_protobuf, viewer

GOLD = "bilibili_gold"

GUARD_NAMES = {1: "总督", 2: "提督", 3: "舰长"}
GUARD_MONTH_PRICES = {1: 19_998_000, 2: 1_998_000, 3: 198_000}
"""List price of one month by guard level. Observed: ``GUARD_BUY`` never says another one."""

_TOAST_WAIT_SECS = 1.0
_RECEIVED_SOURCE = 2


def send_gift(message: dict[str, Any], found: Findings) -> None:
    """``SEND_GIFT``: one step of giving, so its numbers are increments.

    ``total_coin`` is what was paid: of a blind box it is the box's price, while ``price`` is the
    price of what came out of it (observed).
    """
    data = mapping(message, "data")
    count = positive(data, "num", "data")
    price = optional_integer(data, "price")
    paid = as_integer(data.get("total_coin"))
    badge, badge_level = medal_worn(optional_mapping(data, "medal_info"))
    gift = _gold_gift(
        viewer(
            _giver(data),
            optional_text(data, "uname"),
            optional_integer(data, "wealth_level"),
            badge,
            badge_level,
        ),
        optional_text(data, "giftName") or optional_text(data, "giftId"),
        count,
        price=price,
        paid=price * count if paid is None else paid,
        coin_type=optional_text(data, "coin_type"),
    )
    tid = optional_text(data, "tid")
    found.event(gift, optional_integer(data, "timestamp"), f"gift:{tid}" if tid else message_id(message))


def send_gift_v2(message: dict[str, Any], found: Findings) -> None:
    """``SEND_GIFT_V2``: the same as protobuf, several gifts when several blind boxes were opened at once.

    The player skips a message whose switch (field 11) is off, and so do we: the gift comes as
    ``SEND_GIFT`` then. When both come, they have the same ``tid``. Of a blind box, observers disagree
    whether ``total_coin`` is the box's price or that of its content; box price times number is
    right in both readings.
    """
    broadcast = SendGift()
    read_protobuf(message, broadcast)
    if not broadcast.is_on:
        found.ignored.append("SEND_GIFT_V2 switched off")
        return
    if not broadcast.gifts:
        raise DecodeError("data.pb", "holds no gift")
    medal = broadcast.medal
    user = viewer(
        str(broadcast.uid), broadcast.name, broadcast.wealth.level, medal.name, medal.level if medal.name else 0
    )
    tids = set[str]()
    for number, item in enumerate(broadcast.gifts):
        if item.count < 1:
            found.rejected.append(DecodeError(f"SEND_GIFT_V2.data.pb.gifts[{number}].count", f"is {item.count}"))
            continue
        paid = broadcast.blind_box.price * item.count or item.total_coin
        name = item.name or str(item.id)
        gift = _gold_gift(user, name, item.count, price=item.price, paid=paid, coin_type=item.coin_type)
        suffix = f"#{number}" if item.tid in tids else ""
        tids.add(item.tid)
        found.event(gift, item.timestamp_secs, f"gift:{item.tid}{suffix}" if item.tid else "")


def guard_buy(message: dict[str, Any], found: Findings) -> None:
    """``GUARD_BUY``: a guard by its list price a month, whatever was paid; the toast knows that."""
    data = mapping(message, "data")
    count = positive(data, "num", "data")
    price = optional_integer(data, "price")
    level = optional_integer(data, "guard_level")
    uid, name = identifier(data, "uid", "data"), optional_text(data, "username")
    gift = Gift(
        viewer(uid, name),
        optional_text(data, "gift_name") or GUARD_NAMES.get(level, "大航海"),
        count,
        price,
        price * count,
        GOLD,
        priced=price > 0,
    )
    start_time = optional_integer(data, "start_time")
    key = _guard_key(uid, name, level, start_time or found.received_at_ms // 1000)
    # The id differs from the toast's: it must not pass for a replay of the purchase that it waits for.
    found.event(gift, start_time, f"{key}:buy", Twin(key, settles=False, wait_secs=_TOAST_WAIT_SECS))


def user_toast(message: dict[str, Any], found: Findings) -> None:
    """``USER_TOAST_MSG``: the same purchase with what was paid for it."""
    data = mapping(message, "data")
    if data.get("price") is None:
        found.ignored.append("USER_TOAST_MSG without price")  # as until 2019; GUARD_BUY tells it
        return
    _purchase(
        _Toast(
            uid=identifier(data, "uid", "data"),
            name=optional_text(data, "username"),
            level=optional_integer(data, "guard_level"),
            role=optional_text(data, "role_name"),
            count=positive(data, "num", "data"),
            paid=optional_integer(data, "price"),
            unit=optional_text(data, "unit"),
            start_time=optional_integer(data, "start_time"),
            source=optional_integer(data, "source"),
        ),
        found,
    )


def user_toast_v2(message: dict[str, Any], found: Findings) -> None:
    """``USER_TOAST_MSG_V2``: the same once more, in other clothes."""
    data = mapping(message, "data")
    sender = mapping(data, "sender_uinfo", "data")
    guard, pay = mapping(data, "guard_info", "data"), mapping(data, "pay_info", "data")
    if pay.get("price") is None:
        found.ignored.append("USER_TOAST_MSG_V2 without price")  # settled at 0, it would swallow GUARD_BUY's price
        return
    _purchase(
        _Toast(
            uid=identifier(sender, "uid", "data.sender_uinfo"),
            name=optional_text(optional_mapping(sender, "base"), "name"),
            level=optional_integer(guard, "guard_level"),
            role=optional_text(guard, "role_name"),
            count=positive(pay, "num", "data.pay_info"),
            paid=optional_integer(pay, "price"),
            unit=optional_text(pay, "unit"),
            start_time=optional_integer(guard, "start_time"),
            source=optional_integer(optional_mapping(data, "option"), "source"),
        ),
        found,
    )


@dataclass(frozen=True, slots=True)
class _Toast:
    """What both toasts tell of a purchase."""

    uid: str
    name: str
    level: int
    role: str
    count: int
    paid: int
    unit: str
    start_time: int
    source: int


def _purchase(toast: _Toast, found: Findings) -> None:
    """Add a purchase, unless it was told to the buyer's room already.

    ``paid`` is the total: 12 months of level 2 were seen at 12 times 1,598,000. Another unit than the
    month ("*5天", "年") has no list price. Source 2 repeats a guard for the viewer who was given it
    (inferred; the player does not show it).
    """
    if toast.source == _RECEIVED_SOURCE:
        found.ignored.append("USER_TOAST_MSG of a guard received")
        return
    list_price = GUARD_MONTH_PRICES.get(toast.level, 0) if toast.unit in ("月", "") else 0
    gift = Gift(
        viewer(toast.uid, toast.name),
        toast.role or GUARD_NAMES.get(toast.level, "大航海"),
        toast.count,
        list_price or toast.paid // toast.count,
        max(toast.paid, 0),
        GOLD,
        priced=toast.paid > 0,
    )
    key = _guard_key(toast.uid, toast.name, toast.level, toast.start_time or found.received_at_ms // 1000)
    # Both toasts have this id: whichever comes second is a replay.
    found.event(gift, toast.start_time, key, Twin(key, settles=True))


def super_chat(message: dict[str, Any], found: Findings) -> None:
    """``SUPER_CHAT_MESSAGE`` and ``_JPN``: the same id twice where the anchor has Japanese viewers.

    The words are told also when the price is missing, which is an unknown price then.
    """
    data = mapping(message, "data")
    sender, medal = optional_mapping(data, "user_info"), optional_mapping(data, "medal_info")
    badge, badge_level = medal_worn(medal)
    name = optional_text(sender, "uname")
    if not name:
        name = optional_text(optional_mapping(optional_mapping(data, "uinfo"), "base"), "name")
    fen = max(optional_integer(data, "price"), 0) * 100
    gift = Gift(
        viewer(
            _giver(data),
            name,
            optional_integer(sender, "user_level"),
            badge,
            badge_level,
        ),
        optional_text(optional_mapping(data, "gift"), "gift_name") or "醒目留言",
        1,
        fen,
        fen,
        "CNY",
        priced=fen > 0,
    )
    number = optional_text(data, "id")
    found.event(
        with_words(gift, optional_text(data, "message")),
        optional_integer(data, "ts") or optional_integer(data, "start_time"),
        f"super_chat:{number}" if number else message_id(message),
    )


def _giver(data: dict[str, Any]) -> str:
    """Return the giver's uid; "0" if the message leaves it out: the money counts all the same, as nobody's in particular."""
    return optional_text(data, "uid") or "0"


def _gold_gift(user: User, name: str, count: int, *, price: int, paid: int, coin_type: str) -> Gift:
    """Return a gift in gold. Silver is given away free: it counts, but is worth nothing."""
    if coin_type == "silver":
        return Gift(user, name, count, 0, 0, GOLD)
    return Gift(user, name, count, max(price, 0), max(paid, 0), GOLD, priced=price > 0 or paid > 0)


def _guard_key(uid: str, name: str, level: int, at_secs: int) -> str:
    """Return what the messages of one purchase have in common; masked buyers are told apart by what is left of them."""
    return f"guard:{uid if uid != '0' else name}:{level}:{at_secs}"
