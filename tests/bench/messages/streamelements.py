"""Comments of Twitch as the gateway passes them on: the whole message of Twitch's inside of its own."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import FRAMES, Sample, offline, words
from tests.bench.messages.twitch import chat_event


def comments() -> Sample:
    return Sample(
        "streamelements",
        [orjson.dumps(published(number)).decode() for number in range(FRAMES)],
        lambda: offline("streamelements"),
    )


def published(number: int) -> dict[str, Any]:
    return {
        "id": f"01JY3ZPEVXTM7RZ0X7{number:08d}",
        "ts": "2025-06-19T11:37:58Z",
        "type": "message",
        "topic": "channel.chat.message",
        "room": "5f0000000000000000000001",
        "data": twitch_comment(number),
    }


def twitch_comment(number: int) -> dict[str, Any]:
    said = words(number)
    emote = {"id": "25", "emote_set_id": "0", "owner_id": "0", "format": ["static"]}
    fragments = [
        {"type": "emote", "text": "Kappa", "cheermote": None, "emote": emote, "mention": None},
        {"type": "text", "text": f" {said}", "cheermote": None, "emote": None, "mention": None},
    ]
    told = chat_event(f"7d1f0000-0000-4000-8000-{number:012d}", f"Kappa {said}")
    return {**told, "message": {**told["message"], "fragments": fragments}}


SAMPLES = (comments(),)
