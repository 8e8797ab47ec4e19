"""IRC lines, read into live events.

Every line of ``captures/twitch_irc`` was read with these tables. What a ``USERNOTICE`` of a kind from before
2020 means where the tags differ from today's is taken from those lines; ``onetapgiftredeemed`` is inferred
from what public clients read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from bridge.errors import RoomOfflineError, SourceUnavailableError
from bridge.events import (
    Comment,
    Content,
    Follow,
    Gift,
    Join,
    LiveEvent,
    Twin,
    User,
    plausible_timestamp_ms,
    with_words,
)
from bridge.sources.codecs.irc import IrcLine
from bridge.sources.codecs.results import without_event
from bridge.sources.codecs.twitch_loyalty import (
    BADGES,
    TierValues,
    badge_level,
    bits,
    is_only_cheermotes,
    spoken,
    subscription,
)
from bridge.sources.contract import Decoded
from bridge.sources.fields import as_integer, optional_integer, positive, text
from bridge.sources.platforms.twitch.facts import ANONYMOUS, part_of_batch, unpaid, viewer

MAX_REMEMBERED_CHARS = 256

SHARED_CHAT = "PRIVMSG/shared chat"
EMPTY_MESSAGE = "PRIVMSG/no text"
OWN_JOIN = "JOIN/anonymous reader"

_DIRECT_GIFT_ORIGIN = "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09"


def _privmsg(line: IrcLine, received_at_ms: int, _tier_values: TierValues) -> Decoded:
    tags = line.tags
    if _is_from_another_room(tags):
        return Decoded(ignored=(SHARED_CHAT,))
    words = text(line.params, 1, "params")
    if "\x01" in words:
        words = spoken(words)
    if tags.get("bits", "0") not in {"", "0"}:
        return _told(line, received_at_ms, _cheer(line, words))
    if "pinned-chat-paid-amount" in tags:
        return _told(line, received_at_ms, _hype_chat(line, words))
    if not words.strip():
        return Decoded(ignored=(EMPTY_MESSAGE,))
    return _told(line, received_at_ms, Comment(_sender(line), words))


def _cheer(line: IrcLine, words: str) -> Content:
    amount = positive(line.tags, "bits", "tags")
    gift = bits(_sender(line), amount)
    return gift if is_only_cheermotes(words, amount) else with_words(gift, words)


def _hype_chat(line: IrcLine, words: str) -> Content:
    """Read money in a real currency's minor unit, no longer sold; an amount that is no number is a plain message."""
    tags = line.tags
    sender = _sender(line)
    amount = optional_integer(tags, "pinned-chat-paid-amount")
    if amount <= 0:
        return Comment(sender, words)
    gift = Gift(sender, "Hype Chat", 1, amount, amount, tags.get("pinned-chat-paid-currency", ""))
    return gift if tags.get("pinned-chat-paid-is-system-message") == "1" else with_words(gift, words)


def _usernotice(line: IrcLine, received_at_ms: int, tier_values: TierValues) -> Decoded:
    tags = line.tags
    kind = tags.get("msg-id", "")
    decode = USERNOTICES.get(kind)
    name = f"USERNOTICE/{kind}" if kind else "USERNOTICE"
    if decode is None:
        return without_event(name, known=kind in IGNORED_USERNOTICES)
    if _is_from_another_room(tags):
        return Decoded(ignored=(f"{name}/shared chat",))
    return _told(line, received_at_ms, decode(line, tier_values), _batch_of(kind, tags) if kind in BATCHES else None)


def _months(line: IrcLine, tier_values: TierValues) -> Content:
    """Read a bought month or several. A month that somebody else paid, or that was prepaid, costs nothing now."""
    tags = line.tags
    months = optional_integer(tags, "msg-param-multimonth-duration")
    prepaid = months > 1 and optional_integer(tags, "msg-param-multimonth-tenure") > 0
    if prepaid or tags.get("msg-param-was-gifted") == "true":
        return unpaid(_sender(line), _notice_words(line))
    return with_words(_plan(line, max(months, 1), tier_values), _notice_words(line))


def _gift(line: IrcLine, tier_values: TierValues) -> Content:
    return _plan(line, max(optional_integer(line.tags, "msg-param-gift-months"), 1), tier_values)


def _batch(line: IrcLine, tier_values: TierValues) -> Content:
    return _plan(line, positive(line.tags, "msg-param-mass-gift-count", "tags"), tier_values)


def _continued(line: IrcLine, _tier_values: TierValues) -> Content:
    """Read of a gifted or Prime subscription gone on with, or a gift passed on: what is paid for it comes apart."""
    return Follow(_sender(line))


def _announcement(line: IrcLine, _tier_values: TierValues) -> Content:
    return Comment(_sender(line), spoken(text(line.params, 1, "params")))


def _cheer_in_currency(line: IrcLine, _tier_values: TierValues) -> Content:
    amount = positive(line.tags, "msg-param-amount", "tags")
    return Gift(_sender(line), "Cheer", 1, amount, amount, line.tags.get("msg-param-currency", ""))


def _combo(line: IrcLine, _tier_values: TierValues) -> Content:
    return bits(_sender(line), positive(line.tags, "msg-param-bits-spent", "tags"))


def _join(line: IrcLine, received_at_ms: int, _tier_values: TierValues) -> Decoded:
    """Read an arrival. Only a login is told and stands in for the id: the viewer's comments have another ``userId``."""
    login = line.nick
    if not login or (login.startswith("justinfan") and login[9:].isdigit()):
        return Decoded(ignored=(OWN_JOIN,))
    return _told(line, received_at_ms, Join(viewer(login, login)))


def _ping(line: IrcLine, _received_at_ms: int, _tier_values: TierValues) -> Decoded:
    return Decoded(replies=(f"PONG :{line.params[-1]}" if line.params else "PONG",), ignored=("PING",))


def _reconnect(_line: IrcLine, _received_at_ms: int, _tier_values: TierValues) -> Decoded:
    return Decoded(follow="", ignored=("RECONNECT",))


def _notice(line: IrcLine, _received_at_ms: int, _tier_values: TierValues) -> Decoded:
    kind = line.tags.get("msg-id", "")
    if kind in UNREADABLE_CHANNELS:
        return Decoded(end=RoomOfflineError(f"Twitch lets nobody read this channel ({kind})"))
    if not kind and line.params[:1] == ["*"]:
        return Decoded(end=SourceUnavailableError("Twitch refused the anonymous login"))
    return Decoded(ignored=("NOTICE",))


def _capabilities(line: IrcLine, _received_at_ms: int, _tier_values: TierValues) -> Decoded:
    if "NAK" in line.params:
        return Decoded(end=SourceUnavailableError("Twitch refused the IRC capabilities that carry ids and gifts"))
    return Decoded(ignored=("CAP",))


MESSAGES: Mapping[str, Callable[[IrcLine, int, TierValues], Decoded]] = {
    "PRIVMSG": _privmsg,
    "USERNOTICE": _usernotice,
    "JOIN": _join,
    "PING": _ping,
    "RECONNECT": _reconnect,
    "NOTICE": _notice,
    "CAP": _capabilities,
}
USERNOTICES: Mapping[str, Callable[[IrcLine, TierValues], Content]] = {
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


def _told(line: IrcLine, received_at_ms: int, content: Content, twin: Twin | None = None) -> Decoded:
    """Return the event that a line tells."""
    tags = line.tags
    sent_at_ms = plausible_timestamp_ms(as_integer(tags.get("tmi-sent-ts")) or 0, received_at_ms)
    return Decoded((LiveEvent(sent_at_ms, content, tags.get("id", ""), None, twin),))


def _is_from_another_room(tags: Mapping[str, str]) -> bool:
    """Tell whether it was written in another channel of a shared chat."""
    source = tags.get("source-room-id")
    return bool(source) and source != tags.get("room-id")


def _sender(line: IrcLine) -> User:
    """Return who wrote it, or whom it is about."""
    tags = line.tags
    # Names may end in a space that no client shows (observed).
    name = tags.get("display-name", "").strip()
    user_id = tags.get("user-id")
    if not (name and user_id):
        login = tags.get("login") or line.nick
        name, user_id = name or login, user_id or login
    badges, info = tags.get("badges", ""), tags.get("badge-info", "")
    badge = _badge(badges, info) if len(badges) + len(info) <= MAX_REMEMBERED_CHARS else _read_badge(badges, info)
    return viewer(user_id, name, *badge)


def _notice_words(line: IrcLine) -> str:
    """Return what the viewer added to a notice, "" if nothing."""
    params = line.params
    return spoken(params[1]) if len(params) > 1 else ""


def _plan(line: IrcLine, count: int, tier_values: TierValues) -> Gift:
    """Return months or subscriptions of the plan that the notice names.

    The old anonymous kinds are signed with the channel's own name and id (observed).
    """
    tags = line.tags
    giver = ANONYMOUS if tags["msg-id"].startswith("anon") else _sender(line)
    return subscription(giver, tags.get("msg-param-sub-plan", ""), count, tier_values)


def _read_badge(badges: str, info: str) -> tuple[str, int]:
    if not (badges or info):
        return "", 0
    versions, months = _pairs(badges), _pairs(info)
    for name in BADGES:
        if name in versions or name in months:
            return name, badge_level(name, versions.get(name), months.get(name))
    return "", 0


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
