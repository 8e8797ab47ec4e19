"""Whether a callback comes from the cloud: the readings of its signature, and the check. Pure.

Documented for ``MSS_A`` and ``MSS_A_HEAD`` is a formula only (vendor documentation)::

    hwSecret = hmac_sha256(Key, URI(live_event_callback_url) + hwTime)        hwTime = hex(timestamp)

It leaves open what ``URI`` is and whether the time is in seconds or milliseconds. Two sibling callbacks have worked
examples, with different answers. So every plausible reading has a name, ``auto`` tries them all, and an operator can pin
the one that the log names. ``hmac_sha256`` is lower-case hex in both examples.

The signature covers neither the body nor a nonce: whoever saw a signature can reuse it with another body while its time
is valid. That is why the window is short, and why a repeat is known by secret, time and body together.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import PushRefusedError
from bridge.events import FIRST_MS, in_ms
from bridge.secret import Secret

AUTO = "auto"
WINDOW_MS = 60_000
"""How far a callback's time may be from ours, either way: the minute of the vendor's worked example with these headers."""

HEADER_SECRET = "x-hw-mss-secret"  # noqa: S105 - a header's name
HEADER_TIME = "x-hw-mss-time"
QUERY_NAMES = (("hwSecret", "hwTime"), ("secret", "time_stamp"))
"""What a signed URL is extended by: as documented for live events, and as the cloud's other callbacks do it."""

_HEX_TIME = re.compile(r"[0-9A-Fa-f]{1,15}")
_HEX_SECRET = re.compile(r"[0-9A-Fa-f]{64}")

Reading = Callable[[str, str], str | None]
"""Takes the URL as configured in the cloud and the time as it came (hex digits); returns the text that is signed,
``None`` when the time is not in this reading's unit."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a callback brought to prove itself; both are empty where it brought nothing."""

    secret: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """A callback that is the cloud's: by which reading, signed when (0 with ``NONE``), and by what."""

    reading: str
    at_ms: int
    proof: Proof


class CallbackVerifier:
    """Checks the callbacks of one room. Raises ``ValueError`` for an auth type or a reading that there is not.

    ``url`` is the callback URL as configured in the cloud: it is what was signed, whatever a proxy made of it since.
    ``key`` signs it; with ``NONE`` the URL carries ``token`` instead. An empty key or token lets nobody in.
    """

    def __init__(
        self,
        auth_type: str,
        *,
        key: Secret | None = None,
        url: str = "",
        token: Secret | None = None,
        reading: str = AUTO,
    ) -> None:
        if auth_type not in {"NONE", "MSS_A", "MSS_A_HEAD"}:
            raise ValueError("auth_type: is not known: NONE, MSS_A or MSS_A_HEAD")
        if reading != AUTO and reading not in READINGS:
            raise ValueError(f"reading: is not known: {AUTO} or one of {', '.join(READINGS)}")
        self._auth_type = auth_type
        self._key = key or Secret()
        self._token = token or Secret()
        self._url = without_proof(url)
        self._readings = READINGS if reading == AUTO else {reading: READINGS[reading]}

    def verify(self, headers: Mapping[str, str], query: Iterable[tuple[str, str]], now_ms: int) -> Verified:
        """Return how a callback proved itself; ``PushRefusedError`` (401) says to the operator why it did not.

        ``headers`` are by lower-case name, ``query`` is what the request's own URL carried, decoded.
        """
        if self._auth_type == "NONE":
            return self._by_token(query)
        in_headers = self._auth_type == "MSS_A_HEAD"
        proof = proof_in_headers(headers) if in_headers else proof_in_query(query)
        if not self._key:
            raise _refused("the key is empty")
        if not _HEX_SECRET.fullmatch(proof.secret) or not _HEX_TIME.fullmatch(proof.time):
            other = proof_in_query(query) if in_headers else proof_in_headers(headers)
            hint = "; it is signed the other way, see auth_type" if other.secret else ""
            raise _refused(f"{self._auth_type} expects a signature, there is none{hint}")
        reading = self._matching(proof)
        at_ms = time_ms(proof.time)
        late_ms = now_ms - at_ms
        if reading is None:
            raise _refused(
                "the signature fits neither key nor url" + ("" if abs(late_ms) <= WINDOW_MS else ", nor the time")
            )
        if abs(late_ms) > WINDOW_MS:
            off = f"{abs(late_ms) // 1000} s {'old' if late_ms > 0 else 'ahead'}"
            raise _refused(f"the signature is right, and {off}: a repeat, or a clock is wrong")
        return Verified(reading, at_ms, proof)

    def _by_token(self, query: Iterable[tuple[str, str]]) -> Verified:
        given = [value for name, value in query if name == "token"]
        token = self._token.reveal()
        if not token:
            raise _refused("the token is empty")
        if len(given) != 1 or not _same(given[0], token):
            raise _refused("NONE expects the room's ?token=, and it is not that")
        return Verified("token", 0, Proof())

    def _matching(self, proof: Proof) -> str | None:
        """Return the first reading that fits. All are tried: how long it takes tells nothing."""
        secret = proof.secret.lower()
        fitting = [
            name
            for name, reading in self._readings.items()
            if (text := reading(self._url, proof.time)) is not None
            and _same(secret, signature(self._key.reveal(), text))
        ]
        return fitting[0] if fitting else None


def signature(key: str, text: str) -> str:
    """Return the signature of a reading's text."""
    return hmac.new(key.encode("utf-8", "replace"), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def time_ms(hw_time: str) -> int:
    """Return a hex time in milliseconds: its size tells seconds from milliseconds."""
    return in_ms(int(hw_time, 16))


def proof_in_headers(headers: Mapping[str, str]) -> Proof:
    """Return what ``MSS_A_HEAD`` puts into the headers."""
    return Proof(headers.get(HEADER_SECRET, "").strip(), headers.get(HEADER_TIME, "").strip())


def proof_in_query(query: Iterable[tuple[str, str]]) -> Proof:
    """Return what ``MSS_A`` appends to the URL; of several the last, as appending makes it."""
    given = dict(query)
    for secret_name, time_name in QUERY_NAMES:
        if secret_name in given and time_name in given:
            return Proof(given[secret_name], given[time_name])
    return Proof()


def without_proof(url: str) -> str:
    """Return a URL as it was before it was signed: without ``hwSecret`` and ``hwTime`` (or the other pair)."""
    base, mark, query = url.partition("?")
    pairs = query.split("&") if mark else []
    for names in QUERY_NAMES:
        last = {name: index for name in names for index, pair in enumerate(pairs) if pair.partition("=")[0] == name}
        if len(last) == len(names):
            kept = [pair for index, pair in enumerate(pairs) if index not in last.values()]
            return f"{base}?{'&'.join(kept)}" if kept else base
    return url


def reading_names() -> tuple[str, ...]:
    """Return what a configuration may pin, ``auto`` first, then in the order in which they are tried."""
    return (AUTO, *READINGS)


def _host_path_sorted_query(url: str) -> str:
    return _sorted_query(_without_scheme(url))


def _whole_url(url: str) -> str:
    return url


def _whole_url_sorted_query(url: str) -> str:
    return _sorted_query(url)


def _path(url: str) -> str:
    return _path_query(url).partition("?")[0]


def _path_query(url: str) -> str:
    rest = _without_scheme(url)
    cut = next((index for index, character in enumerate(rest) if character in "/?"), len(rest))
    return rest[cut:]


def _without_scheme(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return rest if mark else scheme


def _sorted_query(url: str) -> str:
    base, mark, query = url.partition("?")
    pairs = sorted(query.split("&"), key=lambda pair: pair.partition("=")[0])
    return f"{base}?{'&'.join(pairs)}" if mark and query else base


def _as_it_came(hw_time: str) -> str:
    return hw_time


def _decimal(hw_time: str) -> str:
    return str(int(hw_time, 16))


_URIS: Mapping[str, Callable[[str], str]] = {
    "host_path_sorted_query": _host_path_sorted_query,
    "whole_url": _whole_url,
    "whole_url_sorted_query": _whole_url_sorted_query,
    "path": _path,
    "path_query": _path_query,
}
_TIMES: Mapping[str, tuple[bool, Callable[[str], str]]] = {
    "seconds": (False, _as_it_came),
    "milliseconds": (True, _as_it_came),
    "decimal_milliseconds": (True, _decimal),
}


def _reading(uri_name: str, time_name: str) -> Reading:
    uri = _URIS[uri_name]
    in_ms, signed_time = _TIMES[time_name]

    def text(url: str, hw_time: str) -> str | None:
        is_ms = int(hw_time, 16) >= FIRST_MS
        return uri(url) + signed_time(hw_time) if is_ms == in_ms else None

    return text


def _all_readings() -> Mapping[str, Reading]:
    # First the two that the vendor's worked examples show: the custom platform's, with the same headers, and the
    # language model's. Then the rest, likely ones first.
    proven = ("host_path_sorted_query+seconds", "whole_url+decimal_milliseconds")
    others = [f"{uri}+{time}" for time in _TIMES for uri in _URIS]
    names = [*proven, *(name for name in others if name not in proven)]
    return MappingProxyType({name: _reading(*name.split("+")) for name in names})


READINGS = _all_readings()
"""Every reading by its name, ``<what is signed of the URL>+<unit of the time>``, in the order in which they are tried."""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _refused(problem: str) -> PushRefusedError:
    return PushRefusedError(401, problem)
