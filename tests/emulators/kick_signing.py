"""Kick's side of the webhooks: a key of its own and the signature over ``id.timestamp.body``."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@cache
def private_key() -> RSAPrivateKey:
    """Return the emulated platform's key: made once, it is the slow part."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_pem() -> str:
    pem = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def signed_delivery(
    name: str, event: Any, *, at_ms: int, message_id: str = "01HZX0000000000000000000AA"
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of one call."""
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    timestamp = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    signature = private_key().sign(f"{message_id}.{timestamp}.".encode() + body, PKCS1v15(), SHA256())
    headers = {
        "Kick-Event-Message-Id": message_id,
        "Kick-Event-Subscription-Id": "01HZX0000000000000000000SS",
        "Kick-Event-Message-Timestamp": timestamp,
        "Kick-Event-Signature": base64.b64encode(signature).decode(),
        "Kick-Event-Type": name,
        "Kick-Event-Version": "1",
        "Content-Type": "application/json",
    }
    return headers, body
