"""Which events of a room are worth reporting, and in which form. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec.structs import replace

from bridge.events import Comment, EventType, Gift, LiveEvent, PaidMessage
from bridge.outbox.money import Money
from bridge.outbox.policy import Policies
from bridge.pending import DropReason

_MAX_REMEMBERED_USERS = 20_000
_MAX_UNPRICED = 1000


class PaidMessageForm(Enum):
    """What words and money at once become."""

    COMMENT = "comment"
    GIFT = "gift"
    BOTH = "both"


class Admission:
    """The gate of one room."""

    def __init__(self, policies: Policies, paid_message: PaidMessageForm, money: Money) -> None:
        self._policies = policies
        self._paid_message = paid_message
        self._money = money
        self._unpriced: set[str] = set()
        self._always = {kind for kind, policy in policies.items() if policy.enabled and not policy.once_per_user_secs}
        self._seen: dict[EventType, dict[str, float]] = {EventType.JOIN: {}, EventType.LIKE: {}}

    def type_of(self, event: LiveEvent) -> EventType:
        """Return the type under which an event is counted: the first of its forms."""
        content = event.content
        if type(content) is PaidMessage and self._paid_message is PaidMessageForm.GIFT:
            return EventType.GIFT
        return content.type

    def priced(self, gift: Gift) -> Gift:
        """Return the gift with the operator's price if the platform tells none."""
        return self._money.priced(gift)

    def is_unknown_price(self, gift: Gift) -> bool:
        """Whether of this gift, which has no price, it was not said before."""
        if gift.name in self._unpriced or len(self._unpriced) >= _MAX_UNPRICED:
            return False
        self._unpriced.add(gift.name)
        return True

    def forms(self, event: LiveEvent) -> Sequence[LiveEvent]:
        """Return the event in the form(s) in which this room reports it: one, or two for a paid message as both."""
        content = event.content
        if type(content) is Gift:
            valued = self._money.valued(content)
            return (event,) if valued is content else (replace(event, content=valued),)
        if type(content) is not PaidMessage:
            return (event,)
        comment = replace(event, content=Comment(content.gift.user, content.text))
        if self._paid_message is PaidMessageForm.COMMENT:
            return (comment,)
        gift = replace(event, content=self._money.valued(content.gift))
        return (gift,) if self._paid_message is PaidMessageForm.GIFT else (comment, gift)

    def refusal(self, event: LiveEvent, now: float) -> DropReason | None:
        """Return why this event is not to be reported, ``None`` if it is."""
        kind = event.content.type
        if kind in self._always:
            return None
        policy = self._policies[kind]
        if not policy.enabled:
            return DropReason.DISABLED
        if not policy.once_per_user_secs:
            return None
        user = event.user
        if user is None or user.masked:
            return None
        last = self._seen[kind]
        if now - last.get(user.id, -policy.once_per_user_secs) < policy.once_per_user_secs:
            return DropReason.MERGED if kind is EventType.LIKE else DropReason.ONCE_PER_USER
        if len(last) >= _MAX_REMEMBERED_USERS:
            self._forget(last, now - policy.once_per_user_secs)
        last[user.id] = now
        return None

    @staticmethod
    def _forget(last: dict[str, float], before: float) -> None:
        for user_id in [user_id for user_id, at in last.items() if at < before]:
            del last[user_id]
        if len(last) >= _MAX_REMEMBERED_USERS:
            last.clear()
