r"""AK/SK signatures of the cloud's gateway: SDK-HMAC-SHA256, made and read. Pure.

Source: the official SDKs' signers (Python, Go), observed and reproduced. One HMAC, no key derivation:
the secret key signs ``SDK-HMAC-SHA256 \n X-Sdk-Date \n SHA-256 of the canonical request``.
Names of headers are read without regard to case; ``url_path`` is the path as it stands in the URL.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlsplit

from bridge.errors import DecodeError
from bridge.secret import Secret

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
MAX_SKEW_SECS = 15 * 60
"""The gateway refuses a signature whose X-Sdk-Date is further than this from its own clock (vendor documentation)."""

_CONTENT_SHA256 = "x-sdk-content-sha256"
_HASHED_CONTENT_TYPES = ("application/json", "application/bson")
_MAX_QUERY_FIELDS = 1000
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 +Access=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64}) *", re.ASCII
)


@dataclass(frozen=True)
class SigningKey:
    """An access key; ``security_token`` comes with a temporary one."""

    access_key: str
    secret_key: Secret
    security_token: Secret = field(default_factory=Secret)


def sdk_date(epoch_ms: int) -> str:
    """Return a wall clock time as X-Sdk-Date writes it: ``20250422T081500Z``."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime(_DATE_FORMAT)


def parse_sdk_date(text: str) -> int:
    """Return the ms since 1970 of an X-Sdk-Date; raises ``DecodeError``."""
    try:
        if _DATE.fullmatch(text):
            return int(datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        pass
    raise DecodeError("X-Sdk-Date", "is no time such as 20250422T081500Z")


def decoded_query(query: str) -> list[tuple[str, str]]:
    """Return a URL's query as decoded pairs, bytes that are no UTF-8 kept; raises ``DecodeError`` when it is too long."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        raise DecodeError("query", f"has more than {_MAX_QUERY_FIELDS} fields") from None


def canonical_request(  # noqa: PLR0917 - the order is that of the canonical text
    method: str,
    url_path: str,
    query_pairs: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed_header_names: Iterable[str],
    body: bytes,
) -> str:
    """Return the text whose hash is signed.

    ``query_pairs`` are decoded. A payload hash given in X-Sdk-Content-Sha256 is taken as it is.
    A signed header that the request has not is a ``DecodeError``.
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(name.lower() for name in signed_header_names)
    for name in names:
        if name not in values:
            raise DecodeError("Authorization", f"signs the header {name[:64]!r}, which the request has not")
    return "\n".join(
        (
            method.upper(),
            _canonical_path(url_path),
            "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(query_pairs)),
            "".join(f"{name}:{values[name]}\n" for name in names),
            ";".join(names),
            values.get(_CONTENT_SHA256) or hashlib.sha256(body).hexdigest(),
        )
    )


def string_to_sign(sdk_date: str, canonical: str) -> str:
    """Return what the secret key signs."""
    # Header values arrive from a server with their odd bytes escaped as surrogates; here they become those bytes again.
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{sdk_date}\n{digest}"


def signature(secret: Secret, text: str) -> str:
    """Return the signature of ``text``, 64 hex digits; compare it with ``hmac.compare_digest``."""
    return hmac.new(secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()


def authorization(  # noqa: PLR0917 - the order is that of a request
    key: SigningKey, method: str, url: str, headers: Mapping[str, str], body: bytes, sdk_date: str
) -> dict[str, str]:
    """Return the headers that sign a request, to be added to ``headers``.

    Every header given is signed unless its name has an underscore (the official signers do so), so leave
    out what a proxy or the HTTP library may change, such as User-Agent. ``Host`` is among the answer:
    it must be sent as it was signed. ``body`` must be the very bytes sent.
    """
    parts = urlsplit(url)
    given = {name.lower(): value for name, value in headers.items() if "_" not in name}
    added = {"X-Sdk-Date": sdk_date}
    if "host" not in given:
        added["Host"] = parts.netloc.rpartition("@")[2]
    if key.security_token:
        added["X-Security-Token"] = key.security_token.reveal()
    content_type = given.get("content-type", "").lower()
    # The SDKs disagree on an empty body here; its real hash is right for all of them.
    if body and content_type and not content_type.startswith(_HASHED_CONTENT_TYPES) and _CONTENT_SHA256 not in given:
        added["X-Sdk-Content-Sha256"] = UNSIGNED_PAYLOAD
    signed = given | {name.lower(): value for name, value in added.items()}
    canonical = canonical_request(method, parts.path, decoded_query(parts.query), signed, signed, body)
    proof = signature(key.secret_key, string_to_sign(sdk_date, canonical))
    names = ";".join(sorted(signed))
    added["Authorization"] = f"{ALGORITHM} Access={key.access_key}, SignedHeaders={names}, Signature={proof}"
    return added


def parse_authorization(header: str) -> tuple[str, tuple[str, ...], str]:
    """Return access key, signed header names and signature of an Authorization header; raises ``DecodeError``."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise DecodeError("Authorization", f"is not '{ALGORITHM} Access=…, SignedHeaders=…, Signature=…'")
    access_key, names, proof = match.groups()
    return access_key, tuple(names.split(";")), proof


def _canonical_path(url_path: str) -> str:
    """Decode, then split, then encode: so an escaped slash becomes a separator, as in the official signers."""
    path = "/".join(quote(segment, safe="") for segment in unquote_to_bytes(url_path).split(b"/"))
    return path if path.endswith("/") else f"{path}/"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")
