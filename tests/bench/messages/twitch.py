"""Comments over IRC and over EventSub."""

from __future__ import annotations

from typing import Any

import orjson

from bridge.sources.platforms.twitch.eventsub import EventSubDecoder
from bridge.sources.platforms.twitch.irc import IrcDecoder
from bridge.sources.platforms.twitch.notifications import Channel
from bridge.sources.platforms.twitch.viewers import StreamState
from tests.bench.messages import AT_MS, FRAMES, Sample, words

TIER_VALUES = (500, 1000, 2500)


def irc() -> Sample:
    def line(number: int) -> str:
        tags = (
            "@badge-info=subscriber/15;badges=moderator/1,subscriber/3012,premium/1;client-nonce=0123456789abcdef;"
            "color=#2E8B57;display-name=Ada_K;emotes=25:0-4;first-msg=0;flags=;"
            f"id=7d1f0000-0000-4000-8000-{number:012d};mod=1;returning-chatter=0;room-id=4100001;subscriber=1;"
            f"tmi-sent-ts={AT_MS};turbo=0;user-id=4200001;user-type=mod"
        )
        return f"{tags} :ada_k!ada_k@ada_k.tmi.twitch.tv PRIVMSG #emberfox :{words(number)}\r\n"

    def parse(data: str) -> None:
        dict([tag.split("=", 1) for tag in data.split(" ", 4)[0].split(";")])

    return Sample("twitch (IRC)", [line(n) for n in range(FRAMES)], lambda: IrcDecoder("emberfox", TIER_VALUES), parse)


def eventsub() -> Sample:
    def frame(number: int) -> str:
        message_id = f"7d1f0000-0000-4000-8000-{number:012d}"
        return orjson.dumps(
            {
                "metadata": {
                    "message_id": f"note{number:039d}=",
                    "message_type": "notification",
                    "message_timestamp": "2025-10-09T08:53:20.123456789Z",
                    "subscription_type": "channel.chat.message",
                    "subscription_version": "1",
                },
                "payload": {"subscription": SUBSCRIPTION, "event": chat_event(message_id, words(number))},
            }
        ).decode()

    decoder = Channel(TIER_VALUES, StreamState())
    return Sample("twitch (EventSub)", [frame(n) for n in range(FRAMES)], lambda: EventSubDecoder(decoder))


SUBSCRIPTION = {
    "id": "0b7f0000-0000-4000-8000-000000000001",
    "status": "enabled",
    "type": "channel.chat.message",
    "version": "1",
    "condition": {"broadcaster_user_id": "4100001", "user_id": "4100002"},
    "transport": {"method": "websocket", "session_id": "AgoQSessionOfTheBench00000000000EgZjZWxsLWE"},
    "created_at": "2025-10-09T08:00:00.517519692Z",
    "cost": 0,
}


def chat_event(message_id: str, said: str) -> dict[str, Any]:
    """Return an event with every field that Twitch sends, most of them null."""
    return {
        "broadcaster_user_id": "4100001",
        "broadcaster_user_login": "emberfox",
        "broadcaster_user_name": "Emberfox",
        "source_broadcaster_user_id": None,
        "source_broadcaster_user_login": None,
        "source_broadcaster_user_name": None,
        "chatter_user_id": "4200001",
        "chatter_user_login": "ada_k",
        "chatter_user_name": "Ada_K",
        "message_id": message_id,
        "source_message_id": None,
        "is_source_only": None,
        "message": {
            "text": said,
            "fragments": [{"type": "text", "text": said, "cheermote": None, "emote": None, "mention": None}],
        },
        "color": "#2E8B57",
        "badges": [
            {"set_id": "moderator", "id": "1", "info": ""},
            {"set_id": "subscriber", "id": "3012", "info": "15"},
            {"set_id": "premium", "id": "1", "info": ""},
        ],
        "source_badges": None,
        "message_type": "text",
        "cheer": None,
        "reply": None,
        "channel_points_custom_reward_id": None,
        "channel_points_animation_id": None,
    }


SAMPLES = (
    irc(),
    eventsub(),
)
