"""Comments on Twitch as the hub's newer and older versions tell them, with all the fields that it puts beside the text."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import FRAMES, Sample, offline, words

BADGES = [
    {
        "name": name,
        "version": version,
        "imageUrl": f"https://static-cdn.example/badges/v1/0123abcd-0123-4567-89ab-0123456789ab/{version}",
        "info": info,
    }
    for name, version, info in (("moderator", "1", ""), ("subscriber", "12", "16"))
]
EMOTE = {
    "id": "25",
    "type": "Twitch",
    "name": "Kappa",
    "startIndex": 0,
    "endIndex": 4,
    "imageUrl": "https://static-cdn.example/emoticons/v2/25/default/dark/3.0",
}


def newer() -> Sample:
    user = {
        "role": 3,
        "badges": BADGES,
        "color": "#DAA520",
        "subscribed": True,
        "monthsSubscribed": 16,
        "id": "4200001",
        "login": "ada_k",
        "name": "Ada_K",
        "type": "twitch",
    }
    told = {
        "user": user,
        "meta": {"firstMessage": False, "highlighted": False, "isMe": False, "returningChatter": False},
        "emotes": [EMOTE],
        "isReply": False,
        "anonymous": False,
        "isTest": False,
        "isInSharedChat": False,
        "isSharedChatHost": False,
        "isFromSharedChatGuest": False,
    }

    def data(number: int) -> dict[str, Any]:
        said = words(number)
        return {**told, "messageId": _id(number), "text": said, "parts": [{"type": "text", "text": said}]}

    return Sample("streamerbot (newer)", [_frame(data(n)) for n in range(FRAMES)], lambda: offline("streamerbot"))


def older() -> Sample:
    told = {
        "internal": False,
        "userId": "4200001",
        "username": "ada_k",
        "displayName": "Ada_K",
        "role": 3,
        "subscriber": True,
        "color": "#DAA520",
        "channel": "emberfox",
        "isHighlighted": False,
        "isMe": False,
        "isCustomReward": False,
        "isAnonymous": False,
        "isReply": False,
        "bits": 0,
        "hasBits": False,
        "firstMessage": False,
        "returningChatter": False,
        "emotes": [EMOTE],
        "cheerEmotes": [],
        "badges": BADGES,
        "monthsSubscribed": 16,
        "isTest": False,
    }
    frames = [_frame({"message": {**told, "msgId": _id(n), "message": words(n)}}) for n in range(FRAMES)]
    return Sample("streamerbot (older)", frames, lambda: offline("streamerbot"))


def _id(number: int) -> str:
    return f"7d1f0000-0000-4000-8000-{number:012d}"


def _frame(data: dict[str, Any]) -> str:
    event = {"source": "Twitch", "type": "ChatMessage"}
    return orjson.dumps({"timeStamp": "2025-10-09T10:53:20.1234567+02:00", "event": event, "data": data}).decode()


SAMPLES = (
    newer(),
    older(),
)
