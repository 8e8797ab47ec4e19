"""Finding the live chat of a video, of a channel's running broadcast, or of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import DecodeError, RoomNotFoundError, RoomOfflineError, SourceAuthError, SourceUnavailableError
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import HttpAnswer, HttpCall, HttpClient
from bridge.sources.fields import optional_mapping, optional_sequence, optional_text, text
from bridge.sources.platforms.youtube.options import Options
from bridge.sources.platforms.youtube.refusals import refusal

MINE = "mine"

_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
_NEWEST_VIDEOS = "10"


@dataclass(frozen=True, slots=True)
class LiveChat:
    """A running broadcast with a chat."""

    video_id: str
    chat_id: str
    began_at_ms: int = 0


async def find_chat(options: Options, http: HttpClient) -> LiveChat:
    """Return the running broadcast of ``room``: 1 unit for a video, 2 for a channel or our own, 3 for a handle.

    Raises ``RoomOfflineError`` while there is none, ``RoomNotFoundError`` for what YouTube does not know, and
    what ``refusal`` says.
    """
    room = options.room
    if room == MINE:
        if not options.access_token:
            raise SourceAuthError("access_token: is missing: room mine is told to its owner only")
        video_ids = await _own_broadcasts(options, http)
    elif room.startswith("@"):
        video_ids = await _newest_videos(options, http, await _uploads_of(options, http))
    elif _CHANNEL_ID.fullmatch(room):
        # A channel's uploads are the playlist of the same name with UU: known to every client, promised by none.
        video_ids = await _newest_videos(options, http, f"UU{room[2:]}")
    else:
        video_ids = [room]
    if not video_ids:
        raise RoomOfflineError("no broadcast is running")
    items = await _items(options, http, video_call(options, video_ids))
    if not items and video_ids == [room]:
        raise RoomNotFoundError(f"YouTube has no video {room}, or hides it")
    for item in items:
        if (chat := _chat_of(item)) is not None:
            return chat
    raise RoomOfflineError("the video is not live, or has no chat")


def video_call(options: Options, video_ids: Sequence[str]) -> HttpCall:
    """Return the call for what is known of videos: their chat, their viewers, their end."""
    return options.call("videos", {"part": "liveStreamingDetails", "id": ",".join(video_ids)}, "video")


def _chat_of(item: Any) -> LiveChat | None:
    details = optional_mapping(item, "liveStreamingDetails")
    chat_id = optional_text(details, "activeLiveChatId")
    if not chat_id or optional_text(details, "actualEndTime"):
        return None
    return LiveChat(optional_text(item, "id"), chat_id, timestamp_ms(optional_text(details, "actualStartTime")))


async def _own_broadcasts(options: Options, http: HttpClient) -> list[str]:
    query = {"part": "id", "broadcastStatus": "active", "broadcastType": "all"}
    items = await _items(options, http, options.call("liveBroadcasts", query, "broadcasts"))
    return [optional_text(item, "id") for item in items]


async def _uploads_of(options: Options, http: HttpClient) -> str:
    query = {"part": "contentDetails", "forHandle": options.room}
    items = await _items(options, http, options.call("channels", query, "channel"))
    if not items:
        raise RoomNotFoundError(f"YouTube has no channel {options.room}")
    details = optional_mapping(items[0], "contentDetails")
    try:
        return text(optional_mapping(details, "relatedPlaylists"), "uploads", "contentDetails.relatedPlaylists")
    except DecodeError as error:
        raise SourceUnavailableError(f"YouTube's channel cannot be read: {error}") from None


async def _newest_videos(options: Options, http: HttpClient, playlist_id: str) -> list[str]:
    query = {"part": "contentDetails", "playlistId": playlist_id, "maxResults": _NEWEST_VIDEOS}
    call = options.call("playlistItems", query, "uploads")
    answer = await http.send(call)
    if answer.status == 404:
        raise RoomNotFoundError(f"YouTube has no channel {options.room}")
    found = [
        optional_text(optional_mapping(item, "contentDetails"), "videoId") for item in _read(options, http, answer)
    ]
    return [video_id for video_id in found if video_id]


async def _items(options: Options, http: HttpClient, call: HttpCall) -> list[Any]:
    return _read(options, http, await http.send(call))


def _read(options: Options, http: HttpClient, answer: HttpAnswer) -> list[Any]:
    refused = refusal(answer, http.now_ms(), options.credential)
    if refused is not None:
        raise refused
    try:
        return optional_sequence(answer.json(), "items")
    except DecodeError as error:
        raise SourceUnavailableError(f"YouTube's answer cannot be read: {error}") from None
