"""Where the service is, and which addresses we agree to send credentials to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.metastudio.models.limits import LOOPBACK_HOSTS

GLOBAL_IAM_ENDPOINT = "https://iam.myhuaweicloud.com"
"""A token from here works in every region; one from a region's own endpoint only there (vendor documentation)."""


@dataclass(frozen=True)
class Region:
    """A region of the service; resources do not cross regions."""

    name: str
    endpoint: str
    remark: str


REGIONS = tuple(
    Region(name, f"https://metastudio.{name}.myhuaweicloud.com", remark)
    for name, remark in (
        ("cn-north-4", "CN North-Beijing4, commercial"),
        ("cn-east-3", "CN East-Shanghai1, test environment by service ticket"),
        ("ap-southeast-3", "AP-Singapore, public beta; the only one of the international site"),
    )
)


def endpoint_of(region: str) -> str:
    """Return a region's endpoint; an unknown one is a ``ValueError``, ``problem: what is allowed``."""
    for known in REGIONS:
        if known.name == region:
            return known.endpoint
    names = ", ".join(known.name for known in REGIONS)
    raise ValueError(f"is not a known region: one of {names}, or give the endpoint")


def checked_endpoint(url: str) -> str:
    """Return an endpoint without its last slash; ``ValueError`` unless https (or http on this machine) and only a host."""
    allowed = "https://host, or http:// on this machine, without path and query"
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"is no URL: {allowed}") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS)):
        raise ValueError(f"is not safe to send credentials to: {allowed}")
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"has more than a host: {allowed}")
    return f"{parts.scheme}://{parts.netloc}"
