"""A process that plays a Bilibili room: tells its address, then sends what standard input names.

A line ``FILE EVENTS_PER_SECOND`` sends that file's frames; ``sent`` is answered when they are out.
A line ``one TEXT`` sends a single comment and answers with the time of sending.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bridge.demo import bilibili_messages as messages
from bridge.demo.bilibili_people import Viewer
from bridge.demo.bilibili_room import BilibiliRoom, encode_frame
from tests.bench.frames import EVENTS_A_FRAME, read_frames

TICK_SECS = 0.02


async def send_file(room: BilibiliRoom, path: Path, events_per_second: float) -> None:
    frames = read_frames(path)
    frames_a_tick = max(int(events_per_second * TICK_SECS / EVENTS_A_FRAME), 1)
    due_at = time.monotonic()
    for first in range(0, len(frames), frames_a_tick):
        for frame in frames[first : first + frames_a_tick]:
            await room.send_bytes(frame)
        due_at += TICK_SECS
        await asyncio.sleep(max(due_at - time.monotonic(), 0))


async def main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with BilibiliRoom() as room:
        answer(room.api_base)
        while line := (await reader.readline()).decode().split():
            await room.wait_for_clients()
            if line[0] == "one":
                message = messages.danmu(Viewer(1, "one"), line[1], at_ms=time.time_ns() // 1_000_000)
                frame = encode_frame([message])
                sent_at = time.time()
                await room.send_bytes(frame)
                answer(repr(sent_at))
            else:
                await send_file(room, Path(line[0]), float(line[1]))
                answer("sent")


def answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
