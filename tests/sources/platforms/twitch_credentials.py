"""Credentials for the Twitch tests: some that can be renewed, some that cannot."""

from __future__ import annotations

from bridge.secret import Secret
from bridge.sources.platforms.twitch.api import Api
from bridge.sources.platforms.twitch.credential import Credential

NONE = Secret()


def renewable() -> Credential:
    return Credential(Secret("cid"), Secret("csecret"), Secret("access-0"), Secret("refresh-0"))


def unrenewable() -> Credential:
    return Credential(Secret("cid"), NONE, Secret("access-0"), NONE)


def of_the_client() -> Credential:
    return Credential(Secret("cid"), Secret("csecret"), NONE, NONE)


def api(credential: Credential) -> Api:
    return Api(credential, "https://api.test", "https://id.test/below")
