"""Comments of Twitch as the gateway passes them on: the whole message of Twitch's inside of its own."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import FRAMES, Sample, offline, words


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
    return {
        "broadcaster_user_id": "4100001",
        "broadcaster_user_login": "emberfox",
        "broadcaster_user_name": "Emberfox",
        "source_broadcaster_user_id": None,
        "source_broadcaster_user_login": None,
        "source_broadcaster_user_name": None,
        "chatter_user_id": str(4_200_001 + number),
        "chatter_user_login": "ada_k",
        "chatter_user_name": "Ada_K",
        "message_id": f"7d1f0000-0000-4000-8000-{number:012d}",
        "source_message_id": None,
        "is_source_only": None,
        "color": "#2E8B57",
        "message": {
            "text": f"Kappa {said}",
            "fragments": [
                {"type": "emote", "text": "Kappa", "cheermote": None, "emote": emote, "mention": None},
                {"type": "text", "text": f" {said}", "cheermote": None, "emote": None, "mention": None},
            ],
        },
        "cheer": None,
        "badges": [
            {"set_id": "moderator", "id": "1", "info": ""},
            {"set_id": "subscriber", "id": "3012", "info": "15"},
            {"set_id": "premium", "id": "1", "info": ""},
        ],
        "source_badges": None,
        "message_type": "text",
        "reply": None,
        "channel_points_custom_reward_id": None,
        "channel_points_animation_id": None,
    }


SAMPLES = (comments(),)
