"""EventSub messages for the tests, as small as they can be read."""

from __future__ import annotations

from typing import Any

SENT_AT = "2026-03-01T20:00:00.123456789Z"
SENT_AT_MS = 1_772_395_200_123
AT_MS = 1_772_395_200_500


def notification(kind: str, event: Any) -> dict[str, Any]:
    metadata = {"message_id": "n-1", "message_type": "notification", "message_timestamp": SENT_AT}
    return {"metadata": {**metadata, "subscription_type": kind}, "payload": {"event": event}}


def session_message(kind: str, **session: Any) -> dict[str, Any]:
    return {"metadata": {"message_id": "s-1", "message_type": kind}, "payload": {"session": session}}


def chat(words: str, /, **more: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "broadcaster_user_id": "41",
        "chatter_user_id": "42",
        "chatter_user_login": "ada",
        "chatter_user_name": "Ada",
        "message_id": "m-1",
        "message": {"text": words, "fragments": [{"type": "text", "text": words}]},
        "badges": [],
        "cheer": None,
    }
    return notification("channel.chat.message", {**event, **more})


def chat_notice(kind: str, body: Any, words: str = "", /, **more: Any) -> dict[str, Any]:
    event = chat(words)["payload"]["event"] | {"notice_type": kind, kind: body, **more}
    return notification("channel.chat.notification", event)
