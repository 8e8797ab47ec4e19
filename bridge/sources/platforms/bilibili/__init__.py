"""Bilibili's own danmaku stream, as the web player reads it.

What it sends: comments, entries, follows, likes, gifts, guards, super chats, viewers and the state of
the room, as JSON commands in compressed packets (``codecs.bilibili_packets``); two commands hold protobuf
(``codecs/bilibili.proto``). Route: a few HTTP calls (``entry``), then a WebSocket (``decoder``).
``messages`` has the table of commands, ``money`` those of them that carry money.

Last checked against the captures ``bilibili_web`` (2021 to August 2026). Guessed, for want of a capture:
``SEND_GIFT_V2`` of a blind box and with its switch off, everything of ``USER_TOAST_MSG_V2``, toasts of a
guard received (source 2), other kinds of ``INTERACT_WORD_V2`` than entries.
"""

from __future__ import annotations

from bridge.events import EventType
from bridge.sources.contract import Officialness, Platform
from bridge.sources.platforms.bilibili.decoder import RoomDecoder
from bridge.sources.platforms.bilibili.entry import locate
from bridge.sources.platforms.bilibili.messages import IGNORED, MESSAGES
from bridge.sources.platforms.bilibili.options import Options

__all__ = ["IGNORED", "MESSAGES", "PLATFORM", "Options", "RoomDecoder", "locate"]


PLATFORM = Platform(
    name="bilibili",
    title="Bilibili (web)",
    route="the web player's danmaku WebSocket",
    officialness=Officialness.TOLERATED,
    event_types=tuple(EventType),
    options=Options,
    offline_decoder=lambda _options: RoomDecoder(),
    locate=locate,
)
