"""Logs: structlog to standard output, coloured on a terminal, JSON lines otherwise.

Event names are ``noun.verb``. Secrets have types that do not print; the redactor here is the second
line, for texts of foreign exceptions.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Literal

import orjson
import structlog

_SECRET_PARAMETER = re.compile(
    r"(?i)\b(auth_key|access_token|refresh_token|api_key|client_secret|app_secret|sessdata|token|secret|password|key)"
    r"(=|%3D|\"\s*:\s*\"|'\s*:\s*')[^&\s\"']+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?)[^'\"\n]+")

Format = Literal["auto", "console", "json"]


def configure(log_format: Format, level: str) -> None:
    """Set up the process's logging; call once, before anything logs."""
    console = log_format == "console" or (log_format == "auto" and sys.stdout.isatty())
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if console:
        processors += [redacted_fields, structlog.dev.ConsoleRenderer(exception_formatter=_plain_traceback)]
    else:
        processors += [
            structlog.processors.format_exc_info,
            redacted_fields,
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard library's logging; only their warnings matter here.
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stdout, force=True)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_redact_record)


def redacted(text: str) -> str:
    """Return ``text`` with the values of secret-looking parameters removed."""
    return _AUTHORIZATION.sub(r"\1***", _SECRET_PARAMETER.sub(r"\1\2***", text))


def redacted_fields(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Redact every text of a log line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redacted(value)
    return event


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = redacted(record.getMessage()), ()
    if record.exc_info:
        record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
    return True


def _plain_traceback(stream: Any, exc_info: Any) -> None:
    stream.write(redacted(logging.Formatter().formatException(exc_info)))


def _json(value: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(value, default=default or str).decode()
