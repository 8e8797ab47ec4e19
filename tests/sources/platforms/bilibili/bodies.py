"""Hand-written command bodies of a Bilibili room, and what comes of them."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from bridge.events import Gift, LiveEvent
from bridge.sources.contract import Decoded, Frame
from bridge.sources.platforms.bilibili import RoomDecoder

NOW = 1_785_000_000_000
SECS = NOW // 1000


def feed(*messages: Any) -> Decoded:
    """Decode messages that come as one array."""
    return RoomDecoder().feed(Frame(orjson.dumps(messages).decode(), NOW))


def event(message: Any) -> LiveEvent:
    decoded = feed(message)
    assert not decoded.rejected
    assert len(decoded.events) == 1
    return decoded.events[0]


def gift_in(message: Any) -> Gift:
    content = event(message).content
    assert isinstance(content, Gift)
    return content


def rejected(message: Any) -> list[str]:
    decoded = feed(message)
    assert not decoded.events
    return [str(error) for error in decoded.rejected]


def wire(message: Any) -> dict[str, Any]:
    return {"cmd": message["cmd"], "data": {"pb": base64.b64encode(message["pb"].SerializeToString()).decode()}}


def danmu(**changes: Any) -> dict[str, Any]:
    """A danmaku, ``extra`` being its JSON text and the rest by place: ``info_4`` is ``info[4]``."""
    extra = changes.pop("extra", '{"content":"x","id_str":"aa11","is_mirror":false}')
    head: list[Any] = [
        0,
        1,
        25,
        16777215,
        NOW - 5,
        77,
        0,
        "ab",
        0,
        0,
        0,
        "",
        0,
        "{}",
        "{}",
        {"extra": extra, "user": {}},
    ]
    info: list[Any] = [
        head,
        "晚上好",
        [501, "青柠", 0, 0, 0, 10000, 1, ""],
        [18, "小灯塔", "灯塔台", 9001],
        [12, 0, 0, "", 0],
    ]
    info += [["", ""], 0, 3, None, {"ts": SECS, "ct": "CT"}, 0, 0, None, None, 0, 110, [21], None]
    for place, value in changes.items():
        if place.startswith("info_"):
            info[int(place.removeprefix("info_"))] = value
        elif place.startswith("head_"):
            head[int(place.removeprefix("head_"))] = value
    return {"cmd": changes.get("cmd", "DANMU_MSG"), "info": info}


def gift(**changes: Any) -> dict[str, Any]:
    data = {
        "uid": 501,
        "uname": "青柠",
        "giftName": "小花花",
        "num": 3,
        "price": 100,
        "total_coin": 300,
        "coin_type": "gold",
        "tid": "4800000000000000001",
        "timestamp": SECS,
        "wealth_level": 21,
        "medal_info": {"medal_name": "小灯塔", "medal_level": 18, "target_id": 9},
    }
    return {"cmd": "SEND_GIFT", "data": {**data, **changes}, "msg_id": "1:1000:1000"}


def guard_buy(**changes: Any) -> dict[str, Any]:
    data = {"uid": 501, "username": "青柠", "guard_level": 3, "num": 1, "price": 198000, "gift_name": "舰长"}
    return {"cmd": "GUARD_BUY", "data": {**data, "start_time": SECS, "end_time": SECS, **changes}}


def toast(**changes: Any) -> dict[str, Any]:
    data = {"uid": 501, "username": "青柠", "guard_level": 3, "num": 1, "price": 138000, "unit": "月"}
    return {"cmd": "USER_TOAST_MSG", "data": {**data, "role_name": "舰长", "start_time": SECS, **changes}}


def toast_v2(source: int = 0, **pay: Any) -> dict[str, Any]:
    data = {
        "sender_uinfo": {"uid": 501, "base": {"name": "青柠"}},
        "guard_info": {"guard_level": 3, "start_time": SECS, "role_name": "舰长"},
        "pay_info": {"num": 1, "price": 138000, "unit": "月", "payflow_id": "26", **pay},
        "option": {"source": source},
    }
    return {"cmd": "USER_TOAST_MSG_V2", "data": data, "msg_id": "2:1000:1000"}


def super_chat(cmd: str = "SUPER_CHAT_MESSAGE", **changes: Any) -> dict[str, Any]:
    data = {
        "id": 17000001,
        "uid": 501,
        "price": 30,
        "message": "唱首歌吧",
        "ts": SECS,
        "user_info": {"uname": "青柠", "user_level": 12},
        "medal_info": {"medal_name": "小灯塔", "medal_level": 18},
        "gift": {"gift_name": "醒目留言", "num": 1},
    }
    return {"cmd": cmd, "data": {**data, **changes}}


def interact(kind: int, **changes: Any) -> dict[str, Any]:
    data = {"uid": 501, "uname": "青柠", "msg_type": kind, "timestamp": SECS, "trigger_time": NOW * 1_000_000}
    medal = {"medal_name": "小灯塔", "medal_level": 18}
    return {"cmd": "INTERACT_WORD", "data": {**data, "fans_medal": medal, **changes}}
