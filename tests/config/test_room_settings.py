from __future__ import annotations

import pytest

from bridge.config import Room
from bridge.config.room_settings import Pacing, RoomSettings
from bridge.metastudio.callback_signature import reading_names
from bridge.secret import Secret
from tests.config.toys import REPORT_URL, ROOM, Directory

SOURCES = "sources: [{platform: pond, room: 1}]\n"
ACCOUNT = "metastudio: {project_id: p, access_key: a, secret_key: b}"


def only_room(directory: Directory) -> Room:
    [room] = directory.load().rooms
    return room


def test_a_room_of_two_keys_has_the_defaults_of_the_contract(directory: Directory) -> None:
    room = only_room(directory)
    assert room.name == "evening"
    assert room.report.url() == Secret(REPORT_URL)
    assert (room.report.smart_live_room_id, room.report.job_id, room.report.app_user_id) == ("", "", "")
    assert room.report.auth == "url"
    assert room.report.max_batch_events == 1000
    assert room.report.max_batch_bytes == 900_000
    assert room.report.min_interval_ms == 200
    assert room.report.review.no_need_review is False
    assert room.callbacks is None
    assert room.events.model_dump() == {
        "comment": {"enabled": True, "ttl_secs": 90},
        "join": {"enabled": True, "ttl_secs": 20, "once_per_user_secs": 60},
        "like": {"enabled": True, "ttl_secs": 15, "merge_secs": 1},
        "gift": {"enabled": True, "ttl_secs": 600},
        "follow": {"enabled": False, "ttl_secs": 120},
        "viewers": {"enabled": True, "ttl_secs": 10, "min_interval_secs": 5},
        "paid_message": "comment",
        "gift_value_unit": "platform",
        "gift_prices": None,
    }
    assert room.gift_prices == {}


def test_a_whole_room_is_read(directory: Directory) -> None:
    directory.environ["OFF"] = "no"
    directory.write("bridge.yaml", ACCOUNT)
    directory.write("rooms/prices.yaml.txt", "Rocket: 5000\n火箭: 1\n100: 2\n")
    directory.write(
        "rooms/evening.yaml",
        """
        sources: [{platform: pond, room: 1}, {platform: mail, key: x}]
        report:
          smart_live_room_id: 0123456789
          job_id: job-1
          auth: signed
          max_batch_events: 1
          max_batch_bytes: 20000
          min_interval_ms: 0
          review: {no_need_review: true}
          app_user_id: shop-7
        callbacks: {auth_type: MSS_A, key: k, url: "https://bridge.example/callbacks/evening?a=b", reading: host_path_sorted_query+seconds,
                    forward_url: "https://shop.example/hook?k=v", forward_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
        pacing: {enabled: true, ahead: 0}
        events:
          comment: {enabled: "${OFF}"}
          join: {once_per_user_secs: 0}
          like: {merge_secs: 0.5}
          gift: {ttl_secs: 60}
          follow: {enabled: true}
          viewers: {min_interval_secs: 0}
          paid_message: both
          gift_value_unit: fen
          gift_prices: rooms/prices.yaml.txt
        """,
    )
    room = only_room(directory)
    assert [source.platform.name for source in room.sources] == ["pond", "mail"]
    assert room.report.smart_live_room_id == "0123456789"
    assert room.report.url() == Secret()
    assert room.report.auth == "signed"
    assert room.report.min_interval_ms == 0
    assert room.report.review.no_need_review
    assert room.callbacks is not None
    assert room.callbacks.key == Secret("k")
    assert room.callbacks.url == Secret("https://bridge.example/callbacks/evening?a=b")
    assert room.callbacks.reading == "host_path_sorted_query+seconds"
    assert room.callbacks.forward_url == Secret("https://shop.example/hook?k=v")
    assert room.callbacks.forward_secret == Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert room.pacing == Pacing(enabled=True, ahead=0)
    assert not room.events.comment.enabled
    assert room.events.like.merge_secs == 0.5
    assert room.gift_prices == {"Rocket": 5000, "火箭": 1, "100": 2}


def test_comments_are_paced_only_when_asked_for() -> None:
    report = {"url": "http://a/b"}
    room = RoomSettings.model_validate({"sources": [{"platform": "pond"}], "report": report})
    assert room.pacing == Pacing(enabled=False, ahead=1)
    room = RoomSettings.model_validate(
        {"sources": [{"platform": "pond"}], "report": report, "pacing": {"enabled": True, "ahead": 0}}
    )
    assert room.pacing == Pacing(enabled=True, ahead=0)


def test_callbacks_without_a_value_are_absent(directory: Directory) -> None:
    directory.write("rooms/evening.yaml", ROOM + "callbacks:\n")
    assert only_room(directory).callbacks is None


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("report: {url: http://a/b}", ["sources: is missing: it must be given"]),
        ("sources: []\nreport: {url: http://a/b}", ["sources: has too few items: at least 1"]),
        ("sources: {a: b}\nreport: {url: http://a/b}", ["sources: is not a list: items, each on a line that begins with -"]),
        (SOURCES, ["report: is missing: it must be given"]),
        (SOURCES + "report: x", ["report: is not a section: key: value lines"]),
        (SOURCES + "report: {}", ["report.url: is missing: either url or smart_live_room_id"]),
        (SOURCES + "report: {auth: url}", ["report.url: is missing: either url or smart_live_room_id"]),
        (SOURCES + "report: {url: ''}", ["report.url: is missing: either url or smart_live_room_id"]),
        (SOURCES + "report: {url: cloud.example/report}", ["report.url: is not a URL: http:// or https:// with a host, as it was copied"]),
        (SOURCES + "report: {url: 'ftp://a'}", ["report.url: is not a URL: http:// or https:// with a host, as it was copied"]),
        (SOURCES + "report: {url: 'http://a', job_id: j}", ["report.job_id: says nothing without smart_live_room_id: the room that the job is of"]),
        (
            SOURCES + "report: {url: 'http://a', smart_live_room_id: r}",
            [
                "report.smart_live_room_id: stands beside url: either url or smart_live_room_id",
                "report.smart_live_room_id: following a room's jobs needs credentials that bridge.yaml does not give: metastudio.access_key or metastudio.token or metastudio.iam",
                "report.smart_live_room_id: following a room's jobs needs the project, which bridge.yaml does not give: metastudio.project_id",
            ],
        ),
        (
            SOURCES + "report: {url: 'http://a', auth: signed}",
            [
                "report.auth: signed needs credentials that bridge.yaml does not give: metastudio.access_key",
                "report.auth: signed needs the project, which bridge.yaml does not give: metastudio.project_id",
            ],
        ),
        (
            SOURCES + "report: {url: 'http://a', auth: token}",
            [
                "report.auth: token needs credentials that bridge.yaml does not give: metastudio.token or metastudio.iam",
                "report.auth: token needs the project, which bridge.yaml does not give: metastudio.project_id",
            ],
        ),
        (ROOM + "  auth: header", ["report.auth: is not a known value: one of 'url', 'headers', 'signed' or 'token'"]),
        (ROOM + "  max_batch_events: 0", ["report.max_batch_events: is too small: at least 1"]),
        (ROOM + "  max_batch_events: 1001", ["report.max_batch_events: is too large: at most 1000"]),
        (ROOM + "  max_batch_bytes: 900001", ["report.max_batch_bytes: is too large: at most 900000"]),
        (ROOM + "  min_interval_ms: -1", ["report.min_interval_ms: is too small: at least 0"]),
        (ROOM + "  app_user_id: a b", ["report.app_user_id: is no user id: 1 to 256 printable ASCII characters without spaces"]),
        (ROOM + "  ulr: x", ["report.ulr: unknown key, did you mean url?: one of app_user_id, auth, job_id, max_batch_bytes, max_batch_events, min_interval_ms, review, smart_live_room_id, url"]),
        (ROOM + "  review: {no_need_review: 5}", ["report.review.no_need_review: is neither true nor false: true or false"]),
        (ROOM + "callbacks: {auth_type: NONE}", ["callbacks.token: is missing: auth_type NONE needs it"]),
        (ROOM + "callbacks: {}", ["callbacks.key: is missing: auth_type MSS_A_HEAD needs it", "callbacks.url: is missing: auth_type MSS_A_HEAD needs it"]),
        (ROOM + "callbacks: {auth_type: MSS_A, key: k}", ["callbacks.url: is missing: auth_type MSS_A needs it"]),
        (ROOM + "callbacks: {auth_type: MSS_B}", ["callbacks.auth_type: is not a known value: one of 'NONE', 'MSS_A' or 'MSS_A_HEAD'"]),
        (ROOM + "callbacks: {key: k, url: a}", ["callbacks.url: is not a URL: http:// or https:// with a host, as it was copied"]),
        (ROOM + "callbacks: {key: k, url: 'http://a', reading: 'a b'}", [f"callbacks.reading: is no reading: one of {', '.join(reading_names())}"]),
        (ROOM + "callbacks: {auth_type: NONE, token: t, forward_url: 'http://b'}", ["callbacks.forward_secret: is missing: it goes with forward_url"]),
        (ROOM + "pacing: {enabled: true}", ["pacing.enabled: learns nothing without callbacks: a callbacks section beside it"]),
        (ROOM + "callbacks: {auth_type: NONE, token: t, forward_url: a, forward_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}", ["callbacks.forward_url: is not a URL: http:// or https:// with a host, as it was copied"]),
        (ROOM + "callbacks: {auth_type: NONE, token: t, forward_url: 'http://b', forward_secret: a}", ["callbacks.forward_secret: is no Standard Webhooks secret: whsec_ and base64"]),
        (ROOM + "callbacks: {auth_type: NONE, token: t, forward_url: 'http://b', forward_secret: whsec_}", ["callbacks.forward_secret: is no Standard Webhooks secret: whsec_ and base64"]),
        (ROOM + "pacing: {ahead: -1}", ["pacing.ahead: is too small: at least 0"]),
        (ROOM + "pacing: {ahead: 21}", ["pacing.ahead: is too large: at most 20"]),
        (ROOM + "pacing: {enable: true}", ["pacing.enable: unknown key, did you mean enabled?: one of ahead, enabled"]),
        (ROOM + "events: {comments: {}}", ["events.comments: unknown key, did you mean comment?: one of comment, follow, gift, gift_prices, gift_value_unit, join, like, paid_message, viewers"]),
        (ROOM + "events: {comment: {merge_secs: 1}}", ["events.comment.merge_secs: unknown key: one of enabled, ttl_secs"]),
        (ROOM + "events: {gift: {ttl_secs: 0}}", ["events.gift.ttl_secs: is too small: more than 0"]),
        (ROOM + "events: {gift: {ttl_secs: ten}}", ["events.gift.ttl_secs: is not a number: a number"]),
        (ROOM + "events: {like: {merge_secs: -1}}", ["events.like.merge_secs: is too small: at least 0"]),
        (ROOM + "events: {paid_message: no}", ["events.paid_message: is not a known value: one of 'comment', 'gift' or 'both'"]),
        (ROOM + "events: {gift_prices: none.yaml}", ["events.gift_prices.none.yaml: cannot be read (No such file or directory): a readable file"]),
        (ROOM + "events: {gift_prices: rooms/evening.yaml}", [
            "events.gift_prices.'rooms/evening.yaml'.sources: is not a whole number: digits only",
            "events.gift_prices.'rooms/evening.yaml'.report: is not a whole number: digits only",
            "events.gift_prices.'rooms/evening.yaml'.events: is not a whole number: digits only",
        ]),
    ],
)  # fmt: skip
def test_a_wrong_room_is_told_line_by_line(directory: Directory, text: str, lines: list[str]) -> None:
    directory.write("rooms/evening.yaml", text)
    assert directory.problems() == [f"rooms/evening.yaml: {line}" for line in lines]


@pytest.mark.parametrize(
    ("account", "report"),
    [
        (ACCOUNT, "{smart_live_room_id: r}"),
        (ACCOUNT, "{url: 'http://a', auth: signed}"),
        ("metastudio: {project_id: p, token: t}", "{smart_live_room_id: r, job_id: j, auth: token}"),
        ("metastudio: {project_id: p, iam: {user: u, password: p, domain: d}}", "{url: 'http://a', auth: token}"),
        ("", "{url: 'https://a/b?c', auth: headers}"),
    ],
)
def test_with_the_account_that_it_needs_a_room_is_sound(directory: Directory, account: str, report: str) -> None:
    directory.write("bridge.yaml", account)
    directory.write("rooms/evening.yaml", f"{SOURCES}report: {report}")
    assert len(directory.load().rooms) == 1
