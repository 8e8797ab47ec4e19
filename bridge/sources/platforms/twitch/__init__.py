"""Twitch: chat over IRC without a login, or EventSub and the API with a user's token.

Without a token the chat is read anonymously: comments, cheers, subscriptions, gifts, and joins where the
channel is small enough for Twitch to tell them. No follows, no viewer count; the latter comes too when a
client's id and secret are configured. With a token EventSub tells every fact and IRC is not opened: follows
and the viewer count come in, joins are not told. Likes do not exist.

Both routes are official. Last checked against ``captures/twitch_irc`` and ``captures/twitch_eventsub``, whose
PROVENANCE names the recordings. Guessed: that a combo's bits stand in ``msg-param-bits-spent``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import DecodeError, RoomNotFoundError
from bridge.events import EventType
from bridge.secret import Secret
from bridge.sources.codecs.twitch_loyalty import TIER_VALUES, TierValues
from bridge.sources.contract import (
    Connection,
    Decoded,
    Endpoint,
    Frame,
    HttpClient,
    Officialness,
    Platform,
    QuietDecoder,
    SourceOptions,
)
from bridge.sources.fields import parse_json
from bridge.sources.platforms.twitch.api import Api, broadcaster_id, client_token_problem, token_user_id
from bridge.sources.platforms.twitch.credential import kept_credential
from bridge.sources.platforms.twitch.eventsub import SILENCE_TIMEOUT_SECS as EVENTSUB_SILENCE_TIMEOUT_SECS
from bridge.sources.platforms.twitch.eventsub import EventSubDecoder, Session
from bridge.sources.platforms.twitch.irc import DIAL_LIMIT, PING_INTERVAL_SECS, IrcDecoder
from bridge.sources.platforms.twitch.irc import SILENCE_TIMEOUT_SECS as IRC_SILENCE_TIMEOUT_SECS
from bridge.sources.platforms.twitch.notifications import Channel
from bridge.sources.platforms.twitch.viewers import StreamState, ViewerWatch

IRC_URL = "wss://irc-ws.chat.twitch.tv:443"
EVENTSUB_URL = "wss://eventsub.wss.twitch.tv/ws"

_ROOM = re.compile(r"(?:(?:https?://)?(?:www\.|m\.)?twitch\.tv/|[#@])?([A-Za-z0-9_]{1,25})/?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Options(SourceOptions):
    """One channel: ``room`` is its login, the last part of its address."""

    client_id: Secret = field(default_factory=Secret)
    """Id of the client (application) that the tokens belong to; told by the token itself where one is given."""

    client_secret: Secret = field(default_factory=Secret)
    """Secret of that client: needed to renew tokens, and for the viewer count without a user's token."""

    access_token: Secret = field(default_factory=Secret)
    """A user's token with the scopes user:read:chat and moderator:read:followers; switches to EventSub."""

    refresh_token: Secret = field(default_factory=Secret)
    """What an expired access token is renewed with; needs client_id, and client_secret unless the client is public."""

    api_base: str = ""
    """Scheme, host and port that the API's calls go to instead of https://api.twitch.tv."""

    auth_base: str = ""
    """Scheme, host and port that the token calls go to instead of https://id.twitch.tv."""

    websocket_url: str = IRC_URL
    """Whole URL of the IRC socket."""

    eventsub_url: str = EVENTSUB_URL
    """Whole URL of the EventSub socket."""

    sub_values: TierValues = TIER_VALUES
    """Value in bits of a month's subscription of tier 1, 2 and 3; no message tells the price. Prime counts as tier 1."""

    def __post_init__(self) -> None:
        if self.room and not _ROOM.fullmatch(self.room.strip()):
            raise ValueError("room: is no Twitch login: letters, digits and _ as in the channel's address")
        if self.refresh_token and not self.client_id:
            raise ValueError("refresh_token: cannot be used alone: client_id is needed with it")
        for name in ("websocket_url", "eventsub_url"):
            if not getattr(self, name).startswith(("ws://", "wss://")):
                raise ValueError(f"{name}: is no WebSocket URL: ws://… or wss://…")
        if len(self.sub_values) != 3 or min(self.sub_values) < 0:
            raise ValueError("sub_values: must be three values, for tier 1, 2 and 3: integers from 0")

    @property
    def login(self) -> str:
        """The channel's login as IRC and the API want it."""
        match = _ROOM.fullmatch(self.room.strip())
        return match[1].lower() if match else ""


async def locate(options: Options, http: HttpClient) -> Sequence[Connection]:
    """Return the one way in: EventSub with a user's token, else IRC.

    Raises ``RoomNotFoundError`` and ``SourceAuthError`` where the API is asked. Chat is open whether the
    channel is live or not, so there is no waiting for it.
    """
    if not options.login:
        raise RoomNotFoundError("room: is missing: the channel's login")
    configured = (options.client_id, options.client_secret, options.access_token, options.refresh_token)
    credential = kept_credential(options.auth_base, configured, http.heirs)
    watch = ViewerWatch(Api(credential, options.api_base, options.auth_base), options.login)
    if options.access_token or options.refresh_token:
        return [await _eventsub(options, watch, http)]
    return [await _irc(options, watch, http)]


async def _irc(options: Options, watch: ViewerWatch, http: HttpClient) -> Connection:
    """Chat needs no credential, so that one which fails costs the viewer count alone."""
    problem = ""
    counts_viewers = bool(options.client_id and options.client_secret)
    if counts_viewers:
        problem = await client_token_problem(watch.api, http)
        counts_viewers = not problem
    endpoint = Endpoint(
        options.websocket_url,
        heartbeat_interval_secs=PING_INTERVAL_SECS,
        silence_timeout_secs=IRC_SILENCE_TIMEOUT_SECS,
        polls=[watch.poll()] if counts_viewers else (),
        dial_limit=DIAL_LIMIT,
    )
    return Connection(
        endpoint, IrcDecoder(options.login, options.sub_values, watch if counts_viewers else None, problem)
    )


async def _eventsub(options: Options, watch: ViewerWatch, http: HttpClient) -> Connection:
    user_id, validates = await token_user_id(watch.api, http)
    session = Session(watch, await broadcaster_id(watch.api, http, options.login), user_id, validates)
    endpoint = Endpoint(
        options.eventsub_url,
        silence_timeout_secs=EVENTSUB_SILENCE_TIMEOUT_SECS,
        # A ping is traffic from the client, of which Twitch wants none but pongs.
        answers_pings=False,
        polls=session.polls(),
    )
    return Connection(endpoint, EventSubDecoder(Channel(options.sub_values, watch.state), session))


class OfflineDecoder(QuietDecoder):
    """Reads captured IRC lines, EventSub frames or payloads and the API's list of streams, told apart by their shape."""

    def __init__(self, options: Options) -> None:
        self._irc = IrcDecoder(options.login, options.sub_values)
        self._stream = StreamState()
        self._eventsub = EventSubDecoder(Channel(options.sub_values, self._stream))

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame or bare message of any of the routes."""
        data = frame.data
        first = data.lstrip()[:1]
        if first not in {"{", b"{"}:
            return self._irc.feed(frame)
        try:
            return self._read(parse_json(data), frame.received_at_ms)
        except DecodeError as error:
            return Decoded(rejected=(error,))

    def _read(self, message: Any, received_at_ms: int) -> Decoded:
        if type(message) is dict and "metadata" not in message:
            if "data" in message:
                return self._stream.polled(message, received_at_ms)
            if "subscription" in message:
                message = {"metadata": {"message_type": "notification"}, "payload": message}
        return self._eventsub.read(message, received_at_ms)


PLATFORM = Platform(
    name="twitch",
    title="Twitch",
    route="IRC over WebSocket without a login; EventSub and the API with a user's token",
    officialness=Officialness.OFFICIAL,
    event_types=(EventType.COMMENT, EventType.JOIN, EventType.GIFT, EventType.FOLLOW, EventType.VIEWERS),
    options=Options,
    offline_decoder=OfflineDecoder,
    locate=locate,
)
