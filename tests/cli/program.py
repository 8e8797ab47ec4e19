"""The program as it is called: its ``main``, with arguments, input and output, in this process."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from bridge.cli import main


@dataclass(frozen=True)
class Ended:
    """How the program ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def results(self) -> list[Any]:
        """The printed JSON lines."""
        return [orjson.loads(line) for line in self.out.splitlines()]


class Program:
    """Call it with arguments. What is not asked for must not be in the environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        monkeypatch.delenv("REPORT_URL", raising=False)

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["live-event-bridge", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = self._capfd.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Ended(code, captured.out, captured.err)
