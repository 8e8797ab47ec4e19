"""Every error of the bridge, sorted by what the program does next.

    BridgeError
    ├─ ConfigError                    the operator's file is wrong: all problems at once, exit 2
    ├─ SourceError                    a platform connection
    │  ├─ RoomNotFoundError           no such room: this source stops, exit 3 when nothing else is left
    │  ├─ RoomOfflineError            not live, or ended: poll slowly
    │  ├─ SourceAuthError             the platform refuses our credential: retry slowly with a fresh one
    │  ├─ SourceThrottledError        too many calls: wait what the platform says
    │  └─ SourceUnavailableError      network, 5xx, silence: reconnect with backoff
    ├─ DecodeError                    one message that we cannot read: counted, never reconnects
    ├─ PushRefusedError               a platform's call that we turn away: its HTTP status
    ├─ CloudError                     the cloud refused a management call (not a report)
    │  ├─ CloudAuthError              AK/SK or token refused: hold, alarm, never loop
    │  └─ CloudUnavailableError       network, 5xx, throttled: ask again later
    ├─ SpoolError                     the disk: at start exit 2, later go on in memory and say so
    │  └─ SpoolLockedError            another bridge owns this spool
    └─ ListenError                    our own HTTP port cannot be had: exit 2

An error's text never holds a URL's query, a credential or a frame's body.
What the cloud answers to a *report* is no error here: it is an ``Answer`` in ``report.wire``.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Root of the tree; ``exit_code`` is what the process ends with if nobody handles it."""

    exit_code = 1


class ConfigError(BridgeError):
    """The configuration is wrong; ``problems`` are whole lines, ``file: key.path: problem: what is allowed``."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SourceError(BridgeError):
    """A platform connection cannot go on; the supervisor decides by the subclass when to dial again."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class RoomNotFoundError(SourceError):
    """The platform knows no such room."""

    exit_code = 3


class RoomOfflineError(SourceError):
    """The room is not live; ask again slowly."""


class SourceAuthError(SourceError):
    """The platform refuses the credential; the text names the option to mend."""

    exit_code = 3


class SourceThrottledError(SourceError):
    """The platform asks us to wait ``retry_after_secs``."""

    def __init__(self, problem: str, retry_after_secs: float) -> None:
        self.retry_after_secs = retry_after_secs
        super().__init__(problem)


class SourceUnavailableError(SourceError):
    """Network trouble, a server's fault or silence: reconnect with backoff."""


class DecodeError(BridgeError):
    """One message or field that cannot be read: ``path`` names the place, ``problem`` what is wrong there."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}" if path else problem)

    def within(self, place: str) -> DecodeError:
        """Return the same problem as seen from outside: ``place`` is where the part that was read stands."""
        return DecodeError(f"{place}.{self.path}" if self.path else place, self.problem)


class PushRefusedError(BridgeError):
    """A platform's HTTP call to us is turned away with ``status``; nothing of it took effect."""

    def __init__(self, status: int, problem: str) -> None:
        self.status = status
        self.problem = problem
        super().__init__(problem)


class CloudError(BridgeError):
    """A management call was refused; ``status`` and ``error_code`` are the cloud's own (0 and "" when it said none)."""

    def __init__(self, problem: str, *, status: int = 0, error_code: str = "", request_id: str = "") -> None:
        self.problem = problem
        self.status = status
        self.error_code = error_code
        self.request_id = request_id
        super().__init__(problem)


class CloudAuthError(CloudError):
    """The credential was refused: more calls with it would lock it."""

    exit_code = 3


class CloudUnavailableError(CloudError):
    """The cloud could not be asked just now; ``retry_after_secs`` is 0 when it did not say."""

    def __init__(
        self,
        problem: str,
        *,
        status: int = 0,
        error_code: str = "",
        request_id: str = "",
        retry_after_secs: float = 0.0,
    ) -> None:
        self.retry_after_secs = retry_after_secs
        super().__init__(problem, status=status, error_code=error_code, request_id=request_id)


class SpoolError(BridgeError):
    """The spool's file cannot be used."""

    exit_code = 2


class SpoolLockedError(SpoolError):
    """Another process owns the spool directory."""


class ListenError(BridgeError):
    """The configured address cannot be listened on."""

    exit_code = 2
