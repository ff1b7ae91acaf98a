"""The rows that a site may deliver: a minute's worth at once, the rate over time, and memory for those that deliver."""

import pytest

from server import quotas
from server.quotas import Quotas


def test_a_minutes_rows_at_once_and_then_the_rate() -> None:
    known = Quotas(600)
    now_s, rows = 1000.0, 0
    while now_s < 1000.0 + 600:
        if known.wait_s("a", now_s) == 0:
            known.took("a", 100, now_s)
            rows += 100
        now_s += 1.0
    assert 600 * 10 + 600 <= rows <= 600 * 10 + 800  # ten minutes, the burst, and at most a batch and a bit
    assert known.wait_s("b", now_s) == 0


def test_the_wait_is_until_the_rows_are_paid() -> None:
    known = Quotas(60)
    known.took("a", 90, 5.0)  # the clock of a computer that has just been started
    assert known.wait_s("a", 5.0) == 30.0
    assert known.wait_s("a", 35.0) == 0.0
    known.took("a", 60, 1000.0)
    assert known.wait_s("a", 1000.0) == 0.0
    known.took("a", 1, 1000.0)
    assert known.wait_s("a", 1000.0) == 1.0


def test_no_quota_is_no_limit() -> None:
    known = Quotas(0)
    known.took("a", 10**9, 5.0)
    assert known.wait_s("a", 5.0) == 0.0


def test_memory_is_for_sites_that_deliver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MOST_SITES_COUNTED", 10)
    known = Quotas(60)
    for number in range(100):
        known.took(f"site-{number}", 90, 1000.0)
    assert len(known._paid_s) == 10
    assert (known.wait_s("site-99", 1000.0), known.wait_s("site-0", 1000.0)) == (30.0, 0.0)
    known.took("late", 1, 2000.0)
    assert list(known._paid_s) == ["late"]
