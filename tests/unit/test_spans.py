"""Which part of a history is looked at: by the site's calendar, across changes of the clock, back and forth."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server import span_file, spans
from server.queries import Step, filled
from server.spans import SpanAsked

ROME, SEOUL, DELHI = ZoneInfo("Europe/Rome"), ZoneInfo("Asia/Seoul"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2024, 11, 14, 9, 26, 20, tzinfo=UTC)


def hours(asked: SpanAsked, zone: ZoneInfo = ROME) -> float:
    seen = spans.window(asked, zone, NOW)
    return (seen.end.astimezone(UTC) - seen.first.astimezone(UTC)) / timedelta(hours=1)


def test_a_span_without_a_date_is_that_of_now_with_the_forecast_ahead() -> None:
    seen = spans.window(SpanAsked("day"), SEOUL, NOW)
    assert (seen.first, seen.end, seen.now, seen.after) == (
        NOW - timedelta(hours=24),
        NOW + timedelta(hours=6),
        True,
        None,
    )
    assert seen.before == SpanAsked("day", "2024-11-13")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (SpanAsked("day", "2024-03-31"), 23),
        (SpanAsked("day", "2024-10-27"), 25),
        (SpanAsked("week", "2024-10-27"), 169),
        (SpanAsked("month", "2024-02-10"), 29 * 24),
        (SpanAsked("month", "2024-12-31"), 31 * 24),
        (SpanAsked("year", "2024-06-01"), 366 * 24),
        (SpanAsked("hour", "2024-10-27T02:30"), 1),
    ],
)
def test_days_and_months_are_those_of_the_calendar(asked: SpanAsked, expected: float) -> None:
    assert hours(asked) == expected


@pytest.mark.parametrize("span", spans.SHAPES)
def test_back_and_forth_leaves_no_time_out_and_ends_at_now(span: str) -> None:
    """Through the hour that the clock shows twice, too."""
    asked: SpanAsked | None = SpanAsked(span, "2024-10-26T20:00")
    ends: list[datetime] = []
    for _ in range(500):
        assert asked is not None
        seen = spans.window(asked, ROME, NOW)
        if not asked.at:
            break
        if ends:
            assert seen.first.astimezone(UTC) == ends[-1]
            assert spans.window(seen.before, ROME, NOW).end.astimezone(UTC) == ends[-1]
        ends.append(seen.end.astimezone(UTC))
        asked = seen.after
    assert asked == SpanAsked(span) and ends[-1] > NOW


@pytest.mark.parametrize(("span", "most"), [("hour", 62), ("day", 1442), ("week", 1010), ("month", 745), ("year", 367)])
@pytest.mark.parametrize("at", ["", "2023-12-31"])
def test_a_span_is_a_bounded_number_of_steps_up_to_now(span: str, most: int, at: str) -> None:
    seen = spans.window(SpanAsked(span, at), DELHI, NOW)
    bounds = spans.steps(seen, DELHI, NOW)
    assert 0.96 * most <= len(bounds) <= most
    assert bounds == sorted(set(bounds))
    assert bounds[0] <= seen.first < bounds[1]
    assert bounds[-1] >= min(seen.end, NOW)
    if span in ("month", "year"):  # half an hour beside UTC: an hour is one of the site's clock
        assert {bound.astimezone(DELHI).minute for bound in bounds} == {0}


def test_a_day_of_a_year_is_a_day_of_the_sites_clock() -> None:
    bounds = spans.steps(spans.window(SpanAsked("year", "2023-07-01"), ROME, NOW), ROME, NOW)
    lengths = [(after - first) / timedelta(hours=1) for first, after in itertools.pairwise(bounds)]
    assert (len(lengths), sorted(set(lengths))) == (365, [23, 24, 25])


def test_a_week_before_is_the_same_time_by_the_clock() -> None:
    (before,) = spans.earlier([datetime(2024, 10, 29, 6, tzinfo=ROME).astimezone(UTC)], ROME)
    assert before.astimezone(ROME).replace(tzinfo=None) == datetime(2024, 10, 22, 6)


@pytest.mark.parametrize("at", ["yesterday", "2024-13-01", "0001-01-01", "9999-12-31", "2024-01-01" + "0" * 5000, "\0"])
def test_what_is_no_date_counts_as_now(at: str) -> None:
    assert spans.asked({"span": "century", "at": at, "compare": "1"}) == SpanAsked()


def part_of(first: str, end: str, **others: str) -> SpanAsked:
    return spans.asked({"from": first, "until": end, **others})


def test_a_part_of_a_span_is_drawn_as_finely_as_it_is_long_and_leads_on_without_a_gap() -> None:
    asked = part_of("2024-10-27T00:30Z", "2024-10-27T04:00+01:00", span="year", at="2024-01-01")
    seen = spans.window(asked, ROME, NOW)
    assert (seen.end - seen.first, seen.shape, seen.now) == (timedelta(hours=2, minutes=30), spans.SHAPES["day"], False)
    assert len(spans.steps(seen, ROME, NOW)) == 151
    assert seen.after is not None
    before, after = (spans.window(each, ROME, NOW) for each in (seen.before, seen.after))
    assert (before.end, after.first) == (seen.first, seen.end)
    assert spans.asked(spans.query(asked)) == asked
    assert spans.of(asked, seen.first, ROME) == SpanAsked("year", "2024-10-27")


@pytest.mark.parametrize("days", [0.1, 1, 8, 45, 366])
def test_a_part_is_a_bounded_number_of_steps(days: float) -> None:
    first = NOW - timedelta(days=days)
    seen = spans.window(part_of(first.isoformat(), NOW.isoformat()), DELHI, NOW)
    assert 40 < len(spans.steps(seen, DELHI, NOW)) <= 1500


@pytest.mark.parametrize(
    ("first", "end"),
    [
        ("2024-08-25T04:00Z", ""),
        ("2024-08-25T04:00Z", "2024-08-25T04:09Z"),
        ("2024-08-25T05:00Z", "2024-08-25T04:00Z"),
        ("2024-08-25T04:00", "2024-08-25T06:00"),  # of which clock?
        ("2024-01-01T00:00Z", "2025-02-01T00:00Z"),
        ("2024-08-25T04:00Z", "9" * 5000),
        ("0001-01-01T00:00Z", "0001-01-02T00:00Z"),
    ],
)
def test_what_is_no_part_counts_as_not_asked(first: str, end: str) -> None:
    assert part_of(first, end) == SpanAsked()


def test_a_span_as_a_file_has_the_minutes_as_they_are_loaded_and_ranges_of_what_is_longer() -> None:
    at = int(datetime(2024, 10, 26, 23, 59, tzinfo=UTC).timestamp())  # the clocks go back an hour later
    steps: list[tuple[Step, Step] | None] = [
        (Step(1.5, 1.5, 1.5, 1), Step(None, None, None, 0)),
        None,
        (Step(2.0, 2.25, 3.0, 7), Step(4.0, 4.0, 4.0, 9)),
    ]
    bounds = [datetime.fromtimestamp(at + 3600 * hour, UTC) for hour in range(4)]
    content = {"step_s": 60, "start": at, "series": filled(bounds, steps)}
    berlin = ZoneInfo("Europe/Berlin")
    minutes = span_file.text(content, berlin)
    assert minutes == "time,flow,pressure\n2024-10-27T01:59:00+02:00,1.5,\n2024-10-27T02:59:00+01:00,2.25,4.0\n"
    hours = span_file.text({**content, "step_s": 3600}, berlin).splitlines()
    assert hours[0].startswith("time,flow,flow_low,flow_high,flow_minutes,pressure,pressure_low,")
    assert hours[1] == "2024-10-27T01:59:00+02:00,1.5,1.5,1.5,1,,,,0"
    assert hours[2] == "2024-10-27T02:59:00+01:00,2.25,2.0,3.0,7,4.0,4.0,4.0,9"
    assert span_file.file_name("a:1", content, berlin, "month") == "a-1-2024-10-27-month.csv"
    nothing = {**content, "series": filled(bounds, [])}
    assert span_file.text(nothing, berlin) == "time,flow,pressure\n"
