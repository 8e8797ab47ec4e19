"""Regular expressions whose matching takes time in proportion to the text, whatever the pattern and the text.

A rule's pattern is the operator's, but the text is any viewer's, and one comment can keep a backtracking matcher busy
for hours: ``.*how much.*cost`` has only to meet "how much" two thousand times. So a pattern is read by Python's own
parser and run as an automaton that is in all its states at once. It answers one question, whether there is a match.
What no automaton can do is refused: back references, conditional and atomic groups, possessive quantifiers. Patterns
with few ways to match, such as plain words, cannot run away; those are left to ``re``, which is faster.

Look-arounds work: where one holds is found by one more pass over the text, backwards for a look-ahead.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MAX_TEXT_CHARS = 4096
"""What is looked at of a text: as much as an event's content can hold."""

MAX_STATES = 2000
_MAX_PATHS = 64
_MAX_REMEMBERED = 4096
_MAX_DEPTH = 50

_TYPE_FLAGS = re.ASCII | re.LOCALE | re.UNICODE
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_LEAVES = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_LOOKS = (_constants.ASSERT, _constants.ASSERT_NOT)
_REFUSED = {
    _constants.GROUPREF: "a back reference",
    _constants.GROUPREF_EXISTS: "a conditional group",
    _constants.ATOMIC_GROUP: "an atomic group",
    _constants.POSSESSIVE_REPEAT: "a possessive quantifier",
}


class PatternError(ValueError):
    """The pattern cannot be used; the text says why and where, and shows nothing of it."""


class Pattern:
    """A pattern to be searched for or, if ``whole``, to match from end to end. Raises ``PatternError``."""

    def __init__(self, text: str, *, whole: bool = False) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiled = re.compile(text)
                parsed = _parser.parse(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise PatternError(_said(error)) from None
        # Built in any case: a pattern is refused for what it is, not for how it would have been run.
        self._program = _Program(parsed, compiled.flags, _Budget(), anchored=whole)
        self._plain: Callable[[str], object] | None = None
        if _paths(parsed) <= _MAX_PATHS:
            self._plain = compiled.fullmatch if whole else compiled.search

    def matches(self, text: str) -> bool:
        """Tell whether ``text``, as far as it is looked at, has a match."""
        text = text[:MAX_TEXT_CHARS]
        if self._plain is not None:
            return self._plain(text) is not None
        return self._program.matches(text)


def _said(error: BaseException) -> str:
    if not isinstance(error, re.error):
        return "nested too deeply" if isinstance(error, RecursionError) else "repeats too much"
    words = re.split(r"[^a-z ,)(-]", error.msg, maxsplit=1)[0].strip(" ,-")
    return f"{words} at character {error.pos + 1}" if error.pos is not None else words


def _paths(nodes: Iterable[Any], depth: int = 0) -> float:
    """Return an upper bound of the ways in which a backtracking matcher can go through ``nodes`` from one place."""
    total = 1.0
    for op, argument in nodes:
        if depth > _MAX_DEPTH:
            return math.inf
        if op is _constants.BRANCH:
            total *= sum(_paths(arm, depth + 1) for arm in argument[1])
        elif op is _constants.SUBPATTERN:
            total *= _paths(argument[3], depth + 1)
        elif op in _REPEATS:
            least, most, inner = argument
            if most > _MAX_PATHS:
                return math.inf
            ways = _paths(inner, depth + 1)
            total *= sum(ways**times for times in range(least, most + 1)) if ways <= _MAX_PATHS else math.inf
        elif op is not _constants.AT and op not in _LEAVES:
            return math.inf
        if total > _MAX_PATHS:
            return math.inf
    return total


@dataclass(slots=True)
class _Budget:
    """How many states a pattern may still have, those of its look-arounds included."""

    states: int = MAX_STATES

    def spend(self) -> None:
        self.states -= 1
        if self.states < 0:
            raise PatternError("repeats too much to be run in bounded time")


@dataclass(slots=True)
class _State:
    """A state is left by a character that ``leaf`` takes, or without one where the assertion number ``fact`` holds."""

    to: tuple[int, ...] = ()
    leaf: Callable[[str], object] | None = None
    fact: int | None = None


_States = frozenset[int]


class _Program:
    """An automaton and what it remembers of its own steps. Run ``backward`` it tells where matches begin."""

    def __init__(
        self, nodes: Any, flags: int, budget: _Budget, *, anchored: bool = False, backward: bool = False, depth: int = 0
    ) -> None:
        self._budget = budget
        self._anchored = anchored
        self._backward = backward
        self._states: list[_State] = []
        self._facts: list[Callable[[str], Sequence[bool]]] = []
        self._accepts = self._add(_State())
        self._begins = frozenset((self._sequence(nodes, flags, self._accepts, depth),))
        self._closed: dict[tuple[_States, int], tuple[_States, bool]] = {}
        self._stepped: dict[tuple[_States, str], _States] = {}

    def matches(self, text: str) -> bool:
        """Tell whether there is a match; an anchored one is the whole text."""
        if not self._anchored:
            return any(self.ends(text))
        *_, last = self.ends(text)
        return last

    def ends(self, text: str) -> Iterator[bool]:
        """Yield for each place between characters, in the order of running, whether a match ends there."""
        facts = self._facts_of(text)
        reached = self._begins
        for place, char in self._run(text):
            waiting, accepted = self._closure(reached, facts[place] if facts else 0)
            yield accepted
            reached = self._step(waiting, char)

    def _run(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the places with the character that follows each; "" follows the last."""
        if self._backward:
            yield from ((place, text[place - 1]) for place in range(len(text), 0, -1))
            yield 0, ""
        else:
            yield from enumerate(text)
            yield len(text), ""

    def _closure(self, reached: _States, facts: int) -> tuple[_States, bool]:
        """Return the states that wait for a character, and whether the end is reached without one."""
        key = reached, facts
        known = self._closed.get(key)
        if known is not None:
            return known
        waiting: set[int] = set()
        seen: set[int] = set()
        stack = list(reached)
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            state = self._states[number]
            if state.leaf is not None:
                waiting.add(number)
            elif state.fact is None or facts >> state.fact & 1:
                stack.extend(state.to)
        found = frozenset(waiting), self._accepts in seen
        if len(self._closed) >= _MAX_REMEMBERED:
            self._closed.clear()
        self._closed[key] = found
        return found

    def _step(self, waiting: _States, char: str) -> _States:
        """Return the states after a character; a match that is not anchored may also begin after it."""
        key = waiting, char
        known = self._stepped.get(key)
        if known is not None:
            return known
        taken = set() if self._anchored else set(self._begins)
        for number in waiting:
            state = self._states[number]
            if state.leaf is not None and state.leaf(char):
                taken.update(state.to)
        found = frozenset(taken)
        if len(self._stepped) >= _MAX_REMEMBERED:
            self._stepped.clear()
        self._stepped[key] = found
        return found

    def _facts_of(self, text: str) -> list[int]:
        """Return for each place which assertions hold there, one bit each; nothing if there are none."""
        if not self._facts:
            return []
        found = [0] * (len(text) + 1)
        for number, fact in enumerate(self._facts):
            for place, holds in enumerate(fact(text)):
                found[place] |= holds << number
        return found

    def _add(self, state: _State) -> int:
        self._budget.spend()
        self._states.append(state)
        return len(self._states) - 1

    def _sequence(self, nodes: Any, flags: int, to: int, depth: int) -> int:
        """Add the states for ``nodes``, which lead to ``to``; returns the first."""
        if depth > _MAX_DEPTH:
            raise PatternError("nested too deeply")
        for op, argument in list(nodes) if self._backward else reversed(list(nodes)):
            to = self._node(op, argument, flags, to, depth)
        return to

    def _node(self, op: Any, argument: Any, flags: int, to: int, depth: int) -> int:
        if op in _LEAVES:
            return self._add(_State((to,), leaf=_single(op, argument, flags).match))
        if op is _constants.SUBPATTERN:
            _, added, removed, inner = argument
            return self._sequence(inner, _combined(flags, added, removed), to, depth + 1)
        if op is _constants.BRANCH:
            return self._add(_State(tuple(self._sequence(arm, flags, to, depth + 1) for arm in argument[1])))
        if op in _REPEATS:
            return self._repeat(argument, flags, to, depth + 1)
        if op is _constants.AT:
            holds = _single(op, argument, flags).match
            return self._fact(lambda text: [holds(text, place) is not None for place in range(len(text) + 1)], to)
        if op in _LOOKS:
            return self._look(argument, flags, to, depth + 1, wanted=op is _constants.ASSERT)
        if op is _constants.FAILURE:
            return self._add(_State())
        raise PatternError(f"has {_REFUSED.get(op, 'a construct')}, which cannot be run in bounded time")

    def _repeat(self, argument: Any, flags: int, to: int, depth: int) -> int:
        least, most, inner = argument
        if most is _constants.MAXREPEAT:
            again = self._add(_State())
            self._states[again].to = (self._sequence(inner, flags, again, depth), to)
            to = again
        else:
            for _ in range(most - least):
                to = self._add(_State((self._sequence(inner, flags, to, depth), to)))
        for _ in range(least):
            before, to = to, self._sequence(inner, flags, to, depth)
            if to == before:
                break  # nothing, any number of times
        return to

    def _look(self, argument: Any, flags: int, to: int, depth: int, *, wanted: bool) -> int:
        direction, inner = argument
        ahead = direction > 0
        program = _Program(inner, flags, self._budget, backward=ahead, depth=depth)

        def holds(text: str) -> list[bool]:
            places = [ended is wanted for ended in program.ends(text)]
            return places[::-1] if ahead else places

        return self._fact(holds, to)

    def _fact(self, holds: Callable[[str], Sequence[bool]], to: int) -> int:
        self._facts.append(holds)
        return self._add(_State((to,), fact=len(self._facts) - 1))


def _combined(flags: int, added: int, removed: int) -> int:
    """Return the flags inside a group such as ``(?i-s:…)``."""
    if added & _TYPE_FLAGS:
        flags &= ~_TYPE_FLAGS
    return (flags | added) & ~removed


def _single(op: Any, argument: Any, flags: int) -> re.Pattern[str]:
    """Return the pattern of one node alone: what one character may be, or what holds at a place."""
    compiled: re.Pattern[str] = _compiler.compile(_parser.SubPattern(_parser.State(), [(op, argument)]), flags)
    return compiled
