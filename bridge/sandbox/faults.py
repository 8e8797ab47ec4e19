"""The script of misbehaviour: steps that are played in order, and rules that hold until they are cleared. Pure.

A *step* meets the next ``times`` calls of its kind (``call``, ``job_id``): ``{"times": 3, "status": 500}``. A *rule*
looks at every report call until it has refused ``times`` of them (for ever by default): ``{"refuse_text": "poison"}``,
``{"max_bytes": 100000}``, ``{"throttle_per_second": 2}``.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.errors import DecodeError
from bridge.sandbox import refusal
from bridge.sandbox.refusal import DEFAULT_CODES, Refusal

CallName = Literal["report", "jobs", "rooms", "iam", "any"]
_RULE_KEYS = ("refuse_text", "max_bytes", "throttle_per_second")
_MAX_DELAY_MS = 3_600_000
_MAX_WAITING = 10_000


class Step(BaseModel):
    """What happens to the next calls. Everything but ``delay_ms`` and ``expire_url`` replaces the answer.

    ``accepted``: the events are taken although the answer says otherwise (a 5xx after the fact). ``garbage``,
    ``body``, ``answer_url``, ``drip_bytes_per_second`` and a 2xx ``status`` take them too, as ``lost_answer`` (taken,
    then silence) and ``reset: after`` do; ``reset: before`` cuts before the body is read, ``during`` within it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, str_max_length=10_000_000)

    times: int = Field(default=1, ge=0, description="how many calls it meets; 0: all, for ever")
    call: CallName = "report"
    job_id: str = ""
    delay_ms: int = Field(default=0, ge=0, le=_MAX_DELAY_MS)
    status: int = Field(default=0, ge=0, le=599)
    error_code: str = ""
    error_msg: str = ""
    retry_after: str | int | float = ""
    location: str = ""
    body: str | None = None
    accepted: bool = False
    reset: Literal["", "before", "during", "after"] = ""
    lost_answer: bool = False
    garbage: bool = False
    answer_url: str | None = None
    drip_bytes_per_second: float = Field(default=0, ge=0, le=1_000_000)
    expire_url: bool = False

    @property
    def refuses(self) -> bool:
        """Tell whether the call is turned away before anything of it takes effect."""
        return self.status >= 300 and not self.accepted

    @property
    def refusal(self) -> Refusal:
        """Return what the scripted status says."""
        code = self.error_code or DEFAULT_CODES.get(self.status, "MSS.00000004" if self.status >= 500 else "")
        return Refusal(self.status, code, self.error_msg or "As scripted.", str(self.retry_after))


class Rule(BaseModel):
    """What is refused as long as the rule stands."""

    model_config = ConfigDict(extra="forbid", strict=True, str_max_length=100_000)

    times: int = Field(default=0, ge=0, description="how many calls it refuses; 0: all, for ever")
    job_id: str = ""
    refuse_text: str | None = Field(default=None, min_length=1)
    max_bytes: int | None = Field(default=None, ge=1)
    throttle_per_second: float | None = Field(default=None, gt=0)
    status: int = Field(default=0, ge=0, le=599)
    error_code: str = ""
    error_msg: str = ""
    retry_after: str | int | float = ""


class Script:
    """The steps waiting and the rules in force."""

    def __init__(self) -> None:
        self.played = 0
        self._steps: deque[Step] = deque()
        self._rules: list[Rule] = []
        self._starts: deque[float] = deque()

    def extend(self, data: Any) -> None:
        """Add a script: a step, a rule, a list of them, or ``{"steps": [...]}``.

        Raises ``DecodeError`` with every problem; nothing of such a script takes effect.
        """
        steps, rules = _parse(data)
        if len(self._steps) + len(self._rules) + len(steps) + len(rules) > _MAX_WAITING:
            raise DecodeError("steps", f"at most {_MAX_WAITING} may wait")
        self._steps.extend(steps)
        self._rules.extend(rules)

    def clear(self) -> None:
        """Behave again."""
        self._steps.clear()
        self._rules.clear()
        self._starts.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Return what is still to come, as it would be written."""
        return [item.model_dump(exclude_defaults=True) for item in (*self._rules, *self._steps)]

    def take(self, call: str, job_id: str) -> Step | None:
        """Return the step that meets this call, and count it as played."""
        for step in self._steps:
            if step.call in {call, "any"} and step.job_id in {"", job_id}:
                break
        else:
            return None
        self.played += 1
        if step.times == 1:
            self._steps.remove(step)
        elif step.times:
            step.times -= 1
        return step

    def refuse_early(self, job_id: str, body_bytes: int, monotonic: float) -> Refusal | None:
        """Apply the rules of the gateway: rate and size."""
        for rule in self._rules:
            if rule.job_id not in {"", job_id}:
                continue
            if rule.throttle_per_second is not None and self._is_too_fast(rule.throttle_per_second, monotonic):
                return self._hit(rule, refusal.throttled(rule.throttle_per_second))
            if rule.max_bytes is not None and body_bytes > rule.max_bytes:
                return self._hit(rule, refusal.too_large(rule.max_bytes))
        return None

    def refuse_text(self, job_id: str, body: bytes) -> Refusal | None:
        """Apply the rules of the service: a text that it does not like, wherever it stands in the body."""
        for rule in self._rules:
            if rule.refuse_text is None or rule.job_id not in {"", job_id}:
                continue
            if any(form in body for form in _forms(rule.refuse_text)):
                return self._hit(rule, Refusal(400, "MSS.00000003", "Invalid parameter"))
        return None

    def _hit(self, rule: Rule, usual: Refusal) -> Refusal:
        self.played += 1
        if rule.times == 1:
            self._rules.remove(rule)
        elif rule.times:
            rule.times -= 1
        status = rule.status or usual.status
        code = rule.error_code or (DEFAULT_CODES.get(status, usual.error_code) if rule.status else usual.error_code)
        return Refusal(status, code, rule.error_msg or usual.error_msg, str(rule.retry_after))

    def _is_too_fast(self, per_second: float, monotonic: float) -> bool:
        window = max(1.0, 1.0 / per_second)
        while self._starts and self._starts[0] <= monotonic - window:
            self._starts.popleft()
        if len(self._starts) >= max(1.0, per_second):
            return True
        self._starts.append(monotonic)
        return False


def _parse(data: Any) -> tuple[list[Step], list[Rule]]:
    if isinstance(data, dict) and data.keys() == {"steps"}:
        data = data["steps"]
    items = data if isinstance(data, list) else [data]
    steps: list[Step] = []
    rules: list[Rule] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        is_rule = isinstance(item, dict) and any(key in item for key in _RULE_KEYS)
        try:
            if is_rule:
                rules.append(Rule.model_validate(item))
            else:
                steps.append(Step.model_validate(item))
        except ValidationError as error:
            problems += readable(error, f"steps[{index}]")
    if problems:
        raise DecodeError("", "; ".join(problems))
    return steps, rules


def readable(error: ValidationError, at: str = "") -> list[str]:
    """Return a validation error as lines ``place: problem``, without the offending values."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in (at, *detail["loc"]) if part != "")
        lines.append(f"{place or 'body'}: {detail['msg']}")
    return lines


def _forms(text: str) -> set[bytes]:
    """Return a text as a body may spell it: raw, or escaped by the outer encoder, the inner one, or both."""
    once = json.dumps(text)[1:-1]
    raw_once = json.dumps(text, ensure_ascii=False)[1:-1]
    twice = (json.dumps(form)[1:-1] for form in (once, raw_once))
    raw_twice = json.dumps(raw_once, ensure_ascii=False)[1:-1]
    return {form.encode("utf-8", "surrogatepass") for form in (text, once, raw_once, raw_twice, *twice)}
