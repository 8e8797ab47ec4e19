"""What the messages of all sources behind the hub share, read tolerantly: their shapes differ between versions."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bridge.errors import DecodeError
from bridge.events import MAX_INTEGER, Content, Gift, LiveEvent, Twin, User, plausible_timestamp_ms
from bridge.sources.codecs.amounts import from_decimal, read_money
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.codecs.twitch_loyalty import chosen_badge
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import as_integer, optional_integer

MAX_MONTHS = 1_200
BATCH_WAIT_SECS = 2.0
"""How long a gift of a batch waits for the batch's announcement."""

ANONYMOUS_LOGIN = "ananonymousgifter"
"""What Twitch calls a giver who does not want to be named."""


TEST, GUEST = "test", "guest"


class Happening(Struct, frozen=True):
    """One event's data, the site it happened on, and when the hub told it.

    ``message`` is what older versions put around a comment's fields, empty in newer ones. ``viewers`` is how many
    watch each site, kept between events.
    """

    site: str
    data: dict[str, Any]
    message: dict[str, Any]
    told_at: str
    received_at_ms: int
    viewers: dict[str, int]

    def whose(self) -> str:
        """Return ``TEST`` for the hub's test button, ``GUEST`` for another channel of a shared chat, "" for ours."""
        data, message = self.data, self.message
        if data.get("isTest") is True or data.get("is_test") is True or message.get("isTest") is True:
            return TEST
        if data.get("isFromSharedChatGuest") is True or message.get("isFromSharedChatGuest") is True:
            return GUEST
        return ""

    def user(self) -> User:
        """Return the viewer of Twitch's, Kick's and Trovo's events: ``user``, or older flat fields.

        Amid those of an event, ``id`` and ``name`` are the event's.
        """
        data, message = self.data, self.message
        person = data.get("user")
        if type(person) is dict:
            user_id, login, name = person.get("id"), person.get("login"), person.get("name")
        else:
            person = message or data
            user_id = login = name = None
        login = login or person.get("userName") or person.get("username") or person.get("user_login")
        name = name or person.get("displayName") or person.get("display_name") or person.get("user_name")
        user_id = user_id or person.get("userId") or person.get("user_id")
        if not type(user_id) is type(login) is type(name) is str:
            user_id, login, name = written(user_id), written(login), written(name)
        user_id = user_id or login
        if (
            data.get("anonymous") is True
            or data.get("isAnonymous") is True
            or message.get("isAnonymous") is True
            or login.lower() == ANONYMOUS_LOGIN
        ):
            user_id = ""
        badge, level = chosen_badge(person.get("badges"), "name", "version")
        return viewer(self.site, user_id, name or login, badge, level)

    def told(self, content: Content, event_id: str = "", at: str = "", twin: Twin | None = None) -> LiveEvent:
        """Return the event, at the source's own time ``at`` where it gave one."""
        moment_ms = (timestamp_ms(at) if at else 0) or timestamp_ms(self.told_at)
        data = self.data
        own_id = event_id or (
            self.message.get("msgId") or data.get("messageId") or data.get("eventId") or data.get("msgId")
        )
        own_id = own_id if type(own_id) is str else written(own_id)
        event_id = f"{self.site}/{own_id}" if own_id else ""
        return LiveEvent(plausible_timestamp_ms(moment_ms, self.received_at_ms), content, event_id, None, twin)

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


def viewer(site: str, user_id: str, name: str, badge: str = "", level: int = 0) -> User:
    """Return a viewer; without an id it is nobody in particular."""
    if not user_id or user_id == "0":
        return User(f"{site}_0", name, 0, badge, level, masked=True)
    return User(f"{site}_{user_id}", name, 0, badge, level)


def words(happening: Happening) -> str:
    """Return an event's words, wherever its version puts them."""
    data = happening.data
    said = data.get("text") or happening.message.get("message") or data.get("message")
    return said if type(said) is str else written(said)


def written(value: Any) -> str:
    """Return a field that is a text or a number, "" for anything else."""
    return value if type(value) is str else str(value) if type(value) is int else ""


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
    currency = first(data, "currencyCode", "currency").upper()
    amount = data.get("amount")
    value = from_decimal(amount, currency) if currency else None
    if value is None and type(amount) is str:
        read = read_money(amount[:64])
        if read is not None:
            value, currency = read.value, read.currency
    if value is None:
        return Gift(user, name, currency=currency, priced=False)
    return Gift(user, f"{name} {currency}", 1, value, value, currency)


def first(data: dict[str, Any], *keys: str) -> str:
    """Return the first of several fields that is a text or a number."""
    for key in keys:
        if value := written(data.get(key)):
            return value
    return ""


def months(data: dict[str, Any], *keys: str) -> int:
    """Return how many months were bought; 0 and nothing are one."""
    return min(max(next((n for key in keys if (n := optional_integer(data, key))), 1), 1), MAX_MONTHS)
