"""Values that must not be seen: credentials, and URLs that carry one in their query."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit


class Secret:
    """A credential. ``str()`` and ``repr()`` show nothing of it; ``reveal()`` is the only way in.

    An absent credential is ``Secret("")`` and is falsy.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, to be put on the wire and nowhere else."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__


class Heirs(Protocol):
    """Secrets that a platform handed out in the place of configured ones (a refresh token that works once, say).

    They outlive the process and are the same for all its sources; what is configured anew has no heir.
    """

    def heir_of(self, configured: Secret) -> Secret:
        """Return what has taken the place of a configured secret; the secret itself if nothing has."""
        ...

    def keep(self, configured: Secret, heir: Secret) -> None:
        """Remember an heir; the configured secret as its own heir forgets the former one."""
        ...


def redact_url(url: str) -> str:
    """Return scheme, host, port and path of a URL: what may be logged of it. Of anything else nothing is shown."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    host = parts.hostname
    if not parts.scheme or not host:
        return "(not a URL)"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}"
