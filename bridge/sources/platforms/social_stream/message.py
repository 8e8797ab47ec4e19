"""One normalised message of the hub, read tolerantly: any field may be missing, of another type, or HTML."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from msgspec import Struct

from bridge.errors import DecodeError
from bridge.events import User, in_ms, plausible_timestamp_ms
from bridge.sources.fields import as_integer, optional_mapping, optional_text
from bridge.sources.platforms.social_stream.html_text import MAX_HTML_CHARS, plain

MAX_SITE_CHARS = 32
MAX_NAME_CHARS = 256
MAX_REMEMBERED_CHARS = 1_024
"""How long name, id, rank and tenure may be together for a viewer to be remembered."""

MAX_ID_CHARS = 512
MAX_BADGES = 20

SITES = {
    **{name: name for name in ("facebook", "instagram", "kick", "tiktok", "twitch", "youtube")},
    "youtubeshorts": "youtube",
    "instagramlive": "instagram",
    "twitter": "x",
    "kwai": "kuaishou",
    "bilibilicom": "bilibili",
    "bilibilitv": "bilibili",
}
"""The hub's words for the great sites, and for those that are called otherwise here."""

EVENTS = {
    **dict.fromkeys(("membership", "new_member", "new_membership", "new-membership", "newmember"), "sponsorship"),
    **dict.fromkeys(("membership_upgrade", "upgraded_membership", "upgraded-membership"), "resub"),
    **dict.fromkeys(("member_milestone", "membership_milestone"), "membermilestone"),
    **dict.fromkeys(("community_gift", "gift_membership", "gifted_memberships", "giftmemberships"), "giftpurchase"),
    "membership_gift": "giftpurchase",
    "gifted_membership": "giftredemption",
    "subgift": "subscription_gift",
    "like": "liked",
    "user_enter": "joined",
}
"""Older names of events, and what they are called now (the hub's own reference)."""

_ODD = re.compile(r"[^a-z0-9]+", re.ASCII)
_TENURE = re.compile(r"([0-9]{1,4})\s*(month|year)", re.IGNORECASE)


class Message(Struct, frozen=True):
    """A message's fields as text and numbers."""

    fields: dict[str, Any]
    at_ms: int
    site: str
    event: str

    @property
    def meta(self) -> dict[str, Any]:
        """The details of the site's own."""
        return optional_mapping(self.fields, "meta")

    def words(self) -> str:
        """Return the message's words; HTML unless it says otherwise."""
        fields = self.fields
        words = fields.get("chatmessage")
        if type(words) is not str:
            words = optional_text(fields, "chatmessage")
        return words[:MAX_HTML_CHARS] if fields.get("textonly") is True else plain(words)

    def label(self, key: str) -> str:
        """Return a field that is one short text."""
        value = self.fields.get(key)
        if not value:
            return ""
        return plain(value if type(value) is str else optional_text(self.fields, key))[:MAX_NAME_CHARS]

    def amount(self) -> str:
        """Return money as the hub wrote it, "" for a message without."""
        return self.label("hasDonation") or self.label("donation")

    def user(self) -> User:
        """Return the viewer; many sites' pages tell no id, then the name stands for it."""
        fields = self.fields
        name, user_id = fields.get("chatname"), fields.get("userid")
        if type(name) is not str:
            name = optional_text(fields, "chatname")
        if type(user_id) is not str:
            user_id = optional_text(fields, "userid")
        rank = optional_text(fields, "membership") if fields.get("membership") else ""
        tenure = optional_text(fields, "subtitle") if rank else ""
        is_short = len(name) + len(user_id) + len(rank) + len(tenure) < MAX_REMEMBERED_CHARS
        viewer = _viewer if is_short else _read_viewer
        return viewer(self.site, name, user_id, (rank, tenure), _badge(fields))

    def number(self, *keys: str) -> int | None:
        """Return the first of several details that is a number."""
        meta = self.meta
        for key in keys:
            value = as_integer(meta.get(key))
            if value is not None:
                return value
        return None

    def own_id(self) -> str:
        """Return the site's own message id, where the hub passes it on."""
        meta = self.fields.get("meta")
        if type(meta) is not dict:
            return ""
        own = meta.get("messageId")
        if type(own) is not str or not own:
            own = optional_text(meta, "messageId") or optional_text(meta, "tiktokGiftMessageId")
        return f"{self.site}/{own[:MAX_NAME_CHARS]}" if own else ""

    def moment_ms(self) -> int:
        """Return the message's time where the hub passes one on, in ms or seconds; else that of its receipt."""
        stamp = self.fields.get("timestamp")
        if stamp is None:
            return self.at_ms
        return plausible_timestamp_ms(in_ms(as_integer(stamp) or 0), self.at_ms)

    def hub_id(self) -> str:
        """Return the hub's own name for the message, "" for none.

        The hub counts its messages from 1 at every start, so its number alone would match an older one.
        """
        number = self.fields.get("id")
        if type(number) is not int and (type(number) is not str or not number):
            return ""
        return f"{self.site}/{number}/{self.fields.get('chatname')}"[:MAX_ID_CHARS]


def read_message(fields: dict[str, Any], at_ms: int) -> Message:
    """Return the message with its site and event as they are called here; raises ``DecodeError`` without a site."""
    try:
        site = SITES[fields["type"]]
    except (KeyError, TypeError):
        site = _site(optional_text(fields, "type"))
    event = fields.get("event")
    if not event:
        event = ""
    elif type(event) is str:
        event = event.strip().lower()
        event = EVENTS.get(event, event)
    else:
        event = "true" if event is True else ""
    return Message(fields, at_ms, site, event)


def _read_viewer(site: str, name: str, user_id: str, rank_and_tenure: tuple[str, str], badge: str) -> User:
    name = plain(name)[:MAX_NAME_CHARS]
    user_id = user_id.strip()[:MAX_NAME_CHARS] or name
    rank = plain(rank_and_tenure[0])[:MAX_NAME_CHARS]
    tenure = _TENURE.search(plain(rank_and_tenure[1])[:MAX_NAME_CHARS]) if rank else None
    months = int(tenure[1]) * (12 if tenure[2].lower() == "year" else 1) if tenure else 0
    if not user_id or user_id == "0" or "***" in name:
        return User(f"{site}_0", name, 0, rank or badge, months, masked=True)
    return User(f"{site}_{user_id}", name, 0, rank or badge, months)


_viewer = lru_cache(maxsize=4096)(_read_viewer)
"""Most viewers speak more than once, and look the same each time; one of odd length is not remembered."""


def _badge(fields: dict[str, Any]) -> str:
    """Return the first badge that has words, else the rank; most badges are only images."""
    badges = fields.get("chatbadges")
    if badges and type(badges) is list:
        for badge in badges if len(badges) <= MAX_BADGES else badges[:MAX_BADGES]:
            if type(badge) is dict and badge.get("type") == "text":
                words = plain(optional_text(badge, "text"))[:MAX_NAME_CHARS]
                if words:
                    return words
    if fields.get("moderator") is True or fields.get("mod") is True:
        return "moderator"
    return "admin" if fields.get("admin") is True else ""


def _site(name: str) -> str:
    """Return what a site that is not in the table is called here."""
    name = _ODD.sub("_", name.lower()).strip("_")[:MAX_SITE_CHARS]
    if not name:
        raise DecodeError("type", "is missing, the site's name expected")
    return SITES.get(name, name)
