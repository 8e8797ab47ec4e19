"""Platforms that call us: credentials are read anew, and the receiver stays while they are the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bridge.errors import ConfigError, PushRefusedError
from bridge.secret import Secret
from bridge.sources.contract import NOTHING, PushAnswer, PushRequest, SourceOptions
from bridge.sources.push import REREAD_SECS, PushSource
from tests.fakes import FakeClock
from tests.sources.toy_platform import toy_platform


@dataclass(frozen=True, kw_only=True)
class LetterOptions(SourceOptions):
    key: Secret = field(default_factory=Secret)


class LetterBox:
    """Takes what carries its key."""

    def __init__(self, options: LetterOptions) -> None:
        self.key = options.key.reveal()

    def receive(self, request: PushRequest) -> PushAnswer:
        if request.headers.get("key") != self.key:
            raise PushRefusedError(401, "the key is wrong")
        return PushAnswer(NOTHING, body=self.key.encode())


class Post:
    """A push source whose options the test can change."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.options: LetterOptions | ConfigError = LetterOptions(key=Secret("old"))
        self.reads = 0
        self.made: list[LetterBox] = []
        self.source = PushSource(toy_platform(None, receiver=self._receiver), self._read, self.clock)

    def _receiver(self, options: LetterOptions) -> LetterBox:
        self.made.append(LetterBox(options))
        return self.made[-1]

    def _read(self) -> SourceOptions:
        self.reads += 1
        if isinstance(self.options, ConfigError):
            raise self.options
        return self.options

    def delivers(self, key: str) -> bytes:
        request = PushRequest("POST", {"key": key}, {}, b"", self.clock.now_ms())
        return self.source.receive(request).body


def test_what_is_verified_is_answered_and_what_is_not_is_refused() -> None:
    post = Post()

    assert post.delivers("old") == b"old"
    with pytest.raises(PushRefusedError) as caught:
        post.delivers("wrong")
    assert caught.value.status == 401


async def test_a_changed_credential_is_used_within_seconds() -> None:
    post = Post()
    post.delivers("old")
    post.options = LetterOptions(key=Secret("new"))

    assert post.delivers("old") == b"old"
    await post.clock.advance(REREAD_SECS)

    assert post.delivers("new") == b"new"
    with pytest.raises(PushRefusedError):
        post.delivers("old")


async def test_the_receiver_stays_as_long_as_its_options_are_the_same() -> None:
    post = Post()
    for _ in range(4):
        post.delivers("old")
        await post.clock.advance(REREAD_SECS)

    assert post.reads == 4
    assert len(post.made) == 1


async def test_a_burst_of_calls_does_not_read_the_files_each_time() -> None:
    post = Post()
    for _ in range(50):
        post.delivers("old")

    assert post.reads == 1


async def test_options_that_cannot_be_read_leave_the_old_ones_in_force() -> None:
    post = Post()
    post.delivers("old")
    post.options = ConfigError(["evening.yaml: sources[0].key: is missing"])
    await post.clock.advance(REREAD_SECS)

    assert post.delivers("old") == b"old"


def test_without_options_that_could_ever_be_read_calls_are_put_off() -> None:
    post = Post()
    post.options = ConfigError(["evening.yaml: sources[0].key: is missing"])

    with pytest.raises(PushRefusedError) as caught:
        post.delivers("old")

    assert caught.value.status == 503
    assert "evening" not in str(caught.value)
