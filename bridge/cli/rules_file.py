"""A file of interaction rules: YAML or JSON, a list of rules or a whole room file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from bridge.config.documents import MAX_DOCUMENT_CHARS, parse
from bridge.config.problems import Problem
from bridge.errors import ConfigError
from bridge.metastudio.models import InteractionRule
from bridge.metastudio.rules import read_rules

_BEFORE_DOCUMENT = re.compile(r"\A(?:[ \t]*(?:[#%].*)?\n)*---[ \t]*(?:#.*)?\n")


def load_rules(path: Path) -> list[InteractionRule]:
    """Read a file's rules; raises ``ConfigError`` with a line ``file: path: problem: what is allowed`` a problem."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_DOCUMENT_CHARS + 1)
    except OSError as error:
        raise ConfigError([f"{path}: document: cannot be read ({error.strerror}): a readable file"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: document: is not UTF-8: UTF-8 text"]) from None
    values, found = _values(text)
    if found:
        raise ConfigError([problem.line(str(path)) for problem in found])
    try:
        return read_rules(values)
    except ConfigError as error:
        raise ConfigError([f"{path}: {line}" for line in error.problems]) from None


def _values(text: str) -> tuple[Any, list[Problem]]:
    if text.lstrip()[:1] in ("{", "[") and len(text) <= MAX_DOCUMENT_CHARS:
        try:
            # YAML does not read everything that JSON writes, such as an emoji in two escapes.
            return orjson.loads(text), []
        except orjson.JSONDecodeError:
            pass
    values, found = parse(text)
    if values is not None or [problem.problem for problem in found][-1:] != ["is a list"]:
        return values, found
    # The configuration's reader wants key: value lines; the list is sound YAML, so it still is below a key.
    indented = _BEFORE_DOCUMENT.sub("", text).replace("\n", "\n ")
    return parse(f"interaction_rules:\n {indented}")
