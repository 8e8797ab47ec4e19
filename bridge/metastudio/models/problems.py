"""Everything that is wrong with an operator's request, found at once, as ``path: problem: what is allowed``. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from bridge.metastudio.models.limits import Allowed, Items, Required, is_integer, is_number, is_text
from bridge.secret import Secret

if TYPE_CHECKING:
    from bridge.metastudio.models.base import Part

_PLAIN = {
    str: Allowed("a text", is_text),
    Secret: Allowed("a text", is_text),
    int: Allowed("an integer", is_integer),
    float: Allowed("a number", is_number),
    bool: Allowed("true or false", lambda value: isinstance(value, bool)),
    dict: Allowed("a mapping", lambda value: isinstance(value, dict)),
}

_MAX_KEY_CHARS = 64


def problems(model: type[Part], data: object) -> list[str]:
    """Return one line a problem, in the model's order, none when the cloud would take ``data``."""
    return list(_of_object(model, data, ""))


@cache
def _hints(model: type[Part]) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}


def _of_object(model: type[Part], data: object, at: str) -> Iterator[str]:
    hints = _hints(model)
    if not isinstance(data, dict):
        yield _line(at, f"{_described(data)}: a mapping with {', '.join(hints)}")
        return
    unknown = {key: _nearest(key, hints) for key in (_key_text(key) for key in data if key not in hints)}
    meant = set(unknown.values())
    for name, hint in hints.items():
        path = f"{at}.{name}" if at else name
        if data.get(name) is not None:
            yield from _of_value(hint, data[name], path)
        elif name not in meant and Required in _marks(hint):
            yield _line(path, f"is missing: {_words(hint)}")
    for key, nearest in unknown.items():
        guess = f", did you mean {nearest}?" if nearest else ""
        yield _line(f"{at}.{key}" if at else key, f"unknown key{guess}: one of {', '.join(hints)}")
    for name, problem in model.contradictions(data):
        if name in data or name not in meant:
            yield _line(f"{at}.{name}" if at else name, problem)


def _key_text(key: object) -> str:
    text = str(key)[:_MAX_KEY_CHARS]
    return text if text.isprintable() else ascii(text)


def _nearest(key: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(key, known, n=1)), "")


def _of_value(hint: Any, value: object, at: str) -> Iterator[str]:
    base, limits = _peeled(hint)
    origin = get_origin(base)
    if origin is list:
        if not isinstance(value, list):
            yield _line(at, f"{_described(value)}: {_words(hint)}")
            return
        for limit in limits:
            if isinstance(limit, Items) and not limit.least <= len(value) <= limit.most:
                yield _line(at, f"has {len(value)} items: {limit.words}")
        for index, item in enumerate(value):
            yield from _of_value(get_args(base)[0], item, f"{at}[{index}]")
    elif (origin or base) in _PLAIN:
        allowed = _allowed(origin or base, limits)
        if not allowed.accepts(value):
            yield _line(at, f"{_described(value, allowed.problem)}: {allowed.words}")
    else:
        yield from _of_object(base, value, at)


def _peeled(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the type inside ``Annotated`` and ``| None``, with all that stood beside it."""
    limits: tuple[Any, ...] = ()
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            limits += hint.__metadata__
            hint = get_args(hint)[0]
        elif origin in {Union, UnionType}:
            (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
        else:
            return hint, limits


def _marks(hint: Any) -> set[type]:
    return {type(limit) for limit in _peeled(hint)[1]}


def _allowed(base: Any, limits: tuple[Any, ...]) -> Allowed:
    return next((limit for limit in limits if isinstance(limit, Allowed)), _PLAIN[base])


def _words(hint: Any) -> str:
    base, limits = _peeled(hint)
    origin = get_origin(base)
    if origin is list:
        return next((limit.words for limit in limits if isinstance(limit, Items)), "a list")
    if (origin or base) in _PLAIN:
        return _allowed(origin or base, limits).words
    return f"a mapping with {', '.join(_hints(base))}"


def _described(value: object, problem: str = "") -> str:
    """Say what stands there. No text is shown: any may be a credential in the wrong place."""
    if value is None or value == "":
        return "is empty"
    if isinstance(value, str):
        return problem or f"is a text of {len(value)} characters"
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, int | float):
        return f"is {value}"
    return f"is a {'mapping' if isinstance(value, dict) else 'list' if isinstance(value, list) else 'value'}"


def _line(at: str, problem: str) -> str:
    return f"{at}: {problem}" if at else problem
