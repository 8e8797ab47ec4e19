"""The processes around a measurement, and what one of them has used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

import orjson

START_SECS = 20.0
_TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Helper:
    """A module of this package as a process; its first line of output is its address."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def line(self) -> str:
        """Return the next line of its output."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, line: str) -> str:
        """Send it a line and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.line()


class BridgeUnderTest:
    """``bridge run`` on a configuration directory."""

    def __init__(self, config: Path, port: int) -> None:
        self._log = (config / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "run", "--config", str(config)], stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + START_SECS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the bridge did not start: {(config / 'log').read_text()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def cpu_secs(self) -> float:
        """Return the CPU time used so far, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SEC

    def memory_bytes(self) -> int:
        """Return the resident memory."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def get_json(url: str) -> Any:
    """Return what a URL answers."""
    with urllib.request.urlopen(url, timeout=5) as response:
        return orjson.loads(response.read())
