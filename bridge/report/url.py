"""The report URL: opaque, a secret, and mortal. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bridge.secret import redact_url

REFRESH_MARGIN_SECS = 600.0
REFRESH_SHARE = 0.2
QUIET_MARGIN_SECS = 300.0
QUIET_SHARE = 0.1
_SECONDS_BELOW_MS = 100_000_000_000  # an `expires_time` below this is seconds, whatever the documents say
_KEY_PARAMETERS = ("auth_key", "expires_time")


@dataclass(frozen=True, slots=True)
class ReportUrl:
    """A job's ``live_event_report_url``; ``str()`` and ``repr()`` never show its query.

    ``known_since_ms`` is when we first saw it, from which its life is measured.
    """

    text: str
    known_since_ms: int = 0

    @property
    def expires_at_ms(self) -> int:
        """When it dies by its own ``expires_time``, 0 when it does not tell."""
        value = dict(parse_qsl(urlsplit(self.text).query)).get("expires_time", "")
        if not (value.isascii() and value.isdigit() and len(value) <= 16):
            return 0
        moment = int(value)
        return moment * 1000 if moment < _SECONDS_BELOW_MS else moment

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
        """Whether a call should be made for the refresh alone."""
        return self._is_within(min(QUIET_MARGIN_SECS, max(QUIET_SHARE * self._life_secs, 1.0)), now_ms)

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
        """Whether ``other`` may take over: same path, same host family and port, no step down from https."""
        mine, theirs = urlsplit(self.text), urlsplit(other.text)
        if theirs.scheme not in ("http", "https") or (mine.scheme == "https" and theirs.scheme != "https"):
            return False
        if mine.path != theirs.path or "@" in theirs.netloc:
            return False
        try:
            same_port = mine.port == theirs.port
        except ValueError:
            return False
        return same_port and _family(mine.hostname or "") == _family(theirs.hostname or "") != ""

    def __str__(self) -> str:
        return redact_url(self.text)

    def __repr__(self) -> str:
        return f"ReportUrl({redact_url(self.text)!r})"

    @property
    def _life_secs(self) -> float:
        return (self.expires_at_ms - self.known_since_ms) / 1000

    def _is_within(self, margin_secs: float, now_ms: int) -> bool:
        expires_at_ms = self.expires_at_ms
        return expires_at_ms > 0 and now_ms >= expires_at_ms - margin_secs * 1000


def report_url(text: str, now_ms: int) -> ReportUrl:
    """Return the URL in ``text``; raises ``ValueError`` (that does not show it) when it is none."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or len(text) > 4096 or any(character.isspace() or ord(character) < 0x20 for character in text):
        raise ValueError("is not an http(s) URL")
    return ReportUrl(text, now_ms)


def _family(host: str) -> str:
    """Return what hosts of one owner share: the last two labels of a name, the whole of an address or short name."""
    labels = host.lower().rstrip(".").split(".")
    is_address = ":" in host or labels[-1].isdigit()
    return host.lower() if is_address or len(labels) <= 2 else ".".join(labels[-2:])
