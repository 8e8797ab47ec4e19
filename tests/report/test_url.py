from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl, urlsplit

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.report.url import ReportUrl, report_url
from tests.report.fakes import HOST, KEY, PATH, START_MS, url_of

MINUTE_MS = 60_000


def url(text: str, known_since_ms: int = START_MS) -> ReportUrl:
    return report_url(text, known_since_ms)


def living(secs: float) -> ReportUrl:
    return url(url_of(lives_secs=secs))


def test_neither_str_nor_repr_nor_format_shows_the_query() -> None:
    secret = url(url_of(lives_secs=3600).replace("https://", "https://user:word@"))
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", repr([secret])):
        assert KEY not in shown
        assert "expires_time" not in shown
        assert "word" not in shown
    assert str(secret) == f"{HOST}{PATH}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metastudio.example.com/path",
        "ftp://h/p",
        "https://",
        "https:///p",
        "https://h:port/p",
        "https://h:0/p",
        "https://h:70000/p",
        "https://[::1/p",
        "https://h/a b",
        "https://h/\r\nX-Evil: 1",
        "https://h/\x00",
        "https://h/\x7f",
        "https://good.example.com\\.evil.example/p",
        "https://h/直播",
        "https://h/\ud800",
        "https://h/" + "x" * 4096,
    ],
)
def test_what_is_no_web_address_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an http\(s\) URL$"):
        report_url(text, START_MS)


@pytest.mark.parametrize(
    "text", [url_of(), "http://127.0.0.1:9300/p?auth_key=1", "https://[::1]:8443/p", "HTTPS://H/p"]
)
def test_a_web_address_is_taken_byte_for_byte(text: str) -> None:
    assert url(f" {text}\n").text == text


def test_a_fragment_is_not_part_of_what_is_called() -> None:
    assert url(f"{url_of()}#top").text == url_of()


@pytest.mark.parametrize(
    ("query", "expires_at_ms"),
    [
        ("expires_time=1700000000000", 1_700_000_000_000),
        ("expires_time=1700000000", 1_700_000_000_000),
        ("auth_key=1&expires_time=1700000000001&x=2", 1_700_000_000_001),
        ("expires_time=", 0),
        ("expires_time=soon", 0),
        ("expires_time=-1", 0),
        ("expires_time=1.7e12", 0),
        ("expires_time=١٧", 0),
        ("expires_time=" + "9" * 17, 0),
        ("", 0),
    ],
)
def test_the_end_is_in_milliseconds_also_when_seconds_were_given(query: str, expires_at_ms: int) -> None:
    assert ReportUrl(f"https://h/p?{query}").expires_at_ms == expires_at_ms


@pytest.mark.parametrize(
    ("text", "job_id"),
    [
        (url_of(job="26f06524-4f75"), "26f06524-4f75"),
        ("https://h/v1/smart-live-jobs", ""),
        ("https://h/v1/smart-live-jobs/", ""),
        ("https://h/report", ""),
        ("https://h", ""),
    ],
)
def test_the_job_is_named_by_the_path(text: str, job_id: str) -> None:
    assert url(text).job_id == job_id


def test_a_fingerprint_recognises_a_url_and_reveals_nothing() -> None:
    assert url(url_of()).fingerprint == url(url_of()).fingerprint != url(url_of("other")).fingerprint
    assert KEY not in url(url_of()).fingerprint


@pytest.mark.parametrize(
    ("lives_secs", "margin_secs"),
    [(7 * 86400, 1.4 * 86400), (3600, 720), (3000, 600), (1200, 600), (60, 60)],
)
def test_a_refresh_is_wanted_in_the_last_ten_minutes_or_fifth_of_a_life(lives_secs: float, margin_secs: float) -> None:
    subject = living(lives_secs)
    due_ms = subject.expires_at_ms - round(margin_secs * 1000)
    assert subject.wants_refresh(due_ms)
    assert not subject.wants_refresh(due_ms - 1) or lives_secs <= 600
    assert subject.wants_refresh(subject.expires_at_ms + 1)


@pytest.mark.parametrize(("lives_secs", "margin_secs"), [(86400, 300), (3600, 300), (600, 60), (60, 6), (5, 1)])
def test_a_quiet_refresh_is_wanted_later_than_an_ordinary_one_and_not_of_a_dead_url(
    lives_secs: float, margin_secs: float
) -> None:
    subject = living(lives_secs)
    due_ms = subject.expires_at_ms - round(margin_secs * 1000)
    assert subject.quiet_margin_secs == margin_secs
    assert not subject.wants_quiet_refresh(due_ms - 1)
    assert subject.wants_quiet_refresh(due_ms)
    assert subject.wants_refresh(due_ms)
    assert subject.wants_quiet_refresh(subject.expires_at_ms - 1)
    assert not subject.wants_quiet_refresh(subject.expires_at_ms)


def test_a_url_that_tells_no_end_never_wants_a_refresh() -> None:
    assert not url(url_of()).wants_refresh(START_MS * 2)
    assert not url(url_of()).wants_quiet_refresh(START_MS * 2)


def test_parameters_are_appended_and_what_is_there_stays_byte_for_byte() -> None:
    odd = "https://h/p?auth_key=a%2Fb+c&&x"
    assert url(odd).with_query(refresh_url="true") == f"{odd}&refresh_url=true"
    assert url("https://h/p").with_query(refresh_url="true") == "https://h/p?refresh_url=true"


def test_key_and_end_can_go_in_headers_and_are_then_not_in_the_url() -> None:
    bare, headers = url(f"{url_of(lives_secs=60)}&tenant=a%20b&flag=").as_headers()
    assert headers == {"x-mss-auth-key": KEY, "x-mss-expires-time": str(START_MS + MINUTE_MS)}
    assert bare.text == f"{HOST}{PATH}?tenant=a+b&flag="
    assert url("https://h/p").as_headers() == (url("https://h/p"), {})


def test_with_key_and_end_gone_nothing_is_left_of_a_plain_query() -> None:
    bare, _ = url(url_of(lives_secs=60)).as_headers()
    assert bare.text == f"{HOST}{PATH}"


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (url_of(), url_of("fresh", lives_secs=60)),
        (url_of(), url_of("fresh", host="https://metastudio-2.cn-east-3.example.com")),
        (url_of(), url_of("fresh", host="https://METASTUDIO.example.com.")),
        (url_of(host="http://localhost:9300"), url_of("fresh", host="http://localhost:9300")),
        (url_of(host="http://127.0.0.1:9300"), url_of("fresh", host="http://127.0.0.1:9300")),
        (url_of(host="http://[::1]:9300"), url_of("fresh", host="http://[::1]:9300")),
        (url_of(host="http://a.example.com"), url_of("fresh", host="https://a.example.com")),
        (url_of(host="http://a.example.com:80"), url_of("fresh", host="https://a.example.com:443")),
        (url_of(host="https://a.example.com"), url_of("fresh", host="https://a.example.com:443")),
        (url_of(host="https://a.x.com.cn"), url_of("fresh", host="https://b.x.com.cn")),
        (f"{HOST}{PATH}", url_of("fresh")),
    ],
)
def test_a_fresh_url_of_the_same_house_may_take_over(mine: str, theirs: str) -> None:
    assert url(mine).is_kin(url(theirs))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (url_of(), url_of(host="https://evil.test")),
        (url_of(), url_of(host="https://example.com.evil.test")),
        (url_of(), url_of(host="https://metastudio.cn-north-4.example.com.evil.test")),
        (url_of(), url_of(host="https://notexample.com")),
        (url_of(), url_of(host="https://metastudio.cn-north-4.example.com:8443")),
        (url_of(), url_of(host=HOST.replace("https", "http"))),
        (url_of(), url_of(host="https://evil.test:443@metastudio.cn-north-4.example.com")),
        (url_of(), url_of(host="https://metastudio.cn-north-4.example.com:443@evil.test")),
        (url_of(), url_of(job="j2")),
        (url_of(), f"{HOST}/"),
        (url_of(), f"{HOST}{PATH}"),
        (url_of(), f"{HOST}{PATH}?auth_key="),
        (url_of(host="https://a.x.com.cn"), url_of(host="https://a.y.com.cn")),
        (url_of(host="https://a.x.co.uk"), url_of(host="https://co.uk")),
        (url_of(host="http://10.0.0.1"), url_of(host="http://11.0.0.1")),
        (url_of(host="http://[2001:db8::1]"), url_of(host="http://[2001:db8::2]")),
        (url_of(host="http://localhost"), url_of(host="http://otherhost")),
    ],
)
def test_a_url_of_another_house_may_not(mine: str, theirs: str) -> None:
    assert not url(mine).is_kin(url(theirs))


labels = st.text("abcxyz019-", min_size=1, max_size=4)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join) | st.sampled_from(["example.com", "evil.test"])
odd_urls = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "//", "https:/", "javascript://"]),
    st.sampled_from(["", "user@", "metastudio.cn-north-4.example.com@", "a:b@"]),
    hosts | st.just("metastudio.cn-north-4.example.com"),
    st.sampled_from(["", ":443", ":80", ":8443", ":", ".", "\\", "#", "?", "%2e", "/@"]),
    st.sampled_from(["", ".example.com", "@evil.test", PATH]),
    st.sampled_from([PATH, f"{PATH}?auth_key=1", "/other", "", f"{PATH}/../x?auth_key=1"]),
)


@given(theirs=odd_urls | st.text(max_size=60))
@example(theirs=f"https://metastudio.cn-north-4.example.com\\@evil.test{PATH}?auth_key=1")
@example(theirs=f"https://evil.test#@metastudio.cn-north-4.example.com{PATH}?auth_key=1")
def test_what_is_adopted_leads_the_http_client_to_the_same_house_and_path_by_https(theirs: str) -> None:
    mine = url(url_of())
    try:
        other = url(theirs)
    except ValueError:
        return
    if mine.is_kin(other):
        called = yarl.URL(other.text, encoded=True)
        assert called.scheme == "https"
        assert (called.host or "").rstrip(".").endswith("example.com")
        assert (called.host or "").removesuffix(".").removesuffix("example.com")[-1:] in {"", "."}
        assert called.port == 443
        assert called.raw_path == PATH
        assert called.user is None


@given(
    text=st.text(max_size=80) | odd_urls,
    known_since_ms=st.integers(0, 2**53),
    now_ms=st.integers(0, 2**53),
)
def test_whatever_is_taken_for_a_url_can_be_asked_everything(text: str, known_since_ms: int, now_ms: int) -> None:
    try:
        taken = url(text, known_since_ms)
    except ValueError:
        return
    taken.wants_refresh(now_ms)
    taken.wants_quiet_refresh(now_ms)
    bare, headers = taken.as_headers()
    assert not {"auth_key", "expires_time"} & {name for name, _ in parse_qsl(urlsplit(bare.text).query)}
    assert set(headers) <= {"x-mss-auth-key", "x-mss-expires-time"}
    assert taken.is_kin(taken) or "@" in text
    assert str(taken).startswith(("http://", "https://"))


def test_a_url_is_never_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        url(url_of()).text = "https://h/p"  # type: ignore[misc]
