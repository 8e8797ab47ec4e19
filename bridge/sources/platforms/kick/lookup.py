"""From a channel's name to its connection."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import (
    DecodeError,
    RoomNotFoundError,
    SourceAuthError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpAnswer,
    HttpCall,
    HttpClient,
    QuietDecoder,
    Transport,
)
from bridge.sources.fields import as_integer, optional_integer, optional_mapping
from bridge.sources.platforms.kick.channel import (
    CHANNELS_URL,
    OfficialWatch,
    PageWatch,
    Watch,
    channels_query,
    page_call,
    read_channel,
    read_token,
    token_call,
)
from bridge.sources.platforms.kick.options import Options
from bridge.sources.platforms.kick.socket import HEARTBEAT_SECS, SILENCE_TIMEOUT_SECS, PusherDecoder

SOCKET_URL = "wss://ws-us2.pusher.com/app/32cbd69e4b950bf97679?protocol=7&client=js&version=8.4.0&flash=false"
"""Kick's Pusher key and cluster, the same since 2023 (observed)."""

THROTTLED_SECS = 60.0


class CompanionDecoder(QuietDecoder):
    """Beside the webhooks: asks Kick who watches and what is subscribed. It has no frames."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def feed(self, frame: Frame) -> Decoded:
        """Refuse a frame: none is expected."""
        return Decoded(rejected=[DecodeError("frame", "is not expected on a polled connection")])

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Hand the answer to the watch."""
        return self._watch.answered(call, answer, received_at_ms)


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Return the socket, or what goes beside the webhooks: nothing where no app's credentials are given."""
    if options.mode == "webhook":
        if not options.client_id:
            return []
        watch: Watch = await _official(options, http, subscribes=True)
        return [Connection(Endpoint(transport=Transport.POLLING, polls=watch.polls()), CompanionDecoder(watch))]
    return [await _socket(options, http)]


async def _socket(options: Options, http: HttpClient) -> Connection:
    watch: Watch | None = await _official(options, http, subscribes=False) if options.client_id else None
    chatroom_id, channel_id = options.chatroom_id, options.channel_id
    if not chatroom_id:
        if options.broadcaster_id:
            raise SourceAuthError("chatroom_id: is missing: a user id does not tell it, only a slug may")
        chatroom_id, page_channel_id = await _page_ids(options, http)
        channel_id = channel_id or page_channel_id
        watch = watch or PageWatch(options)
    endpoint = Endpoint(
        url=options.websocket_url or SOCKET_URL,
        heartbeat_interval_secs=HEARTBEAT_SECS,
        silence_timeout_secs=SILENCE_TIMEOUT_SECS,
        answers_pings=False,
        polls=watch.polls() if watch else (),
    )
    return Connection(endpoint, PusherDecoder(chatroom_id, channel_id, watch))


async def _official(options: Options, http: HttpClient, *, subscribes: bool) -> OfficialWatch:
    answer = await http.send(token_call(options))
    token = read_token(answer)
    if not token:
        _raise_for(answer, "the token call")
        raise SourceAuthError(f"client_secret: Kick gives out no token for it (HTTP {answer.status})")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    call = HttpCall("GET", options.api_url(CHANNELS_URL), query=channels_query(options), headers=headers)
    answer = await http.send(call)
    if answer.status in {401, 403}:
        raise SourceAuthError(f"client_id: Kick does not let this app read channels (HTTP {answer.status})")
    _raise_for(answer, "the channel call")
    try:
        row = read_channel(answer, options)
    except DecodeError as error:
        raise SourceUnavailableError(f"Kick's channel call: {error}") from None
    if row is None or answer.status == 404:
        raise RoomNotFoundError(f"room: Kick knows no channel {options.room}")
    return OfficialWatch(options, token, optional_integer(row, "broadcaster_user_id"), subscribes=subscribes)


async def _page_ids(options: Options, http: HttpClient) -> tuple[int, int]:
    answer = await http.send(page_call(options))
    if answer.status == 404:
        raise RoomNotFoundError(f"room: Kick knows no channel {options.room}")
    if answer.status in {401, 403}:
        raise SourceAuthError("chatroom_id: Kick does not tell it to programs here: set chatroom_id and channel_id")
    _raise_for(answer, "the channel page")
    try:
        body = answer.json()
    except DecodeError as error:
        raise SourceUnavailableError(f"Kick's channel page: {error}") from None
    chatroom_id = as_integer(optional_mapping(body, "chatroom").get("id"))
    if not chatroom_id:
        raise SourceUnavailableError("Kick's channel page tells no chatroom")
    return chatroom_id, optional_integer(body, "id")


def _raise_for(answer: HttpAnswer, what: str) -> None:
    """Raise what a failed call means for when to try again; a client's error of another kind passes."""
    if answer.status == 429:
        raise SourceThrottledError(f"Kick asks for a pause in {what}", answer.retry_after_secs(THROTTLED_SECS))
    if answer.status >= 500:
        raise SourceUnavailableError(f"Kick answers {what} with HTTP {answer.status}")
