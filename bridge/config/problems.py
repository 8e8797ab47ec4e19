"""What is wrong in a configuration, in the words of the operator who must mend it.

A problem's line is ``file: key.path: problem: what is allowed``. It tells keys, never values: any
value may be a credential.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

Step = str | int
Path = tuple[Step, ...]

_PLAIN_KEY = re.compile(r"[\w.-]{1,64}|line \d+(?:, column \d+)?")
_MAX_SHOWN_CHARS = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it stands, what is wrong, what is allowed there."""

    path: Path
    problem: str
    allowed: str

    def line(self, file: str) -> str:
        """Return the whole line for the problem in ``file``."""
        return f"{file}: {path_text(self.path)}: {self.problem}: {self.allowed}"


def path_text(path: Path) -> str:
    """Write a path as the operator reads it: ``sources[0].room``; the document itself is ``document``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f"{'.' if text else ''}{_shown(step)}"
    return text or "document"


def _shown(key: str) -> str:
    """Show a key on one line, whatever characters it has."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    short = key if len(key) <= _MAX_SHOWN_CHARS else key[:_MAX_SHOWN_CHARS] + "…"
    return ascii(short) if not short.isprintable() else f"'{short}'"


def unknown_name(name: str, known_names: Iterable[str], what: str) -> tuple[str, str]:
    """Return problem and allowed for a name that is none of ``known_names``, with the nearest known one suggested."""
    names = sorted(known_names)
    lower = name.lower()[:_MAX_SHOWN_CHARS]
    begun = [known for known in names if len(lower) > 1 and known.startswith(lower)]
    nearest = begun or difflib.get_close_matches(lower, names, n=1)
    guess = f", did you mean {nearest[0]}?" if nearest else ""
    return f"unknown {what}{guess}", f"one of {', '.join(names)}" if names else "none is known here"


def from_validation(
    error: ValidationError, document: Any, keys_at: Callable[[Path], Collection[str]], base: Path = ()
) -> list[Problem]:
    """Translate pydantic's errors about ``document``, which stands at ``base`` in its file.

    ``keys_at`` tells the known keys of the section at a path within ``document``.
    """
    problems: dict[Path, Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = _place(detail, document)
        if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            wording = unknown_name(str(path[-1]), keys_at(path[:-1]), "key")
        else:
            wording = _wording(detail)
        # The members of a union complain about one place each; the first says enough.
        problems.setdefault(path, Problem(base + path, *wording))
    return list(problems.values())


def _place(detail: ErrorDetails, document: Any) -> Path:
    """Return the error's path without the steps that name a type and not a place in the document."""
    path: list[Step] = []
    here = document
    for step in detail["loc"]:
        is_item = isinstance(here, list) and isinstance(step, int) and step < len(here)
        if is_item or (isinstance(here, Mapping) and step in here):
            here = here[step]
            path.append(step)
        elif detail["type"] == "missing" and step == detail["loc"][-1]:
            path.append(step)
    return tuple(path)


_WORDINGS = {
    "missing": ("is missing", "it must be given"),
    "greater_than": ("is too small", "more than {gt}"),
    "greater_than_equal": ("is too small", "at least {ge}"),
    "less_than": ("is too large", "less than {lt}"),
    "less_than_equal": ("is too large", "at most {le}"),
    "literal_error": ("is not a known value", "one of {expected}"),
    "enum": ("is not a known value", "one of {expected}"),
    "int_from_float": ("is not a whole number", "digits only"),
    "int_parsing": ("is not a whole number", "digits only"),
    "int_parsing_size": ("is too large", "a whole number of ordinary size"),
    "int_type": ("is not a whole number", "digits only"),
    "float_parsing": ("is not a number", "a number"),
    "float_type": ("is not a number", "a number"),
    "finite_number": ("is not a number", "a finite number"),
    "bool_parsing": ("is neither true nor false", "true or false"),
    "bool_type": ("is neither true nor false", "true or false"),
    "string_type": ("is not a text", "a text"),
    "string_unicode": ("is not a text", "a text"),
    "string_too_long": ("is too long", "at most {max_length} characters"),
    "string_too_short": ("is too short", "at least {min_length} characters"),
    "too_short": ("has too few items", "at least {min_length}"),
    "too_long": ("has too many items", "at most {max_length}"),
    "list_type": ("is not a list", "items, each on a line that begins with -"),
    "tuple_type": ("is not a list", "items, each on a line that begins with -"),
    "dict_type": ("is not a section", "key: value lines"),
    "mapping_type": ("is not a section", "key: value lines"),
    "model_type": ("is not a section", "key: value lines"),
    "dataclass_type": ("is not a section", "key: value lines"),
}


def _wording(detail: ErrorDetails) -> tuple[str, str]:
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return split_wording(str(context["error"]))
    known = _WORDINGS.get(detail["type"])
    if known is None:
        return "is not valid here", detail["type"].replace("_", " ")
    bounds = {
        name: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
        for name, bound in context.items()
    }
    return known[0], known[1].format(**bounds)


def split_wording(text: str) -> tuple[str, str]:
    """Split a check's own ``problem: what is allowed``."""
    problem, separator, allowed = " ".join(text.split()).partition(": ")
    return problem, allowed if separator else "see the documentation of this key"
