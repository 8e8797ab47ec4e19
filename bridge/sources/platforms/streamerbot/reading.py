"""What the messages of all sources behind the hub share, read tolerantly: their shapes differ between versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.errors import DecodeError
from bridge.events import MAX_INTEGER, Content, Gift, LiveEvent, PaidMessage, Twin, User, plausible_timestamp_ms
from bridge.sources.codecs.amounts import from_decimal, read_money
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.codecs.twitch_loyalty import chosen_badge
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import as_integer, optional_integer, optional_sequence, optional_text

MAX_BADGES = 50
MAX_MONTHS = 1_200
BATCH_WAIT_SECS = 2.0
"""How long a gift of a batch waits for the batch's announcement."""

ANONYMOUS_LOGIN = "ananonymousgifter"
"""What Twitch calls a giver who does not want to be named."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event's data, the site it happened on, and when the hub told it."""

    site: str
    data: dict[str, Any]
    at_ms: int
    received_at_ms: int
    viewers: dict[str, int] = field(default_factory=dict)
    """How many watch each site, kept between events."""

    @property
    def user(self) -> User:
        """The viewer of Twitch's, Kick's and Trovo's events: ``user``, or older flat fields."""
        data = self.data
        message = data.get("message")
        person = data.get("user")
        if type(person) is not dict:
            person = message if type(message) is dict else data
        user_id = _first(person, "id", "userId", "user_id")
        login = _first(person, "login", "userName", "username", "user_login")
        name = _first(person, "name", "displayName", "display_name", "user_name") or login
        hidden = (
            data.get("anonymous") is True
            or data.get("isAnonymous") is True
            or (type(message) is dict and message.get("isAnonymous") is True)
            or login.lower() == ANONYMOUS_LOGIN
        )
        badges = [
            (optional_text(badge, "name"), optional_text(badge, "version"), optional_text(badge, "info"))
            for badge in optional_sequence(person, "badges")[:MAX_BADGES]
        ]
        return viewer(self.site, "" if hidden else user_id or login, name, chosen_badge(badges))

    def told(self, content: Content, event_id: str = "", at: str = "", twin: Twin | None = None) -> LiveEvent:
        """Return the event, at the source's own time ``at`` where it gave one."""
        moment_ms = (timestamp_ms(at) if at else 0) or self.at_ms
        own_id = event_id or _first(self.data, "messageId", "eventId", "msgId")
        event_id = f"{self.site}/{own_id}" if own_id else ""
        return LiveEvent(plausible_timestamp_ms(moment_ms, self.received_at_ms), content, event_id, twin=twin)

    def watched_by(self, count: int) -> int:
        """Take the number of a site's viewers; return that of all sites together."""
        self.viewers[self.site] = count
        return sum(self.viewers.values())

    def left_watching(self) -> int:
        """Forget a site's viewers; return how many watch the others."""
        self.viewers.pop(self.site, None)
        return sum(self.viewers.values())

    def live(self) -> Notice:
        """Return that the site's live has begun."""
        return Notice(NoticeKind.LIVE, f"Streamer.bot says that {self.site} is live")

    def ended(self) -> Notice:
        """Return that the site's live has ended."""
        return Notice(NoticeKind.ENDED, f"Streamer.bot says that the live on {self.site} has ended")


Told = LiveEvent | Notice | None
"""What an event says; ``None`` is nothing for us."""


def viewer(site: str, user_id: str, name: str, badge: tuple[str, int]) -> User:
    """Return a viewer; without an id it is nobody in particular."""
    masked = user_id in {"", "0"}
    return User(f"{site}_{0 if masked else user_id}", name, 0, *badge, masked=masked)


def words(happening: Happening) -> str:
    """Return an event's words, wherever its version puts them."""
    data = happening.data
    message = data.get("message")
    if type(message) is dict:
        message = message.get("message")
    return optional_text(data, "text") or (message if type(message) is str else "")


def counted(data: dict[str, Any], *keys: str) -> int:
    """Return how many, by the first of several names that is told; 1 if none is."""
    for key in keys:
        number = as_integer(data.get(key))
        if number is not None:
            if not 0 < number <= MAX_INTEGER:
                raise DecodeError(f"data.{key}", "is not a count")
            return number
    return 1


def watching(happening: Happening, *keys: str) -> int | None:
    """Return a number of viewers, by the first of several names; ``None`` if it is not told."""
    number = next((n for key in keys if (n := as_integer(happening.data.get(key))) is not None), None)
    if number is not None and not 0 <= number <= MAX_INTEGER:
        raise DecodeError(f"data.{keys[0]}", "is no number of viewers")
    return number


def money(data: dict[str, Any], name: str, user: User) -> Gift:
    """Return a gift of money: a number beside its currency's code, or a text that holds both."""
    currency = _first(data, "currencyCode", "currency").upper()
    amount = data.get("amount")
    value = from_decimal(amount, currency) if currency else None
    if value is None and type(amount) is str:
        read = read_money(amount[:64])
        if read is not None:
            value, currency = read.value, read.currency
    if value is None:
        return Gift(user, name, currency=currency, priced=False)
    return Gift(user, f"{name} {currency}", 1, value, value, currency)


def paid(gift: Gift, text: str) -> Content:
    """Return money with the words that came with it, if any did."""
    return PaidMessage(text, gift) if text.strip() else gift


def first(data: Any, *keys: str) -> str:
    """Return the first of several fields that is a text or a number."""
    return _first(data, *keys)


def _first(data: Any, *keys: str) -> str:
    return next((value for key in keys if (value := optional_text(data, key))), "")


def is_test(data: dict[str, Any]) -> bool:
    """Tell whether the operator made this happen with the hub's test button."""
    message = data.get("message")
    return (
        data.get("isTest") is True
        or data.get("is_test") is True
        or (type(message) is dict and message.get("isTest") is True)
    )


def months(data: dict[str, Any], *keys: str) -> int:
    """Return how many months were bought; 0 and nothing are one."""
    return min(max(next((n for key in keys if (n := optional_integer(data, key))), 1), 1), MAX_MONTHS)
