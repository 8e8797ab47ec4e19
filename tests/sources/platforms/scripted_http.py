"""The HTTP of ``locate``, answered from a script: by path, in order, and every call is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from bridge.errors import SourceError
from bridge.sources.contract import HttpAnswer, HttpCall
from bridge.sources.heirs import HeirStore

Answer = HttpAnswer | SourceError


class ScriptedHttp:
    """Answers each path with its next scripted answer, the last one for ever; a ``SourceError`` is raised."""

    def __init__(self, answers: Mapping[str, Answer | Sequence[Answer]], now_ms: int = 1_700_000_000_000) -> None:
        self._answers = {path: [one] if isinstance(one, Answer) else list(one) for path, one in answers.items()}
        self._now_ms = now_ms
        self.calls: list[HttpCall] = []
        self.heirs = HeirStore()

    async def send(self, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        script = self._answers.get(urlsplit(call.url).path)
        if script is None:
            return HttpAnswer(404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def now_ms(self) -> int:
        return self._now_ms

    @property
    def paths(self) -> list[str]:
        return [urlsplit(call.url).path for call in self.calls]


def json_answer(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): text for name, text in headers.items()}, orjson.dumps(value))
