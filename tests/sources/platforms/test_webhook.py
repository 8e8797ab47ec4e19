from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from bridge.errors import PushRefusedError
from bridge.events import Comment, Follow, Gift, Join, Like, LiveEvent, PaidMessage, User, Viewers
from bridge.secret import Secret
from bridge.sources.codecs.results import MAX_ITEMS
from bridge.sources.codecs.rfc3339 import timestamp_ms
from bridge.sources.contract import Decoded, Frame, NoticeKind, PushAnswer, PushRequest
from bridge.sources.intake import Intake
from bridge.sources.platforms.webhook import MAX_ID_CHARS, PLATFORM, Options, Receiver
from bridge.sources.platforms.webhook.cloudevents import live_kind
from bridge.sources.platforms.webhook.messages import IGNORED, MESSAGES, NOTICES
from tests.shared_captures import folder

AT_MS = 1_760_000_000_000
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
ANN = {"id": "9", "name": "Ann"}
ANN_USER = User("webhook_9", "Ann")
ATTRIBUTES = {"specversion": "1.0", "source": "/rooms/1", "id": "A-1", "time": "2025-10-09T08:53:20.5Z"}


def signed(
    body: bytes, *, secret: str = SECRET, message_id: str = "msg_1", at_secs: int = AT_MS // 1000
) -> PushRequest:
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(at_secs, UTC), body.decode())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at_secs), "webhook-signature": signature}
    return PushRequest("POST", headers, {}, body, AT_MS)


def with_headers(request: PushRequest, **headers: str) -> PushRequest:
    changed = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return PushRequest("POST", {name: value for name, value in changed.items() if value}, {}, request.body, AT_MS)


def receive(request: PushRequest, **more: Any) -> PushAnswer:
    return Receiver(Options(**{"secret": Secret(SECRET), **more})).receive(request)


def received(value: Any, **more: Any) -> Decoded:
    return receive(signed(orjson.dumps(value)), **more).decoded


def only(value: Any, **more: Any) -> LiveEvent:
    decoded = received(value, **more)
    assert not decoded.rejected
    (event,) = decoded.events
    return event


def refused(request: PushRequest, **more: Any) -> str:
    with pytest.raises(PushRefusedError) as error:
        receive(request, **more)
    assert error.value.status == 401
    return error.value.problem


def unsigned(value: Any, **headers: str) -> PushAnswer:
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Receiver(Options(allow_unsigned=True)).receive(PushRequest("POST", named, {}, body, AT_MS))


def test_the_specifications_vector_is_accepted() -> None:
    folded = folder("generic_webhook")
    headers = orjson.loads((folded / "standard-webhooks_vector.headers.json").read_bytes())
    secret = headers.pop("secret")
    body = (folded / "standard-webhooks_vector.body").read_bytes()
    request = PushRequest("POST", headers, {}, body, int(headers["webhook-timestamp"]) * 1000)

    assert receive(request, secret=Secret(secret)).status == 200
    with pytest.raises(PushRefusedError):
        receive(PushRequest("POST", headers, {}, body + b" ", request.received_at_ms), secret=Secret(secret))


def test_a_wrong_an_altered_and_an_unsigned_call_are_refused() -> None:
    request = signed(b"[]")
    assert "fits none" in refused(request, secret=Secret(OTHER))
    assert "fits none" in refused(with_headers(request, webhook_id="msg_2"))
    assert "fits none" in refused(with_headers(request, webhook_signature="v1,AAAA v1a,BBBB , v1"))
    for name in ("webhook_id", "webhook_timestamp", "webhook_signature"):
        assert "missing" in refused(with_headers(request, **{name: ""}))
    assert "missing" in refused(with_headers(request, webhook_timestamp="soon"))


@pytest.mark.parametrize(
    ("message_id", "body"), [("\udcff", b"[]"), ("m1", b"\xff")], ids=["id that is no text", "body that is no text"]
)
def test_only_text_can_be_signed(message_id: str, body: bytes) -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    to_sign = b"%b.%d.%b" % (message_id.encode(errors="surrogateescape"), AT_MS // 1000, body)
    signature = base64.b64encode(hmac.digest(key, to_sign, "sha256")).decode()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(AT_MS // 1000),
        "webhook-signature": f"v1,\udcff v1,{signature}",
    }

    assert "UTF-8" in refused(PushRequest("POST", headers, {}, body, AT_MS))


@pytest.mark.parametrize("off_secs", [-301, 301])
def test_a_stale_call_is_refused(off_secs: int) -> None:
    assert "5 minutes" in refused(signed(b"[]", at_secs=AT_MS // 1000 + off_secs))
    assert receive(signed(b"[]", at_secs=AT_MS // 1000 + off_secs - off_secs // 300)).status == 200


def test_any_of_several_secrets_and_any_of_several_signatures_will_do() -> None:
    request = signed(b"[]", secret=OTHER)
    assert receive(request, secrets=[Secret(OTHER)]).status == 200
    both = f"v1,AAAA {request.headers['webhook-signature']}"
    assert receive(with_headers(request, webhook_signature=both), secret=Secret(OTHER)).status == 200


def test_without_a_secret_calls_are_taken_only_where_the_operator_allows_it() -> None:
    request = PushRequest("POST", {}, {}, b"[]", AT_MS)
    with pytest.raises(ValueError, match=r"^secret: is missing: "):
        Options(secrets=[Secret()])
    with pytest.raises(PushRefusedError):
        Receiver(PLATFORM.offline_options()).receive(signed(b"[]"))  # type: ignore[arg-type]
    assert receive(request, secret=Secret(), allow_unsigned=True).status == 200
    assert "missing" in refused(request, allow_unsigned=True)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"secret": Secret("whsec_a")}, "secret"),
        ({"secrets": [Secret(SECRET), Secret("whsec_a")]}, "secrets"),
        ({"secret": Secret(SECRET), "site": ""}, "site"),
    ],
)
def test_options_that_cannot_be_used_are_a_configuration_error(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}: ") as error:
        Options(**given)
    assert "whsec_a" not in str(error.value)


def test_each_kind_of_our_own_event() -> None:
    contents = [
        only(
            {"type": "comment", "user": {**ANN, "level": 3, "badge": "crew", "badge_level": 2}, "text": "Hello"}
        ).content,
        only({"type": "join", "user": ANN}).content,
        only({"type": "like", "user": ANN, "count": 4}).content,
        only({"type": "follow", "user": ANN}).content,
        only({"type": "viewers", "viewers": 0}).content,
    ]
    assert contents == [
        Comment(User("webhook_9", "Ann", 3, "crew", 2), "Hello"),
        Join(ANN_USER),
        Like(ANN_USER, 4),
        Follow(ANN_USER),
        Viewers(0),
    ]


@pytest.mark.parametrize(
    ("fields", "gift"),
    [
        ({"count": 2, "unit_value": 10, "total_value": 15}, Gift(ANN_USER, "Rose", 2, 10, 15)),
        ({"count": 2, "unit_value": 10, "currency": "coin"}, Gift(ANN_USER, "Rose", 2, 10, 20, "coin")),
        ({"count": 2, "total_value": 15}, Gift(ANN_USER, "Rose", 2, 7, 15)),
        ({"unit_value": 0}, Gift(ANN_USER, "Rose")),
        ({"unit_value": None}, Gift(ANN_USER, "Rose", priced=False)),
    ],
)
def test_a_gifts_values_complete_each_other(fields: dict[str, Any], gift: Gift) -> None:
    assert only({"type": "gift", "user": ANN, "gift": {"name": "Rose", **fields}}).content == gift


def test_a_paid_message_is_words_and_money_and_without_words_a_gift() -> None:
    money = {"total_value": 500, "currency": "USD"}
    gift = Gift(ANN_USER, "paid message", 1, 500, 500, "USD")
    assert only({"type": "paid_message", "user": ANN, "text": "Sing", "gift": money}).content == PaidMessage(
        "Sing", gift
    )
    assert only({"type": "paid_message", "user": ANN, "gift": money}).content == gift


@pytest.mark.parametrize("no_id", [{}, {"id": None}, {"id": ""}, {"id": 0}, {"id": "0"}])
def test_a_viewer_without_an_id_is_nobody_in_particular(no_id: dict[str, Any]) -> None:
    assert only({"type": "like", "user": {"name": "Guest", **no_id}}).user == User("webhook_0", "Guest", masked=True)


def test_a_field_that_is_null_says_nothing() -> None:
    assert only({"type": "like", "user": ANN, "count": None, "room": None, "id": None}, room="1").content == Like(
        ANN_USER
    )
    gift = {"name": "Rose", "count": None, "unit_value": 5, "currency": None}
    assert only({"type": "gift", "user": ANN, "gift": gift}).content == Gift(ANN_USER, "Rose", 1, 5, 5)


def test_the_site_is_what_user_ids_begin_with() -> None:
    user = only({"type": "like", "user": ANN}, site="taobao").user
    assert user is not None
    assert user.id == "taobao_9"


def test_time_is_the_senders_if_it_can_be_true() -> None:
    assert only({"type": "like", "user": ANN, "timestamp_ms": AT_MS - 5}).timestamp_ms == AT_MS - 5
    assert only({"type": "like", "user": ANN, "timestamp_ms": 12}).timestamp_ms == AT_MS
    assert only({"type": "like", "user": ANN}).timestamp_ms == AT_MS


def test_a_retried_call_tells_nothing_new_whether_or_not_its_events_have_ids() -> None:
    body = orjson.dumps([{"type": "like", "user": ANN}, {"type": "like", "id": "own", "user": ANN}])
    intake = Intake()
    for message_id, told in (("msg_1", 2), ("msg_1", 0), ("msg_2", 1)):
        decoded = receive(signed(body, message_id=message_id)).decoded
        assert len(intake.offer(decoded.events, 0.0).events) == told


def test_an_id_too_long_to_remember_is_rejected() -> None:
    assert len(received({"type": "like", "id": "x" * (MAX_ID_CHARS + 1), "user": ANN}).rejected) == 1


def test_another_room_and_a_test_are_ignored_by_name() -> None:
    likes = [{"type": "like", "user": ANN, **more} for more in ({"room": "1"}, {"room": 2}, {}, {"test": True})]
    decoded = received(likes, room="2")
    assert (len(decoded.events), decoded.ignored) == (2, ["other room", "test"])
    decoded = received([{"type": "ended", "room": "1"}, {"type": "live", "test": True}], room="2")
    assert ([*decoded.notices], decoded.ignored) == ([], ["other room", "test"])


def test_notices_and_pings_are_told_from_events() -> None:
    decoded = received([{"type": "live"}, {"type": "ended"}, {"type": "ping"}])
    assert [notice.kind for notice in decoded.notices] == [NoticeKind.LIVE, NoticeKind.ENDED]
    assert decoded.ignored == ["ping"]
    assert not {*MESSAGES} & {*NOTICES} & IGNORED


def test_a_structured_cloudevent_is_its_data() -> None:
    event = only({**ATTRIBUTES, "type": "live.comment", "data": {"user": ANN, "text": "Hi"}})
    assert event == LiveEvent(1_760_000_000_500, Comment(ANN_USER, "Hi"), "/rooms/1 A-1")


def test_a_binary_cloudevent_has_its_attributes_in_percent_encoded_headers() -> None:
    answer = unsigned(
        {"user": ANN, "text": "Hi"},
        ce_specversion="1.0",
        ce_type="com.example.live.comment",
        ce_source="/r%C3%A9my",
        ce_id="7",
        ce_time="2025-10-09T08:53:20Z",
    )
    assert answer.decoded.events == [LiveEvent(AT_MS, Comment(ANN_USER, "Hi"), "/rémy 7")]
    assert len(unsigned({}, ce_specversion="1.0", ce_type="live.comment").decoded.rejected) == 1
    assert unsigned(b"x", ce_specversion="1.0", ce_type="other", ce_source="/", ce_id="1").decoded.unknown == ["other"]


@pytest.mark.parametrize(
    "written", ['"live.comment"', "live%2Ecomment", '"live\\.comment"', '"live%2Ecomment"'], ids=str
)
def test_a_binary_cloudevents_attribute_may_be_quoted(written: str) -> None:
    attributes = {"ce_specversion": "1.0", "ce_type": written, "ce_source": "/", "ce_id": '"a \\"b\\""'}
    (event,) = unsigned({"user": ANN, "text": "Hi"}, **attributes).decoded.events
    assert event.id == '/ a "b"'


def test_a_binary_cloudevent_may_have_no_data() -> None:
    attributes = {"ce_specversion": "1.0", "ce_source": "/", "ce_id": "1"}
    assert unsigned(b"", ce_type="live.ping", **attributes).decoded.ignored == ["ping"]
    assert [one.kind for one in unsigned(b"", ce_type="live.ended", **attributes).decoded.notices] == [NoticeKind.ENDED]
    (error,) = unsigned(b"", ce_type="live.like", **attributes).decoded.rejected
    assert str(error) == "user: is missing, an object expected"


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents+json", "Application/CloudEvents-Batch+JSON; charset=UTF-8"]
)
def test_a_structured_cloudevent_may_repeat_its_attributes_in_headers(content_type: str) -> None:
    event = {**ATTRIBUTES, "type": "live.like", "data": {"user": ANN}}
    body = [event] if "Batch" in content_type else event
    answer = unsigned(
        body, content_type=content_type, ce_specversion="1.0", ce_type="live.like", ce_source="/rooms/1", ce_id="A-1"
    )
    assert [(one.id, one.content) for one in answer.decoded.events] == [("/rooms/1 A-1", Like(ANN_USER))]


def test_a_cloudevents_source_and_id_are_unique_together() -> None:
    batch = [
        {**ATTRIBUTES, "source": source, "type": "live.like", "data": {"user": ANN}} for source in ("/a", "/b", "/a")
    ]
    assert len(Intake().offer(received(batch).events, 0.0).events) == 2


def test_a_cloudevents_attributes_count_whatever_its_data_says() -> None:
    event = {**ATTRIBUTES, "type": "live.like", "data": {"user": ANN, "id": "7", "timestamp_ms": AT_MS}}
    assert only(event) == LiveEvent(1_760_000_000_500, Like(ANN_USER), "/rooms/1 A-1")
    assert only({**event, "time": None}).timestamp_ms == AT_MS


def test_a_cloudevents_data_may_be_packed() -> None:
    packed = base64.b64encode(orjson.dumps({"user": ANN})).decode()
    event = {**ATTRIBUTES, "type": "live.like", "time": None, "subject": None}
    assert only({**event, "data_base64": packed}).content == Like(ANN_USER)
    broken = [{**event, "data_base64": "?"}, {**event, "data_base64": "e30="[:-1]}, {**event, "data_base64": "e3s="}]
    broken += [{**event, "data": "text"}, event, {**event, "source": None}, {"specversion": "1.0"}]
    assert [str(error) for error in received(broken).rejected] == [
        "[0].data_base64: is not base64",
        "[1].data_base64: is not base64",
        "[2].data_base64: is not JSON (2 bytes)",
        "[3].data: is str, an object expected",
        "[4].user: is missing, an object expected",
        "[5].source: is NoneType, a text expected",
        "[6].type: is missing, a text expected",
    ]


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("live.gift", "gift"),
        ("com.example.live.gift", "gift"),
        ("olive.gift", None),
        ("live.", None),
        ("com.example.gift", None),
        ("live.raid", "raid"),
    ],
)
def test_a_cloudevents_type_ends_in_live_and_the_kind(event_type: str, kind: str | None) -> None:
    assert live_kind(event_type) == kind


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2018-04-05T17:31:00Z", 1522949460000),
        ("2018-04-05T19:31:00.123456789+02:00", 1522949460123),
        ("2018-04-05T17:31:00", 1522949460000),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_times_are_read_in_every_precision_and_zone(text: str, ms: int) -> None:
    assert timestamp_ms(text) == ms


def test_one_broken_event_spares_the_others_and_the_sender_is_told() -> None:
    answer = receive(
        signed(
            orjson.dumps(
                [
                    {"type": "gift", "user": ANN, "gift": {"name": "Rose", "count": 0}},
                    {"type": "gift", "user": ANN, "gift": {"name": "Rose", "total_value": 1.5}},
                    7,
                    {"type": "raid"},
                    {"hello": 1},
                    {"type": ""},
                    {"type": "like", "user": ANN},
                ]
            )
        )
    )
    assert answer.status == 200
    assert orjson.loads(answer.body) == {
        "accepted": 1,
        "ignored": 0,
        "unknown": 3,
        "rejected": 3,
        "problems": [
            "[0].gift.count: is not positive",
            "[1].gift.total_value: is float, an integer expected",
            "[2]: is int, an object expected",
        ],
    }
    assert answer.decoded.unknown == ["raid", "(no type)", "(no type)"]


def test_a_mib_of_what_cannot_be_read_is_given_up_early() -> None:
    assert len(received([1] * 500_000).rejected) == MAX_ITEMS + 1


def test_an_unknown_types_name_is_cut() -> None:
    assert received({"type": "x" * 500}).unknown == ["x" * 64]


def test_all_real_examples_are_read() -> None:
    decoder = PLATFORM.offline_decoder(PLATFORM.offline_options())
    for file in folder("generic_webhook").iterdir():
        decoded = decoder.feed(Frame(file.read_bytes(), AT_MS))
        assert not decoded.rejected, file.name
        assert decoded.unknown


@given(st.binary(max_size=100))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    unsigned(body)
    unsigned(body, ce_specversion="1.0", ce_type="live.gift", ce_source="/", ce_id="1")


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_arbitrary_signature_headers_are_refused_and_no_more(message_id: str, stamp: str, signature: str) -> None:
    headers = {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}
    with pytest.raises(PushRefusedError):
        receive(PushRequest("POST", headers, {}, b"[]", AT_MS))
    timely = {**headers, "webhook-timestamp": str(AT_MS // 1000)}
    with pytest.raises(PushRefusedError):
        receive(PushRequest("POST", timely, {}, b"[]", AT_MS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id",
    "user",
    "text",
    "gift",
    "count",
    "viewers",
    "timestamp_ms",
    "room",
    "specversion",
    "data",
    "source",
    "time",
)


@given(st.sampled_from([*MESSAGES, "live.gift"]), st.dictionaries(st.sampled_from(FIELDS), JSON), JSON)
def test_arbitrary_fields_never_raise(kind: str, fields: dict[str, Any], value: Any) -> None:
    decoder = PLATFORM.offline_decoder(Options(room="1", allow_unsigned=True))
    for body in ({"type": kind, **fields}, [{"type": kind, **fields, "user": ANN}, value], value):
        for event in decoder.feed(Frame(json.dumps(body), AT_MS)).events:
            event.to_wire()
