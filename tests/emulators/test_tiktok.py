from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bridge.events import Gift, LiveEvent
from bridge.secret import Secret
from bridge.sources.contract import NoticeKind
from bridge.sources.intake import Intake
from bridge.sources.platforms.tiktok import PLATFORM
from bridge.sources.platforms.tiktok.options import Options
from bridge.sources.supervisor import SourceState
from tests.emulators import tiktok_wire as wire
from tests.emulators.driving import Seen
from tests.emulators.supervised import Supervised
from tests.emulators.tiktok import TikTokEmulator, now_ms


def watching(tiktok: TikTokEmulator, **changes: Any) -> Supervised:
    given = {"room": "@lanyou.live", "api_base": tiktok.http_url, "sign_url": tiktok.http_url, **changes}
    return Supervised(PLATFORM, Options(**given))


def gifts_told(events: list[LiveEvent]) -> tuple[int, int]:
    """Return the gifts and the money that reach the report, after the intake has counted streaks once."""
    intake = Intake()
    told = [*intake.offer(events, 0.0).events, *intake.flush(9.0).events]
    gifts = [event.content for event in told if isinstance(event.content, Gift)]
    return sum(gift.count for gift in gifts), sum(gift.total_value for gift in gifts)


def comments(count: int) -> Any:
    def met(seen: Seen) -> bool:
        return len(seen.texts) >= count

    return met


async def test_a_session_is_signed_entered_acknowledged_and_kept_alive() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok, api_key=Secret("k-1")) as source:
        viewer = await tiktok.viewer()
        await viewer.send(tiktok.chat("one"), tiktok.chat("two"), need_ack=True, log_id=77)
        await viewer.send(tiktok.chat("three"), packed=False)
        await source.until(lambda seen: len(seen.texts) == 3 and len(viewer.heartbeats) > 2 and viewer.acknowledged)

        assert source.seen.texts == ["one", "two", "three"]
        assert viewer.acknowledged == [(77, b"internal_src:dim|wss_push_room_id:1")]
        assert viewer.heartbeats[:3] == [1, 2, 3]
        assert {"frame hb", "frame im_enter_room_resp"} <= set(source.seen.ignored)
        assert tiktok.sign_requests[0].headers["X-Api-Key"] == "k-1"
        assert tiktok.violations == []


async def test_every_connection_has_a_signature_of_its_own() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        for number in range(4):
            viewer = await tiktok.viewer(number)
            await viewer.send(tiktok.chat(f"comment {number}"))
            await source.until(comments(number + 1))
            viewer.drop() if number % 2 else await viewer.close()

        await tiktok.viewer(4)
        assert source.seen.texts == [f"comment {number}" for number in range(4)]
        assert tiktok.signatures == 5
        assert [viewer.query["wrss"] for viewer in tiktok.viewers] == [f"sig-{number}" for number in range(1, 6)]
        assert tiktok.violations == []


async def test_a_burst_before_the_connection_breaks_is_told_whole() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        for number in range(600):
            await viewer.send(tiktok.chat(f"{number} {'x' * 1000}"), need_ack=True, packed=False)
        viewer.drop()
        await source.until(comments(600))

        assert [text.partition(" ")[0] for text in source.seen.texts] == [str(number) for number in range(600)]


async def test_what_was_said_between_two_connections_is_told_by_the_signer() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        before, missed, after = (tiktok.chat(text) for text in ("before", "missed", "after"))
        await viewer.send(before)
        await source.until(comments(1))
        tiktok.told_by_signer = [before, missed]
        viewer.drop()
        await (await tiktok.viewer(1)).send(after)
        seen = await source.until(comments(4))

        told = Intake().offer(seen.events, 0.0).events
        assert Seen(events=told).texts == ["before", "missed", "after"]


async def test_history_is_not_told_and_what_is_sent_again_has_the_same_id() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        again = tiktok.chat("again", msg_id=7)
        await viewer.send(tiktok.chat("long ago", said_ms=now_ms() - 60_000, is_history=True), again)
        await viewer.send(again, tiktok.chat("now"))
        seen = await source.until(comments(3))

        assert seen.texts == ["again", "again", "now"]
        assert "history" in seen.ignored
        assert [event.id for event in Intake().offer(seen.events, 0.0).events].count("7") == 1


async def test_streaks_count_once_with_their_end_lost_repeated_or_out_of_order() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        began_ms = now_ms()
        await viewer.send(tiktok.gift(1, began_ms), tiktok.gift(3, began_ms), tiktok.gift(2, began_ms))
        await viewer.send(tiktok.gift(3, began_ms, ended=True), tiktok.gift(3, began_ms, ended=True))
        await viewer.send(tiktok.gift(1, began_ms + 5000), tiktok.gift(4, began_ms + 5000))
        seen = await source.until(lambda seen: len(seen.events) == 7)

        assert gifts_told(seen.events) == (3 + 4, (3 + 4) * 5)


async def test_a_broken_frame_costs_itself_only() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        await viewer.send_raw("a text")
        await viewer.send_raw(b"\xff\xff\xff")
        await viewer.send_raw(wire.push(b"\x1f\x8bnot gzip", packed=False))
        await viewer.send_raw(wire.pushed(tiktok.chat("cut"))[:-30])
        await viewer.send(wire.envelope("WebcastChatMessage", b"\x12\xffbroken"), tiktok.chat("whole"))
        seen = await source.until(comments(1))

        assert seen.texts == ["whole"]
        assert len(seen.rejected) == 5
        assert len(tiktok.viewers) == 1


async def test_the_end_of_the_live_is_noticed_and_the_next_live_is_waited_for() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok) as source:
        viewer = await tiktok.viewer()
        tiktok.is_live = False
        await viewer.send(tiktok.chat("bye"), tiktok.end())
        await source.until(lambda seen: NoticeKind.ENDED in seen.notices)
        await source.until_state(SourceState.OFFLINE)

        tiktok.is_live = True
        await (await tiktok.viewer(1)).send(tiktok.chat("back"))
        assert (await source.until(comments(2))).texts == ["bye", "back"]


async def test_a_live_that_has_not_begun_costs_no_signature() -> None:
    tiktok = TikTokEmulator()
    tiktok.is_live = False
    async with tiktok, watching(tiktok) as source:
        await source.until_state(SourceState.OFFLINE)

        assert tiktok.signatures == 0


async def test_a_signer_that_wants_a_pause_is_given_it() -> None:
    tiktok = TikTokEmulator()
    body = {"message": "slow down", "limit_label": "rate_limit_account_minute"}
    tiktok.signer_faults = [web.json_response(body, status=429, headers={"Retry-After": "17"})]
    async with tiktok, watching(tiktok) as source:
        await tiktok.viewer()

        assert 17.0 in source.clock.sleeps_secs


async def test_a_socket_that_refuses_the_upgrade_is_tried_again_with_a_new_signature() -> None:
    tiktok = TikTokEmulator()
    stale = wire.fetch_result(push_server="", route_params={})
    async with tiktok:
        tiktok.signer_faults = [
            web.Response(body=wire.fetch_result(push_server=tiktok.socket_url, route_params={"wrss": "used"})),
            web.Response(body=stale),
        ]
        async with watching(tiktok) as source:
            await (await tiktok.viewer()).send(tiktok.chat("at last"))
            await source.until(comments(1))

            assert len(tiktok.sign_requests) == 3


async def test_without_a_signer_the_socket_is_tried_unsigned() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok, sign_url="", websocket_url=tiktok.socket_url) as source:
        await (await tiktok.viewer()).send(tiktok.chat("hello"))
        await source.until(comments(1))

        assert tiktok.signatures == 0
        assert tiktok.violations == []


async def test_an_unsigned_socket_that_is_refused_asks_the_operator_for_a_signer() -> None:
    tiktok = TikTokEmulator()
    tiktok.refuses_unsigned = True
    async with tiktok, watching(tiktok, sign_url="", websocket_url=tiktok.socket_url) as source:
        await source.until_state(SourceState.REFUSED)

        assert source.supervisor.status.last_error.startswith("sign_url: ")


async def test_the_session_never_reaches_the_signer() -> None:
    async with TikTokEmulator() as signer, TikTokEmulator() as tiktok:
        options = {
            "sign_url": signer.http_url,
            "websocket_url": tiktok.socket_url,
            "cookie": Secret("sessionid=s3cret"),
        }
        async with watching(tiktok, **options) as source:
            await source.until(lambda _: bool(signer.sign_requests) and bool(source.supervisor.status.reconnects))

        told = [f"{request.path_qs}{dict(request.headers)}" for request in signer.sign_requests]
        assert told
        assert not any("s3cret" in text for text in told)


async def test_a_handle_that_nobody_has_stops_the_source() -> None:
    async with TikTokEmulator() as tiktok, watching(tiktok, room="nobody.here") as source:
        await source.until_state(SourceState.FAILED)
        await asyncio.sleep(0)

        assert tiktok.signatures == 0
