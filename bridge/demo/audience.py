"""A simulated audience: what it does, as a Bilibili room's messages and as plain facts to count. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bridge.demo import bilibili_messages as messages
from bridge.demo.bilibili_messages import Message
from bridge.demo.bilibili_people import Medal, Viewer
from bridge.events import EventType

_WORDS = (
    "主播好！",
    "今天讲什么？",
    "这个多少钱？",
    "有没有蓝色的？",
    "Hello from Singapore 👋",
    "哈哈哈哈哈",
    "第一次来，请多关照",
    "讲得真清楚",
    "什么时候发货？",
    "可以再说一遍吗？",
    "好看！",
    "晚上好～",
)
_NAMES = ("小林", "阿杰", "Momo", "一只猫", "夜行者", "Lucky", "橙子", "大白", "云朵", "老张")
_GIFTS = (("辣条", 100), ("小花花", 100), ("干杯", 6600), ("告白气球", 2000))


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a viewer did: the messages that tell it, and the one fact that they tell."""

    type: EventType
    told_by: tuple[Message, ...]
    line: str


class Audience:
    """Does things at random, the same for the same seed. Times are wall clock, in ms."""

    def __init__(self, seed: int = 7) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._serial = 0
        self._viewers = [self._viewer(number) for number in range(400)]
        self._watching = 300

    def act(self, at_ms: int) -> Act:
        """Return the next thing that somebody does."""
        self._serial += 1
        who = self._random.choice(self._viewers)
        kind = self._random.random()
        told: tuple[Message, ...]
        if kind < 0.55:
            words = f"{self._random.choice(_WORDS)} #{self._serial}"
            told = (messages.danmu(who, words, at_ms=at_ms, serial=self._serial),)
            return Act(EventType.COMMENT, told, f"{who.name}: {words}")
        if kind < 0.72:
            return Act(EventType.JOIN, (self._entering(who, at_ms),), f"{who.name} enters")
        if kind < 0.82:
            return Act(EventType.LIKE, (messages.like(who),), f"{who.name} likes")
        if kind < 0.94:
            name, price = self._random.choice(_GIFTS)
            num = self._random.choice((1, 1, 1, 5, 10))
            told = (messages.gift(who, name, at_ms=at_ms, serial=self._serial, price=price, num=num),)
            return Act(EventType.GIFT, told, f"{who.name} gives {num} × {name}")
        if kind < 0.95:
            # A guard is told by several messages; it must be counted once.
            told = tuple(messages.guard(who, at_ms=at_ms + self._serial * 1000, serial=self._serial))
            return Act(EventType.GIFT, told, f"{who.name} becomes a guard")
        if kind < 0.97:
            words = f"SC {self._random.choice(_WORDS)} #{self._serial}"
            told = (
                messages.super_chat(who, words, at_ms=at_ms, serial=self._serial),
                messages.super_chat(who, words, at_ms=at_ms, serial=self._serial, japanese=True),
            )
            return Act(EventType.COMMENT, told, f"{who.name} pays to say: {words}")
        self._watching = max(self._watching + self._random.randint(-9, 10), 1)
        return Act(EventType.VIEWERS, (messages.viewers(self._watching),), f"{self._watching} are watching")

    def _entering(self, who: Viewer, at_ms: int) -> Message:
        entering = messages.interact_v2 if self._serial % 2 else messages.interact
        return entering(who, 1, at_ms=at_ms, serial=self._serial)

    def _viewer(self, number: int) -> Viewer:
        medal = Medal("粉丝团", 1 + number % 30, anchor_uid=550_001) if number % 3 == 0 else None
        return Viewer(10_000 + number, f"{_NAMES[number % len(_NAMES)]}{number}", level=number % 40, medal=medal)
