"""DANMU_MSG, ten a brotli frame."""

from __future__ import annotations

import brotli  # type: ignore[import-untyped]
import orjson

from bridge.demo import bilibili_messages
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.demo.bilibili_room import encode_frame
from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words


def comments() -> Sample:
    viewer = Viewer(10_001, "观众一号", level=20, medal=Medal("粉丝团", 12, 550_001))

    def frame(first: int) -> bytes:
        numbers = range(first, first + BATCH)
        return encode_frame([bilibili_messages.danmu(viewer, words(n), at_ms=AT_MS, serial=n) for n in numbers])

    def parse(data: bytes) -> None:
        packets, position = brotli.decompress(data[16:]), 0
        while position < len(packets):
            length = int.from_bytes(packets[position : position + 4], "big")
            orjson.loads(packets[position + 16 : position + length])
            position += length

    return Sample("bilibili", [frame(BATCH * n) for n in range(FRAMES)], lambda: offline("bilibili"), parse)


SAMPLES = (comments(),)
