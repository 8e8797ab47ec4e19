"""What the cloud says when it refuses: status, error code and text, as its documents print them. Pure.

Codes beginning with ``APIGW`` come from the gateway, which names the request id in the body too; ``MSS`` is the
service itself. The code of a job that is over and of an unknown room are taken from the vendor's list for its
web SDK; with which HTTP status they come is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_ERROR_MSG_CHARS = 256
"""Limit of ``error_msg`` in the service's own answers; the gateway's echo of a canonical request is longer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that the cloud turns away; ``retry_after`` is sent as it stands when not empty."""

    status: int
    error_code: str
    error_msg: str
    retry_after: str = ""

    def body(self, request_id: str) -> dict[str, str]:
        """Return the JSON object that carries the refusal."""
        if self.error_code.startswith("APIGW"):
            return {"error_msg": self.error_msg, "error_code": self.error_code, "request_id": request_id}
        return {"error_code": self.error_code, "error_msg": self.error_msg[:MAX_ERROR_MSG_CHARS]}


def invalid_parameter(problem: str) -> Refusal:
    """Refuse a value; ``problem`` begins with the place."""
    return Refusal(400, "MSS.00000003", f"Invalid parameter: {problem}")


def invalid_body(problem: str) -> Refusal:
    """Refuse a body that is JSON but not an object."""
    return Refusal(400, "MSS.00000002", f"Invalid body: {problem}")


def not_json(problem: str) -> Refusal:
    """Refuse a body that cannot be parsed, or whose Content-Type is not JSON."""
    return Refusal(400, "MSS.10000002", f"Request JSON exception: {problem}")


def too_large(limit_bytes: int) -> Refusal:
    """Refuse a body over the gateway's limit."""
    return Refusal(413, "APIGW.0201", f"Request entity too large: at most {limit_bytes} bytes")


def url_key_refused(problem: str) -> Refusal:
    """Refuse a report URL's key."""
    return Refusal(401, "MSS.00000001", f"Unauthorized: {problem}")


def iam_refused(problem: str) -> Refusal:
    """Refuse a signature or a token at the gateway."""
    return Refusal(401, "APIGW.0301", f"Incorrect IAM authentication information: {problem}")


def token_revoked() -> Refusal:
    """Refuse a token that the gateway could read but the service does not honour: HTTP 400, not 401."""
    return Refusal(400, "MSS.00010008", "Invalid token in the header.")


def other_tenant() -> Refusal:
    """Refuse a credential of another project than the path's."""
    return Refusal(400, "MSS.00010009", "urlTenantId is not equal tokenTenantId")


def throttled(limit: float, retry_after: str = "") -> Refusal:
    """Refuse a call over the tenant's rate."""
    text = f"The throttling threshold has been reached: policy user over ratelimit,limit:{limit:g},time:1 second"
    return Refusal(429, "APIGW.0308", text, retry_after)


def no_such_api() -> Refusal:
    """Refuse a path or method that the gateway has not published."""
    return Refusal(404, "APIGW.0101", "The API does not exist or has not been published in the environment")


def room_not_found() -> Refusal:
    """Refuse a room id that nobody created."""
    return Refusal(404, "MSS.20010045", "roomInfo not found.")


def job_over(status: int = 404) -> Refusal:
    """Refuse a job id that nobody started, or a report to a job that is over."""
    return Refusal(status, "MSS.20010074", "The job info is not existed or the job is over.")


def job_exists() -> Refusal:
    """Refuse a second job where the caller asked for a single one."""
    return Refusal(400, "MSS.20010046", "roomId job exist.")


def quota_reached() -> Refusal:
    """Refuse one job or room too many."""
    return Refusal(400, "MSS.20010056", "The number of running jobs has reached the upper limit.")


def job_state_forbids() -> Refusal:
    """Refuse what the job's state does not allow."""
    return Refusal(400, "MSS.20020001", "The job state does not allow this operation.")


DEFAULT_CODES = {
    400: "MSS.00000003",
    401: "MSS.00000001",
    403: "APIGW.0302",
    404: "APIGW.0101",
    413: "APIGW.0201",
    429: "APIGW.0308",
    500: "MSS.00000004",
}
"""The code that goes with a status when a fault script names none; other 5xx go out as an internal error."""
