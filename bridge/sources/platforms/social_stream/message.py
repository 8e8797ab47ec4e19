"""One normalised message of the hub, read tolerantly: any field may be missing, of another type, or HTML."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

from bridge.errors import DecodeError
from bridge.events import User
from bridge.sources.fields import as_integer, optional_mapping, optional_sequence, optional_text
from bridge.sources.platforms.social_stream.html_text import plain

MAX_SITE_CHARS = 32
MAX_NAME_CHARS = 256
MAX_BADGES = 20

SITES = {
    "youtubeshorts": "youtube",
    "instagramlive": "instagram",
    "twitter": "x",
    "kwai": "kuaishou",
    "bilibilicom": "bilibili",
    "bilibilitv": "bilibili",
}
"""The hub's words for a site that is called otherwise here."""

_ODD = re.compile(r"[^a-z0-9]+", re.ASCII)
_TENURE = re.compile(r"([0-9]{1,4})\s*(month|year)", re.IGNORECASE)


class Message:
    """A message's fields as text and numbers."""

    __slots__ = ("at_ms", "event", "fields", "meta", "site")

    def __init__(self, fields: dict[str, Any], at_ms: int) -> None:
        site = _ODD.sub("_", optional_text(fields, "type").lower()).strip("_")[:MAX_SITE_CHARS]
        if not site:
            raise DecodeError("type", "is missing, the site's name expected")
        event = fields.get("event")
        self.site = SITES.get(site, site)
        self.event = event.strip().lower() if type(event) is str else "true" if event is True else ""
        self.fields = fields
        self.meta = optional_mapping(fields, "meta")
        self.at_ms = at_ms

    def words(self) -> str:
        """Return the message's words; HTML unless it says otherwise."""
        words = optional_text(self.fields, "chatmessage")
        return words if self.fields.get("textonly") is True else plain(words)

    def label(self, key: str) -> str:
        """Return a field that is one short text."""
        return plain(optional_text(self.fields, key)[: 4 * MAX_NAME_CHARS])[:MAX_NAME_CHARS]

    def name(self) -> str:
        """Return the viewer's name."""
        return self.label("chatname")

    def user(self) -> User:
        """Return the viewer; many sites' pages tell no id, then the name stands for it."""
        name = self.name()
        user_id = optional_text(self.fields, "userid").strip()[:MAX_NAME_CHARS] or name
        masked = user_id in {"", "0"} or "***" in name
        badge, badge_level = self._badge()
        return User(f"{self.site}_{0 if masked else user_id}", name, 0, badge, badge_level, masked)

    def tenure_months(self) -> int:
        """Return for how long the viewer is a member, 0 where it is not told."""
        match = _TENURE.search(self.label("subtitle"))
        if match is None:
            return 0
        return int(match[1]) * (12 if match[2].lower() == "year" else 1)

    def number(self, *keys: str) -> int | None:
        """Return the first of several details that is a number."""
        return next((value for key in keys if (value := as_integer(self.meta.get(key))) is not None), None)

    def strong_id(self) -> str:
        """Return the site's own message id, where the hub passes it on."""
        own = optional_text(self.meta, "messageId") or optional_text(self.meta, "tiktokGiftMessageId")
        return f"{self.site}/{own[:MAX_NAME_CHARS]}" if own else ""

    def thread(self) -> str:
        """Return what an update shares with the message that it updates; "" if nothing does.

        The hub counts its messages from 1 at every start, so its number alone would match an older one.
        """
        number = optional_text(self.fields, "id")[:MAX_NAME_CHARS]
        strong = self.strong_id()
        return strong or (f"{self.site}/{number}/{self.name()}" if number else "")

    def _badge(self) -> tuple[str, int]:
        membership = self.label("membership")
        if membership:
            return membership, self.tenure_months()
        for badge in optional_sequence(self.fields, "chatbadges")[:MAX_BADGES]:
            if optional_text(badge, "type") == "text":
                words = plain(optional_text(badge, "text")[:MAX_NAME_CHARS])
                if words:
                    return words, 0
        for rank in ("moderator", "mod", "admin"):
            if self.fields.get(rank) is True:
                return "moderator" if rank == "mod" else rank, 0
        return "", 0


def digest(*parts: str) -> str:
    """Return a short name for the parts together."""
    return blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()
