"""Comments as the open platform sends them."""

from __future__ import annotations

import orjson

from bridge.sources.codecs.bilibili_packets import OP_MESSAGE, pack
from tests.bench.messages import FRAMES, Sample, offline, words
from tests.emulators.bilibili_open import danmaku


def comments() -> Sample:
    more = {
        "uface": "https://i0.hdslb.example/bfs/face/0123456789abcdef0123456789abcdef01234567.jpg",
        "fans_medal_level": 12,
        "fans_medal_name": "小鱼干",
        "fans_medal_wearing_status": True,
        "guard_level": 3,
        "emoji_img_url": "",
        "dm_type": 0,
        "glory_level": 25,
        "reply_open_id": "",
        "reply_uname": "",
        "is_admin": 0,
    }
    told = [danmaku(number, words(number)) for number in range(FRAMES)]
    bodies = [orjson.dumps({**one, "data": {**one["data"], **more}}) for one in told]
    frames = [pack(OP_MESSAGE, body, version=0, sequence=0) for body in bodies]
    return Sample("bilibili_open", frames, lambda: offline("bilibili_open"), lambda data: orjson.loads(data[16:]))


SAMPLES = (comments(),)
