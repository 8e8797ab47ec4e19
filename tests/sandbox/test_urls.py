from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from bridge.sandbox.state import Job
from bridge.sandbox.urls import OldUrlDies, ReportUrls

NOW_MS = 1_760_000_000_000


def new_job(job_id: str = "j1") -> Job:
    return Job(job_id, "r1", 1, "PROCESSING", {}, NOW_MS, NOW_MS)


def new_urls(life_ms: int | None = 60_000, old_dies: OldUrlDies = "on_use") -> ReportUrls:
    return ReportUrls("p1", b"secret", life_ms, old_dies)


def parts(url: str) -> tuple[str, str]:
    query = dict(parse_qsl(urlsplit(url).query))
    return query["auth_key"], query["expires_time"]


def used(urls: ReportUrls, job: Job, url: str, now_ms: int = NOW_MS) -> str:
    """Return what is wrong with using a URL, "" for nothing."""
    why = urls.use(job, *parts(url), now_ms)
    return why.error_msg if why else ""


def test_a_url_has_a_hex_key_of_64_digits_and_its_expiry_in_ms() -> None:
    url = new_urls().current(new_job(), NOW_MS)
    path = "/v1/p1/smart-live-rooms/r1/smart-live-jobs/j1/live-event-report"
    assert re.fullmatch(rf"{path}\?auth_key=[0-9a-f]{{64}}&expires_time={NOW_MS + 60_000}", url)


def test_a_url_works_until_it_expires() -> None:
    urls, job = new_urls(), new_job()
    url = urls.current(job, NOW_MS)
    assert used(urls, job, url, NOW_MS + 59_999) == ""
    assert "expired" in used(urls, job, url, NOW_MS + 60_000)


def test_the_newest_url_is_shown_until_it_is_dead() -> None:
    urls, job = new_urls(), new_job()
    url = urls.current(job, NOW_MS)
    assert urls.current(job, NOW_MS + 59_999) == url
    later = urls.current(job, NOW_MS + 60_000)
    assert later != url
    assert used(urls, job, later, NOW_MS + 60_000) == ""


def test_the_key_is_bound_to_the_path_and_to_the_expiry() -> None:
    urls, job, other = new_urls(), new_job(), new_job("j2")
    key, expires = parts(urls.current(job, NOW_MS))
    urls.current(other, NOW_MS)
    assert urls.use(other, key, expires, NOW_MS) is not None
    assert urls.use(job, key, str(int(expires) + 1), NOW_MS) is not None
    assert urls.use(job, key, "", NOW_MS) is not None
    assert urls.use(job, key.upper(), expires, NOW_MS) is not None
    assert urls.use(job, "", expires, NOW_MS) is not None
    assert urls.use(job, "\udcff", expires, NOW_MS) is not None


def test_a_refresh_gives_another_key_and_a_later_expiry_even_within_the_same_ms() -> None:
    urls, job = new_urls(), new_job()
    old, new = parts(urls.current(job, NOW_MS)), parts(urls.renewed(job, NOW_MS))
    assert old[0] != new[0]
    assert int(old[1]) < int(new[1])


def test_the_old_url_works_until_the_new_one_is_used() -> None:
    urls, job = new_urls(), new_job()
    old, new = urls.current(job, NOW_MS), urls.renewed(job, NOW_MS)
    assert used(urls, job, old) == ""
    assert used(urls, job, new) == ""
    assert "wrong or replaced" in used(urls, job, old)


def test_the_old_url_can_be_left_to_its_own_expiry() -> None:
    urls, job = new_urls(old_dies="at_expiry"), new_job()
    old, new = urls.current(job, NOW_MS), urls.renewed(job, NOW_MS + 1000)
    assert used(urls, job, new, NOW_MS + 1000) == ""
    assert used(urls, job, old, NOW_MS + 1000) == ""
    assert "expired" in used(urls, job, old, NOW_MS + 60_000)


def test_a_url_can_be_made_to_last() -> None:
    urls, job = new_urls(None), new_job()
    old, new = urls.current(job, NOW_MS), urls.renewed(job, NOW_MS)
    assert parts(old)[1] == "4102415999000"
    assert old != new
    assert used(urls, job, new, 4_102_415_900_000) == ""


@pytest.mark.parametrize(("which", "dead"), [("all", {0, 1, 2}), ("old", {0, 1}), ("current", {2})])
def test_urls_can_be_expired_before_their_time(which: str, dead: set[int]) -> None:
    urls, job = new_urls(old_dies="at_expiry"), new_job()
    made = [urls.current(job, NOW_MS), urls.renewed(job, NOW_MS), urls.renewed(job, NOW_MS)]
    assert urls.expire(job, which, NOW_MS + 10) == len(dead)  # type: ignore[arg-type]  # a parametrised literal
    assert all(used(urls, job, url, NOW_MS + 9) == "" for url in made)
    assert {index for index, url in enumerate(made) if used(urls, job, url, NOW_MS + 10)} == dead


def test_a_job_remembers_few_urls() -> None:
    urls, job = new_urls(old_dies="at_expiry"), new_job()
    first = urls.current(job, NOW_MS)
    for _ in range(100):
        last = urls.renewed(job, NOW_MS)
    assert len(job.keys) == 16
    assert used(urls, job, last) == ""
    assert used(urls, job, first) != ""
