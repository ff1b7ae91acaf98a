"""Which rows go together, when they are due, and the bytes they become."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import minute_of
from common.errors import RowRefused
from common.row import Row, format_payload
from consumer import batch
from consumer.batch import BODY_BYTES, BatchLine, OutgoingBatch, SendSchedule, Waiting
from log.format import Record

SEOUL = ZoneInfo("Asia/Seoul")
RHYTHM = SendSchedule(every_minutes=10, settle_s=60, forecast_wait_s=60)


def at(text: str, second: int = 0) -> datetime:
    return datetime.fromisoformat(f"2024-08-26T{text}:{second:02d}+00:00")


def row(text: str, offset: int = 0, sensor: str = "001") -> Waiting:
    minute = minute_of(at(text))
    return Waiting(offset, minute, sensor, format_payload(Row(minute, sensor, 8.02, 4.11, 60), SEOUL))


def none(_sensor: str, _minute: int) -> None:
    return None


def test_a_row_is_sent_as_documented() -> None:
    payload = "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"
    waiting = batch.waiting(Record(18342, payload))
    assert batch.line(waiting, none) == BatchLine(18342, f"18342\t{payload}\t0\t0")


def test_only_the_row_on_the_hour_carries_a_forecast() -> None:
    def known(_sensor: str, _minute: int) -> tuple[str, str]:
        return "7.9", "4.05"

    assert batch.line(row("08:00", 5), known).text.endswith("\t60\t0000\t000\t7.9\t4.05")
    assert batch.line(row("08:01", 6), known).text.endswith("\t60\t0000\t000\t0\t0")
    assert batch.line(row("08:00", 5), none).text.endswith("\t0\t0")


def test_what_is_no_row_is_refused_before_it_can_be_sent() -> None:
    with pytest.raises(RowRefused):
        batch.waiting(Record(1, "2024-08-26T16:33:00+09:00\t001\tmany"))


def test_key_and_body_name_the_rows() -> None:
    parcel = OutgoingBatch("site-1", "log", (BatchLine(4, "4\ta"), BatchLine(7, "7\tb"), BatchLine(8, "8\tc")))
    assert parcel.key == "site-1/log/4-8"
    assert parcel.body == b"4\ta\n7\tb\n8\tc\n"
    assert parcel.head(2).key == "site-1/log/4-7"
    rest = parcel.after(4)
    assert rest is not None
    assert rest.body == b"7\tb\n8\tc\n"
    assert parcel.after(8) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at("16:39", 59), 0),  # the window 16:30 to 16:39 is still open
        (at("16:40"), 10),
        (at("16:49"), 10),
    ],
)
def test_a_window_is_due_when_it_is_over(now: datetime, expected: int) -> None:
    rows = [row(f"16:{minute}") for minute in range(30, 44)]
    assert batch.take(rows, RHYTHM, now) == expected


def test_rows_of_all_sensors_go_together() -> None:
    rows = [row(f"16:3{minute}", sensor=sensor) for minute in range(10) for sensor in ("001", "002", "003")]
    assert batch.take([*rows, row("16:40")], RHYTHM, at("16:40")) == 30


def test_a_row_written_while_the_clock_was_ahead_waits_for_nothing() -> None:
    tomorrow = [row("23:59"), row("16:35")]
    assert batch.take(tomorrow, RHYTHM, at("16:36")) == 1
    assert batch.take([row("16:51")], RHYTHM, at("16:49")) == 0  # two minutes ahead is an ordinary meter


def test_a_window_waits_for_its_sites_moment() -> None:
    schedule = SendSchedule(10, 60, 60, moment_s=90)
    rows = [row("16:30"), row("16:39"), row("16:40"), row("16:41")]
    assert batch.take(rows, schedule, at("16:41", 29)) == 0
    assert batch.take(rows, schedule, at("16:41", 30)) == 2


def test_moments_of_sites_are_their_own_and_spread_evenly() -> None:
    moments = [batch.moment_of(f"site-{number}", 60, 10) for number in range(6000)]
    assert moments == [batch.moment_of(f"site-{number}", 60, 10) for number in range(6000)]
    assert {int(moment) for moment in moments} == set(range(60))
    assert max(moments.count(second) for second in range(60)) < 2 * 100
    assert batch.moment_of("site-1", 0, 10) == 0
    assert max(batch.moment_of(f"site-{number}", 300, 1) for number in range(1000)) < 30


@pytest.mark.parametrize("every", [1, 7, 10, 15, 60])
def test_a_batch_never_spans_more_than_ten_minutes(every: int) -> None:
    schedule = SendSchedule(every, 60, 60)
    rows = [row(f"{hour:02d}:{minute:02d}") for hour in (14, 15) for minute in range(60)]
    left = list(rows)
    while left:
        count = batch.take(left, schedule, at("17:00"))
        assert 1 <= count <= min(10, every)
        del left[:count]


minutes = st.integers(minute_of(at("10:00")), minute_of(at("14:00")))


@given(st.lists(st.tuples(minutes, st.sampled_from(["a", "b"])), max_size=80), st.integers(1, 60))
def test_batches_hold_every_due_row_once_and_in_order(keys: list[tuple[int, str]], every: int) -> None:
    schedule = SendSchedule(every, 0, 0)
    rows = [Waiting(offset, minute, sensor, "x") for offset, (minute, sensor) in enumerate(keys)]
    sent: list[int] = []
    left = list(rows)
    while count := batch.take(left, schedule, at("18:00")):
        together = left[:count]
        assert len({r.minute // schedule.window for r in together}) == 1
        sent += [r.offset for r in together]
        del left[:count]
    assert sent == [r.offset for r in rows]


def test_a_body_never_passes_what_the_receiver_takes() -> None:
    rows = [Waiting(offset, minute_of(at("16:30")), "s", "x" * 5000) for offset in range(400)]
    count = batch.take(rows, RHYTHM, at("16:40"))
    assert 100 < count < 400
    assert len(batch.parcel("site", "log", rows[:count], none).body) <= BODY_BYTES


@pytest.mark.parametrize(
    ("now", "mark", "expected"),
    [
        (at("16:40", 2), None, False),  # 16:39 may still come
        (at("16:40", 2), "16:38", False),
        (at("16:40", 2), "16:39", True),  # the producer says it has closed it
        (at("16:40", 59), None, False),
        (at("16:41"), None, True),  # the line is down: long enough
        (at("18:00"), "16:20", True),
    ],
)
def test_a_window_is_whole_by_the_mark_or_after_a_while(now: datetime, mark: str | None, expected: bool) -> None:
    closed_through = minute_of(at(mark)) if mark else None
    assert batch.complete(minute_of(at("16:33")), RHYTHM, now, closed_through) is expected


def test_the_forecaster_is_waited_for_only_in_the_first_minute_of_the_hour() -> None:
    rows = [row("08:00"), row("08:00", sensor="002")]
    schedule = SendSchedule(1, 0, 60)

    def one_of_two(sensor: str, _minute: int) -> tuple[str, str] | None:
        return ("1", "1") if sensor == "001" else None

    assert batch.awaits_forecast(rows, one_of_two, schedule, at("08:00", 59))
    assert not batch.awaits_forecast(rows, one_of_two, schedule, at("08:01"))
    assert not batch.awaits_forecast(rows[:1], one_of_two, schedule, at("08:00", 30))
    assert not batch.awaits_forecast([row("08:01")], none, schedule, at("08:00", 30))


def test_windows_follow_utc_in_a_zone_with_quarter_hours() -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    minute = minute_of(datetime(2024, 8, 26, 12, 45, tzinfo=nepal))
    assert RHYTHM.boundary(datetime(2024, 8, 26, 7, 9, tzinfo=UTC)) == minute


def test_the_hour_is_that_of_the_sites_clock_where_it_is_not_utcs() -> None:
    india = ZoneInfo("Asia/Kolkata")
    six = datetime(2024, 8, 26, 6, tzinfo=india)
    rows = [
        Waiting(n, minute_of(time), "001", format_payload(Row(minute_of(time), "001", 8.0, 4.0, 60), india))
        for n, time in enumerate((six, six + timedelta(minutes=30)))
    ]
    own = batch.parcel("site", "log", rows, lambda _sensor, _minute: ("7.5", "3.5"))
    assert [line.text.split("\t")[-2:] for line in own.lines] == [["7.5", "3.5"], ["0", "0"]]
    assert batch.awaits_forecast(rows, none, RHYTHM, six + timedelta(seconds=30))
    assert not batch.awaits_forecast(rows[1:], none, RHYTHM, six + timedelta(minutes=30, seconds=30))
