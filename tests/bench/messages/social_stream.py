"""Comments as the hub relays them: some twenty keys, an emote as an image, the site's own id, one a message."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import AT_MS, FRAMES, Sample, offline, words


def comment(number: int) -> dict[str, Any]:
    return {
        "id": 1000 + number,
        "platform": "twitch",
        "type": "twitch",
        "chatname": "Ada_K",
        "username": "ada_k",
        "userid": "4200001",
        "chatmessage": words(number),
        "chatimg": "https://static-cdn.example/jtv_user_pictures/0123abcd-0123-4567-89ab-0123456789ab-profile_image.png",
        "chatbadges": [
            "https://static-cdn.example/badges/v1/0123abcd-0123-4567-89ab-0123456789ab/3",
            "https://static-cdn.example/badges/v1/89abcdef-0123-4567-89ab-0123456789ab/3",
        ],
        "nameColor": "#2E8B57",
        "backgroundColor": "",
        "textColor": "",
        "hasDonation": "",
        "membership": "",
        "subtitle": "",
        "title": "",
        "contentimg": "",
        "sourceImg": "",
        "sourceName": "emberfox",
        "event": False,
        "textonly": False,
        "moderator": False,
        "question": False,
        "karma": 0.5,
        "firsttime": False,
        "lastactivity": AT_MS // 1000,
        "timestamp": AT_MS + number,
        "meta": {"messageId": f"7d1f0000-0000-4000-8000-{number:012d}"},
    }


def plain() -> Sample:
    frames = [orjson.dumps(comment(number)).decode() for number in range(FRAMES)]
    return Sample("social_stream", frames, lambda: offline("social_stream"))


def member() -> Sample:
    """A page's comment: HTML with an emote, a member's badge, and no id but the hub's number."""

    def html(number: int) -> dict[str, Any]:
        told = comment(number)
        del told["meta"], told["timestamp"]
        emote = '<img src="https://static-cdn.example/emoticons/v2/25/default/dark/3.0" alt="Kappa" class="emote">'
        return {**told, "type": "youtube", "chatmessage": f"{words(number)} {emote}", "membership": "Gold member"}

    frames = [orjson.dumps(html(number)).decode() for number in range(FRAMES)]
    return Sample("social_stream (HTML)", frames, lambda: offline("social_stream"))


SAMPLES = (
    plain(),
    member(),
)
