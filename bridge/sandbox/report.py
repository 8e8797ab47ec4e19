"""The report call: who calls, may the job still take it, is the body right; then it is taken."""

from __future__ import annotations

from bridge.sandbox import parameters, refusal
from bridge.sandbox.asked import Answer, Asked
from bridge.sandbox.checks import check_report
from bridge.sandbox.cloud import Cloud
from bridge.sandbox.refusal import Refusal
from bridge.sandbox.state import Job


def credential_of(asked: Asked) -> str:
    """Return which credential decides: ``signed``, ``token``, ``headers``, ``url`` or ``none``."""
    if "Authorization" in asked.headers:
        return "signed"
    if "X-Auth-Token" in asked.headers:
        return "token"
    if "x-mss-auth-key" in asked.headers:
        return "headers"
    return "url" if "auth_key" in asked.query else "none"


def report(cloud: Cloud, asked: Asked) -> Answer | Refusal:
    """Take events. The answer carries the URL to report to next: a new one if ``refresh_url=true``, else the newest."""
    job = _authorised_job(cloud, asked)
    if isinstance(job, Refusal):
        return job
    problem = parameters.common_problem(asked) or parameters.report_problem(asked)
    if problem:
        return _violation(cloud, asked, problem)
    if job.is_over:
        return refusal.job_over(cloud.ended_job_status)
    disliked = cloud.script.refuse_text(job.job_id, asked.body)
    if disliked:
        return disliked
    checked = check_report(asked.body, asked.headers.get("Content-Type", ""), strict=cloud.strict)
    if isinstance(checked, Refusal):
        return _violation(cloud, asked, checked)
    cloud.ledger.accept(asked.call, job.job_id, checked.by_type, asked.body)
    job.accepted += len(checked.events)
    cloud.arrival.set()  # wakes who waits now, and nobody later
    cloud.arrival.clear()
    if asked.query.get("refresh_url") == "true":
        cloud.urls.renewed(job, cloud.clock.now_ms())
    return Answer(200, {"live_event_report_url": cloud.report_url(job, asked.base_url)}, accepted=len(checked.events))


def _authorised_job(cloud: Cloud, asked: Asked) -> Job | Refusal:
    """Return the job that the caller may report to.

    A URL's key is bound to its path, so a wrong path refuses the key; a signature is judged before the path is.
    """
    credential = credential_of(asked)
    if credential in {"signed", "token"}:
        return cloud.gate_refusal(asked) or cloud.tenant.job(asked.ids["room_id"], asked.ids["job_id"])
    if credential == "headers":
        auth_key, expires_time = asked.headers["x-mss-auth-key"], asked.headers.get("x-mss-expires-time", "")
    elif credential == "url":
        auth_key, expires_time = asked.query["auth_key"], asked.query.get("expires_time", "")
    else:
        return refusal.url_key_refused("no auth_key, token or signature")
    job = cloud.tenant.job(asked.ids["room_id"], asked.ids["job_id"])
    if isinstance(job, Refusal) or asked.ids["project_id"] != cloud.tenant.project_id:
        return refusal.url_key_refused("auth_key does not belong to this path")
    return cloud.urls.use(job, auth_key, expires_time, cloud.clock.now_ms()) or job


def _violation(cloud: Cloud, asked: Asked, problem: Refusal) -> Refusal:
    cloud.ledger.violate(asked.call, asked.ids["job_id"], problem.error_msg)
    return problem
