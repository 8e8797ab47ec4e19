"""The API's objects, one file a group of calls, every field as the newest SDK and OpenAPI document define it.

``rooms`` and ``jobs`` are the calls; ``scripts``, ``interaction`` and ``callbacks`` the parts of a room; ``report``
the report call; ``queries`` the filters of the lists; ``limits`` and ``problems`` judge what an operator wrote.
"""

from __future__ import annotations

from bridge.metastudio.models.interaction import HitCondition, HitConditionTag, InteractionRule, Trigger
from bridge.metastudio.models.jobs import (
    ENDED_STATES,
    JOB_STATES,
    PROCESSING,
    WAITING,
    JobList,
    JobStarted,
    SmartLiveJob,
    StartJobRequest,
    job_problems,
)
from bridge.metastudio.models.queries import JobQuery, RoomQuery
from bridge.metastudio.models.report import ReportAnswer, ReportRequest
from bridge.metastudio.models.rooms import (
    RoomCreated,
    RoomList,
    RoomRequest,
    SmartLiveRoom,
    SmartLiveRoomSummary,
    room_problems,
)

__all__ = [
    "ENDED_STATES",
    "JOB_STATES",
    "PROCESSING",
    "WAITING",
    "HitCondition",
    "HitConditionTag",
    "InteractionRule",
    "JobList",
    "JobQuery",
    "JobStarted",
    "ReportAnswer",
    "ReportRequest",
    "RoomCreated",
    "RoomList",
    "RoomQuery",
    "RoomRequest",
    "SmartLiveJob",
    "SmartLiveRoom",
    "SmartLiveRoomSummary",
    "StartJobRequest",
    "Trigger",
    "job_problems",
    "room_problems",
]
