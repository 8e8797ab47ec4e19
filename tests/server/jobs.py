"""A job that notes down what its callbacks did to it."""

from __future__ import annotations


class FakeJob:
    def __init__(self, job_id: str = "job-1") -> None:
        self.job_id = job_id
        self.told: list[str] = []

    def stream_ended(self) -> None:
        self.told.append("ended")

    def stream_connected(self) -> None:
        self.told.append("connected")
