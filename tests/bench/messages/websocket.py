"""Comments of a shop's reader, mapped by a room file that also maps everything else that the reader sends."""

from __future__ import annotations

import orjson

from bridge.sources.platforms.websocket import MappedDecoder
from bridge.sources.platforms.websocket.options import Options
from tests.bench.messages import AT_MS, FRAMES, Sample, words

WHO = {
    "user_id": "data.user.id",
    "user_name": "data.user.nickName",
    "level": "data.user.level",
    "badge": "data.user.fansClub.name",
    "badge_level": "data.user.fansClub.level",
    "id": "data.msgId",
    "timestamp": "data.createTime",
}
MAPPING = [
    {"when": "type == 'chat'", "type": "comment", "text": "data.content", **WHO},
    {"when": "type == 'enter'", "type": "join", **WHO},
    {"when": "type == 'like'", "type": "like", "count": "data.count", **WHO},
    {
        "when": "type == 'gift' && data.repeatEnd",
        "type": "gift",
        "gift_name": "data.gift.name",
        "gift_count": "data.gift.count",
        "gift_value": "data.gift.price",
        "currency": "'CNY'",
        "value_unit": "major",
        **WHO,
    },
    {"when": "type == 'follow'", "type": "follow", **WHO},
    {"when": "type == 'stats'", "type": "viewers", "viewers": "data.onlineCount"},
    {"when": "type == 'liveEnd'", "type": "ended"},
    {"when": "contains(['heartbeat', 'welcome', 'goods'], type)", "type": "ignore"},
]


def comments() -> Sample:
    options = Options(websocket_url="ws://127.0.0.1:9000/live", site="taobao", mapping=MAPPING)
    return Sample("websocket", [comment(number) for number in range(FRAMES)], lambda: MappedDecoder(options))


def comment(number: int) -> str:
    return orjson.dumps(
        {
            "type": "chat",
            "platform": "taobao",
            "roomId": "500123456789",
            "liveId": "0123456789abcdef",
            "data": {
                "msgId": f"7300000000{number:09d}",
                "method": "LiveChatMessage",
                "createTime": AT_MS + number,
                "content": words(number),
                "user": {
                    "id": str(2_200_000_000_000 + number),
                    "secId": "MS4wLjABAAAA0123456789abcdef0123456789abcdef0123456789abcdef",
                    "nickName": "小林 Lin",
                    "avatar": "https://img.alicdn.example/imgextra/i1/O1CN010123456789abcdef_!!0-dgshop.jpg_120x120.jpg",
                    "gender": 2,
                    "payLevel": 12,
                    "followerCount": 1496,
                    "followingCount": 27,
                    "isFollower": True,
                    "level": 23,
                    "isAdmin": False,
                    "fansClub": {"name": "小鱼干", "level": 7, "lightUp": True},
                    "medals": [{"id": 3, "name": "老顾客", "icon": "https://img.alicdn.example/tfs/TB1.png"}],
                    "location": "浙江",
                },
                "emojis": [],
                "atUser": None,
            },
        }
    ).decode()


SAMPLES = (comments(),)
