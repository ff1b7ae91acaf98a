"""A span in words and as a table: what stands there is what was measured, and what is missing is said."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from common.messages import words
from server import figures, spans
from server.reader import Reader
from server.spans import SpanAsked

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2024, 11, 14, 9, 26, 20, tzinfo=UTC)
FIRST = datetime(2024, 10, 27, tzinfo=ROME).astimezone(UTC)  # a day of 25 hours


def shown(
    values: list[float | None], span: SpanAsked, language: str = "en", step: timedelta = spans.MINUTE
) -> figures.Json:
    seen = spans.window(span, ROME, NOW)
    at = [int((FIRST + step * n).timestamp()) for n in range(len(values))]
    minutes = [0 if value is None else int(step / spans.MINUTE) for value in values]
    lists = {"mean": values, "minutes": minutes}
    content = {
        "start": seen.first.timestamp(),
        "end": seen.end.timestamp(),
        "now": NOW.timestamp(),
        "series": {"at": at, "flow": lists, "pressure": lists},
        "incidents": [],
    }
    entry = {"flow": 5.0, "pressure": 4.0, "newest": int(NOW.timestamp()) // 60 * 60 - 60}
    return figures.figures(content, entry, seen, Reader(words(language), ROME, NOW))


def test_a_day_of_25_hours_is_25_lines_and_no_minute_is_missing() -> None:
    found = shown([2.0] * 1500, SpanAsked("day", "2024-10-27"))
    assert found["said"]["flow"] == "Flow: mean 2.00, lowest 2.00, highest 2.00 m³/h."
    assert [row["at"] for row in found["rows"]][1:5] == ["27 Oct 01:00", "27 Oct 02:00", "27 Oct 02:00", "27 Oct 03:00"]
    assert (len(found["rows"]), found["rows"][2]["flow"]) == (25, ["2.00", "2.00", "2.00", "60"])


def test_what_is_missing_is_counted_and_weighs_nothing() -> None:
    found = shown([4.0] * 60 + [None] * 30 + [1.0] * 30, SpanAsked("day", "2024-10-27"))
    assert found["said"]["flow"] == "Flow: mean 3.00, lowest 1.00, highest 4.00 m³/h. 1,410 minutes without a value."
    assert found["rows"][1]["flow"] == ["1.00", "1.00", "1.00", "30"]
    assert (
        shown([None] * 9, SpanAsked("day", "2024-10-27"), "ko")["said"]["pressure"] == "수압: 이 기간에 값이 없습니다."
    )


def test_a_span_of_now_says_the_newest_value_and_does_not_call_a_row_on_its_way_missing() -> None:
    seen = spans.window(SpanAsked("hour"), ROME, NOW)
    at = [int(seen.first.timestamp()) // 60 * 60 + 60 * n for n in range(59)]
    lists = {"mean": [3.0] * 59, "minutes": [1] * 59}
    content = {
        "start": seen.first.timestamp(),
        "end": seen.end.timestamp(),
        "now": NOW.timestamp(),
        "series": {"at": at, "flow": lists, "pressure": lists},
        "incidents": [],
    }
    reader = Reader(words("en"), ROME, NOW)
    entry = {"flow": 5.0, "pressure": 4.0, "newest": at[-1]}
    said = figures.figures(content, entry, seen, reader)["said"]["flow"]
    assert said == "Flow: mean 3.00, lowest 3.00, highest 3.00 m³/h. Now 5.00 m³/h."
    entry["newest"] = at[-1] - 600
    assert "1 minute without" in figures.figures(content, entry, seen, reader)["said"]["flow"]
