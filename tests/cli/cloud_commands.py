"""The commands on rooms and jobs, run against a sandbox on loopback as the program runs them."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import typer
import yaml
from typer.testing import CliRunner

from bridge.cli.jobs import jobs
from bridge.cli.rooms import rooms
from bridge.errors import BridgeError
from bridge.sandbox import Sandbox
from bridge.sandbox.state import Job, Tenant

SINCE_MS = 1_760_000_000_000

app = typer.Typer()
app.add_typer(rooms, name="rooms")
app.add_typer(jobs, name="jobs")


@dataclass(frozen=True)
class Ran:
    """How a command ended: ``exit_code`` and ``stderr`` as the program's ``main`` makes them."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        assert self.exit_code == 0, self.stderr
        return json.loads(self.stdout)

    def yaml(self) -> Any:
        assert self.exit_code == 0, self.stderr
        return yaml.safe_load(self.stdout)


def rows_of(table: str) -> list[list[str]]:
    """Return the cells of a printed table, its head first."""
    lines = [re.split("[┃│]", line)[1:-1] for line in table.splitlines()]
    return [[cell.strip() for cell in cells] for cells in lines if cells]


def run(*arguments: str, stdin: str = "") -> Ran:
    """Run a command in this thread."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    if isinstance(result.exception, BridgeError):
        return Ran(result.exception.exit_code, result.stdout, f"{result.stderr}{result.exception}")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


class Commands:
    """``async with Commands(folder) as commands``: a sandbox, and a configuration directory with its account."""

    def __init__(self, folder: Path, **account: Any) -> None:
        self.folder = folder
        self.sandbox = Sandbox(room_name="tea house")
        self._account = account

    async def __aenter__(self) -> Self:
        await self.sandbox.__aenter__()
        sandbox = self.sandbox
        keys = {"access_key": sandbox.access_key, "secret_key": sandbox.secret_key}
        self.configure({"endpoint": sandbox.base_url, "project_id": sandbox.project_id, **(self._account or keys)})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sandbox.__aexit__(None, None, None)

    def configure(self, account: dict[str, Any]) -> None:
        """Write ``bridge.yaml``."""
        (self.folder / "bridge.yaml").write_text(yaml.safe_dump({"metastudio": account}))

    async def __call__(self, *arguments: str, stdin: str = "") -> Ran:
        """Run a command with this account."""
        return await asyncio.to_thread(run, *arguments, "--config", str(self.folder), stdin=stdin)

    @property
    def tenant(self) -> Tenant:
        """What the sandbox holds."""
        return self.sandbox._cloud.tenant

    @property
    def calls(self) -> dict[str, int]:
        """How often each call was made."""
        return dict(self.sandbox._cloud.ledger.calls_by_name)

    def add_rooms(self, count: int) -> None:
        for number in range(count):
            self.tenant.add_room({"room_name": f"stall {number}"}, SINCE_MS + number * 1000, f"stall-{number}")

    def add_job(self, job_id: str, state: str, at_ms: int, room_id: str = "") -> Job:
        job = self.tenant.start_job(room_id or self.sandbox.room_id, {}, at_ms, state=state, job_id=job_id)
        assert isinstance(job, Job)
        return job

    def file(self, name: str, data: Any) -> str:
        """Write a file beside the configuration and return its path."""
        path = self.folder / name
        path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return str(path)
