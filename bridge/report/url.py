"""The report URL: opaque, a secret, and mortal. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from bridge.events import in_ms
from bridge.secret import redact_url

REFRESH_MARGIN_SECS = 600.0
REFRESH_SHARE = 0.2
QUIET_MARGIN_SECS = 300.0
QUIET_SHARE = 0.1
_KEY_PARAMETERS = ("auth_key", "expires_time")
_OWN_PORTS = {"http": 80, "https": 443}
_VISIBLE_ASCII = re.compile(
    r"[!-\[\]-~]+"
)  # no backslash: some readers take it for a slash, and then find another host
MAX_CHARS = 4096


@dataclass(frozen=True, slots=True)
class ReportUrl:
    """A job's ``live_event_report_url``; ``str()`` and ``repr()`` never show its query.

    ``known_since_ms`` is when we first saw it, from which its life is measured.
    """

    text: str
    known_since_ms: int = 0

    @property
    def key(self) -> str:
        """The secret in it, "" if it has none."""
        return self._parameter("auth_key")

    @property
    def expires_at_ms(self) -> int:
        """When it dies by its own ``expires_time``, 0 when it does not tell."""
        value = self._parameter("expires_time")
        if not (value.isascii() and value.isdigit() and len(value) <= 16):
            return 0
        return in_ms(int(value))  # whatever the documents say of its unit

    @property
    def job_id(self) -> str:
        """The job named in the path, "" if the path has another form."""
        steps = urlsplit(self.text).path.split("/")
        return steps[steps.index("smart-live-jobs") + 1] if "smart-live-jobs" in steps[:-1] else ""

    @property
    def fingerprint(self) -> str:
        """A digest by which the URL can be recognised without being known."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def wants_refresh(self, now_ms: int) -> bool:
        """Whether the next ordinary call should carry ``refresh_url=true``."""
        return self._is_within(max(REFRESH_MARGIN_SECS, REFRESH_SHARE * self._life_secs), now_ms)

    def wants_quiet_refresh(self, now_ms: int) -> bool:
        """Whether a call should be made for the refresh alone; not of a dead URL, which would only be refused."""
        return self._is_within(self.quiet_margin_secs, now_ms) and now_ms < self.expires_at_ms

    @property
    def quiet_margin_secs(self) -> float:
        """How long before its end a call is made for the refresh alone."""
        return min(QUIET_MARGIN_SECS, max(QUIET_SHARE * self._life_secs, 1.0))

    def with_query(self, **parameters: str) -> str:
        """Return the URL with parameters appended; what is there stays byte for byte."""
        separator = "&" if urlsplit(self.text).query else "?"
        return f"{self.text}{separator}{urlencode(parameters)}"

    def as_headers(self) -> tuple[ReportUrl, dict[str, str]]:
        """Return the URL without key and expiry, and the two header fields that carry them instead."""
        parts = urlsplit(self.text)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        values = dict(pairs)
        rest = urlencode([pair for pair in pairs if pair[0] not in _KEY_PARAMETERS])
        headers = {f"x-mss-{name.replace('_', '-')}": values[name] for name in _KEY_PARAMETERS if name in values}
        return ReportUrl(urlunsplit(parts._replace(query=rest)), self.known_since_ms), headers

    def is_kin(self, other: ReportUrl) -> bool:
        """Whether ``other`` may take over: same path, same host family and port, no step down from https or a key."""
        mine, theirs = urlsplit(self.text), urlsplit(other.text)
        if mine.scheme == "https" and theirs.scheme != "https":
            return False
        if mine.path != theirs.path or "@" in theirs.netloc or (self.key and not other.key):
            return False
        return _port(mine) == _port(theirs) and _family(mine.hostname or "") == _family(theirs.hostname or "")

    def __str__(self) -> str:
        return redact_url(self.text)

    def __repr__(self) -> str:
        return f"ReportUrl({redact_url(self.text)!r})"

    def _parameter(self, name: str) -> str:
        return dict(parse_qsl(urlsplit(self.text).query)).get(name, "")

    @property
    def _life_secs(self) -> float:
        return (self.expires_at_ms - self.known_since_ms) / 1000

    def _is_within(self, margin_secs: float, now_ms: int) -> bool:
        expires_at_ms = self.expires_at_ms
        return expires_at_ms > 0 and now_ms >= expires_at_ms - margin_secs * 1000


def report_url(text: str, now_ms: int) -> ReportUrl:
    """Return the URL in ``text``; raises ``ValueError`` (that does not show it) when it is none."""
    text = text.strip().partition("#")[0]
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or len(text) > MAX_CHARS or not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("is not an http(s) URL")
    return ReportUrl(text, now_ms)


def _port(parts: SplitResult) -> int | None:
    """Return the port, ``None`` for the scheme's own, so that a step up to https is no change of port."""
    return None if parts.port == _OWN_PORTS[parts.scheme] else parts.port


def _family(host: str) -> str:
    """Return what hosts of one owner share: the end of a name, the whole of an address or short name.

    The end is two labels, or three where the second last may be a registry's (``com.cn``, ``co.uk``).
    """
    labels = host.lower().rstrip(".").split(".")
    if ":" in host or labels[-1].isdigit():
        return host.lower()
    is_registry = len(labels[-1]) == 2 and len(labels[-2:][0]) <= 3
    return ".".join(labels[-3:] if is_registry else labels[-2:])
