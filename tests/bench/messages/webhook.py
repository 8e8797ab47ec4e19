"""Comments, ten a call: our own events and CloudEvents."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words

USER = {"id": "o9hHn5ABCDEFGHIJKLMNOPQRSTUV", "name": "每日读物", "level": 21, "badge": "小鱼干", "badge_level": 12}


def own(number: int) -> dict[str, Any]:
    return {
        "type": "comment",
        "id": f"0190a5b0-0000-7000-8000-{number:012d}",
        "timestamp_ms": AT_MS,
        "room": "evening-show",
        "user": USER,
        "text": words(number),
    }


def cloudevent(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"0190a5b0-0000-7000-8000-{number:012d}",
        "source": "https://shop.example.com/rooms/evening-show",
        "type": "com.example.live.comment",
        "time": "2025-10-09T08:53:20.123Z",
        "subject": "comment",
        "datacontenttype": "application/json",
        "dataschema": "https://shop.example.com/schemas/live-comment.json",
        "traceparent": f"00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01",
        "data": {"user": USER, "text": words(number)},
    }


def sample(name: str, event: Any) -> Sample:
    def body(first: int) -> bytes:
        return orjson.dumps([event(number) for number in range(first, first + BATCH)])

    return Sample(name, [body(BATCH * n) for n in range(FRAMES)], lambda: offline("webhook"))


SAMPLES = (sample("webhook (own JSON)", own), sample("webhook (CloudEvents)", cloudevent))
