"""``LiveEvent``, the one value that crosses every border, and the only place that makes its JSON.

The shapes are those of MetaStudio's report call: ``{"timestamp": ms, "type": n, "content": "<JSON text>"}``.
Interaction rules match on the bare leaf names inside ``content``, so exactly the documented keys are sent.

All of these are values that nobody changes: structs, because several are made for every event and a dataclass
takes three times as long to make.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

import orjson
from msgspec import Struct

MAX_CONTENT_CHARS = 4096
"""Limit of ``content``, in UTF-16 units: the cloud's services count a character beyond the BMP twice."""

MAX_TIMESTAMP_MS = 4_102_415_999_000
MAX_INTEGER = 2**31 - 1
FIRST_MS = 100_000_000_000
"""From here on a time is in milliseconds: in seconds it would be the year 5138 (in milliseconds, below it, 1973)."""

_MAX_NAME_CHARS = 128
"""What a name, badge or id is cut to when the content is too long, so that the comment keeps the most room."""

_EARLIEST_PLAUSIBLE_MS = 1_104_537_600_000  # 2005-01-01: no platform here is older
_CLOCK_TOLERANCE_MS = 86_400_000


class EventType(IntEnum):
    """Wire codes of the report call."""

    COMMENT = 1
    JOIN = 2
    LIKE = 3
    GIFT = 4
    FOLLOW = 5
    VIEWERS = 6


class Value(Struct, frozen=True, gc=False):
    """What events are made of. Made of values themselves, they form no cycles, so that nobody need look for any."""


class User(Value, frozen=True):
    """A viewer. ``id`` is ``<site>_<id>``; a masked user is nobody in particular and has ``<site>_0``."""

    id: str
    name: str = ""
    level: int = 0
    badge: str = ""
    badge_level: int = 0
    masked: bool = False

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``user``."""
        return {
            "userId": self.id,
            "name": self.name,
            "level": clamped(self.level),
            "badge": self.badge,
            "badgeLevel": clamped(self.badge_level),
        }


class Act(Value, frozen=True):
    """What a viewer did."""

    user: User

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``content``."""
        return {"user": self.user.fields()}


class Comment(Act, frozen=True):
    """A viewer's words."""

    type: ClassVar[EventType] = EventType.COMMENT
    text: str

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``content``."""
        return {"user": self.user.fields(), "content": self.text}


class Join(Act, frozen=True):
    """A viewer entered."""

    type: ClassVar[EventType] = EventType.JOIN


class Like(Act, frozen=True):
    """A viewer liked; ``count`` is for the metrics, the wire has no field for it."""

    type: ClassVar[EventType] = EventType.LIKE
    count: int = 1


class Follow(Act, frozen=True):
    """A viewer followed or subscribed without paying anything that we can count."""

    type: ClassVar[EventType] = EventType.FOLLOW


class Gift(Act, frozen=True):
    """Money. ``unit_value`` is the list price of one, ``total_value`` what was really paid for all of ``count``.

    Both are integers in the smallest public unit of ``currency``: a platform coin
    (``bilibili_gold``, ``diamond``, ``bits``, …) or an ISO 4217 code (``USD`` in cents).
    An unknown price is 0 with ``priced`` false.
    """

    type: ClassVar[EventType] = EventType.GIFT
    name: str
    count: int = 1
    unit_value: int = 0
    total_value: int = 0
    currency: str = ""
    priced: bool = True

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``content``."""
        return {
            "user": self.user.fields(),
            "gift": {
                "giftName": self.name,
                "giftNum": clamped(self.count),
                "giftValue": clamped(self.unit_value),
                "totalValue": clamped(self.total_value),
            },
        }


class PaidMessage(Value, frozen=True):
    """Words and money at once (super chat, cheer, resubscription with a text).

    It is no wire type: the room's ``paid_message`` setting turns it into a comment, a gift or both.
    """

    type: ClassVar[EventType] = EventType.COMMENT
    text: str
    gift: Gift

    @property
    def user(self) -> User:
        """Who paid."""
        return self.gift.user

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``content``: the words."""
        return {"user": self.gift.user.fields(), "content": self.text}


def with_words(gift: Gift, words: str) -> Gift | PaidMessage:
    """Return money with the words that came with it; without any it is a gift like others."""
    return PaidMessage(words, gift) if words.strip() else gift


class Viewers(Value, frozen=True):
    """How many watch now: concurrent, never cumulative."""

    type: ClassVar[EventType] = EventType.VIEWERS
    user: ClassVar[None] = None
    count: int

    def fields(self) -> dict[str, Any]:
        """Return the wire's ``content``."""
        return {"numberOfViewers": clamped(self.count)}


Content = Comment | Join | Like | Gift | PaidMessage | Follow | Viewers


class Streak(Value, frozen=True):
    """Marks a gift whose ``count`` and ``total_value`` are a combo's running totals so far.

    ``key`` names the combo (group id) within one user and gift; ``ended`` is the platform's end mark;
    ``started_at_ms`` is when the combo began, 0 where the platform does not tell.
    """

    key: str
    ended: bool = False
    started_at_ms: int = 0


class Twin(Value, frozen=True):
    """Marks one of several messages that tell the same fact, all with the same ``key``.

    A message that ``settles`` the fact is reported at once and swallows the others. The rest wait
    for it up to ``wait_secs`` and are reported as they are if it does not come.
    """

    key: str
    settles: bool
    wait_secs: float = 0.0


class LiveEvent(Value, frozen=True):
    """One event of a live room.

    ``timestamp_ms`` is the platform's clock. ``id`` is the platform's own message id, unique within
    the site, or "" when it gives none; the same id again is a replay.
    ``streak`` and ``twin`` are what the intake needs to count the event once.
    """

    timestamp_ms: int
    content: Content
    id: str = ""
    streak: Streak | None = None
    twin: Twin | None = None

    @property
    def user(self) -> User | None:
        """The viewer behind the event; ``None`` for a viewer count."""
        return self.content.user

    def to_wire(self) -> bytes:
        """Return the event as the report call's JSON object, ready to be joined into a body.

        Never raises for odd values: integers are clamped, what UTF-8 cannot carry becomes U+FFFD,
        NUL is removed, a text that makes ``content`` too long is cut at a character.
        A ``PaidMessage`` is sent as its comment.
        """
        content = self.content
        fields = content.fields()
        try:
            inner = orjson.dumps(fields).decode()
        except TypeError:
            fields = _scrubbed(fields)
            inner = orjson.dumps(fields).decode()
        if "\\u0000" in inner:
            fields = _scrubbed(fields)
            inner = orjson.dumps(fields).decode()
        if len(inner) * 2 > MAX_CONTENT_CHARS and _utf16_units(inner) > MAX_CONTENT_CHARS:
            inner = _shortened(fields)
        timestamp_ms = self.timestamp_ms
        if not 0 <= timestamp_ms <= MAX_TIMESTAMP_MS:
            timestamp_ms = min(max(timestamp_ms, 0), MAX_TIMESTAMP_MS)
        return orjson.dumps({"timestamp": timestamp_ms, "type": content.type, "content": inner})


def plausible_timestamp_ms(timestamp_ms: int, received_at_ms: int) -> int:
    """Return the platform's time if it can be true, else the time of receipt.

    Impossible are years before 2005 (a missing value, or seconds taken for ms) and, when our own
    clock is plausible, more than a day ahead of it.
    """
    if _EARLIEST_PLAUSIBLE_MS <= timestamp_ms <= MAX_TIMESTAMP_MS and (
        timestamp_ms <= received_at_ms + _CLOCK_TOLERANCE_MS or received_at_ms < _EARLIEST_PLAUSIBLE_MS
    ):
        return timestamp_ms
    return min(max(received_at_ms, 0), MAX_TIMESTAMP_MS)


def in_ms(moment: int) -> int:
    """Return a time in ms, whether it came in seconds or in ms: its size tells."""
    return moment if moment >= FIRST_MS else moment * 1000


def clamped(value: int) -> int:
    """Return the integer nearest to ``value`` that the wire can carry: 0 to ``MAX_INTEGER``."""
    return value if 0 <= value <= MAX_INTEGER else min(max(value, 0), MAX_INTEGER)


def encodable(text: str) -> str:
    """Return ``text`` as UTF-8 can carry it: half a surrogate pair, which JSON can bring, becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _scrubbed(item) for key, item in value.items()}
    if isinstance(value, str):
        return encodable(value).replace("\0", "")
    return value


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _shortened(fields: dict[str, Any]) -> str:
    """Cut names first, then the comment to the longest prefix that fits."""
    short = _names_cut(fields)
    inner = orjson.dumps(short).decode()
    if "content" not in short or _utf16_units(inner) <= MAX_CONTENT_CHARS:
        return inner
    text = short["content"]
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        inner = orjson.dumps({**short, "content": text[:middle]}).decode()
        if _utf16_units(inner) <= MAX_CONTENT_CHARS:
            fits = middle
        else:
            too_long = middle
    return orjson.dumps({**short, "content": text[:fits]}).decode()


def _names_cut(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _names_cut(value)
        if isinstance(value, dict)
        else value[:_MAX_NAME_CHARS]
        if isinstance(value, str) and key != "content"
        else value
        for key, value in fields.items()
    }
