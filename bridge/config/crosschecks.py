"""Rules between keys: what one key asks of another, in a room's file and across to ``bridge.yaml``.

They look at what is *given*, not at checked values, so that they are told in the same run as wrong values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.config.problems import Problem
from bridge.config.values import is_loopback, split_listen

_EITHER = "either url or smart_live_room_id"


def section(document: Any, key: str) -> Mapping[str, Any]:
    """Return a section, empty where there is none that can be read."""
    value = document.get(key) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def given(values: Mapping[str, Any], key: str) -> bool:
    """Tell whether a key has a value; an empty text is none."""
    return values.get(key) not in (None, "")


def bridge_rules(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Check a resolved ``bridge.yaml``."""
    yield from _credential_rules(section(document, "metastudio"))
    server = section(document, "server")
    listen = server.get("listen")
    if isinstance(listen, str) and not given(server, "admin_token"):
        try:
            host, _ = split_listen(listen)
        except ValueError:
            return
        if not is_loopback(host):
            allowed = "a token, or listen on 127.0.0.1 only"
            yield Problem(("server", "admin_token"), "is missing, others can reach this address", allowed)


def _credential_rules(metastudio: Mapping[str, Any]) -> Iterator[Problem]:
    if given(metastudio, "region") and given(metastudio, "endpoint"):
        yield Problem(("metastudio", "endpoint"), "stands beside region", "either region or endpoint")
    for key, other in (("secret_key", "access_key"), ("access_key", "secret_key"), ("access_key", "security_token")):
        if given(metastudio, other) and not given(metastudio, key):
            yield Problem(("metastudio", key), "is missing", f"it goes with {other}")
    kinds = [kind for kind in ("access_key", "token", "iam") if given(metastudio, kind)]
    if len(kinds) > 1:
        problem = f"stands beside {kinds[0]}"
        yield Problem(("metastudio", kinds[1]), problem, "one of access_key with secret_key, token, iam")


def room_rules(document: Mapping[str, Any], bridge: Mapping[str, Any] | None) -> Iterator[Problem]:
    """Check a resolved room; ``bridge`` is the resolved ``bridge.yaml``, ``None`` when it cannot be read."""
    report = section(document, "report")
    if isinstance(document.get("report"), Mapping):
        yield from _target_rules(report)
        if bridge is not None:
            yield from _account_rules(report, section(bridge, "metastudio"))
    callbacks = document.get("callbacks")
    if isinstance(callbacks, Mapping):
        yield from _callback_rules(callbacks)
    if section(document, "pacing").get("enabled") is True and callbacks is None:
        yield Problem(("pacing", "enabled"), "learns nothing without callbacks", "a callbacks section beside it")


def _target_rules(report: Mapping[str, Any]) -> Iterator[Problem]:
    url, room = given(report, "url"), given(report, "smart_live_room_id")
    if url and room:
        yield Problem(("report", "smart_live_room_id"), "stands beside url", _EITHER)
    if not url and not room:
        yield Problem(("report", "url"), "is missing", _EITHER)
    if given(report, "job_id") and not room:
        yield Problem(("report", "job_id"), "says nothing without smart_live_room_id", "the room that the job is of")


def _account_rules(report: Mapping[str, Any], metastudio: Mapping[str, Any]) -> Iterator[Problem]:
    auth = report.get("auth")
    needed: tuple[str, ...]
    if auth == "signed":
        key, reason, needed = "auth", "signed", ("access_key",)
    elif auth == "token":
        key, reason, needed = "auth", "token", ("token", "iam")
    elif given(report, "smart_live_room_id"):
        key, reason, needed = "smart_live_room_id", "following a room's jobs", ("access_key", "token", "iam")
    else:
        return
    if not any(given(metastudio, kind) for kind in needed):
        names = " or ".join(f"metastudio.{kind}" for kind in needed)
        yield Problem(("report", key), f"{reason} needs credentials that bridge.yaml does not give", names)
    if not given(metastudio, "project_id"):
        problem = f"{reason} needs the project, which bridge.yaml does not give"
        yield Problem(("report", key), problem, "metastudio.project_id")


def _callback_rules(callbacks: Mapping[str, Any]) -> Iterator[Problem]:
    auth_type = callbacks.get("auth_type", "MSS_A_HEAD")
    needed = {"NONE": ("token",), "MSS_A": ("key", "url"), "MSS_A_HEAD": ("key", "url")}
    for key in needed.get(auth_type, ()) if isinstance(auth_type, str) else ():
        if not given(callbacks, key):
            yield Problem(("callbacks", key), "is missing", f"auth_type {auth_type} needs it")
    for key, other in (("forward_secret", "forward_url"), ("forward_url", "forward_secret")):
        if given(callbacks, other) and not given(callbacks, key):
            yield Problem(("callbacks", key), "is missing", f"it goes with {other}")
