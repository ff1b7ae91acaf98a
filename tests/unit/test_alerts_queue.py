"""What a messenger is told and when: once, grouped, not too often, nothing lost."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.alerts.events import AlertEvent
from consumer.alerts.pending import HOUR_S, MOST_WAITING, Queue, digest_day, first_digest_day

SEOUL = ZoneInfo("Asia/Seoul")
T0 = 28_000_000


def event(severity: str = "fault", number: int = 0, cleared: int | None = None) -> AlertEvent:
    return AlertEvent("001", "flow", "SYSTEM", f"R-{number}", severity, T0, T0, "why", cleared=cleared)


def over(one: AlertEvent) -> AlertEvent:
    return replace(one, cleared=one.raised + 9)


def test_a_fault_is_told_and_its_end_is_told() -> None:
    queue = Queue()
    queue.add(event(), digest=False)
    queue.sent(0.0)
    assert not queue.waiting
    queue.add(over(event()), digest=False)
    assert [one.cleared for one in queue.waiting.values()] == [T0 + 9]
    queue.sent(1.0)
    assert not queue.waiting and not queue.told


def test_what_was_over_before_it_could_be_told_is_one_line() -> None:
    queue = Queue()
    queue.add(event(), digest=False)
    queue.add(over(event()), digest=False)
    assert [one.cleared for one in queue.waiting.values()] == [T0 + 9]


def test_what_was_told_is_not_told_again() -> None:
    queue = Queue()
    queue.add(event(), digest=False)
    queue.sent(0.0)
    queue.add(event(), digest=False)
    assert not queue.may_send(1.0, 6)


def test_a_watch_is_told_in_the_digest_or_never() -> None:
    silent, daily = Queue(), Queue()
    for severity, number in (("watch", 1), ("supply", 2)):
        silent.add(event(severity, number), digest=False)
        daily.add(event(severity, number), digest=True)
    assert not silent.waiting and not silent.quiet
    assert not daily.may_send(0.0, 6)
    daily.digest_due()
    assert daily.may_send(0.0, 6) and len(daily.waiting) == 2
    daily.sent(0.0)
    daily.add(over(event("watch", 1)), digest=True)
    assert not daily.waiting and len(daily.quiet) == 1


def test_a_leak_does_not_wait_for_faults() -> None:
    queue = Queue(sent_s=[0.0, 1.0])
    queue.add(event(), digest=False)
    assert not queue.may_send(2.0, 2)
    queue.add(event("leak", 1), digest=False)
    assert queue.may_send(3.0, 2)
    assert queue.held_since_s == pytest.approx(2.0)
    queue.sent(3.0)
    assert queue.held_since_s is None  # the next message is no summary
    queue.add(over(event("leak", 1)), digest=False)
    assert not queue.may_send(4.0, 2)  # its end is no emergency


def test_a_clock_that_was_set_back_does_not_silence_anybody() -> None:
    queue = Queue(sent_s=[1e9] * 6)
    queue.add(event(), digest=False)
    assert queue.may_send(1e6, 6)


def test_a_messenger_that_is_away_for_ever_costs_bounded_memory_and_leaks_are_kept_longest() -> None:
    queue = Queue()
    queue.add(event("leak", -1), digest=False)
    for number in range(MOST_WAITING + 50):
        queue.add(event("fault", number % 7 + 10 * number), digest=False)
    assert len(queue.waiting) == MOST_WAITING
    assert event("leak", -1).id in queue.waiting
    assert sum(queue.more.values()) == 51


@given(
    st.lists(st.tuples(st.sampled_from(["fault", "leak"]), st.floats(0, 600), st.booleans()), max_size=80),
    st.integers(1, 5),
)
def test_never_more_than_the_limit_in_any_hour_and_every_event_is_told(
    happenings: list[tuple[str, float, bool]], per_hour: int
) -> None:
    queue, now_s = Queue(), 0.0
    messages: list[tuple[float, bool]] = []
    told: dict[str, list[int | None]] = {}

    def look() -> None:
        if queue.may_send(now_s, per_hour):
            leak = any(one.severity == "leak" and one.id not in queue.told for one in queue.waiting.values())
            messages.append((now_s, leak))
            for one in queue.waiting.values():
                told.setdefault(one.id, []).append(one.cleared)
            queue.sent(now_s)

    for number, (severity, pause_s, ends) in enumerate(happenings):
        now_s += pause_s
        queue.add(event(severity, number), digest=False)
        look()
        if ends:
            queue.add(over(event(severity, number)), digest=False)
            look()
    now_s += HOUR_S + 1
    look()
    for kind in (True, False):
        times_s = [time_s for time_s, leak in messages if leak == kind]
        for first_s, last_s in zip(times_s, times_s[per_hour:], strict=False):
            assert last_s - first_s > HOUR_S - 1e-6
    for number, (severity, _, ends) in enumerate(happenings):
        ways = ([None, T0 + 9], [T0 + 9]) if ends else ([None],)
        assert told[event(severity, number).id] in ways


def test_the_digest_comes_once_a_day_at_the_sites_hour_also_after_a_pause() -> None:
    morning = datetime(2024, 8, 26, 23, 0, tzinfo=UTC)  # 08:00 of the 27th in Seoul
    assert first_digest_day(morning, SEOUL, "08:00") == date(2024, 8, 27)
    assert first_digest_day(morning.replace(minute=0, hour=22), SEOUL, "08:00") == date(2024, 8, 26)
    assert digest_day(morning, SEOUL, "08:00", date(2024, 8, 26)) == date(2024, 8, 27)
    assert digest_day(morning, SEOUL, "08:00", date(2024, 8, 27)) is None
    assert digest_day(morning, SEOUL, "08:01", date(2024, 8, 26)) is None
    assert digest_day(morning, SEOUL, "23:00", date(2024, 8, 20)) is None
    assert digest_day(morning, SEOUL, "", date(2024, 8, 20)) is None


def test_what_was_planned_is_told_to_nobody_not_even_in_the_digest() -> None:
    queue = Queue()
    queue.add(event("planned"), digest=True)
    queue.add(over(event("planned")), digest=True)
    queue.digest_due()
    assert not queue.waiting and not queue.quiet
