"""Refreshed report URLs on disk, so that a restart does not begin with a dead one."""

from __future__ import annotations

from pathlib import Path

import orjson

from bridge.private_file import replace_private_file
from bridge.report.url import ReportUrl, report_url

DIRECTORY = "report_urls"


class UrlStore:
    """One file a room in the spool directory, readable by the owner alone."""

    def __init__(self, directory: Path, room: str) -> None:
        self._path = directory / DIRECTORY / f"{room}.json"

    def heir_of(self, configured: ReportUrl) -> ReportUrl | None:
        """Return the kept URL if it descends from the configured one, else ``None``."""
        try:
            kept = orjson.loads(self._path.read_bytes())
            heir = report_url(str(kept["url"]), int(kept["known_since_ms"]))
            descends = kept["configured"] == configured.fingerprint
        except (OSError, KeyError, TypeError, ValueError, OverflowError):
            return None
        return heir if descends else None

    def keep(self, configured: ReportUrl, heir: ReportUrl) -> bool:
        """Write down that ``heir`` has taken over from the configured URL; returns whether the disk took it."""
        text = orjson.dumps(
            {"configured": configured.fingerprint, "url": heir.text, "known_since_ms": heir.known_since_ms}
        )
        try:
            replace_private_file(self._path, text)
        except OSError:
            return False
        return True
