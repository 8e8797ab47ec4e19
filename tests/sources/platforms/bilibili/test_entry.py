from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from bridge.errors import (
    RoomNotFoundError,
    SourceAuthError,
    SourceThrottledError,
    SourceUnavailableError,
)
from bridge.secret import Secret
from bridge.sources.codecs.bilibili_packets import OP_AUTH_REPLY, pack, unpack
from bridge.sources.codecs.wbi import mixin_key, signed
from bridge.sources.contract import NOTHING, Connection, Frame, HttpAnswer, HttpCall, NoticeKind
from bridge.sources.heirs import HeirStore
from bridge.sources.platforms.bilibili import Options, locate
from bridge.sources.platforms.bilibili.entry import LOGIN_PROBE_SECS

IMG, SUB = f"https://x/bfs/{'a' * 16}{'b' * 16}.png", f"https://x/bfs/{'c' * 16}{'d' * 16}.png"
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
AT_SECS = 1_700_000_000

NAV, SPI = "/x/web-interface/nav", "/x/frontend/finger/spi"
ROOM, TOKEN = "/room/v1/Room/get_info", "/xlive/web-room/v1/index/getDanmuInfo"


def answer(body: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, headers, orjson.dumps(body))


def nav(uid: int = 0, img: str = IMG) -> HttpAnswer:
    data = {"isLogin": bool(uid), "mid": uid, "wbi_img": {"img_url": img, "sub_url": SUB}}
    return answer({"code": 0 if uid else -101, "data": data}, date=DATE)


def token(*hosts: Mapping[str, Any]) -> HttpAnswer:
    return answer({"code": 0, "data": {"token": "t0ken", "host_list": list(hosts)}})


class Site:
    """Answers by path, the last of several answers again and again; keeps what was asked."""

    def __init__(self, **paths: Any) -> None:
        self.asked: list[HttpCall] = []
        self.heirs = HeirStore()
        self.answers: dict[str, list[HttpAnswer]] = {
            NAV: [nav()],
            "/": [HttpAnswer(200, {}, b"<html>", {"buvid3": "B-1"})],
            SPI: [answer({"code": 0, "data": {"b_3": "B-2"}})],
            ROOM: [answer({"code": 0, "data": {"room_id": 9001, "uid": 5, "live_status": 0}})],
            TOKEN: [token({"host": "one.chat.bilibili.com", "wss_port": 443, "ws_port": 2244})],
        }
        names = {"nav": NAV, "home": "/", "spi": SPI, "room": ROOM, "token": TOKEN}
        for name, given in paths.items():
            self.answers[names[name]] = given if isinstance(given, list) else [given]

    async def send(self, call: HttpCall) -> HttpAnswer:
        self.asked.append(call)
        answers = self.answers[urlsplit(call.url).path]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def now_ms(self) -> int:
        return 1_600_000_000_000

    def calls(self, path: str) -> list[HttpCall]:
        return [call for call in self.asked if urlsplit(call.url).path == path]


async def enter(site: Site, **options: Any) -> list[Connection]:
    return list(await locate(Options(**{"room": "92", **options}), site))


def auth(connection: Connection) -> dict[str, Any]:
    (greeting,) = connection.decoder.greeting()
    assert isinstance(greeting, bytes)
    ((_, packed),), _ = unpack(greeting)
    body = orjson.loads(packed)
    assert isinstance(body, dict)
    return body


def notices(connection: Connection) -> list[NoticeKind]:
    decoded = connection.decoder.feed(Frame(pack(OP_AUTH_REPLY, b'{"code":0}'), 0))
    return [notice.kind for notice in decoded.notices]


async def test_a_guest_enters_the_real_room_with_token_and_device() -> None:
    site = Site()
    first, fallback = await enter(site)
    assert first.endpoint.url == "wss://one.chat.bilibili.com:443/sub"
    assert fallback.endpoint.url == "wss://broadcastlv.chat.bilibili.com:443/sub"
    assert auth(first) == auth(fallback)
    assert auth(first) == {
        "uid": 0,
        "roomid": 9001,
        "protover": 3,
        "platform": "web",
        "type": 2,
        "buvid": "B-1",
        "key": "t0ken",
    }
    assert first.decoder is not fallback.decoder


async def test_the_socket_has_the_browsers_name_and_is_dead_when_a_heartbeat_is_not_answered() -> None:
    site = Site()
    endpoint = (await enter(site))[0].endpoint
    names = {call.headers["User-Agent"] for call in site.asked} | {endpoint.headers["User-Agent"]}
    assert len(names) == 1
    assert names.pop().startswith("Mozilla/5.0 ")
    assert (endpoint.heartbeat_interval_secs, endpoint.silence_timeout_secs) == (30.0, 40.0)
    assert endpoint.answers_pings is False


async def test_the_token_call_is_signed_with_the_sites_clock_and_carries_the_device() -> None:
    site = Site()
    await enter(site)
    (call,) = site.calls(TOKEN)
    bare = {"id": "9001", "type": "0", "web_location": "444.8"}
    assert dict(call.query) == signed(bare, mixin_key(IMG, SUB), AT_SECS)
    assert call.headers["Cookie"] == "buvid3=B-1"


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2023 22:13:20 GMT"])
async def test_without_a_date_our_own_clock_signs(date: str) -> None:
    site = Site(nav=answer(orjson.loads(nav().body), date=date))
    await enter(site)
    assert site.calls(TOKEN)[0].query["wts"] == "1600000000"


async def test_a_login_is_sent_with_every_call_and_its_uid_opens_the_socket() -> None:
    site = Site(nav=nav(uid=42))
    (first, _) = await enter(site, cookie=Secret("SESSDATA=abc;\n bili_jct=def; \n"))
    assert auth(first)["uid"] == 42
    assert {call.headers["Cookie"] for call in site.calls(NAV)} == {"SESSDATA=abc; bili_jct=def"}
    assert site.calls(TOKEN)[0].headers["Cookie"] == "SESSDATA=abc; bili_jct=def; buvid3=B-1"
    assert notices(first) == []


async def test_the_bare_value_of_the_session_will_do() -> None:
    site = Site(nav=nav(uid=42))
    await enter(site, cookie=Secret("abc%2C1%2C*d1"))
    assert site.calls(NAV)[0].headers["Cookie"] == "SESSDATA=abc%2C1%2C*d1"


async def test_a_device_in_the_cookie_is_used() -> None:
    site = Site(nav=nav(uid=42))
    (first, _) = await enter(site, cookie=Secret("buvid3=MINE; SESSDATA=abc"))
    assert auth(first)["buvid"] == "MINE"
    assert not site.calls("/")
    assert not site.calls(SPI)


async def test_a_cookie_that_is_not_logged_in_is_told_once_we_are_in() -> None:
    (first, _) = await enter(Site(), cookie=Secret("SESSDATA=expired"))
    assert auth(first)["uid"] == 0
    assert notices(first) == [NoticeKind.CREDENTIAL_WEAK]


@pytest.mark.parametrize("home", [HttpAnswer(200, {}, b"<html>"), HttpAnswer(503)])
async def test_the_device_has_a_second_source(home: HttpAnswer) -> None:
    assert auth((await enter(Site(home=home)))[0])["buvid"] == "B-2"


async def test_an_offline_room_is_entered_and_a_live_one_says_so() -> None:
    assert notices((await enter(Site()))[0]) == []
    live = answer({"code": 0, "data": {"room_id": 9001, "live_status": 1}})
    assert notices((await enter(Site(room=live)))[0]) == [NoticeKind.LIVE]


@pytest.mark.parametrize("body", [{"code": 1, "data": []}, {"code": 60004}, {"code": 0, "data": []}])
async def test_an_unknown_room_is_told_apart(body: Any) -> None:
    with pytest.raises(RoomNotFoundError, match="room: Bilibili knows no room 92"):
        await enter(Site(room=answer(body)))


@pytest.mark.parametrize("room", [HttpAnswer(502), answer({"code": -352}), HttpAnswer(200, {}, b"<html>")])
async def test_a_number_that_cannot_be_short_needs_no_answer_about_the_room(room: HttpAnswer) -> None:
    assert auth((await enter(Site(room=room), room="21452505"))[0])["roomid"] == 21452505
    with pytest.raises(SourceUnavailableError):
        await enter(Site(room=room), room="92")


async def test_stale_keys_are_fetched_anew_once() -> None:
    new = "https://x/bfs/" + "e" * 32 + ".png"
    site = Site(nav=[nav(), nav(img=new)], token=[answer({"code": -352}), token({"host": "h.example"})])
    await enter(site)
    assert len(site.calls(NAV)) == 2
    bare = {"id": "9001", "type": "0", "web_location": "444.8"}
    assert dict(site.calls(TOKEN)[1].query) == signed(bare, mixin_key(new, SUB), AT_SECS)


async def test_lasting_risk_control_waits_and_names_the_option_that_may_help() -> None:
    site = Site(token=answer({"code": -352}))
    with pytest.raises(SourceThrottledError, match="cookie") as raised:
        await enter(site)
    assert raised.value.retry_after_secs == 300.0
    assert len(site.calls(TOKEN)) == 2
    with pytest.raises(SourceThrottledError):
        await enter(Site(nav=nav(uid=42), token=answer({"code": -352})), cookie=Secret("SESSDATA=good"))


async def test_risk_control_against_an_expired_cookie_is_a_matter_of_the_cookie() -> None:
    with pytest.raises(SourceAuthError, match=r"^cookie: "):
        await enter(Site(token=answer({"code": -352})), cookie=Secret("SESSDATA=expired"))


@pytest.mark.parametrize("step", ["nav", "room", "token", "home"])
@pytest.mark.parametrize("status", [412, 429])
async def test_being_asked_to_wait_is_heard_at_every_step(step: str, status: int) -> None:
    with pytest.raises(SourceThrottledError) as raised:
        await enter(Site(**{step: HttpAnswer(status)}), room="21452505")
    assert raised.value.retry_after_secs == 60.0


async def test_the_wait_is_the_one_the_site_names_within_reason() -> None:
    for told, waited in (("7", 7.0), ("soon", 60.0), ("99999999", 3600.0)):
        with pytest.raises(SourceThrottledError) as raised:
            await enter(Site(nav=answer({}, 429, **{"retry-after": told})))
        assert raised.value.retry_after_secs == waited


@pytest.mark.parametrize("code", [-412, -509, -799])
async def test_too_many_calls_may_also_be_said_in_the_body(code: int) -> None:
    with pytest.raises(SourceThrottledError):
        await enter(Site(token=answer({"code": code})))


@pytest.mark.parametrize(
    "paths",
    [
        {"nav": HttpAnswer(500)},
        {"nav": answer({"code": -400})},
        {"nav": answer({"code": -101, "data": {}})},
        {"nav": HttpAnswer(200, {}, b"<html>")},
        {"nav": answer([])},
        {"home": HttpAnswer(200), "spi": answer({"code": 0})},
        {"room": answer({"code": 0, "data": {"room_id": "?"}})},
        {"token": answer({"code": 19_002_000})},
        {"token": answer({"code": 0, "data": {"host_list": []}})},
        {"token": answer({"code": 0, "data": {"token": "t", "host_list": [5]}})},
        {"token": answer(None)},
    ],
)
async def test_answers_that_make_no_sense_are_tried_again_later(paths: dict[str, Any]) -> None:
    with pytest.raises(SourceUnavailableError):
        await enter(Site(**paths))


async def test_every_call_goes_to_the_api_base() -> None:
    site = Site(home=HttpAnswer(200), token=token({"host": "127.0.0.1", "wss_port": 1, "ws_port": 9302}))
    (only,) = await enter(site, api_base="http://127.0.0.1:9301")
    assert {urlsplit(call.url).netloc for call in site.asked} == {"127.0.0.1:9301"}
    assert only.endpoint.url == "ws://127.0.0.1:9302/sub"


async def test_every_host_gets_a_connection_and_a_silly_one_none() -> None:
    hosts: list[dict[str, Any]] = [
        {"host": "a.example", "wss_port": 8443},
        {"host": "x y"},
        {"host": "b.example", "wss_port": 70000},
        {"host": "c.example"},
    ]
    urls = [one.endpoint.url for one in await enter(Site(token=token(*hosts)))]
    assert urls == [
        "wss://a.example:8443/sub",
        "wss://c.example:443/sub",
        "wss://broadcastlv.chat.bilibili.com:443/sub",
    ]


async def test_a_websocket_url_takes_the_place_of_all_hosts() -> None:
    (only,) = await enter(Site(), websocket_url="ws://127.0.0.1:1/x")
    assert only.endpoint.url == "ws://127.0.0.1:1/x"


async def test_no_secret_shows_in_what_is_logged() -> None:
    site = Site(nav=nav(uid=42))
    connections = await enter(site, cookie=Secret("SESSDATA=verysecret"))
    shown = repr(connections) + repr(site.asked)
    assert "verysecret" not in shown
    assert "t0ken" not in shown


async def test_a_login_is_asked_for_again_on_a_timer_with_the_cookie_that_is_in_use() -> None:
    (connection,) = await enter(Site(nav=nav(42)), cookie=Secret("SESSDATA=abc"), websocket_url="ws://x/sub")
    (poll,) = connection.endpoint.polls

    assert (poll.interval_secs, poll.after_secs) == (LOGIN_PROBE_SECS, LOGIN_PROBE_SECS)
    assert urlsplit(poll.call.url).path == NAV
    assert poll.call.headers["Cookie"].startswith("SESSDATA=abc")
    assert connection.decoder.answered(poll.call, nav(42), 0) is NOTHING
    (notice,) = connection.decoder.answered(poll.call, nav(0), 0).notices
    assert notice.kind is NoticeKind.CREDENTIAL_WEAK
    assert notice.detail.startswith("cookie: ")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code":"x"}', b'{"code":-412}'])
async def test_a_probe_that_is_not_answered_as_usual_says_nothing_of_the_cookie(body: bytes) -> None:
    (connection,) = await enter(Site(nav=nav(42)), cookie=Secret("SESSDATA=abc"), websocket_url="ws://x/sub")

    assert connection.decoder.answered(connection.endpoint.polls[0].call, HttpAnswer(200, {}, body), 0) is NOTHING


async def test_a_guest_has_no_login_to_ask_for() -> None:
    (connection,) = await enter(Site(), websocket_url="ws://x/sub")

    assert connection.endpoint.polls == []
