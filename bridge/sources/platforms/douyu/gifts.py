"""What Douyu's gifts are called and cost. A ``dgb`` message has only ids.

Prices are in 1/100 yuchi (100 = 1 CNY). Sources of a price, the first that knows it wins:

1. the operator's ``gift_prices``;
2. the room's gift list, ``gift.douyucdn.cn/api/gift/v3/web/list`` (observed): ``priceType`` ``YUCHI`` is
   paid, ``YUWAN`` is the free currency;
3. a prop by its ``pid``, ``gift.douyucdn.cn/api/prop/v1/web/single``: what ``gfid`` 0 and gifts from a
   viewer's backpack are;
4. the glow sticks that every room has and that cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.sources.contract import HttpAnswer, HttpCall, SourceOptions
from bridge.sources.fields import as_integer, optional_mapping, optional_sequence, optional_text

ROOM_LIST_URL = "https://gift.douyucdn.cn/api/gift/v3/web/list"
PROP_URL = "https://gift.douyucdn.cn/api/prop/v1/web/single"

ROOM_LIST_TAG = "gifts"
PROP_TAG = "prop:"

MAX_GIFTS = 10_000
"""How many gifts are remembered; a room's list has about 150."""

MAX_QUESTIONS = 500
"""How many unknown gifts a connection asks about."""

_PAID_TYPES = frozenset({"YUCHI", "2"})
_FREE_TYPES = frozenset({"YUWAN", "1"})
"""As text in the room's list; the numbers are those of older lists (1 yuwan, 2 yuchi) and inferred for props."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A gift's name and price; ``price`` is ``None`` when nobody tells it."""

    name: str = ""
    price: int | None = None


_UNKNOWN = Listed()
_GLOW_STICKS = {
    "824": Listed("粉丝荧光棒", 0),
    "1914": Listed("粉丝荧光棒", 0),
    "22899": Listed("钻粉荧光棒", 0),
}
_FREE_PROPS = {"268": Listed("粉丝荧光棒", 0), "3410": Listed("陪伴印章", 0)}


class GiftTable:
    """The gifts known so far; one a room, shared by its connections."""

    def __init__(self, operator: Mapping[str | int, Mapping[str, Any]]) -> None:
        self._operator = {str(key): _from_operator(entry) for key, entry in operator.items()}
        self._room: dict[str, Listed] = {}
        self._props: dict[str, Listed] = {}

    def look_up(self, gift_id: str, prop_id: str) -> Listed:
        """Return what is known of a gift: the operator's words about it, completed by the platform's."""
        told = self._told(gift_id, prop_id)
        mine = self._operator.get(gift_id) or self._operator.get(f"pid:{prop_id}")
        if mine is None:
            return told
        return Listed(mine.name or told.name, told.price if mine.price is None else mine.price)

    def _told(self, gift_id: str, prop_id: str) -> Listed:
        listed = self._room.get(gift_id) or _GLOW_STICKS.get(gift_id)
        return listed or self._props.get(prop_id) or _FREE_PROPS.get(prop_id) or _UNKNOWN

    def learn(self, call: HttpCall, answer: HttpAnswer) -> None:
        """Take the answer to one of ``question``'s calls. Raises ``DecodeError``; an error page teaches nothing."""
        if answer.status != 200:
            return
        data = optional_mapping(answer.json(), "data")
        if call.tag == ROOM_LIST_TAG:
            for gift in optional_sequence(data, "giftList"):
                gift_id = optional_text(gift, "id")
                if gift_id and len(self._room) < MAX_GIFTS:
                    self._room[gift_id] = _listed(gift, optional_mapping(gift, "priceInfo"))
        elif call.tag.startswith(PROP_TAG) and len(self._props) < MAX_GIFTS:
            listed = _listed(data, data)
            if listed != _UNKNOWN:
                self._props[call.tag.removeprefix(PROP_TAG)] = listed


def question(options: SourceOptions, room_id: str, prop_id: str) -> HttpCall:
    """Return the call that may tell an unknown gift: its prop, or the room's list when it is none."""
    if is_id(prop_id) and prop_id != "0":
        return prop_call(options, prop_id)
    return room_list_call(options, room_id)


def is_id(text: str) -> bool:
    """Say whether a message's gift or prop id is one: a short number."""
    return len(text) <= 12 and text.isascii() and text.isdecimal()


def room_list_call(options: SourceOptions, room_id: str) -> HttpCall:
    """Return the call for a room's gift list."""
    return HttpCall("GET", options.api_url(ROOM_LIST_URL), query={"rid": room_id}, tag=ROOM_LIST_TAG)


def prop_call(options: SourceOptions, prop_id: str) -> HttpCall:
    """Return the call for one prop."""
    return HttpCall("GET", options.api_url(PROP_URL), query={"pid": prop_id}, tag=f"{PROP_TAG}{prop_id}")


def check_prices(prices: Mapping[str | int, Mapping[str, Any]]) -> None:
    """Raise ``ValueError`` for an operator's price that cannot be meant."""
    for key, entry in prices.items():
        if not _is_gift(entry):
            raise ValueError(f"gift_prices: {key} is not a gift: name (text), price (1/100 yuchi, from 0), or both")


def _is_gift(entry: object) -> bool:
    if not isinstance(entry, Mapping) or not entry or not entry.keys() <= {"name", "price"}:
        return False
    price = entry.get("price", 0)
    return isinstance(entry.get("name", ""), str) and type(price) is int and price >= 0


def _from_operator(entry: Mapping[str, Any]) -> Listed:
    return Listed(entry.get("name", ""), entry.get("price"))


def _listed(gift: Any, price_info: dict[str, Any]) -> Listed:
    name = optional_text(gift, "name")
    kind = optional_text(price_info, "priceType")
    price = as_integer(price_info.get("price"))
    if kind in _FREE_TYPES or price == 0:
        return Listed(name, 0)
    if kind in _PAID_TYPES and price is not None and price > 0:
        return Listed(name, price)
    return Listed(name)
