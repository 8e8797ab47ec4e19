"""Reading a room whole is tested with its settings; here is what is read anew while it runs."""

from __future__ import annotations

import pytest

from bridge.errors import ConfigError
from bridge.secret import Secret
from tests.config.toys import ROOM, TOYS, Directory, PondOptions


def test_a_secret_file_is_read_at_every_dial(directory: Directory) -> None:
    secret = directory.write("cookie", "old\n")
    directory.write("rooms/evening.yaml", ROOM.replace("room: 21452505", "cookie: ${file:cookie}"))
    [source] = directory.load().rooms[0].sources
    assert source.options() == PondOptions(cookie=Secret("old"))
    secret.write_text("new\n")
    assert source.options() == PondOptions(cookie=Secret("new"))
    assert source.initial == PondOptions(cookie=Secret("old"))


def test_a_credential_in_the_rooms_own_file_is_too(directory: Directory) -> None:
    [source] = directory.load().rooms[0].sources
    directory.write("rooms/evening.yaml", ROOM.replace("room: 21452505", "room: 21452505\n    cookie: new"))
    assert source.options() == PondOptions(room="21452505", cookie=Secret("new"))


def test_a_source_is_named_by_its_platform_and_where_one_is_given_its_room(directory: Directory) -> None:
    text = "sources: [{platform: pond, room: 1}, {platform: mail, key: a}]\nreport: {url: http://a/b}\n"
    directory.write("rooms/evening.yaml", text)
    assert [source.name for source in directory.load().rooms[0].sources] == ["pond:1", "mail"]


def test_an_entry_is_found_again_by_platform_and_room(directory: Directory) -> None:
    text = "sources: [{platform: pond, room: 1}, {platform: mail, key: a}, {platform: pond, room: 2, cookie: old}]\n"
    report = "report: {url: http://a/b}\n"
    directory.write("rooms/evening.yaml", text + report)
    sources = directory.load().rooms[0].sources
    text = "sources: [{platform: pond, room: 2, cookie: new}, {platform: pond, room: 3}]\n"
    directory.write("rooms/evening.yaml", text + report)
    assert sources[2].options() == PondOptions(room="2", cookie=Secret("new"))
    assert sources[0].options() == PondOptions(room="1")
    assert sources[1].options() == TOYS["mail"].options(key=Secret("a"))  # type: ignore[call-arg]


def test_entries_alike_are_told_apart_by_their_order(directory: Directory) -> None:
    text = "sources: [{platform: pond, websocket_url: ws://a}, {platform: pond, websocket_url: ws://b}]\n"
    directory.write("rooms/evening.yaml", text + "report: {url: http://a/b}\n")
    sources = directory.load().rooms[0].sources
    assert [source.options() for source in sources] == [source.initial for source in sources]


@pytest.mark.parametrize("text", ["sources: [", "", "- 1", "sources: 5", "sources: [5]"])
def test_a_file_that_is_just_being_written_changes_nothing(directory: Directory, text: str) -> None:
    room = directory.load().rooms[0]
    url = room.report.url()
    directory.write("rooms/evening.yaml", text)
    assert room.sources[0].options() == room.sources[0].initial
    assert room.report.url() == url
    room.file.unlink()
    assert room.sources[0].options() == room.sources[0].initial
    assert room.report.url() == url


def test_what_is_wrong_now_is_told_as_at_the_start(directory: Directory) -> None:
    secret = directory.write("secret", "http://a/b\n")
    text = ROOM.replace("${REPORT_URL}", "${file:secret}").replace("room: 21452505", "cookie: ${file:secret}")
    directory.write("rooms/evening.yaml", text)
    room = directory.load().rooms[0]
    secret.write_text("no url")
    with pytest.raises(ConfigError) as caught:
        room.report.url()
    assert caught.value.problems == [
        "rooms/evening.yaml: report.url: is not a URL: http:// or https:// with a host, as it was copied"
    ]
    secret.unlink()
    gone = "the file secret cannot be read (No such file or directory): a readable text file after file:"
    with pytest.raises(ConfigError) as caught:
        room.sources[0].options()
    assert caught.value.problems == [f"rooms/evening.yaml: sources[0].cookie: {gone}"]
    with pytest.raises(ConfigError) as caught:
        room.report.url()
    assert caught.value.problems == [f"rooms/evening.yaml: report.url: {gone}"]


def test_a_url_is_read_from_wherever_it_comes(directory: Directory) -> None:
    report = directory.load().rooms[0].report
    directory.environ["REPORT_URL"] = "https://cloud.example/second"
    assert report.url() == Secret("https://cloud.example/second")
    directory.write("rooms/evening.yaml", ROOM.replace("${REPORT_URL}", "https://cloud.example/third"))
    assert report.url() == Secret("https://cloud.example/third")


def test_the_operator_is_told_what_to_change_for_another_url(directory: Directory) -> None:
    report = directory.load().rooms[0].report
    file = directory.path / "rooms/evening.yaml"
    assert report.url_origin == f"environment variable REPORT_URL ({file}: report.url)"
    directory.write("rooms/evening.yaml", ROOM.replace("${REPORT_URL}", "${file:/run/secrets/url}"))
    assert report.url_origin == "/run/secrets/url"
    directory.write("rooms/evening.yaml", ROOM.replace("${REPORT_URL}", "${file:url}"))
    assert report.url_origin == str(directory.path / "url")
    directory.write("rooms/evening.yaml", ROOM.replace("${REPORT_URL}", "https://cloud.example/third"))
    assert report.url_origin == f"{file}: report.url"


def test_a_room_that_follows_jobs_has_no_url(directory: Directory) -> None:
    directory.write("bridge.yaml", "metastudio: {project_id: p, token: t}")
    directory.write("rooms/evening.yaml", ROOM.replace("url: ${REPORT_URL}", "smart_live_room_id: r"))
    report = directory.load().rooms[0].report
    directory.write("rooms/evening.yaml", ROOM)
    assert report.url() == Secret()
