"""What the dialects' decode functions share: the sites behind a relay, and what a message can tell."""

from __future__ import annotations

import re
from typing import NamedTuple

from bridge.errors import DecodeError
from bridge.events import MAX_INTEGER, Content, Gift, Streak, User, Viewers, clamped
from bridge.sources.contract import Notice, NoticeKind
from bridge.sources.fields import as_integer

DIAMOND = "diamond"
"""抖币, ten to the yuan."""

HIDDEN_VIEWER = "111111"
"""The number that Douyin gives to all viewers whom a guest may not see."""

_NOBODY = frozenset({"0", HIDDEN_VIEWER})

_ROUNDED = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,4}))?万", re.ASCII)

ENDED = Notice(NoticeKind.ENDED, "the relay says that the live has ended")


class Site(NamedTuple):
    """A platform behind the relay: the prefix of its user ids, and the currency of its gifts."""

    name: str
    currency: str


DOUYIN = Site("douyin", DIAMOND)
KUAISHOU = Site("kuaishou", "kuaicoin")
CHANNELS = Site("wechat_channels", "wecoin")


class Counted(NamedTuple):
    """A gift whose count is a running total."""

    gift: Gift
    streak: Streak


Told = Content | Counted | Notice | None
"""What a message says; ``None`` is nothing for us."""


def viewer(
    site: Site, number: str, secret_id: str, name: str, *, level: int = 0, badge: str = "", badge_level: int = 0
) -> User:
    """Return a viewer. ``secret_id`` is what all dialects can tell; ``number`` of 0 or 111111 is nobody in particular.

    ``number`` is "" where the dialect has none; with neither it is nobody in particular either.
    """
    user_id = secret_id or number
    masked = not user_id or number in _NOBODY or "***" in name
    return User(f"{site.name}_{0 if masked else user_id}", name, clamped(level), badge, clamped(badge_level), masked)


def priced(user: User, name: str, count: int, unit_value: int | None, site: Site) -> Gift:
    """Return a gift of ``count`` at ``unit_value`` each; 0 or nothing is an unknown price."""
    unit = unit_value or 0
    if not (0 < count <= MAX_INTEGER and 0 <= unit <= MAX_INTEGER):
        raise DecodeError("gift", "has no possible count and price")
    return Gift(user, name, count, unit, unit * count, site.currency, priced=unit > 0)


def watching(count: object, at: str) -> Viewers:
    """Return how many watch now; a count that is told rounded (``2.2万``) is taken at its word."""
    number = as_integer(count)
    if number is None and type(count) is str and (rounded := _ROUNDED.fullmatch(count)):
        number = int(rounded[1] + (rounded[2] or "").ljust(4, "0"))
    if number is None or not 0 <= number <= MAX_INTEGER:
        raise DecodeError(at, "is no number of viewers")
    return Viewers(number)


def liked(count: int | None) -> int:
    """Return how many likes; at least the one that the message tells of."""
    return min(max(count or 1, 1), MAX_INTEGER)
