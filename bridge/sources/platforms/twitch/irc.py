"""Twitch chat over IRC, read without a login.

Every line of ``captures/twitch_irc`` was read with these tables. What a ``USERNOTICE`` of a kind from before
2020 means where the tags differ from today's is taken from those lines; ``onetapgiftredeemed`` is inferred
from what public clients read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bridge.errors import DecodeError, RoomOfflineError, SourceUnavailableError
from bridge.events import Comment, Content, Follow, Gift, Join, LiveEvent, Twin, User, plausible_timestamp_ms
from bridge.sources.codecs.irc import IrcLine, parse_line, split_frame
from bridge.sources.codecs.results import joined
from bridge.sources.contract import Decoded, Decoder, Frame, HttpAnswer, HttpCall, Notice, NoticeKind, QuietDecoder
from bridge.sources.fields import as_integer, integer, optional_integer, text
from bridge.sources.platforms.twitch.facts import (
    ANONYMOUS,
    MAX_NAME_CHARS,
    TierValues,
    bits,
    chosen_badge,
    has_words_beside_cheermotes,
    paid,
    part_of_batch,
    spoken,
    subscription,
    unpaid,
    viewer,
)
from bridge.sources.platforms.twitch.viewers import ViewerWatch

NICK = "justinfan48213"
"""Any ``justinfan`` and digits reads without an account (observed)."""

PING_INTERVAL_SECS = 60.0
SILENCE_TIMEOUT_SECS = 75.0
"""Our own PING is answered at once, so silence a little longer than its interval is a dead socket."""

MAX_REMEMBERED_CHARS = 256

SHARED_CHAT = "PRIVMSG/shared chat"
EMPTY_MESSAGE = "PRIVMSG/no text"
OWN_JOIN = "JOIN/anonymous reader"

_DIRECT_GIFT_ORIGIN = "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09"


def greeting(login: str) -> tuple[str, ...]:
    """Return the lines that log in anonymously and join a channel."""
    return (
        "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership",
        "PASS SCHMOOPIIE",
        f"NICK {NICK}",
        f"JOIN #{login}",
    )


@dataclass(slots=True)
class Message:
    """One line and what is needed to read it."""

    tags: Mapping[str, str]
    line: IrcLine
    tier_values: TierValues
    received_at_ms: int

    def sender(self) -> User:
        """Return who wrote it, or whom it is about."""
        tags = self.tags
        # Names may end in a space that no client shows (observed).
        name = tags.get("display-name", "").strip()
        user_id = tags.get("user-id")
        if not (name and user_id):
            login = tags.get("login") or self.line.nick
            name, user_id = name or login, user_id or login
        badges, info = tags.get("badges", ""), tags.get("badge-info", "")
        badge = _badge(badges, info) if len(badges) + len(info) <= MAX_REMEMBERED_CHARS else _read_badge(badges, info)
        return viewer(user_id, name, badge)

    def giver(self) -> User:
        """Return who gave; the old anonymous kinds are signed with the channel's own name and id (observed)."""
        return ANONYMOUS if self.tags.get("msg-id", "").startswith("anon") else self.sender()

    def words(self) -> str:
        """Return what the viewer added to a notice, "" if nothing."""
        params = self.line.params
        return spoken(params[1]) if len(params) > 1 else ""

    def plan(self, count: int) -> Gift:
        """Return months or subscriptions of the plan that the notice names."""
        return subscription(self.giver(), self.tags.get("msg-param-sub-plan", ""), count, self.tier_values)

    def positive(self, tag: str) -> int:
        """Return a tag's number; ``DecodeError`` unless it is one above 0."""
        number = integer(self.tags, tag, "tags")
        if number <= 0:
            raise DecodeError(f"tags.{tag}", "is not positive")
        return number

    def told(self, content: Content, twin: Twin | None = None) -> Decoded:
        """Return the event that the line tells."""
        tags = self.tags
        sent_at_ms = plausible_timestamp_ms(as_integer(tags.get("tmi-sent-ts")) or 0, self.received_at_ms)
        return Decoded(events=(LiveEvent(sent_at_ms, content, tags.get("id", ""), twin=twin),))

    @property
    def is_from_another_room(self) -> bool:
        """Whether it was written in another channel of a shared chat."""
        source = self.tags.get("source-room-id")
        return bool(source) and source != self.tags.get("room-id")


def _privmsg(message: Message) -> Decoded:
    tags = message.tags
    if message.is_from_another_room:
        return Decoded(ignored=(SHARED_CHAT,))
    words = spoken(text(message.line.params, 1, "params"))
    if tags.get("bits", "0") not in {"", "0"}:
        return message.told(_cheer(message, words))
    if "pinned-chat-paid-amount" in tags:
        return message.told(_hype_chat(message, words))
    if not words.strip():
        return Decoded(ignored=(EMPTY_MESSAGE,))
    return message.told(Comment(message.sender(), words))


def _cheer(message: Message, words: str) -> Content:
    amount = message.positive("bits")
    gift = bits(message.sender(), amount)
    return paid(gift, words) if has_words_beside_cheermotes(words, amount) else gift


def _hype_chat(message: Message, words: str) -> Content:
    """Read money in a real currency's minor unit, no longer sold; an amount that is no number is a plain message."""
    tags = message.tags
    sender = message.sender()
    amount = optional_integer(tags, "pinned-chat-paid-amount")
    if amount <= 0:
        return Comment(sender, words)
    gift = Gift(sender, "Hype Chat", 1, amount, amount, tags.get("pinned-chat-paid-currency", ""))
    return gift if tags.get("pinned-chat-paid-is-system-message") == "1" else paid(gift, words)


def _usernotice(message: Message) -> Decoded:
    kind = message.tags.get("msg-id", "")
    decode = USERNOTICES.get(kind)
    name = f"USERNOTICE/{kind}"[:MAX_NAME_CHARS] if kind else "USERNOTICE"
    if decode is None:
        return Decoded(ignored=(name,)) if kind in IGNORED_USERNOTICES else Decoded(unknown=(name,))
    if message.is_from_another_room:
        return Decoded(ignored=(f"{name}/shared chat",))
    return message.told(decode(message), _batch_of(kind, message.tags) if kind in BATCHES else None)


def _months(message: Message) -> Content:
    """Read a bought month or several. A month that somebody else paid, or that was prepaid, costs nothing now."""
    tags = message.tags
    months = optional_integer(tags, "msg-param-multimonth-duration")
    prepaid = months > 1 and optional_integer(tags, "msg-param-multimonth-tenure") > 0
    if prepaid or tags.get("msg-param-was-gifted") == "true":
        return unpaid(message.sender(), message.words())
    return paid(message.plan(max(months, 1)), message.words())


def _gift(message: Message) -> Content:
    return message.plan(max(optional_integer(message.tags, "msg-param-gift-months"), 1))


def _batch(message: Message) -> Content:
    return message.plan(message.positive("msg-param-mass-gift-count"))


def _continued(message: Message) -> Content:
    """Read of a gifted or Prime subscription gone on with, or a gift passed on: what is paid for it comes apart."""
    return Follow(message.sender())


def _announcement(message: Message) -> Content:
    return Comment(message.sender(), spoken(text(message.line.params, 1, "params")))


def _cheer_in_currency(message: Message) -> Content:
    amount = message.positive("msg-param-amount")
    return Gift(message.sender(), "Cheer", 1, amount, amount, message.tags.get("msg-param-currency", ""))


def _combo(message: Message) -> Content:
    return bits(message.sender(), message.positive("msg-param-bits-spent"))


def _join(message: Message) -> Decoded:
    """Read an arrival. Only a login is told and stands in for the id: the viewer's comments have another ``userId``."""
    login = message.line.nick
    if not login or (login.startswith("justinfan") and login[9:].isdigit()):
        return Decoded(ignored=(OWN_JOIN,))
    return message.told(Join(viewer(login, login, ("", 0))))


def _ping(message: Message) -> Decoded:
    params = message.line.params
    return Decoded(replies=(f"PONG :{params[-1]}" if params else "PONG",), ignored=("PING",))


def _reconnect(_message: Message) -> Decoded:
    return Decoded(follow="", ignored=("RECONNECT",))


def _notice(message: Message) -> Decoded:
    kind = message.tags.get("msg-id", "")
    if kind in UNREADABLE_CHANNELS:
        return Decoded(end=RoomOfflineError(f"Twitch lets nobody read this channel ({kind})"))
    if not kind and message.line.params[:1] == ["*"]:
        return Decoded(end=SourceUnavailableError("Twitch refused the anonymous login"))
    return Decoded(ignored=("NOTICE",))


def _capabilities(message: Message) -> Decoded:
    if "NAK" in message.line.params:
        return Decoded(end=SourceUnavailableError("Twitch refused the IRC capabilities that carry ids and gifts"))
    return Decoded(ignored=("CAP",))


MESSAGES: Mapping[str, Callable[[Message], Decoded]] = {
    "PRIVMSG": _privmsg,
    "USERNOTICE": _usernotice,
    "JOIN": _join,
    "PING": _ping,
    "RECONNECT": _reconnect,
    "NOTICE": _notice,
    "CAP": _capabilities,
}
USERNOTICES: Mapping[str, Callable[[Message], Content]] = {
    "sub": _months,
    "resub": _months,
    "subgift": _gift,
    "anonsubgift": _gift,
    "submysterygift": _batch,
    "anonsubmysterygift": _batch,
    "giftpaidupgrade": _continued,
    "anongiftpaidupgrade": _continued,
    "primepaidupgrade": _continued,
    "communitypayforward": _continued,
    "standardpayforward": _continued,
    "extendsub": _continued,
    "announcement": _announcement,
    "midnightsquid": _cheer_in_currency,
    "onetapgiftredeemed": _combo,
}
IGNORED = frozenset(
    {
        "001",
        "002",
        "003",
        "004",
        "353",
        "366",
        "372",
        "375",
        "376",
        "421",
        "CLEARCHAT",
        "CLEARMSG",
        "GLOBALUSERSTATE",
        "HOSTTARGET",
        "PART",
        "PONG",
        "ROOMSTATE",
        "USERSTATE",
        "WHISPER",
    }
)
IGNORED_USERNOTICES = frozenset(
    {
        "bitsbadgetier",
        "charitydonation",
        "moderator-streak",
        "modiversary",
        "onetapbreakpointachieved",
        "onetapstreakexpired",
        "onetapstreakstarted",
        "primecommunitygiftreceived",
        "raid",
        "rewardgift",
        "ritual",
        "sharedchatnotice",
        "socialsharingbadge",
        "unraid",
        "viewermilestone",
    }
)
BATCHES = {"subgift": False, "anonsubgift": False, "submysterygift": True, "anonsubmysterygift": True}
"""Kinds that may tell of one batch of gifts, and whether they settle how many there were."""

UNREADABLE_CHANNELS = frozenset({"msg_channel_suspended", "tos_ban"})


class IrcDecoder(QuietDecoder):
    """One IRC connection to one channel; with a client's credential the viewer count is polled beside it.

    ``problem`` is why that credential could not be used: it is told with the first frame.
    """

    def __init__(
        self, login: str, tier_values: TierValues, watch: ViewerWatch | None = None, problem: str = ""
    ) -> None:
        self._login = login
        self._tier_values = tier_values
        self._watch = watch
        self._problem = problem

    def greeting(self) -> Sequence[str]:
        """Log in and join."""
        return greeting(self._login)

    def heartbeat(self) -> Sequence[str]:
        """Ask for a sign of life: the server's own PING comes only every four minutes."""
        return ("PING :tmi.twitch.tv",)

    def feed(self, frame: Frame) -> Decoded:
        """Decode one frame of one or several lines."""
        try:
            lines = split_frame(frame.data)
        except DecodeError as error:
            return Decoded(rejected=(error,))
        decoded = joined([self._decode_line(line, frame.received_at_ms) for line in lines])
        if self._problem:
            decoded = replace(decoded, notices=(_no_viewer_count(self._problem),))
            self._problem = ""
        return decoded

    def answered(self, call: HttpCall, answer: HttpAnswer, received_at_ms: int) -> Decoded:
        """Take a viewer count. A refused credential costs only that, never the chat."""
        if self._watch is None:
            return Decoded()
        decoded = self._watch.answered(call, answer, received_at_ms)
        if decoded.end is None:
            return decoded
        return Decoded(notices=(_no_viewer_count(str(decoded.end)),))

    def followed(self) -> Decoder:
        """Return the decoder for the connection that replaces this one after RECONNECT."""
        return IrcDecoder(self._login, self._tier_values, self._watch)

    def _decode_line(self, raw: str, received_at_ms: int) -> Decoded:
        try:
            line = parse_line(raw)
            decode = MESSAGES.get(line.command)
            if decode is not None:
                return decode(Message(line.tags, line, self._tier_values, received_at_ms))
        except DecodeError as error:
            return Decoded(rejected=(error,))
        if line.command in IGNORED:
            return Decoded(ignored=(line.command,))
        return Decoded(unknown=(line.command[:MAX_NAME_CHARS],))


def _no_viewer_count(problem: str) -> Notice:
    return Notice(NoticeKind.CREDENTIAL_WEAK, f"no viewer count: {problem}")


def _read_badge(badges: str, info: str) -> tuple[str, int]:
    if not (badges or info):
        return "", 0
    return chosen_badge(_pairs(badges), _pairs(info))


_badge = lru_cache(maxsize=4096)(_read_badge)
"""A channel's viewers wear the same few sets of badges; a set of odd length is not remembered."""


def _pairs(value: str) -> dict[str, str]:
    pairs = {}
    for item in value.split(","):
        name, _, version = item.partition("/")
        pairs[name] = version
    return pairs


def _batch_of(kind: str, tags: Mapping[str, str]) -> Twin | None:
    """Return what ties a batch's announcement and its single gifts; a gift without it was given directly.

    Lines of before 2023 have only an origin id, written as bytes; that of a direct gift is the SHA-1 of
    nothing, the same for all (observed). Today's direct gifts have an origin id as well, a number.
    """
    key = tags.get("msg-param-community-gift-id", "")
    settles = BATCHES[kind]
    if not key:
        origin = tags.get("msg-param-origin-id", "")
        key = origin if settles or (" " in origin and origin != _DIRECT_GIFT_ORIGIN) else ""
    return part_of_batch(key, settles=settles)
