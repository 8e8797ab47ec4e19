"""What a field of an operator's request may hold, and the words that say so.

These stand in ``Annotated`` beside a field's type and are read by ``problems`` alone. Pydantic does not see
them, because the same classes read the cloud's answers, which must not fail when the cloud learns a new value.
Limits are those of the service's OpenAPI document and of the newest SDK.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Allowed:
    """``accepts`` judges a value as it stands in the operator's file; ``words`` complete "allowed is …".

    ``problem`` is what to say of a text that is refused; "" to count its characters.
    """

    words: str
    accepts: Callable[[object], bool]
    problem: str = ""


@dataclass(frozen=True)
class Items:
    """How many items a list may have."""

    most: int
    least: int = 0

    @property
    def words(self) -> str:
        """Complete "allowed is …"."""
        if self.least:
            return f"a list of {self.least} to {self.most} items"
        return f"a list of at most {self.most} item{'s' if self.most > 1 else ''}"


@dataclass(frozen=True)
class Required:
    """The cloud refuses the request without this field."""


REQUIRED = Required()


def is_text(value: object) -> bool:
    """Tell whether ``value`` is a text, or a whole number that YAML made of one (``room_name: 2024``)."""
    return isinstance(value, str) or is_integer(value)


def is_integer(value: object) -> bool:
    """Tell whether ``value`` is an integer; ``true`` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Tell whether ``value`` is a finite number."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def chars(least: int, most: int) -> Allowed:
    """Allow texts of ``least`` to ``most`` characters."""
    words = f"a text of {least} to {most} characters" if least else f"a text of at most {most} characters"
    return Allowed(words, lambda value: is_text(value) and least <= len(str(value)) <= most)


def matching(pattern: str, words: str, problem: str) -> Allowed:
    """Allow texts that match ``pattern`` from end to end."""
    compiled = re.compile(pattern, re.ASCII)
    return Allowed(words, lambda value: is_text(value) and compiled.fullmatch(str(value)) is not None, problem)


def integer(least: int, most: int) -> Allowed:
    """Allow integers from ``least`` to ``most``."""
    return Allowed(
        f"an integer from {least} to {most}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
    )


def number(least: float, most: float) -> Allowed:
    """Allow numbers from ``least`` to ``most``."""
    return Allowed(
        f"a number from {least:g} to {most:g}",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most,
    )


def one_of(*values: str | int) -> Allowed:
    """Allow exactly these values."""
    return Allowed(
        f"one of {', '.join(map(str, values))}",
        lambda value: isinstance(value, str | int) and not isinstance(value, bool) and value in values,
        "is not a known value",
    )


def https_url(most: int) -> Allowed:
    """Allow https URLs, plain http on this machine (for the sandbox), and an empty text."""

    def accepts(value: object) -> bool:
        if not isinstance(value, str) or len(value) > most:
            return False
        try:
            parts = urlsplit(value)
        except ValueError:
            return False
        local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
        return not value or ((parts.scheme == "https" or local) and bool(parts.hostname))

    return Allowed(f"an https:// URL of at most {most} characters", accepts, "is not such a URL")


COLOUR = matching(r"#[0-9A-Fa-f]{6}", "a colour such as #FFFFFF", "is not a colour")
TIME = matching(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?", "a time such as 2021-01-10T08:43:17Z", "is not a time")
