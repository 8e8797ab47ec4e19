"""What is logged can be read, and shows no secret, whoever wrote it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bridge import log
from bridge.secret import Secret


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail(text: str) -> None:
    raise RuntimeError(text)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "POST https://cloud.example/report?auth_key=s3cr3t&expires_time=17",
        "https://cloud.example/x?a=1&access_token=s3cr3t",
        "redirect=https%3A%2F%2Fx%3Faccess_token%3Ds3cr3t",
        "client_secret=s3cr3t",
        "secret_key=s3cr3t",
        "app_access_token=s3cr3t",
        '{"refresh_token": "s3cr3t"}',
        '{"secret_key":"s3cr3t"}',
        "{'X-Auth-Token': 's3cr3t'}",
        "X-Auth-Token: s3cr3t",
        "x-mss-auth-key: s3cr3t",
        "{'Authorization': 'SDK-HMAC-SHA256 Access=s3cr3t, Signature=s3cr3t'}",
        "Authorization: Bearer s3cr3t",
        "Cookie: buvid3=x; SESSDATA=s3cr3t; bili_jct=s3cr3t",
        "{'Cookie': 'sessionid=s3cr3t'}",
        "cannot connect to proxy http://user:s3cr3t@proxy.example:3128",
        "password=s3cr3t",
    ],
)
def test_a_secret_in_a_foreign_text_is_removed(text: str) -> None:
    redacted = log.redacted(text)

    assert "s3cr3t" not in redacted
    assert "***" in redacted


@pytest.mark.parametrize(
    "text",
    [
        "bilibili:21452505: cookie: has expired: log in again",
        "set server.admin_token to allow this",
        "https://cloud.example/v1/report",
        "HTTP 429 MSS.00000429 too many requests",
        "the key is refused",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert log.redacted(text) == text


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_redacted_and_printed(text: str) -> None:
    event = log.redacted_fields(None, "", {"text": text})

    assert event["text"].encode().decode() == event["text"]


def test_json_lines_carry_time_level_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info")

    structlog.get_logger().bind(room="evening").warning("source.unavailable", problem="silent", tries=3)

    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "source.unavailable",
        "level": "warning",
        "room": "evening",
        "problem": "silent",
        "tries": 3,
    }


def test_away_from_a_terminal_auto_means_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("auto", "info")

    structlog.get_logger().info("app.started")

    assert lines(capsys)[0]["event"] == "app.started"


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "warning")

    structlog.get_logger().info("app.started")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_secret(log_format: log.Format, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")
    try:
        fail("refused: https://cloud.example/report?auth_key=s3cr3t")
    except RuntimeError:
        structlog.get_logger().exception("room.part_failed", part="reporter")

    out = capsys.readouterr().out
    assert "RuntimeError: refused" in out
    assert "s3cr3t" not in out


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_fields_of_any_kind_show_no_secret(log_format: log.Format, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")

    structlog.get_logger().warning(
        "room.part_failed",
        credential=Secret("s3cr3t"),
        problem=ValueError("token=s3cr3t"),
        several=["token=s3cr3t"],
        named={"url": "https://x/?token=s3cr3t"},
    )

    out = capsys.readouterr().out
    assert "room.part_failed" in out
    assert "s3cr3t" not in out


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_a_library_logs_shows_no_secret(log_format: log.Format, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")
    try:
        fail("https://x/?token=s3cr3t")
    except RuntimeError:
        logging.getLogger("aiohttp.server").exception("while handling %s", "https://x/?auth_key=s3cr3t")

    out = capsys.readouterr().out
    assert "aiohttp.server: while handling" in out
    assert "RuntimeError" in out
    assert "s3cr3t" not in out


def test_of_libraries_only_warnings_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "debug")

    logging.getLogger("websockets").info("connection open")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_text_that_utf8_cannot_carry_is_logged_all_the_same(
    log_format: log.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(log_format, "info")

    structlog.get_logger().warning("gift.price_unknown", gift="Ro\ud800se", count=2**70)

    out = capsys.readouterr().out
    assert "gift.price_unknown" in out
    assert out.encode()
