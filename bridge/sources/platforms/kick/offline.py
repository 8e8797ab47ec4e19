"""Captured Kick messages: socket frames, their inner data, webhook bodies, page answers, told apart by their shape."""

from __future__ import annotations

import re
from typing import Any

from bridge.errors import DecodeError
from bridge.sources.contract import Decoded, Frame
from bridge.sources.fields import as_object, optional_mapping, optional_text, parse_json
from bridge.sources.platforms.kick.channel import PageWatch
from bridge.sources.platforms.kick.messages import SOCKET_MESSAGES
from bridge.sources.platforms.kick.options import Options
from bridge.sources.platforms.kick.socket import PusherDecoder
from bridge.sources.platforms.kick.webhook import decode_event

_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*')

WEBHOOK_SHAPES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"message_id", "content"}), "chat.message.sent"),
    (frozenset({"follower"}), "channel.followed"),
    (frozenset({"subscriber"}), "channel.subscription.new"),
    (frozenset({"giftees"}), "channel.subscription.gifts"),
    (frozenset({"broadcaster", "gift"}), "kicks.gifted"),
    (frozenset({"is_live"}), "livestream.status.updated"),
    (frozenset({"broadcaster", "banned_user"}), "moderation.banned"),
    (frozenset({"broadcaster", "redeemer"}), "channel.reward.redemption.updated"),
    (frozenset({"broadcaster", "metadata"}), "livestream.metadata.updated"),
)
"""A webhook's type stands in a header that captures often lack."""

SOCKET_SHAPES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"chatroom_id", "content", "sender"}), "ChatMessageEvent"),
    (frozenset({"gifted_usernames"}), "GiftedSubscriptionsEvent"),
    (frozenset({"gift", "sender"}), "KicksGifted"),
    (frozenset({"username", "months"}), "SubscriptionEvent"),
    (frozenset({"user_ids", "username"}), "ChannelSubscriptionEvent"),
)


class OfflineDecoder(PusherDecoder):
    """Reads what captures hold. A webhook may also come as ``{"headers": {…}, "body": …}``."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        self._page = PageWatch(options)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame, inner message, webhook or answer of the page call."""
        try:
            return self._told_apart(as_object(_parsed(frame.data), ""), frame)
        except DecodeError as error:
            return Decoded(rejected=[error])

    def _told_apart(self, value: dict[str, Any], frame: Frame) -> Decoded:
        if type(value.get("event")) is str:
            return self._message(value, frame.received_at_ms)
        if "headers" in value and "body" in value:
            headers = {name.lower(): one for name, one in optional_mapping(value, "headers").items()}
            written = value["body"]
            body = as_object(_parsed(written) if type(written) is str else written, "body")
            name = optional_text(headers, "kick-event-type") or _shape(body, WEBHOOK_SHAPES)
            delivery_id = optional_text(headers, "kick-event-message-id")
            return decode_event(name, body, delivery_id, frame.received_at_ms, self._options)
        if "chatroom" in value and "livestream" in value:
            return self._page.read(value, frame.received_at_ms)
        name = _shape(value, WEBHOOK_SHAPES)
        if name:
            return decode_event(name, value, "", frame.received_at_ms, self._options)
        name = _shape(value, SOCKET_SHAPES)
        if name:
            return self._event(name, SOCKET_MESSAGES[name], value, frame.received_at_ms)
        return Decoded(unknown=["(no type)"])


def _shape(value: dict[str, Any], shapes: tuple[tuple[frozenset[str], str], ...]) -> str:
    return next((name for keys, name in shapes if keys <= value.keys()), "")


def _parsed(data: bytes | str) -> Any:
    """Parse JSON, also with the ``//`` comments that Kick's documentation puts into its examples."""
    try:
        return parse_json(data)
    except DecodeError:
        document = data if isinstance(data, str) else data.decode("utf-8", "replace")
        return parse_json(_COMMENT.sub(r"\1", document))
