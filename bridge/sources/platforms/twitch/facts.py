"""What IRC and EventSub tell in different shapes and the bridge reports in one: viewers, words, batches."""

from __future__ import annotations

from bridge.events import Comment, Content, Follow, Twin, User

BATCH_WAIT_SECS = 2.0
"""How long a gift of a batch waits for the batch's announcement (observed: 0.7 s before it)."""

ANONYMOUS = User("twitch_0", "AnAnonymousGifter", masked=True)
"""A giver of whom no id is told; the name is the one that Twitch itself shows (observed on IRC)."""


def viewer(user_id: str, name: str, badge: str = "", badge_level: int = 0) -> User:
    """Return a viewer; without an id it is nobody in particular. Twitch has no user level."""
    if not user_id:
        return User("twitch_0", name, 0, badge, badge_level, masked=True)
    return User(f"twitch_{user_id}", name, 0, badge, badge_level)


def unpaid(user: User, text: str) -> Content:
    """Return a subscription for which nothing was paid now: its words, or that it was announced."""
    return Comment(user, text) if text.strip() else Follow(user)


def part_of_batch(key: str, *, settles: bool) -> Twin | None:
    """Return what ties a batch's announcement, which settles how many there are, to its single gifts.

    Without a key a gift was given directly.
    """
    return Twin(key, settles, 0.0 if settles else BATCH_WAIT_SECS) if key else None
