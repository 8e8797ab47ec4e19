"""Frames to measure with: brotli packets of full-size comments, ten a frame, as a busy Bilibili room sends them."""

from __future__ import annotations

import struct
from pathlib import Path

from bridge.demo import bilibili_messages as messages
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.demo.bilibili_room import encode_frame

EVENTS_A_FRAME = 10
START_MS = 1_700_000_000_000


def write_frames(path: Path, events: int, first_serial: int = 0) -> None:
    """Write that many comments as frames, each behind its length."""
    viewers = [
        Viewer(10_000 + number, f"观众{number}", level=number % 40, medal=Medal("粉丝团", number % 30 + 1, 550_001))
        for number in range(500)
    ]
    with path.open("wb") as file:
        for first in range(first_serial, first_serial + events, EVENTS_A_FRAME):
            batch = [
                messages.danmu(
                    viewers[serial % len(viewers)], f"主播今天讲得真好 {serial}", at_ms=START_MS + serial, serial=serial
                )
                for serial in range(first, first + EVENTS_A_FRAME)
            ]
            frame = encode_frame(batch)
            file.write(struct.pack(">I", len(frame)) + frame)


def read_frames(path: Path) -> list[bytes]:
    """Return the frames of a file."""
    data, position, frames = path.read_bytes(), 0, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        frames.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return frames
