"""The kinds of value that the configuration knows, and how each is read from what YAML or the environment gave.

A check raises ``ValueError("problem: what is allowed")`` and never tells the value.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo, WithJsonSchema

from bridge.metastudio.callback_signature import reading_names
from bridge.secret import Secret


def _as_text(value: Any) -> Any:
    """Give numbers and booleans back as the text that stood in the file: ``room: 21452505`` is a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _as_secret(value: Any) -> Secret:
    text = _as_text(value)
    if isinstance(text, Secret):
        return text
    if not isinstance(text, str):
        raise ValueError("is not a text: a text, best as ${NAME} or ${file:/path}")  # noqa: TRY004 (pydantic wants it)
    return Secret(text)


def _as_path(value: Any, info: ValidationInfo) -> Path:
    """Relative paths begin at the configuration's directory, wherever the command was typed."""
    if isinstance(value, Path):
        return value
    text = _as_text(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("is not a path: a file's or directory's path")
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / text


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is not a number: a number")  # noqa: TRY004 (pydantic wants it)
    return value


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether ``text`` is a URL of one of the schemes with a host and no space in it."""
    try:
        parts = urlsplit(text)
        usable_port = parts.port != 0
    except ValueError:
        return False
    clean = text.isprintable() and not any(character.isspace() for character in text)
    return clean and usable_port and parts.scheme in schemes and bool(parts.hostname)


def _web_url(text: str) -> str:
    if text and not is_url(text, ("http", "https")):
        raise ValueError("is not a URL: http:// or https:// with a host")
    return text.rstrip("/")


def _secret_web_url(url: Secret) -> Secret:
    if url and not is_url(url.reveal(), ("http", "https")):
        raise ValueError("is not a URL: http:// or https:// with a host, as it was copied")
    return url


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT`` or ``[IPV6]:PORT``; ``ValueError`` says what is wrong."""
    host, _, port = listen.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    digits = port.isascii() and port.isdigit() and len(port) <= 5
    if not bare or any(character.isspace() for character in bare) or (":" in bare) != (bare != host):
        raise ValueError("is no address: HOST:PORT, as in 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")
    if not digits or int(port) > 65535:
        raise ValueError("has no port: HOST:PORT with a port up to 65535 (0 takes a free one)")
    return bare, int(port)


def _listen(text: str) -> str:
    split_listen(text)
    return text


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cloud_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,64}", text):
        raise ValueError("is no id of the cloud's: 1 to 64 letters, digits, - and _, as it was copied")
    return text


def _app_user_id(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{0,256}", text):
        raise ValueError("is no user id: 1 to 256 printable ASCII characters without spaces")
    return text


def _reading_name(text: str) -> str:
    if text not in reading_names():
        raise ValueError(f"is no reading: one of {', '.join(reading_names())}")
    return text


def _filled(secret: Secret) -> Secret:
    if not secret:
        raise ValueError("is empty: a value")
    return secret


_SCALAR = WithJsonSchema({"type": ["string", "number", "boolean"]})

Text = Annotated[str, BeforeValidator(_as_text), _SCALAR]
CloudId = Annotated[Text, AfterValidator(_cloud_id)]
"""An id of the cloud's; empty where it is not given."""
AppUserId = Annotated[Text, AfterValidator(_app_user_id)]
ReadingName = Annotated[Text, AfterValidator(_reading_name)]
Whole = Annotated[int, BeforeValidator(_no_boolean)]
Real = Annotated[float, BeforeValidator(_no_boolean)]
SecretText = Annotated[Secret, PlainValidator(_as_secret), _SCALAR]
FilledSecret = Annotated[SecretText, AfterValidator(_filled)]
SecretWebUrl = Annotated[SecretText, AfterValidator(_secret_web_url)]
WebUrl = Annotated[Text, AfterValidator(_web_url)]
PathText = Annotated[Path, PlainValidator(_as_path), WithJsonSchema({"type": "string"})]
Listen = Annotated[Text, AfterValidator(_listen)]

_READABLE: dict[Any, Any] = {str: Text, int: Whole, float: Real, Secret: SecretText, Path: PathText}


def readable(hint: Any) -> Any:
    """Return a type hint with each plain type in it replaced by the one that is read as above.

    Platform modules name plain types (``str``, ``Secret``, ``dict[str, Secret]``) and know nothing of pydantic.
    """
    if hint in _READABLE:
        return _READABLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(readable(argument) for argument in arguments)]  # noqa: UP007 (built at run time)
    if isinstance(origin, type):
        return origin[tuple(readable(argument) for argument in arguments)]  # type: ignore[index]  # a generic
    return hint
