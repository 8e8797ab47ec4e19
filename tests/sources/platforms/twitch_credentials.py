"""Credentials for the Twitch tests: some that can be renewed, some that cannot."""

from __future__ import annotations

from bridge.secret import Secret
from bridge.sources.heirs import HeirStore
from bridge.sources.platforms.twitch.api import Api
from bridge.sources.platforms.twitch.credential import Credential

NONE = Secret()


def renewable(heirs: HeirStore | None = None) -> Credential:
    return Credential(Secret("cid"), Secret("csecret"), Secret("access-0"), Secret("refresh-0"), heirs or HeirStore())


def unrenewable() -> Credential:
    return Credential(Secret("cid"), NONE, Secret("access-0"), NONE, HeirStore())


def of_the_client() -> Credential:
    return Credential(Secret("cid"), Secret("csecret"), NONE, NONE, HeirStore())


def api(credential: Credential) -> Api:
    return Api(credential, "https://api.test", "https://id.test/below")
