"""The messages of a Bilibili room, as full as the real ones, with invented content.

Each function returns one command body, ``guard`` those of one purchase. Time and serial number are
passed in: the same arguments give the same message, ids included; another serial gives another message.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.demo.bilibili_people import CDN, Viewer, base_info, face, hex_id, medal_info, number, user_info
from bridge.demo.bilibili_templates import EXTRA, GIFT, SUPER_CHAT
from bridge.sources.codecs.bilibili_pb2 import BlindBox, FansMedal, GiftItem, GiftMedal, InteractWord, SendGift

Message = dict[str, Any]

GUARDS = {1: ("总督", 10001, 19_998_000), 2: ("提督", 10002, 1_998_000), 3: ("舰长", 10003, 198_000)}
"""Name, gift id and list price of a month in gold, by guard level."""


@dataclass(frozen=True, slots=True)
class Given:
    """One kind of gift in a ``SEND_GIFT_V2``; price in gold."""

    name: str
    price: int
    num: int = 1


def danmu(
    viewer: Viewer, words: str, *, at_ms: int, serial: int = 0, emoticon: bool = False, storm: bool = False
) -> Message:
    """Return a comment. An ``emoticon`` is a picture with a name; a ``storm`` is not typed by the viewer."""
    unique = f"room_{number('emoticon', words)}" if emoticon else ""
    extra = {
        **EXTRA,
        "dm_type": int(emoticon),
        "content": words,
        "user_hash": str(number("hash", viewer.uid)),
        "emoticon_unique": unique,
        "bulge_display": int(emoticon),
        "id_str": hex_id("danmu", viewer.uid, words, at_ms, serial, chars=36),
    }
    picture = {
        "bulge_display": 1,
        "emoticon_unique": unique,
        "height": 162,
        "in_player_area": 1,
        "is_dynamic": 1,
        "url": f"{CDN}/garb/{hex_id(words, chars=40)}.png",
        "width": 162,
    }
    head = [0, 1, 25, 16777215, at_ms, number("rnd", at_ms, serial), 0, hex_id(viewer.uid, chars=8), 0]
    head += [2 if storm else 0, 0, "", int(emoticon), picture if emoticon else "{}", "{}"]
    head += [{"extra": orjson.dumps(extra).decode(), "mode": 0, "show_player_type": 0, "user": user_info(viewer)}]
    head += [{"activity_identity": "", "activity_source": 0, "not_show": 0}, 0]
    worn: list[Any] = []
    if viewer.medal is not None:
        medal = viewer.medal
        worn = [medal.level, medal.name, medal.anchor_name, medal.room_id, 1725515, "", 0, 6809855, 1725515, 5414290]
        worn += [viewer.guard_level, 1, medal.anchor_uid]
    info: list[Any] = [head, words, [viewer.uid, viewer.name, 0, 0, 0, 10000, 1, ""], worn]
    info += [[viewer.level, 0, 9868950, ">50000", 0], ["", ""], 0, viewer.guard_level, None]
    info += [{"ct": hex_id("ct", at_ms, serial, chars=8).upper(), "ts": at_ms // 1000}, 0, 0, None, None, 0, 110]
    info += [[viewer.wealth], None]
    return {"cmd": "DANMU_MSG", "dm_v2": "", "info": info}


def interact(viewer: Viewer, msg_type: int, *, at_ms: int, serial: int = 0, room_id: int = 0) -> Message:
    """Return somebody who entered (``msg_type`` 1), followed (2, 4, 5), shared (3) or liked (6); the older form."""
    data = {
        "contribution": {"grade": 0},
        "dmscore": 18,
        "fans_medal": medal_info(viewer),
        "identities": [3, 1],
        "is_spread": 0,
        "msg_type": msg_type,
        "privilege_type": viewer.guard_level,
        "roomid": room_id,
        "score": at_ms + 1000,
        "spread_desc": "",
        "spread_info": "",
        "tail_icon": 0,
        "timestamp": at_ms // 1000,
        "trigger_time": at_ms * 1_000_000 + serial,
        "uid": viewer.uid,
        "uname": viewer.name,
        "uname_color": "",
    }
    return {"cmd": "INTERACT_WORD", "data": data}


def interact_v2(viewer: Viewer, msg_type: int, *, at_ms: int, serial: int = 0, room_id: int = 0) -> Message:
    """Return the same in today's form, as protobuf."""
    word = InteractWord(
        uid=viewer.uid,
        name=viewer.name,
        msg_type=msg_type,
        room_id=room_id,
        timestamp_secs=at_ms // 1000,
        trigger_time_ns=at_ms * 1_000_000 + serial,
    )
    if viewer.medal is not None:
        medal = viewer.medal
        word.fans_medal.CopyFrom(
            FansMedal(anchor_uid=medal.anchor_uid, level=medal.level, name=medal.name, anchor_room_id=medal.room_id)
        )
    word.user.uid = viewer.uid
    word.user.base.name = viewer.name
    word.user.wealth.level = viewer.wealth
    return {"cmd": "INTERACT_WORD_V2", "data": {"dmscore": 30, "pb": _base64(word.SerializeToString(), viewer)}}


def like(viewer: Viewer) -> Message:
    """Return a viewer's like."""
    data = {
        "show_area": 0,
        "msg_type": 6,
        "like_icon": f"{CDN}/live/{hex_id('like', chars=40)}.png",
        "uid": viewer.uid,
        "like_text": "点了赞",
        "uname": viewer.name,
        "uname_color": "",
        "identities": [3, 1],
        "fans_medal": medal_info(viewer),
        "contribution_info": {"grade": 0},
        "dmscore": 20,
        "uinfo": user_info(viewer),
    }
    return {"cmd": "LIKE_INFO_V3_CLICK", "data": data}


def gift(
    viewer: Viewer,
    name: str,
    *,
    at_ms: int,
    serial: int = 0,
    price: int = 100,
    num: int = 1,
    paid: int | None = None,
    coin_type: str = "gold",
) -> Message:
    """Return one step of giving. ``paid`` differs from ``price`` times ``num`` for discounts and blind boxes."""
    tid = _tid(at_ms, serial)
    combo_id = f"batch:gift:combo_id:{viewer.uid}:{number(name)}:{at_ms / 1000:.4f}"
    combo = {"action": "赠送", "gift_name": name, "gift_num": num, "send_master": None, "uid": viewer.uid}
    data = {
        **GIFT,
        "batch_combo_id": combo_id,
        "batch_combo_send": {**combo, "batch_combo_id": combo_id, "batch_combo_num": 1, "blind_gift": None},
        "coin_type": coin_type,
        "combo_send": {**combo, "combo_id": combo_id, "combo_num": 1},
        "combo_total_coin": price * num,
        "discount_price": price,
        "face": face(viewer),
        "giftId": number(name) % 40_000,
        "giftName": name,
        "gift_info": {"img_basic": f"{CDN}/live/{hex_id(name, chars=40)}.png"},
        "guard_level": viewer.guard_level,
        "medal_info": medal_info(viewer),
        "num": num,
        "price": price,
        "rnd": tid,
        "sender_uinfo": user_info(viewer),
        "tid": tid,
        "timestamp": at_ms // 1000,
        "total_coin": price * num if paid is None else paid,
        "uid": viewer.uid,
        "uname": viewer.name,
        "wealth_level": viewer.wealth,
    }
    return {"cmd": "SEND_GIFT", "danmu": {"area": 0}, "data": data, **_envelope("SEND_GIFT", at_ms, serial)}


def combo(viewer: Viewer, name: str, *, total_num: int, price: int = 100) -> Message:
    """Return the summary of a combo, whose every step came as a ``gift``."""
    data = {
        "action": "赠送",
        "batch_combo_num": total_num,
        "combo_num": total_num,
        "combo_total_coin": price * total_num,
        "gift_id": number(name) % 40_000,
        "gift_name": name,
        "gift_num": 0,
        "medal_info": medal_info(viewer),
        "total_num": total_num,
        "uid": viewer.uid,
        "uname": viewer.name,
    }
    return {"cmd": "COMBO_SEND", "data": data}


def gift_v2(
    viewer: Viewer,
    gifts: Sequence[Given],
    *,
    at_ms: int,
    serial: int = 0,
    box_price: int = 0,
    switched_on: bool = True,
) -> Message:
    """Return gifts as protobuf, several when blind boxes of ``box_price`` were opened together.

    The n-th has the transaction id of a ``gift`` with a serial n further on.
    """
    broadcast = SendGift(uid=viewer.uid, name=viewer.name, is_on=switched_on)
    if viewer.medal is not None:
        medal = viewer.medal
        broadcast.medal.CopyFrom(
            GiftMedal(anchor_uid=medal.anchor_uid, anchor_room_id=medal.room_id, level=medal.level, name=medal.name)
        )
    if box_price:
        broadcast.blind_box.CopyFrom(BlindBox(gift_id=32_251, name="惊喜盲盒", price=box_price))
    broadcast.wealth.level = viewer.wealth
    broadcast.sender.uid = viewer.uid
    broadcast.sender.base.name = viewer.name
    for place, one in enumerate(gifts):
        broadcast.gifts.append(
            GiftItem(
                id=number(one.name) % 40_000,
                name=one.name,
                count=one.num,
                price=one.price,
                discount_price=one.price,
                total_coin=(box_price or one.price) * one.num,
                coin_type="gold",
                tid=_tid(at_ms, serial + place),
                timestamp_secs=at_ms // 1000,
            )
        )
    data = {"dmscore": 280, "pb": _base64(broadcast.SerializeToString(), viewer)}
    return {"cmd": "SEND_GIFT_V2", "danmu": {"area": 0}, "data": data}


def guard(
    viewer: Viewer, level: int = 3, *, at_ms: int, serial: int = 0, months: int = 1, paid: int | None = None
) -> list[Message]:
    """Return all that a guard purchase sets off; only the toasts know what was paid."""
    name, gift_id, month_price = GUARDS[level]
    at_secs = at_ms // 1000
    paid = month_price * months if paid is None else paid
    payflow_id = f"{_tid(at_ms, serial)}000000"
    words = f"<%{viewer.name}%> 开通了{name}"
    who = {"uid": viewer.uid, "username": viewer.name}
    times = {"start_time": at_secs, "end_time": at_secs}
    terms = {"num": months, "price": paid, "unit": "月", "payflow_id": payflow_id}
    bought = {**who, "guard_level": level, "num": months, "price": month_price, "gift_id": gift_id, "gift_name": name}
    effects = {"effect_id": 397, "face_effect_id": 44, "room_effect_id": 590, "room_group_effect_id": 1337}
    shown = {"anchor_show": True, "user_show": True, "color": "#00D1F1", "is_group": 0, "is_show": 0, "svga_block": 0}
    rank = {"guard_level": level, "op_type": 1, "role_name": name}
    toast = {**shown, **effects, **who, **times, **terms, **rank, "dmscore": 90, "gift_id": gift_id, "toast_msg": words}
    v2 = {
        "effect_info": effects,
        "gift_info": {"gift_id": gift_id},
        "group_guard_info": None,
        "guard_info": {**times, **rank, "room_guard_count": 100},
        "option": {**shown, "source": 0},
        "pay_info": terms,
        "receiver_uinfo": {"base": base_info(viewer), "uid": 1},
        "sender_uinfo": {"base": base_info(viewer), "uid": viewer.uid},
        "toast_msg": words,
    }
    received = {**v2, "option": {**shown, "source": 2}}
    return [
        {"cmd": "GUARD_BUY", "data": {**bought, **times}},
        {"cmd": "USER_TOAST_MSG", "data": toast},
        {"cmd": "USER_TOAST_MSG_V2", "data": v2, **_envelope("TOAST", at_ms, serial)},
        {"cmd": "USER_TOAST_MSG_V2", "data": received, **_envelope("TOAST_2", at_ms, serial)},
        {"cmd": "NOTICE_MSG", "id": 755, "name": "舰长跑马灯", "msg_self": words, "msg_type": 3},
    ]


def super_chat(
    viewer: Viewer, words: str, *, at_ms: int, serial: int = 0, yuan: int = 30, japanese: bool = False
) -> Message:
    """Return a paid comment; the ``japanese`` one is its twin, with ids as texts."""
    at_secs = at_ms // 1000
    super_chat_id = number("super_chat", viewer.uid, words, at_ms, serial) % 90_000_000
    data = {
        **SUPER_CHAT,
        "end_time": at_secs + 60,
        "id": super_chat_id,
        "medal_info": medal_info(viewer),
        "message": words,
        "price": yuan,
        "start_time": at_secs,
        "token": hex_id("token", super_chat_id, chars=8).upper(),
        "ts": at_secs,
        "uid": viewer.uid,
        "user_info": {
            "face": face(viewer),
            "face_frame": "",
            "guard_level": viewer.guard_level,
            "is_main_vip": 0,
            "is_svip": 0,
            "is_vip": 0,
            "level_color": "#61c05a",
            "manager": 0,
            "name_color": "#666666",
            "title": "",
            "uname": viewer.name,
            "user_level": viewer.level,
        },
    }
    if japanese:
        twin = {**data, "id": str(super_chat_id), "uid": str(viewer.uid), "message_jpn": ""}
        return {"cmd": "SUPER_CHAT_MESSAGE_JPN", "data": twin}
    data["uinfo"] = user_info(viewer)
    return {"cmd": "SUPER_CHAT_MESSAGE", "data": data, "is_report": True, **_envelope("SC", at_ms, serial)}


def viewers(count: int) -> Message:
    """Return how many watch now."""
    text = str(count)
    data = {"count": count, "count_text": text, "online_count": count, "online_count_text": text}
    return {"cmd": "ONLINE_RANK_COUNT", "data": data}


def watched(count: int) -> Message:
    """Return how many have watched since the beginning, which says nothing about now."""
    return {"cmd": "WATCHED_CHANGE", "data": {"num": count, "text_small": str(count), "text_large": f"{count}人看过"}}


def likes_total(count: int) -> Message:
    """Return how often the room was liked since the beginning."""
    return {"cmd": "LIKE_INFO_V3_UPDATE", "data": {"click_count": count}}


def live(room_id: int, *, at_ms: int, repeated: bool = False) -> Message:
    """Return the beginning of a broadcast, or its repetition when the picture comes."""
    key = str(number("live", room_id, at_ms // 1000))
    message: Message = {
        "cmd": "LIVE",
        "live_key": key,
        "voice_background": "",
        "sub_session_key": f"{key}sub_time:{at_ms // 1000}",
        "live_platform": "pc_link",
        "live_model": 0,
        "roomid": room_id,
    }
    return message if repeated else {**message, "live_time": at_ms // 1000}


def preparing(room_id: int, *, at_ms: int, serial: int = 0) -> Message:
    """Return the end of a broadcast; its room number is a text."""
    return {"cmd": "PREPARING", "roomid": str(room_id), **_envelope("PREPARING", at_ms, serial)}


def log_in_notice() -> Message:
    """Return what guests are told before names are masked for them."""
    return {"cmd": "LOG_IN_NOTICE", "data": {"notice_msg": "未登录，部分内容不可见", "image_web": "", "image_app": ""}}


def _envelope(kind: str, at_ms: int, serial: int) -> Message:
    message_id = f"{number(kind, at_ms, serial)}{serial:06d}:1000:1000"
    return {"msg_id": message_id, "p_is_ack": True, "p_msg_type": 1, "send_time": at_ms}


def _tid(at_ms: int, serial: int) -> str:
    return f"{at_ms}{serial:06d}"


def _base64(payload: bytes, viewer: Viewer) -> str:
    """Return the payload with a picture behind it (field 100), so that it is as long as a real one."""
    picture = face(viewer).encode()
    return base64.b64encode(payload + b"\xa2\x06" + bytes((len(picture),)) + picture).decode()
