"""Logs: structlog to standard output, coloured on a terminal, JSON lines otherwise.

Event names are ``noun.verb``. Secrets have types that do not print; the redactor here is the second
line, for texts of foreign exceptions.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal

import orjson
import structlog

from bridge.events import encodable

_PARAMETER = re.compile(
    r"(?i)(key|token|secret|sessdata|password)(=|%3D|[\"']\s*:\s*[\"']|(?<=x-auth-token): |(?<=auth-key): )[^&\s\"']+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?)[^'\"\n]+")
_COOKIES = re.compile(r"(?i)(cookie['\"]?\s*[:=]\s*['\"]?)[^'\"\n=]+=[^'\"\n]*")
_USER_INFO = re.compile(r"(://)[^/\s@'\"]+@")

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
    """Return ``text`` without the values of secret-looking parameters, headers and cookies, and without passwords in URLs."""
    text = _USER_INFO.sub(r"\1***@", _COOKIES.sub(r"\1***", text))
    return _AUTHORIZATION.sub(r"\1***", _PARAMETER.sub(r"\1\2***", text))


def redacted_fields(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Redact every field of a log line, and make it one that can be written whatever it holds."""
    for key, value in event.items():
        if key != "exc_info":
            event[key] = _shown(value)
    return event


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(encodable(value))
    if value is None or isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, Mapping):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return redacted(encodable(str(value)))


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _shown(record.getMessage()), ()
    if record.exc_info:
        record.exc_text = _shown(logging.Formatter().formatException(record.exc_info))
    return True


def _plain_traceback(stream: Any, exc_info: Any) -> None:
    stream.write(_shown(logging.Formatter().formatException(exc_info)))


def _json(value: Any, **_: Any) -> str:
    return orjson.dumps(value).decode()
