"""The ticker goes on where the wall clock steps."""

from datetime import datetime, timedelta

import schedule

from common.runner import _until_due


def test_a_clock_that_steps_back_an_hour_does_not_hold_up_the_next_tick() -> None:
    ticker = schedule.Scheduler()
    job = ticker.every(1).seconds.do(print)
    assert 0 <= _until_due(ticker, 1) <= 1
    job.next_run = datetime.now() + timedelta(hours=1)  # as it looks after the step
    assert _until_due(ticker, 1) <= 1
    assert ticker.idle_seconds is not None
    assert ticker.idle_seconds <= 1
    job.next_run = datetime.now() - timedelta(hours=1)
    assert _until_due(ticker, 1) == 0
