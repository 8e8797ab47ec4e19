"""Comments from DouyinBarrageGrab, with the whole viewer and the whole anchor."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import FRAMES, Sample, offline, words
from tests.emulators.relay import FIRST_ID, ROOM, WEB_ROOM, sec_uid

AVATAR = "https://p3.douyinpic.example/aweme/100x100/aweme-avatar/tos-cn-i-0813_0123456789abcdef.jpeg?from=3067671334"


def comments() -> Sample:
    def frame(number: int) -> str:
        data = {
            "MsgId": FIRST_ID + number,
            "User": _viewer(number),
            "Onwer": {
                "UserId": "98693250001",
                "SecUid": sec_uid(1),
                "Nickname": "岚",
                "HeadUrl": AVATAR,
                "FollowStatus": 0,
            },
            "Content": words(number),
            "RoomId": ROOM,
            "WebRoomId": WEB_ROOM,
            "RoomTitle": "夜话",
            "IsAnonymous": False,
            "Appid": "1128",
        }
        return orjson.dumps({"Type": 1, "ProcessName": "msedge", "Data": orjson.dumps(data).decode()}).decode()

    frames = [frame(number) for number in range(FRAMES)]
    return Sample(
        "douyin_relay", frames, lambda: offline("douyin_relay"), lambda data: orjson.loads(orjson.loads(data)["Data"])
    )


def _viewer(number: int) -> dict[str, Any]:
    return {
        "FollowingCount": 27,
        "Id": 98_693_256_907 + number,
        "ShortId": 952_066_878,
        "DisplayId": "952066878",
        "Nickname": "雨落南归",
        "Level": 0,
        "PayLevel": 23,
        "Gender": 2,
        "HeadImgUrl": AVATAR,
        "SecUid": f"MS4wLjABAAAAdPYZvupL-PCtbfzfvr9OJig5vb8Rgtf4bUbmsDc2{number:04d}",
        "IsAdmin": False,
        "IsAnchor": False,
        "FansClub": {"ClubName": "熊家人", "Level": 8},
        "FollowerCount": 1496,
        "FollowStatus": 0,
    }


SAMPLES = (comments(),)
