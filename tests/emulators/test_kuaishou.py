from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.errors import PushRefusedError, SourceAuthError, SourceError
from bridge.events import Gift, User
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Decoder, NoticeKind
from bridge.sources.http import SourceHttp
from bridge.sources.intake import Intake
from bridge.sources.platforms.kuaishou_push import PLATFORM, Options, locate
from tests.emulators.kuaishou import ROOM_CODE, KuaishouApi, gift, push

AT_MS = 1_760_000_000_000


class StoppedClock(SystemClock):
    def now_ms(self) -> int:
        return AT_MS


class Api:
    """The emulator with the real HTTP, and a decoder driven round by round instead of by time."""

    def __init__(self, site: KuaishouApi, http: SourceHttp) -> None:
        self.site = site
        self.http = http

    async def decoder(self, **more: Any) -> Decoder:
        site = self.site
        given = {"room": ROOM_CODE, "app_id": site.app_id, "app_secret": Secret(site.app_secret), **more}
        (connection,) = await locate(Options(api_base=site.http_url, auth_base=site.http_url, **given), self.http)
        return connection.decoder

    async def round(self, decoder: Decoder, now_ms: int = AT_MS) -> tuple[float, list[Decoded]]:
        """Make the calls that are due next, and return how long the wait before them would have been."""
        wait_secs, calls = decoder.next_calls()
        return wait_secs, [decoder.answered(call, await self.http.send(call), now_ms) for call in calls]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    http = SourceHttp(StoppedClock())
    try:
        async with KuaishouApi() as site:
            yield Api(site, http)
    finally:
        await http.close()


def notices(decoded: list[Decoded]) -> list[NoticeKind]:
    return [notice.kind for one in decoded for notice in one.notices]


def test_true_forged_and_repeated_calls() -> None:
    assert PLATFORM.receiver is not None
    receiver = PLATFORM.receiver(Options(room=ROOM_CODE, app_secret=Secret("s")))
    intake = Intake()
    true = push("s", "giftSend", [gift(1, 2, 10)], AT_MS)
    retried = push("s", "giftSend", [gift(1, 2, 10)], AT_MS, message_id="um-2")

    answers = [receiver.receive(one.request(AT_MS + 900)) for one in (true, true, retried)]

    assert [len(intake.offer(answer.decoded.events, 0.0).events) for answer in answers] == [1, 0, 0]
    assert {answer.body for answer in answers} == {b'{"result":1,"errorMsg":""}'}
    for forged in (true.forged(true.body.replace(b"10", b"99")), push("guess", "giftSend", [gift(1, 2, 10)], AT_MS)):
        with pytest.raises(PushRefusedError) as refused:
            receiver.receive(forged.request(AT_MS))
        assert refused.value.status == 401


@pytest.mark.parametrize(
    ("family", "start", "stop"), [("small_play", "start", "stop"), ("task", "task start", "task stop")]
)
async def test_a_room_is_bound_and_let_go_of(api: Api, family: str, start: str, stop: str) -> None:
    decoder = await api.decoder(task_api=family)
    assert notices((await api.round(decoder))[1]) == [NoticeKind.LIVE]
    assert api.site.bound == {ROOM_CODE}
    assert (await api.round(decoder))[0] == 60

    for call in decoder.farewell():
        await api.http.send(call)
    assert api.site.bound == set()
    assert api.site.calls[1] == start
    assert api.site.calls[-1] == stop


async def test_a_room_off_air_is_told_once_and_tried_again(api: Api) -> None:
    api.site.on_air = False
    decoder = await api.decoder()
    assert notices((await api.round(decoder))[1]) == [NoticeKind.CREDENTIAL_WEAK]
    wait_secs, decoded = await api.round(decoder)
    assert (wait_secs, notices(decoded)) == (3, [])
    assert decoder.farewell() == ()

    api.site.on_air = True
    assert notices((await api.round(decoder))[1]) == [NoticeKind.LIVE]


@pytest.mark.parametrize("family", ["small_play", "task"])
async def test_a_room_that_the_platform_let_go_is_noticed_and_bound_again(api: Api, family: str) -> None:
    decoder = await api.decoder(task_api=family)
    await api.round(decoder)
    assert notices((await api.round(decoder))[1]) == []
    api.site.bound.clear()
    assert notices((await api.round(decoder))[1]) == [NoticeKind.ENDED]
    assert notices((await api.round(decoder))[1]) == [NoticeKind.LIVE]
    assert api.site.bound == {ROOM_CODE}


async def test_gifts_whose_push_got_lost_are_fetched(api: Api) -> None:
    api.site.lost = [gift(1, 3, 10), gift(2, 1, 5)]
    decoder = await api.decoder()
    await api.round(decoder)
    _, decoded = await api.round(decoder)

    events = [event for one in decoded for event in one.events]
    assert [event.id for event in events] == ["no-1", "no-2"]
    assert events[0].content == Gift(User("kuaishou_f1", "老铁1"), "啤酒", 3, 10, 30, "kuaicoin")


async def test_a_token_replaced_elsewhere_is_fetched_anew_after_a_while(api: Api) -> None:
    decoder = await api.decoder()
    api.site.tokens += 1
    for _ in range(22):
        await api.round(decoder)
    assert api.site.bound == {ROOM_CODE}


async def test_a_busy_platform_is_borne_with_for_a_while(api: Api) -> None:
    decoder = await api.decoder()
    await api.round(decoder)
    api.site.busy = 2
    assert all(one.end is None for one in (await api.round(decoder))[1])
    api.site.busy = 100
    decoded = [one for _ in range(3) for one in (await api.round(decoder))[1]]
    assert isinstance(next(one.end for one in decoded if one.end is not None), SourceError)


async def test_a_refused_app_secret_is_named(api: Api) -> None:
    with pytest.raises(SourceAuthError, match="app_secret"):
        await api.decoder(app_secret=Secret("wrong"))


async def test_without_the_apps_id_or_the_room_nothing_is_called(api: Api) -> None:
    assert await locate(Options(room=ROOM_CODE, app_secret=Secret("s")), api.http) == ()
    assert await locate(Options(app_id="ks1", app_secret=Secret("s")), api.http) == ()
    assert api.site.calls == []
