"""Comments as the hub relays them, one a message: some twenty keys, an emote as an image, viewers who say two or three."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import orjson

from tests.bench.messages import AT_MS, FRAMES, Sample, offline, words

HTML_KEYS = ("chatname", "chatmessage", "membership", "subtitle")
"""The texts that an event is made of: each is HTML (``textonly`` is false), within the JSON."""
VIEWERS = 40
TAG = re.compile(r"<[^>]*>")


def comment(number: int) -> dict[str, Any]:
    """A comment that the hub reads through YouTube's interface."""
    return {
        "id": 1000 + number,
        "platform": "youtube",
        "type": "youtube",
        "chatname": f"Ada K{number % VIEWERS}",
        "username": f"@ada_k{number % VIEWERS}",
        "userid": f"UC0123456789abcdefghij{number % VIEWERS:02d}",
        "chatmessage": words(number),
        "chatimg": "https://yt3.ggpht.example/ytc/0123456789abcdef0123456789abcdef=s88-c-k-c0x00ffffff-no-rj",
        "chatbadges": ["https://yt3.ggpht.example/0123456789abcdef0123456789abcdef=s32-c-k"],
        "nameColor": "#2E8B57",
        "backgroundColor": "",
        "textColor": "",
        "hasDonation": "",
        "membership": "",
        "subtitle": "",
        "title": "",
        "contentimg": "",
        "sourceImg": "https://yt3.ggpht.example/ytc/fedcba9876543210fedcba9876543210=s88-c-k-c0x00ffffff-no-rj",
        "sourceName": "emberfox",
        "event": False,
        "textonly": False,
        "mod": False,
        "question": False,
        "firsttime": False,
        "lastactivity": AT_MS // 1000,
        "timestamp": AT_MS + number,
        "meta": {"messageId": f"LCC.EhwKGkNMTFZzSnJwaXFJc0RG{number:012d}", "plainText": words(number)},
    }


def parse(data: str) -> None:
    """Read the JSON and the HTML within it: tags away, entities opened."""
    fields = orjson.loads(data)
    for key in HTML_KEYS:
        if fields[key]:
            unescape(TAG.sub("", fields[key]))


def api() -> Sample:
    frames = [orjson.dumps(comment(number)).decode() for number in range(FRAMES)]
    return Sample("social_stream", frames, lambda: offline("social_stream"), parse)


def page() -> Sample:
    """A member's comment that the hub read from the page: with an emote, and no id but the hub's number."""

    def shown(number: int) -> dict[str, Any]:
        told = comment(number)
        del told["meta"], told["timestamp"]
        emote = '<img src="https://yt3.ggpht.example/0123456789abcdef=w24-h24-c-k-nd" alt="Kappa" class="emoji">'
        return {**told, "chatmessage": f"{words(number)} {emote}", "membership": "MEMBERSHIP", "subtitle": "6 months"}

    frames = [orjson.dumps(shown(number)).decode() for number in range(FRAMES)]
    return Sample("social_stream (HTML)", frames, lambda: offline("social_stream"), parse)


SAMPLES = (
    api(),
    page(),
)
