"""Comments as the open platform sends them: compressed, as its ``auth_body`` asks; a packet may come plain, too."""

from __future__ import annotations

import zlib

import orjson

from bridge.sources.codecs.bilibili_packets import OP_MESSAGE, VERSION_ZLIB, pack, pack_compressed
from tests.bench.messages import AT_MS, FRAMES, Sample, offline, words
from tests.emulators.bilibili_open import danmaku


def packets() -> list[bytes]:
    more = {
        "timestamp": AT_MS // 1000,
        "open_id": "39b8fedb-60a5-4e29-ac75-b16955f7e632",
        "union_id": "U_1T5jnLYsLMsDeSYA5c4ugOPQ",
        "msg_id": "b706a698-1efc-4a70-a7d0-0ac41098e51b",
        "uface": "https://i0.hdslb.example/bfs/face/0123456789abcdef0123456789abcdef01234567.jpg",
        "fans_medal_level": 12,
        "fans_medal_name": "小鱼干",
        "fans_medal_wearing_status": True,
        "guard_level": 3,
        "emoji_img_url": "",
        "dm_type": 0,
        "glory_level": 25,
        "reply_open_id": "",
        "reply_union_id": "",
        "reply_uname": "",
        "is_admin": 0,
    }
    told = [danmaku(number, words(number)) for number in range(FRAMES)]
    bodies = [orjson.dumps({**one, "data": {**one["data"], **more}}) for one in told]
    return [pack(OP_MESSAGE, body, version=0, sequence=0) for body in bodies]


def compressed() -> Sample:
    def parse(data: bytes) -> None:
        orjson.loads(zlib.decompress(data[16:])[16:])

    frames = [pack_compressed(packet, VERSION_ZLIB) for packet in packets()]
    return Sample("bilibili_open", frames, lambda: offline("bilibili_open"), parse)


def plain() -> Sample:
    return Sample(
        "bilibili_open (plain)", packets(), lambda: offline("bilibili_open"), lambda data: orjson.loads(data[16:])
    )


SAMPLES = (compressed(), plain())
