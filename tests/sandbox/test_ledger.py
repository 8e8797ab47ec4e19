from __future__ import annotations

from collections import Counter

from bridge.sandbox.ledger import AcceptedEvent, CallRecord, Ledger
from tests.sandbox.fakes import event, report_body


def accept(ledger: Ledger, job_id: str, *kinds: int) -> int:
    call = ledger.next_call()
    ledger.accept(call, job_id, Counter(kinds), report_body(*(event(kind) for kind in kinds)))
    return call


def record(call: int, status: int = 200, **changes: object) -> CallRecord:
    fields = {
        "call": call,
        "received_at_ms": 1,
        "job_id": "j1",
        "status": status,
        "error_code": "",
        "error_msg": "",
        "events": 1,
        "body_bytes": 10,
        "credential": "url",
        "refresh_url": False,
        "fault": "",
    }
    return CallRecord(**(fields | changes))  # type: ignore[arg-type]  # changes of known fields


def test_events_come_back_in_order_with_the_call_that_brought_them() -> None:
    ledger = Ledger(100)
    first, second = accept(ledger, "j1", 1, 6), accept(ledger, "j1", 2)
    one, two, three = event(1), event(6), event(2)
    assert ledger.events("j1") == [
        AcceptedEvent(one["timestamp"], 1, one["content"], first),
        AcceptedEvent(two["timestamp"], 6, two["content"], first),
        AcceptedEvent(three["timestamp"], 2, three["content"], second),
    ]


def test_events_are_told_apart_by_job_and_by_call() -> None:
    ledger = Ledger(100)
    first, other, last = accept(ledger, "j1", 1), accept(ledger, "j2", 2), accept(ledger, "j1", 3)
    assert [item.call for item in ledger.events("j1")] == [first, last]
    assert [item.call for item in ledger.events()] == [first, other, last]
    assert [batch[0]["call"] for batch in ledger.batches("j1", after_call=first)] == [last]
    assert [batch[0]["job_id"] for batch in ledger.batches()] == ["j1", "j2", "j1"]
    assert "job_id" not in next(ledger.batches("j1"))[0]


def test_old_events_are_forgotten_by_number_but_still_counted() -> None:
    ledger = Ledger(3)
    for _ in range(5):
        accept(ledger, "j1", 1, 2)
    assert len(ledger.events()) == 2
    assert ledger.totals()["accepted"] == 10
    assert ledger.totals()["kept_events"] == 2
    assert ledger.totals()["accepted_by_type"] == {"1": 5, "2": 5}


def test_old_events_are_forgotten_by_size_too() -> None:
    size = len(report_body(event(1)))
    ledger = Ledger(1000, keep_bytes=2 * size)
    for _ in range(5):
        accept(ledger, "j1", 1)
    assert [item.call for item in ledger.events()] == [4, 5]


def test_a_body_without_events_is_kept_as_nothing() -> None:
    ledger = Ledger(10)
    ledger.accept(ledger.next_call(), "j1", Counter(), b'{"total":1}')
    assert ledger.events() == []
    assert (ledger.accepted, ledger.accepted_calls) == (0, 1)


def test_refusals_are_counted_by_code_and_status() -> None:
    ledger = Ledger(10)
    ledger.settle(record(1))
    ledger.settle(record(2, 400, error_code="MSS.00000003"))
    ledger.settle(record(3, 400, error_code="MSS.00000003"))
    ledger.settle(record(4, 429, error_code="APIGW.0308"))
    ledger.settle(record(5, 0))
    totals = ledger.totals()
    assert totals["refused"] == 3
    assert totals["refused_by_code"] == {"MSS.00000003": 2, "APIGW.0308": 1}
    assert totals["refused_by_status"] == {"400": 2, "429": 1}
    assert totals["body_bytes"] == 50


def test_refreshes_that_worked_are_counted() -> None:
    ledger = Ledger(10)
    ledger.settle(record(0))
    ledger.settle(record(1, refresh_url=True))
    ledger.settle(record(2, 401, refresh_url=True))
    assert ledger.totals()["url_refreshes"] == 1


def test_the_newest_violations_are_kept_with_their_text() -> None:
    ledger = Ledger(10)
    for call in range(150):
        ledger.violate(call, "j1", f"problem {call}")
    totals = ledger.totals()
    assert totals["contract_violations"] == 150
    assert len(totals["last_contract_violations"]) == 100
    assert totals["last_contract_violations"][-1] == {"call": 149, "job_id": "j1", "problem": "problem 149"}


def test_call_records_are_listed_after_a_call() -> None:
    ledger = Ledger(10)
    ledger.settle(record(1))
    ledger.settle(record(2, 500))
    assert [item["status"] for item in ledger.call_records(1)] == [500]


def test_forgetting_leaves_the_totals() -> None:
    ledger = Ledger(10)
    accept(ledger, "j1", 1)
    ledger.settle(record(1))
    ledger.forget()
    assert ledger.events() == []
    assert ledger.call_records() == []
    assert ledger.totals()["accepted"] == 1
    assert ledger.totals()["kept_events"] == 0
