"""What a platform provides, and what the machinery around it does with that.

A platform is one module in ``bridge/sources/platforms``; its file name is the name in the
configuration and ``PLATFORM``, its last line, is what is loaded (``catalogue``). It is pure: it decodes bytes it is
given and *names* the calls it wants made. Sockets, HTTP, clocks and retries belong to the
machinery (``supervisor``, ``session``, ``websocket``, ``streaming``, ``push``). What is made for every
message (``Frame``, ``Decoded``) is a struct like the events, for the same reason.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson
from msgspec import Struct

from bridge.errors import DecodeError, SourceError
from bridge.events import EventType, LiveEvent
from bridge.http_date import http_date_ms
from bridge.secret import Heirs, Secret, redact_url
from bridge.sources.fields import as_integer

MAX_FRAME_BYTES = 4 * 1024 * 1024
MAX_RETRY_AFTER_SECS = 86_400


class Frame(Struct, frozen=True):
    """One message as it came off the wire: a socket message, a chunk of a stream, the body of a push.

    ``str`` data may also be one bare message of the platform, as ``decode`` feeds it.
    """

    data: bytes | str
    received_at_ms: int


class NoticeKind(Enum):
    """What a platform tells about the room or the session itself."""

    LIVE = "live"
    ENDED = "ended"
    CREDENTIAL_WEAK = "credential_weak"


@dataclass(frozen=True, slots=True)
class Notice:
    """A fact about the room or session; ``detail`` is for the operator's eyes."""

    kind: NoticeKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An HTTP request that the machinery makes on behalf of a platform.

    At most one of ``body``, ``json`` and ``form`` is set. ``tag`` is the platform's own mark, handed back
    with the answer. The URL's query is part of ``url`` or ``query``; neither is ever logged.
    ``sign`` is given the wall clock in ms when the call is sent and returns headers to add: for signatures
    that hold a time or a nonce. Of a call that works ``once`` (its ``form`` spends a refresh token, say), sources that
    make the same one at the same time share the answer.
    """

    method: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    tag: str = ""
    sign: Callable[[int], Mapping[str, str]] | None = field(default=None, repr=False)
    once: bool = False

    @property
    def full_url(self) -> str:
        """The URL with its query."""
        separator = "&" if "?" in self.url else "?"
        return f"{self.url}{separator}{urlencode(self.query)}" if self.query else self.url


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. ``headers`` have lower-case names; ``cookies`` are those set by this answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self) -> Any:
        """Parse the body, or raise ``DecodeError`` that shows none of it."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise DecodeError("body", f"is not JSON (HTTP {self.status}, {len(self.body)} bytes)") from None

    @property
    def sent_at_ms(self) -> int | None:
        """The server's own clock, ``None`` where it does not tell."""
        return http_date_ms(self.headers.get("date", ""))

    def retry_after_secs(self, default_secs: float) -> float:
        """Return how long the server asks us to wait, at most a day; where it names no seconds, ``default_secs``."""
        asked_secs = as_integer(self.headers.get("retry-after")) or 0
        return float(min(asked_secs, MAX_RETRY_AFTER_SECS)) if asked_secs > 0 else default_secs


class Decoded(Struct):
    """What one frame (or answer, or push) yields, each kind in the order in which it stood there.

    ``rejected`` could not be read, ``ignored`` are known names without an event, ``unknown`` are new names.
    ``replies`` go back over the same connection, ``calls`` are made and their answers handed to
    ``Decoder.answered``. ``end`` closes the connection for the given reason; ``follow`` is a URL to
    connect to *before* the present connection is let go of (an empty text means the same URL again).
    """

    events: Sequence[LiveEvent] = ()
    rejected: Sequence[DecodeError] = ()
    ignored: Sequence[str] = ()
    unknown: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    replies: Sequence[bytes | str] = ()
    calls: Sequence[HttpCall] = ()
    end: SourceError | None = None
    follow: str | None = None


NOTHING = Decoded()


@dataclass(frozen=True, slots=True)
class Poll:
    """A call repeated every ``interval_secs`` for as long as the connection lives, the first ``after_secs``.

    Its answer goes to ``Decoder.answered``. For platforms that set the pace themselves the decoder
    gives the next wait instead, see ``Decoder.next_calls``.
    """

    call: HttpCall
    interval_secs: float
    after_secs: float = 0.0


class Transport(Enum):
    """How a connection moves its frames."""

    WEBSOCKET = "websocket"
    HTTP_STREAM = "http_stream"
    """One long GET whose body is fed in chunks, cut anywhere."""
    POLLING = "polling"
    """No connection: only ``polls`` and what ``Decoder.next_calls`` asks for."""
    LISTEN = "listen"
    """The peer connects to us (a page that pushes into ``/push/{platform}/{room}`` over a WebSocket)."""


@dataclass(frozen=True, slots=True)
class DialLimit:
    """How many dials from one address a host bears in any ``window_secs``."""

    dials: int
    window_secs: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to connect. ``silence_timeout_secs`` is how long a living peer may send nothing at all."""

    url: str = field(default="", repr=False)
    transport: Transport = Transport.WEBSOCKET
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    subprotocols: Sequence[str] = ()
    heartbeat_interval_secs: float | None = None
    silence_timeout_secs: float = 60.0
    max_frame_bytes: int = MAX_FRAME_BYTES
    answers_pings: bool = True
    """Whether the peer answers WebSocket pings; if not, none are sent."""
    polls: Sequence[Poll] = ()
    dial_limit: DialLimit | None = None
    """What all sources of the process together keep to when they dial the URL's host."""
    refusal: Callable[[HttpAnswer, int], SourceError | None] | None = field(default=None, repr=False)
    """What an ``HTTP_STREAM``'s answer other than 200 asks us to do, given the wall clock in ms; ``None``: its status."""
    handshake_refusal: Callable[[HttpAnswer], SourceError | None] | None = field(default=None, repr=False)
    """The same for a ``WEBSOCKET``'s answer that opens no socket."""

    def __str__(self) -> str:
        return redact_url(self.url)


class Decoder(Protocol):
    """One connection's protocol, without I/O. Arbitrary input gives ``rejected``, never an exception."""

    is_ready: bool
    """Whether the connection brings what it is for: until then the one that it follows is kept beside it."""
    silence_timeout_secs: float | None
    """How long the peer said that it may send nothing; ``None``: as the endpoint says."""

    def greeting(self) -> Sequence[bytes | str]:
        """Return what to send right after opening."""
        ...

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame."""
        ...

    def heartbeat(self) -> Sequence[bytes | str]:
        """Return what to send every ``heartbeat_interval_secs``."""
        ...

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take the answer to one of ``calls`` or ``polls``."""
        ...

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """For ``Transport.POLLING``: after how many seconds to make which calls next."""
        ...

    def farewell(self) -> Sequence[HttpCall]:
        """Return the calls owed to the platform when the connection is given up for good or for a while."""
        ...

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Say what a WebSocket close code means on this platform; ``None`` is an ordinary loss."""
        ...

    def followed(self) -> Decoder:
        """Return the decoder for the connection that ``Decoded.follow`` asked for, with what must be carried over."""
        ...


class QuietDecoder(ABC):
    """Base for decoders: nothing to say unless overridden."""

    is_ready: bool = True
    silence_timeout_secs: float | None = None

    @abstractmethod
    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame."""

    def greeting(self) -> Sequence[bytes | str]:
        """Say nothing."""
        return ()

    def heartbeat(self) -> Sequence[bytes | str]:
        """Send nothing."""
        return ()

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Learn nothing."""
        return NOTHING

    def next_calls(self) -> tuple[float, Sequence[HttpCall]]:
        """Ask nothing."""
        return 60.0, ()

    def farewell(self) -> Sequence[HttpCall]:
        """Owe nothing."""
        return ()

    def closed(self, code: int, reason: str) -> SourceError | None:
        """Treat every close as an ordinary loss."""
        return None

    def followed(self) -> Decoder:
        """Carry everything over."""
        return self


@dataclass(frozen=True, slots=True)
class Connection:
    """One way into a room: an endpoint and the fresh decoder for it."""

    endpoint: Endpoint
    decoder: Decoder


class HttpClient(Protocol):
    """The HTTP that ``locate`` may use. One client keeps cookies for one source, and the heirs of its secrets.

    Raises ``SourceUnavailableError`` when no answer came; every answer, whatever its status, is returned.
    """

    @property
    def heirs(self) -> Heirs:
        """What was handed out in the place of configured secrets."""
        ...

    async def send(self, call: HttpCall) -> HttpAnswer:
        """Make the call."""
        ...

    def now_ms(self) -> int:
        """Return the wall clock, for signatures made while locating."""
        ...


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What every source can be given. A platform adds its own fields; nothing else is accepted.

    A credential is a ``Secret`` field. ``api_base`` replaces scheme, host and port of the platform's
    API calls and ``auth_base`` those of its token calls; ``websocket_url`` is the whole socket URL.
    """

    room: str = ""
    proxy: Secret = field(default_factory=Secret)

    def credential_names(self) -> list[str]:
        """Return the names of the options that hold a credential, set or not."""
        return [one.name for one in fields(self) if one.name != "proxy" and isinstance(getattr(self, one.name), Secret)]

    def api_url(self, url: str) -> str:
        """Return ``url`` with scheme, host and port of ``api_base`` where the platform has that option."""
        return rebased(url, getattr(self, "api_base", ""))


def rebased(url: str, base: str) -> str:
    """Return ``url`` on the scheme, host and port of ``base`` (and below its path); unchanged if that is empty."""
    if not base:
        return url
    old, new = urlsplit(url), urlsplit(base)
    return urlunsplit((new.scheme, new.netloc, new.path.rstrip("/") + old.path, old.query, ""))


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A platform's HTTP call to us; header names are lower case."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at_ms: int


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What a verified push yields and what we answer once its events are durable."""

    decoded: Decoded
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"


@runtime_checkable
class PushReceiver(Protocol):
    """The receiving end of a platform that calls us; one a source, kept as long as its room."""

    def receive(self, request: PushRequest) -> PushAnswer:
        """Verify, then decode. Raises ``PushRefusedError`` (401 for a wrong or stale signature)."""
        ...


class Officialness(Enum):
    """How much the platform stands behind the route."""

    OFFICIAL = "official"
    TOLERATED = "tolerated"
    UNOFFICIAL = "unofficial"
    EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True)
class Platform:
    """All that the bridge knows of a platform.

    ``locate`` returns the connections to try in turn: the next one after a failure, and ``locate``
    again after the last. It raises a ``SourceError``: ``RoomOfflineError`` is the normal state of
    waiting for the room to go live. A platform that only calls us has no ``locate`` but a ``receiver``;
    one that also needs calls made (tasks, tokens) has both.
    ``offline_decoder`` reads captured frames and bare messages, with no connection behind it.
    ``replays_history`` says that a new connection is first sent what was said before it.
    """

    name: str
    title: str
    route: str
    officialness: Officialness
    event_types: Sequence[EventType]
    options: type[SourceOptions]
    offline_decoder: Callable[[Any], Decoder]
    locate: Callable[[Any, HttpClient], Awaitable[Sequence[Connection]]] | None = None
    receiver: Callable[[Any], PushReceiver] | None = None
    replays_history: bool = False

    def offline_options(self) -> SourceOptions:
        """Return options for decoding without a room: the defaults, whatever a live room would need besides."""
        options = object.__new__(self.options)
        for known in fields(self.options):
            value = known.default_factory() if known.default_factory is not MISSING else known.default
            object.__setattr__(options, known.name, "" if value is MISSING else value)
        return options
