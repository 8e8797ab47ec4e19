"""``send``: one event by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from tests.cli.program import Program


class Cloud:
    """A job that answers on loopback, in a thread of its own: the command has an event loop for itself."""

    def __init__(self) -> None:
        self.status, self.answer = 200, b"{}"
        self.bodies: list[dict[str, Any]] = []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                cloud.bodies.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(cloud.status)
                self.send_header("Content-Length", str(len(cloud.answer)))
                self.end_headers()
                self.wfile.write(cloud.answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/report?auth_key=s3cr3t&expires_time=1900000000000"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    started = Cloud()
    yield started
    started.close()


USER = {"userId": "manual_Ann", "name": "Ann", "level": 0, "badge": "", "badgeLevel": 0}


@pytest.mark.parametrize(
    ("arguments", "number", "content"),
    [
        (["--text", "你好"], 1, {"user": USER, "content": "你好"}),
        (["--type", "join"], 2, {"user": USER}),
        (["--type", "like"], 3, {"user": USER}),
        (
            ["--type", "gift", "--text", "Rose", "--count", "3", "--value", "10"],
            4,
            {"user": USER, "gift": {"giftName": "Rose", "giftNum": 3, "giftValue": 10, "totalValue": 30}},
        ),
        (["--type", "follow"], 5, {"user": USER}),
        (["--type", "viewers", "--count", "12"], 6, {"numberOfViewers": 12}),
    ],
)
def test_one_event_of_any_type_is_reported(
    arguments: list[str], number: int, content: dict[str, Any], cloud: Cloud, program: Program
) -> None:
    ended = program("send", "--url", cloud.url, "--user", "Ann", *arguments)

    assert (ended.code, ended.out, ended.err) == (0, "delivered: HTTP 200\n", "")
    (body,) = cloud.bodies
    assert body["total"] == 1
    assert body["events"][0]["type"] == number
    assert orjson.loads(body["events"][0]["content"]) == content


def test_the_url_may_come_from_the_environment(cloud: Cloud, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT_URL", cloud.url)

    assert program("send").code == 0
    assert len(cloud.bodies) == 1


def test_a_fresh_url_is_mentioned_and_not_shown(cloud: Cloud, program: Program) -> None:
    cloud.answer = orjson.dumps({"live_event_report_url": cloud.url.replace("s3cr3t", "n3w")})

    ended = program("send", "--url", cloud.url)

    assert ended.out == "delivered: HTTP 200, a fresh report URL came back\n"


def test_what_the_cloud_does_not_take_ends_with_3_and_its_words(cloud: Cloud, program: Program) -> None:
    cloud.status, cloud.answer = 401, orjson.dumps({"error_code": "MSS.00010008", "error_msg": "expired"})

    ended = program("send", "--url", cloud.url)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("not delivered: HTTP 401 MSS.00010008 expired")
    assert "s3cr3t" not in ended.err


def test_nobody_at_the_door_ends_with_3_and_shows_no_key(program: Program) -> None:
    cloud = Cloud()
    cloud.close()

    ended = program("send", "--url", cloud.url)

    assert ended.code == 3
    assert ended.err.startswith("not delivered: ")
    assert "s3cr3t" not in ended.err
