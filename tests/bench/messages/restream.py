"""Comments from Twitch, whose payload is the fullest."""

from __future__ import annotations

import orjson

from tests.bench.messages import AT_MS, FRAMES, Sample, offline, words


def comments() -> Sample:
    def message(number: int) -> str:
        badge = {
            "title": "Subscriber",
            "imageUrl": "https://static-cdn.jtvnw.example/badges/v1/5d9f2208-5dd8-11e7-8513-2ff4adfae661/1",
            "clickUrl": None,
        }
        author = {
            "avatar": "https://static-cdn.jtvnw.example/jtv_user_pictures/0123456789abcdef-profile_image-300x300.png",
            "badges": [badge],
            "color": "#2E8B57",
            "displayName": "Ada_K",
            "id": "4200001",
            "name": "ada_k",
            "subscribedFor": 15,
        }
        payload = {
            "connectionIdentifier": "1200345-twitch-4100001",
            "eventIdentifier": f"7d1f0000-0000-4000-8000-{number:012d}",
            "eventSourceId": 2,
            "eventTypeId": 4,
            "eventPayload": {
                "author": author,
                "bot": False,
                "contentModifiers": {"me": False, "whisper": False},
                "replaces": [],
                "text": words(number),
            },
            "createdAt": AT_MS // 1000,
            "userId": 1_200_345,
        }
        return orjson.dumps({"action": "event", "payload": payload, "timestamp": AT_MS // 1000}).decode()

    return Sample("restream", [message(n) for n in range(FRAMES)], lambda: offline("restream"))


SAMPLES = (comments(),)
