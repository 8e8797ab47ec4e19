"""``decode``: captured frames to events, without any network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from bridge.clock import SystemClock
from bridge.errors import ConfigError
from bridge.outbox.admission import Admission, PaidMessageForm
from bridge.outbox.money import Money
from bridge.outbox.policy import DEFAULT_POLICIES
from bridge.sources.catalogue import available_platforms, load_platform
from bridge.sources.decoding import decode_lines


def decode(
    platform: Annotated[str, typer.Option("--platform", metavar="P", help="Whose frames they are.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="JSON lines; standard input if left out.")
    ] = None,
    *,
    paid_message: Annotated[PaidMessageForm, typer.Option(help="What words and money at once become.")] = (
        PaidMessageForm.COMMENT
    ),
) -> None:
    """Decode captured frames: JSON lines in, JSON lines out.

    In: `{"at_ms": …, "text": …}` or `{"at_ms": …, "b64": …}`; a text may also be one bare message of the platform.
    Out: `{"event": …}`, `{"rejected": …}`, `{"unknown": name}` or `{"ignored": name}`.
    """
    if platform not in available_platforms():
        raise ConfigError([f"--platform: {platform}: unknown: one of {', '.join(available_platforms())}"])
    loaded = load_platform(platform)
    forms = Admission(DEFAULT_POLICIES, paid_message, Money()).forms
    try:
        stream = file.open("rb") if file else sys.stdin.buffer
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    with stream:
        decoder = loaded.offline_decoder(loaded.offline_options())
        for result in decode_lines(decoder, stream, now_ms=SystemClock().now_ms(), report=forms):
            sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
