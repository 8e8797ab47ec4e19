"""Comments, as the Pusher socket and as a webhook brings them."""

from __future__ import annotations

from typing import Any

import orjson

from bridge.sources.contract import Decoded, Frame, QuietDecoder
from bridge.sources.platforms.kick.options import Options
from bridge.sources.platforms.kick.socket import PusherDecoder
from bridge.sources.platforms.kick.webhook import decode_webhook
from tests.bench.messages import AT_MS, FRAMES, Sample, words
from tests.emulators.kick import BROADCASTER_ID, CHATROOM, SLUG, KickEmulator

SAID_AT = "2025-10-09T08:53:20"  # AT_MS
DELIVERY_ID = "01JBENCH000000000000000000"


class WebhookDecoder(QuietDecoder):
    """Reads bodies that are verified: what a signature costs is not what decoding costs."""

    def __init__(self) -> None:
        self._options = Options(mode="webhook", room=SLUG)

    def feed(self, frame: Frame) -> Decoded:
        return decode_webhook("chat.message.sent", frame.data, DELIVERY_ID, frame.received_at_ms, self._options)


def socket_comments() -> Sample:
    kick = KickEmulator()

    def frame(number: int) -> str:
        told = kick.chat(words(number), name="Solène", user_id=801)
        told["created_at"] = f"{SAID_AT}+00:00"
        told["metadata"] = {"message_ref": str(AT_MS)}
        told["sender"]["identity"] = {
            "color": "#BDFF28",
            "badges": [{"type": "subscriber", "text": "Subscriber", "count": 3, "sort_order": 9}],
            "badges_v2": [
                {
                    "name": "level",
                    "badge_type": "global",
                    "image_url": "https://ext.cdn.kick.example/chat/badges/37_01234567-89ab-cdef-0123-456789abcdef.png",
                    "metadata": {"level": 37},
                    "selected": True,
                    "sort_order": 1,
                }
            ],
        }
        outer = {"event": "App\\Events\\ChatMessageEvent", "data": orjson.dumps(told).decode(), "channel": CHATROOM}
        return orjson.dumps(outer).decode()

    frames = [frame(number) for number in range(FRAMES)]
    return Sample("kick (socket)", frames, PusherDecoder, lambda data: orjson.loads(orjson.loads(data)["data"]))


def webhook_comments() -> Sample:
    def person(user_id: int, name: str, identity: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "is_anonymous": False,
            "user_id": user_id,
            "username": name,
            "is_verified": False,
            "profile_picture": "https://files.kick.example/images/user/801/profile_image/conversion/default1.webp",
            "channel_slug": name.lower(),
            "identity": identity,
        }

    badges = [
        {"text": "Moderator", "type": "moderator"},
        {"text": "Sub Gifter", "type": "sub_gifter", "count": 5},
        {"text": "Subscriber", "type": "subscriber", "count": 3},
    ]
    bodies = [
        orjson.dumps(
            {
                "message_id": f"01234567-89ab-cdef-0123-{number:012d}",
                "broadcaster": person(BROADCASTER_ID, SLUG, None),
                "sender": person(801, "Solène", {"username_color": "#FF5733", "badges": badges}),
                "content": words(number),
                "emotes": None,
                "created_at": f"{SAID_AT}Z",
            }
        )
        for number in range(FRAMES)
    ]
    return Sample("kick (webhook)", bodies, WebhookDecoder)


SAMPLES = (socket_comments(), webhook_comments())
