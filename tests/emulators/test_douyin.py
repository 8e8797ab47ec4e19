from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge.clock import SystemClock
from bridge.errors import PushRefusedError, SourceAuthError, SourceError
from bridge.events import Comment, Gift, User
from bridge.secret import Secret
from bridge.sources.contract import Decoded, Decoder, NoticeKind
from bridge.sources.http import SourceHttp
from bridge.sources.intake import Intake
from bridge.sources.platforms.douyin_push import PLATFORM, Options, locate
from tests.emulators.douyin import ROOM, DouyinApi, Sender, comment, gift

AT_MS = 1_760_000_000_000
SECRETS = {"live_comment": "s-comment", "live_gift": "s-gift", "live_like": "s-like", "live_fansclub": "s-fans"}
KINDS = [*SECRETS]


class StoppedClock(SystemClock):
    def now_ms(self) -> int:
        return AT_MS


class Api:
    """The emulator with the real HTTP, and a decoder driven round by round instead of by time."""

    def __init__(self, site: DouyinApi, http: SourceHttp) -> None:
        self.site = site
        self.http = http

    def options(self, **more: object) -> Options:
        site = self.site
        given = {
            "room": site.room,
            "trust_unsigned": True,
            "app_id": site.app_id,
            "app_secret": Secret(site.app_secret),
            **more,
        }
        return Options(api_base=site.http_url, auth_base=site.http_url, **given)  # type: ignore[arg-type]

    async def decoder(self, **more: object) -> Decoder:
        (connection,) = await locate(self.options(**more), self.http)
        return connection.decoder

    async def round(self, decoder: Decoder, now_ms: int = AT_MS) -> tuple[float, list[Decoded]]:
        """Make the calls that are due next, and return how long the wait before them would have been."""
        wait_secs, calls = decoder.next_calls()
        return wait_secs, [decoder.answered(call, await self.http.send(call), now_ms) for call in calls]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with running() as api:
        yield api


@asynccontextmanager
async def running() -> AsyncIterator[Api]:
    http = SourceHttp(StoppedClock())
    try:
        async with DouyinApi() as site:
            yield Api(site, http)
    finally:
        await http.close()


def notices(decoded: list[Decoded]) -> list[NoticeKind]:
    return [notice.kind for one in decoded for notice in one.notices]


def test_true_forged_stale_and_repeated_calls() -> None:
    sender = Sender(SECRETS)
    receive = PLATFORM.receiver
    assert receive is not None
    receiver = receive(Options(room=ROOM, secrets={kind: Secret(value) for kind, value in SECRETS.items()}))
    intake = Intake()
    push = sender.push("live_gift", [gift(1, "zz=", 2, 20)], AT_MS)

    first, again = (receiver.receive(push.request(AT_MS + 500)) for _ in range(2))
    taken = [intake.offer(answer.decoded.events, 0.0) for answer in (first, again)]

    assert [len(one.events) for one in taken] == [1, 0]
    assert (first.status, first.body) == (200, b'{"err_no":0,"err_msg":"ok"}')
    for forged in (
        sender.push("live_gift", [gift(2, "zz=", 1, 9)], AT_MS, secret="guess"),
        sender.push("live_gift", [gift(2, "zz=", 1, 9)], AT_MS, secret=SECRETS["live_comment"]),
        replace(push, body=push.body.replace(b'"gift_num":2', b'"gift_num":9')),
        push.altered(x_roomid="1"),
        push.altered(x_msg_type="live_comment"),
        push.without("x-signature"),
    ):
        with pytest.raises(PushRefusedError) as refused:
            receiver.receive(forged.request(AT_MS))
        assert refused.value.status == 401
    with pytest.raises(PushRefusedError, match="5 minutes"):
        receiver.receive(push.request(AT_MS + 300_001))


async def test_tasks_are_started_watched_and_stopped(api: Api) -> None:
    decoder = await api.decoder()
    assert notices((await api.round(decoder))[1]) == [NoticeKind.LIVE]
    assert api.site.running == {*KINDS}

    wait_secs, _ = await api.round(decoder)
    assert wait_secs == 60
    assert [call for call in api.site.calls if call.startswith("get")] == [f"get {kind}" for kind in KINDS]

    for call in decoder.farewell():
        await api.http.send(call)
    assert api.site.running == set()


async def test_an_app_that_is_not_mounted_is_asked_for_every_three_seconds_with_one_call(api: Api) -> None:
    api.site.mounted = False
    decoder = await api.decoder()
    _, decoded = await api.round(decoder)
    assert notices(decoded) == [NoticeKind.CREDENTIAL_WEAK]
    before = len(api.site.calls)
    waits = [(await api.round(decoder))[0] for _ in range(3)]

    assert waits == [3, 3, 3]
    assert api.site.calls[before:] == ["start live_comment"] * 3

    api.site.mounted = True
    await api.round(decoder)
    await api.round(decoder)
    assert api.site.running == {*KINDS}


async def test_a_task_that_the_platform_stopped_is_noticed_and_started_again(api: Api) -> None:
    decoder = await api.decoder()
    await api.round(decoder)
    api.site.running.clear()

    assert notices((await api.round(decoder))[1]) == [NoticeKind.ENDED]
    wait_secs, decoded = await api.round(decoder)
    assert (wait_secs, notices(decoded)) == (0, [NoticeKind.LIVE])
    assert api.site.running == {*KINDS}


async def test_a_type_that_the_app_may_not_have_is_told_once_and_leaves_the_others_alone(api: Api) -> None:
    api.site.refused = {"live_fansclub": 5003020}
    decoder = await api.decoder()
    assert notices((await api.round(decoder))[1]) == [NoticeKind.LIVE, NoticeKind.CREDENTIAL_WEAK]
    assert notices((await api.round(decoder))[1]) == []
    assert notices((await api.round(decoder))[1]) == []

    assert api.site.running == {*KINDS} - {"live_fansclub"}
    assert api.site.tokens == 1


async def test_a_token_replaced_elsewhere_is_fetched_anew(api: Api) -> None:
    decoder = await api.decoder()
    api.site.tokens += 1
    await api.round(decoder)
    assert api.site.running == set()
    await api.round(decoder)
    await api.round(decoder)
    await api.round(decoder)
    assert api.site.running == {*KINDS}


async def test_the_token_is_renewed_at_half_its_life(api: Api) -> None:
    api.site.token_lives_secs = 1000
    decoder = await api.decoder()
    await api.round(decoder, AT_MS)
    await api.round(decoder, AT_MS + 499_000)
    assert api.site.tokens == 1
    await api.round(decoder, AT_MS + 510_000)
    await api.round(decoder, AT_MS + 511_000)
    assert api.site.tokens == 2


async def test_lost_gifts_are_fetched_page_by_page_and_only_when_there_are_new_ones(api: Api) -> None:
    api.site.lost["live_gift"] = [gift(number, "zz=", 1, 10) for number in range(250)]
    decoder = await api.decoder()
    await api.round(decoder)
    decoded = [one for _ in range(3) for one in (await api.round(decoder))[1]]

    gifts = [event.content for one in decoded for event in one.events]
    assert len(gifts) == 250
    assert all(isinstance(one, Gift) for one in gifts)
    assert [call for call in api.site.calls if call.startswith("lost live_gift")] == [
        "lost live_gift 1",
        "lost live_gift 2",
        "lost live_gift 3",
    ]
    wait_secs, _ = await api.round(decoder)
    assert wait_secs == 60
    assert (await api.round(decoder))[0] == 60


async def test_lost_gifts_of_an_hour_ago_are_history(api: Api) -> None:
    api.site.lost["live_gift"] = [gift(1, "zz=", 1, 10, timestamp=AT_MS - 3_600_000), gift(2, "zz=", 1, 10)]
    decoder = await api.decoder()
    await api.round(decoder)
    _, decoded = await api.round(decoder)

    assert [event.id for one in decoded for event in one.events] == ["7379659605624000002"]
    assert [name for one in decoded for name in one.ignored] == ["too old"]


async def test_a_busy_platform_is_borne_with_for_a_while(api: Api) -> None:
    decoder = await api.decoder()
    await api.round(decoder)
    api.site.busy = 3
    _, decoded = await api.round(decoder)
    assert all(one.end is None for one in decoded)

    api.site.busy = 100
    ends = [one.end for one in (await api.round(decoder))[1]]
    assert isinstance(next(end for end in ends if end is not None), SourceError)


async def test_the_companions_token_tells_the_room(api: Api) -> None:
    decoder = await api.decoder(room="", companion_token=Secret("companion"))
    await api.round(decoder)
    assert api.site.running == {*KINDS}

    with pytest.raises(SourceAuthError, match="companion_token"):
        await api.decoder(room="", companion_token=Secret("old"))


async def test_a_refused_app_secret_is_named(api: Api) -> None:
    with pytest.raises(SourceAuthError, match="app_secret"):
        await api.decoder(app_secret=Secret("wrong"))


async def test_without_the_apps_credentials_nothing_is_called(api: Api) -> None:
    assert await locate(Options(room=ROOM, trust_unsigned=True), api.http) == ()
    assert api.site.calls == []


def test_the_sender_speaks_what_the_receiver_reads() -> None:
    sender = Sender(SECRETS)
    assert PLATFORM.receiver is not None
    receiver = PLATFORM.receiver(Options(secrets={"live_comment": Secret("s-comment")}))
    answer = receiver.receive(sender.push("live_comment", [comment(3, "你好 😀")], AT_MS).request(AT_MS))
    assert [event.content for event in answer.decoded.events] == [Comment(User("douyin__000fan3", "粉丝3"), "你好 😀")]
