"""``bridge.yaml``: what all rooms share. Everything in it is optional."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge.config.values import (
    AppUserId,
    CloudId,
    FilledSecret,
    Listen,
    PathText,
    Real,
    SecretText,
    Text,
    WebUrl,
    Whole,
    is_loopback,
    split_listen,
)
from bridge.secret import Secret

Region = Literal["cn-north-4", "cn-east-3", "ap-southeast-3"]


class Section(BaseModel):
    """A section of a file: only known keys, never changed once read."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class Iam(Section):
    """An IAM user, for tokens that the bridge fetches and renews itself."""

    endpoint: WebUrl = ""
    """IAM's address; empty: that of the region."""
    user: Text = Field(min_length=1)
    """The IAM user's name."""
    password: FilledSecret
    """The IAM user's password."""
    domain: Text = Field(min_length=1)
    """The account (domain) that the user belongs to."""


class MetaStudio(Section):
    """The cloud account: needed to find jobs and manage rooms, not to report to a URL."""

    region: Region = "cn-north-4"
    """The region in which the rooms live."""
    endpoint: WebUrl = ""
    """Another address of the API, instead of the region's: a proxy or the sandbox."""
    project_id: CloudId = ""
    """The project's id in that region."""
    access_key: SecretText = Field(default_factory=Secret)
    """The access key (AK); calls are signed with it and the secret key."""
    secret_key: SecretText = Field(default_factory=Secret)
    """The secret key (SK) of the access key."""
    security_token: SecretText = Field(default_factory=Secret)
    """Goes with a temporary access key."""
    token: SecretText = Field(default_factory=Secret)
    """A project-scoped IAM token, instead of an access key; it lives 24 hours."""
    iam: Iam | None = None
    """An IAM user instead of an access key or token."""
    app_user_id: AppUserId = ""
    """X-App-UserId of all calls: your own user's id, printable ASCII."""
    job_poll_secs: Real = Field(10.0, gt=0, le=3600)
    """How soon a new or ended job is noticed."""
    max_calls_per_second: Real = Field(10.0, gt=0, le=1000)
    """Ceiling of the adaptive limiter, per tenant, shared by all rooms."""

    @property
    def base_url(self) -> str:
        """Scheme and host of the API."""
        return self.endpoint or f"https://metastudio.{self.region}.myhuaweicloud.com"

    @property
    def iam_url(self) -> str:
        """Scheme and host of IAM; with an endpoint of your own and none for IAM, the global one."""
        if self.iam is not None and self.iam.endpoint:
            return self.iam.endpoint
        if self.endpoint:
            return "https://iam.myhuaweicloud.com"
        return f"https://iam.{self.region}.myhuaweicloud.com"


class Spool(Section):
    """What must survive a kill: events not yet reported, refreshed report URLs, dead letters."""

    directory: PathText = Path("/var/lib/live-event-bridge")
    """Where it is kept; one directory a process."""
    max_bytes: Whole = Field(256 * 1024 * 1024, ge=1024 * 1024)
    """How much disk it may take; beyond it, the oldest comments go first and gifts last."""
    commit_interval_ms: Whole = Field(20, ge=1, le=1000)
    """How long commits are gathered before one write to the disk."""


class Server(Section):
    """The bridge's own HTTP: health, metrics, status, push sources, callbacks, console."""

    listen: Listen = "127.0.0.1:8080"
    """HOST:PORT to listen on."""
    admin_token: SecretText = Field(default_factory=Secret)
    """Needed for whatever changes state, and to listen on more than this machine."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return split_listen(self.listen)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.address[0])


class Log(Section):
    """The log, on standard output."""

    format: Literal["auto", "console", "json"] = "auto"
    """How lines look; auto is coloured on a terminal and JSON lines otherwise."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""


class Memory(Section):
    """Bounds on what waits in memory while the cloud cannot be reached."""

    max_pending_events: Whole = Field(200_000, ge=1000)
    """For the whole process; over it, viewers, likes and joins go first, then the oldest comments, gifts last."""
    max_pending_events_per_room: Whole = Field(20_000, ge=1000)
    """For one room, so that a dead one does not use up what the others need."""


class BridgeSettings(Section):
    """What ``bridge.yaml`` says."""

    metastudio: MetaStudio = MetaStudio()
    """The cloud account; not needed to report to a URL."""
    spool: Spool = Spool()
    """Where events survive a kill."""
    server: Server = Server()
    """The bridge's own HTTP."""
    log: Log = Log()
    """The log."""
    memory: Memory = Memory()
    """Bounds on what waits in memory."""
    shutdown_budget_secs: Real = Field(8.0, ge=0, le=600)
    """How long a stop may go on sending; what is left stays in the spool."""
