"""What an address is told and when: once, not too often, not at night, nothing lost."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.settings_alerts import TOLD_KINDS, Person
from consumer.alerts.events import AlertEvent, event_id
from consumer.alerts.news import News, Said
from consumer.alerts.pending import (
    ALONE,
    HOUR_S,
    MOST_WAITING,
    Item,
    Queue,
    digest_day,
    first_digest_day,
)
from incidents.incident import Incident, Sign
from incidents.life import Life
from incidents.reading import Known

SEOUL = ZoneInfo("Asia/Seoul")
NOON, NIGHT = datetime(2024, 8, 26, 12, 0, tzinfo=SEOUL), datetime(2024, 8, 26, 2, 0, tzinfo=SEOUL)
T0 = 28_000_000
EVERYTHING = Person(kinds=TOLD_KINDS)


def event(number: int = 0, cleared: int | None = None, code: str = "BOX-IDLE") -> AlertEvent:
    return AlertEvent("", f"p{number}", "BOX", code, "fault", T0, T0, "why", cleared=cleared)


def over(one: AlertEvent) -> AlertEvent:
    return replace(one, cleared=one.raised + 9)


def incident(severity: str = "leak", number: int = 1, ended: int | None = None) -> Known:
    kind = "leak" if severity == "watch" else severity
    sign = Sign("LEAK", "PREDICT", "flow", severity, T0, T0, ended)
    return Known(Incident(f"{number:03}-x-{kind}", "s", f"{number:03}", kind, T0, T0, ended, signs=[sign]), Life())


def items(queue: Queue, *known: Known, person: Person = EVERYTHING) -> list[Item]:
    return queue.items(known, person, T0 + 60)


def ids(found: Iterable[Item]) -> list[str]:
    return [item.id for item in found]


def test_trouble_of_the_box_is_told_and_its_end_is_told() -> None:
    queue = Queue()
    queue.add(event())
    queue.sent(items(queue), T0 * 60.0)
    queue.add(event())
    assert not items(queue)
    queue.add(over(event()))
    assert [item.news for item in items(queue)] == [News.OVER]
    queue.sent(items(queue), T0 * 60.0)
    assert not items(queue) and not queue.told


def test_what_was_over_before_it_could_be_told_is_one_piece_of_news() -> None:
    queue = Queue()
    queue.add(event())
    queue.add(over(event()))
    assert [item.news for item in items(queue, incident(ended=T0 + 9))] == [News.OVER, News.OVER]
    late = Queue(began=T0 + 9)
    late.add(over(event()))
    assert not items(late, incident(ended=T0 + 9))  # from before the address was known


def test_each_is_told_the_kinds_that_are_wished_and_what_becomes_of_them() -> None:
    queue = Queue()
    for box in (event(), event(code="BOX-LINE")):
        queue.add(box)
    known = [incident(kind, number) for number, kind in enumerate(("watch", "supply", "fault", "leak"), 1)]
    assert [item.kind for item in items(queue, *known)] == ["leak", "fault", "silent", "trouble", "supply", "watch"]
    for kind in TOLD_KINDS:
        assert [item.kind for item in items(queue, *known, person=Person(kinds=(kind,)))] == [kind]
    only_leaks = Person(kinds=("leak",))
    queue.sent(items(queue, incident(), person=only_leaks), T0 * 60.0)
    changed = incident()
    changed.incident.kind, changed.incident.signs[0].severity = "fault", "fault"
    assert [item.news for item in items(queue, changed, person=only_leaks)] == [News.CHANGED]


def test_a_watch_waits_for_the_digest_of_who_has_one() -> None:
    queue, daily = Queue(), Person(kinds=TOLD_KINDS, digest="08:00")
    known = [incident("watch", 1), incident("supply", 2), incident("leak", 3)]
    waiting = items(queue, *known, person=daily)
    assert ids(queue.now_due(waiting, daily, NOON)) == ["003-x-leak"]
    queue.digest_due(waiting)
    later = items(queue, *known, incident("watch", 4), person=daily)
    assert ids(queue.now_due(later, daily, NOON)) == ["003-x-leak", "002-x-supply", "001-x-leak"]
    assert len(queue.now_due(later, EVERYTHING, NOON)) == 4
    queue.sent(later, 0.0)
    assert not queue.due


def test_in_quiet_hours_only_what_wakes_is_told_and_the_rest_in_the_morning() -> None:
    queue, sleeper = Queue(), Person(kinds=TOLD_KINDS, quiet_hours="22:00-06:00")
    queue.said["009-x-leak"] = Said("leak", "leak", T0)
    known = [incident("fault", 1), incident("leak", 2), incident("leak", 9, ended=T0 + 5)]
    waiting = items(queue, *known, person=sleeper)
    assert ids(queue.now_due(waiting, sleeper, NIGHT)) == ["002-x-leak"]
    assert len(queue.now_due(waiting, sleeper, NOON)) == 3
    assert not queue.now_due(waiting, replace(sleeper, wakes=()), NIGHT)
    assert "001-x-fault" in ids(queue.now_due(waiting, replace(sleeper, wakes=("fault",)), NIGHT))


@pytest.mark.parametrize(
    ("span", "hour", "inside"),
    [
        *(("22:00-06:00", 22, True), ("22:00-06:00", 5, True), ("22:00-06:00", 6, False)),
        *(("09:00-12:00", 9, True), ("09:00-12:00", 12, False), ("09:00-12:00", 3, False), ("", 3, False)),
    ],
)
def test_a_span_of_hours_may_go_over_midnight(span: str, hour: int, inside: bool) -> None:
    assert Person(quiet_hours=span).sleeps(NOON.replace(hour=hour)) is inside


def test_a_few_are_told_one_by_one_and_many_together() -> None:
    queue = Queue()
    few = items(queue, *(incident(number=number) for number in range(ALONE)))
    assert ids(queue.batch(few, 0.0, 6)) == ["000-x-leak"]
    many = items(queue, *(incident(number=number) for number in range(ALONE + 1)))
    assert len(queue.batch(many, 0.0, 6)) == ALONE + 1


def test_a_leak_does_not_wait_for_faults() -> None:
    queue = Queue(sent_s=[0.0, 1.0])
    fault = items(queue, incident("fault"))
    assert not queue.batch(fault, 2.0, 2)
    both = items(queue, incident("fault"), incident("leak", 2))
    assert len(queue.batch(both, 3.0, 2)) == 2
    assert queue.held_since_s == pytest.approx(2.0)
    queue.sent(both, 3.0)
    assert queue.held_since_s is None  # the next message is no summary
    ended = items(queue, incident("leak", 2, ended=T0 + 9))
    assert ended and not queue.batch(ended, 4.0, 2)  # its end is no emergency


def test_a_clock_that_was_set_back_does_not_silence_anybody() -> None:
    queue = Queue(sent_s=[1e9] * 6, began=T0 + 100_000)
    assert queue.batch(items(queue, incident("fault")), 1e6, 6)
    assert items(queue, incident("fault", ended=T0 + 61))


def test_what_a_version_without_incidents_has_told_stays_told() -> None:
    told = event_id("001", "flow", "LEAK", T0)
    queue = Queue(told={told: None})
    assert not items(queue, incident())
    assert not queue.told and queue.said["001-x-leak"].severity == "leak"
    assert [item.news for item in items(queue, incident(ended=T0 + 9))] == [News.OVER]
    watched = incident("watch")
    watched.incident.signs.append(Sign("LEAK", "PREDICT", "flow", "leak", T0, T0 + 30))
    assert [item.news for item in items(Queue(told={told: None}), watched)] == [News.WORSE]


def test_an_address_that_is_away_for_ever_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    for number in range(MOST_WAITING + 50):
        queue.add(event(number))
    assert len(queue.waiting) == MOST_WAITING
    assert sum(queue.more.values()) == 50
    monkeypatch.setattr("consumer.alerts.pending.MOST_SAID", 10)
    queue.sent(items(queue, *(incident(number=number) for number in range(30))), 0.0)
    queue.forget([incident(number=0)])
    assert len(queue.said) == 10
    assert "000-x-leak" in queue.said


@given(
    st.lists(st.tuples(st.sampled_from(["fault", "leak"]), st.floats(0, 600), st.booleans()), max_size=80),
    st.integers(1, 5),
)
def test_never_more_than_the_limit_in_any_hour_and_everything_is_told(
    happenings: list[tuple[str, float, bool]], per_hour: int
) -> None:
    queue, now_s = Queue(), T0 * 60.0
    messages: list[tuple[float, bool]] = []
    told: dict[str, list[News]] = {}
    known: dict[int, Known] = {}

    def look() -> None:
        while batch := queue.batch(queue.items(known.values(), EVERYTHING, T0 + 90_000), now_s, per_hour):
            messages.append((now_s, any(item.kind == "leak" and item.wakes for item in batch)))
            for item in batch:
                told.setdefault(item.id, []).append(item.news)
            queue.sent(batch, now_s)

    for number, (severity, pause_s, ends) in enumerate(happenings):
        now_s += pause_s
        known[number] = incident(severity, number)
        look()
        if ends:
            known[number] = incident(severity, number, ended=T0 + 9)
            look()
    for _ in range(10):
        now_s += HOUR_S + 1
        look()
    for kind in (True, False):
        times_s = [time_s for time_s, leak in messages if leak == kind]
        for first_s, last_s in zip(times_s, times_s[per_hour:], strict=False):
            assert last_s - first_s > HOUR_S - 1e-6
    for number, (severity, _, ends) in enumerate(happenings):
        ways = ([News.RAISED, News.OVER], [News.OVER]) if ends else ([News.RAISED],)
        assert told[incident(severity, number).incident.id] in ways


def test_the_digest_comes_once_a_day_at_the_sites_hour_also_after_a_pause() -> None:
    morning = datetime(2024, 8, 26, 23, 0, tzinfo=UTC)  # 08:00 of the 27th in Seoul
    assert first_digest_day(morning, SEOUL, "08:00") == date(2024, 8, 27)
    assert first_digest_day(morning.replace(minute=0, hour=22), SEOUL, "08:00") == date(2024, 8, 26)
    assert digest_day(morning, SEOUL, "08:00", date(2024, 8, 26)) == date(2024, 8, 27)
    assert digest_day(morning, SEOUL, "08:00", date(2024, 8, 27)) is None
    assert digest_day(morning, SEOUL, "08:01", date(2024, 8, 26)) is None
    assert digest_day(morning, SEOUL, "23:00", date(2024, 8, 20)) is None
    assert digest_day(morning, SEOUL, "", date(2024, 8, 20)) is None
