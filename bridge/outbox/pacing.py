"""The closed loop: how many comments the virtual human can take just now, learnt from the replies that it finished. Pure.

It speaks one reply after the other. What it cannot answer at once waits in the cloud, out of our reach, and is answered
minutes late. So comments are let through as replies are finished: one is being answered, ``ahead`` more wait behind it.
That holds the pace of the virtual human without knowing it, and follows at once when it changes.

Two things are learnt besides. How long a reply takes: the median over the last ones, of the time from when it could
begin. And which share of events is answered at all, because most rooms answer to keywords: while no reply comes for
much longer than one takes, nothing is owed, and what was let through since the last such pause was answered or
never will be. Events are not matched with replies: nothing in the callback names the comment.
"""

from __future__ import annotations

from collections import deque
from statistics import median

LEARNT_REPLIES = 3
"""From how many replies on the pace is known."""

MAX_REPLIES = 15
"""Over how many of the last replies the median is taken."""

FORGOTTEN_SECS = 600.0
"""Without a reply for so long, nothing is known any more: perhaps the callbacks were switched off."""

PATIENCE_REPLIES = 4.0
"""For how many times the usual reply's time a reply may take, before none is expected any more."""

MIN_PATIENCE_SECS = 20.0
MAX_PATIENCE_SECS = 120.0
_FIRST_PATIENCE_SECS = 30.0

MIN_SHARE = 0.1
_SURE_SHARE = 0.85
"""From here on everything is taken to be answered, which can only let too little through."""

_PRIOR_EVENTS = 2.0
_MEMORY = 0.9
_MAX_EPOCH_REPLIES = 12
"""After so many replies without a pause a share below ``_SURE_SHARE`` is measured anew: it may have risen unseen."""


class ReplyPace:
    """What one virtual human manages. Time is passed in (monotonic seconds)."""

    def __init__(self, *, ahead: int = 1) -> None:
        self._depth = 1 + ahead
        self._replies: deque[float] = deque(maxlen=MAX_REPLIES)
        self._busy_since: float | None = None
        self._last_finish = float("-inf")
        self._let_through = 0
        self._finished = 0
        self._past_events = _PRIOR_EVENTS
        self._past_replies = _PRIOR_EVENTS

    def finished(self, now: float) -> None:
        """Take note of a finished reply."""
        self._settle(now)
        if now - self._last_finish > FORGOTTEN_SECS:
            self._replies.clear()
        self._last_finish = now
        if self._busy_since is None:
            return  # it answered something that we did not send
        self._replies.append(now - self._busy_since)
        self._finished += 1
        self._busy_since = now

    def let_through(self, events: int, now: float) -> None:
        """Take note of comments and gifts on their way to the virtual human."""
        self._settle(now)
        if events and (self._busy_since is None or self._finished >= self._let_through):
            # All that went before is answered: this one is begun now, not when the last one was finished.
            self._busy_since = now
        self._let_through += events

    def allowance(self, now: float) -> int | None:
        """Return how many comments may go now, ``None`` while nothing is known and all may."""
        self._settle(now)
        if not self.is_learnt(now):
            return None
        share = self._share
        if share < 1.0 and self._finished >= _MAX_EPOCH_REPLIES:
            return 0
        owed = max(self._let_through * share - self._finished, 0.0)
        return max(int((self._depth - owed) / share + 1e-9), 0)

    def opens_at(self, now: float) -> float:
        """Return when an allowance of 0 ends at the latest, if no reply is finished before."""
        return now if self._busy_since is None else self._busy_since + self._patience_secs

    def is_learnt(self, now: float) -> bool:
        """Tell whether enough is known to hold anything back."""
        return len(self._replies) >= LEARNT_REPLIES and now - self._last_finish <= FORGOTTEN_SECS

    def replies_per_minute(self, now: float) -> float | None:
        """Return how many replies a minute the virtual human manages, ``None`` while that is not known."""
        if not self.is_learnt(now):
            return None
        return 60.0 / max(self._reply_secs, 0.001)

    @property
    def answered_share(self) -> float:
        """Which share of comments and gifts brings a reply, as far as known."""
        return self._share

    @property
    def _reply_secs(self) -> float:
        return median(self._replies)

    @property
    def _patience_secs(self) -> float:
        if len(self._replies) < LEARNT_REPLIES:
            return _FIRST_PATIENCE_SECS
        return min(max(PATIENCE_REPLIES * self._reply_secs, MIN_PATIENCE_SECS), MAX_PATIENCE_SECS)

    @property
    def _share(self) -> float:
        so_far = self._finished / self._let_through if self._let_through else 0.0
        share = max(self._past_replies / self._past_events, so_far, MIN_SHARE)
        return 1.0 if share >= _SURE_SHARE else share

    def _settle(self, now: float) -> None:
        """After a pause that is longer than a reply can be, nothing is owed: take stock of what was answered.

        A time without a single reply is left out: it says less of the share than of a reply that takes very long.
        """
        if self._busy_since is None or now < self._busy_since + self._patience_secs:
            return
        if self._finished and self._let_through:
            replies = min(self._finished, self._let_through)
            self._past_events = _MEMORY * self._past_events + self._let_through
            self._past_replies = _MEMORY * self._past_replies + replies
        self._busy_since = None
        self._let_through = self._finished = 0
