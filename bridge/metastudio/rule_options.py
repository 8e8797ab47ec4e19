"""What the cloud's documents leave open about interaction rules: one named option each, the default first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Answers(Enum):
    """How many rules answer one event: the best by priority, then list order; or each that hits."""

    ONE = "one"
    ALL = "all"


class Suppressed(Enum):
    """What happens when the best rule that hits is within its suppression window: the next one answers; or nobody."""

    NEXT = "next"
    SILENT = "silent"


class Reserved(Enum):
    """When a ``RESERVED`` rule answers: when no other rule hit; or also when those that hit were all suppressed."""

    NOTHING_HIT = "nothing-hit"
    NOTHING_ANSWERED = "nothing-answered"


class Regex(Enum):
    """What a ``REGEX`` must match: some part of the field; or the whole of it."""

    SEARCH = "search"
    WHOLE = "whole"


class TotalsOver(Enum):
    """What ``SUM``, ``AVG`` and ``COUNT`` run over: the show; the rule's own suppression window; the viewer's show."""

    SHOW = "show"
    WINDOW = "window"
    USER = "user"


class AfterAnswer(Enum):
    """What a rule's totals do after its answer: go on; or start anew from nothing."""

    GO_ON = "go-on"
    START_ANEW = "start-anew"


class AndTakes(Enum):
    """Which events count in the totals of an ``AND``: every one of the type; or those that meet its other tags."""

    EVERY = "every"
    MATCHING = "matching"


class WindowEnd(Enum):
    """What a rule does exactly at the end of its suppression window: answer again; or still be suppressed."""

    FIRES = "fires"
    SUPPRESSED = "suppressed"


class NoTags(Enum):
    """What a rule without tags matches."""

    EVERYTHING = "everything"
    NOTHING = "nothing"


class Time(Enum):
    """What time it is at an event: its own timestamp; or the latest seen so far, so that time never goes back."""

    EVENT = "event"
    LATEST = "latest"


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """How the open questions are read."""

    answers: Answers = Answers.ONE
    suppressed: Suppressed = Suppressed.NEXT
    reserved: Reserved = Reserved.NOTHING_HIT
    regex: Regex = Regex.SEARCH
    totals_over: TotalsOver = TotalsOver.SHOW
    after_answer: AfterAnswer = AfterAnswer.GO_ON
    and_takes: AndTakes = AndTakes.EVERY
    window_end: WindowEnd = WindowEnd.FIRES
    no_tags: NoTags = NoTags.EVERYTHING
    time: Time = Time.EVENT


DEFAULTS = RuleOptions()
