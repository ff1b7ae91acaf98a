"""The ends of a span: days of the site, times of the site, instants; never a guess."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cli.export_span import NotATime, end_instant, first_instant

BERLIN, SEOUL, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul"), ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")  # changes at midnight


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "first", "end"),
    [
        ("2024-08-26", SEOUL, "2024-08-25 15:00", "2024-08-26 15:00"),
        ("20240826", SEOUL, "2024-08-25 15:00", "2024-08-26 15:00"),
        ("2024-08-26 16:33", SEOUL, "2024-08-26 07:33", "2024-08-26 07:33"),
        ("2024-08-26T16:33+02:00", SEOUL, "2024-08-26 14:33", "2024-08-26 14:33"),
        ("2024-08-26T16:33Z", SEOUL, "2024-08-26 16:33", "2024-08-26 16:33"),
        ("2024-03-31", BERLIN, "2024-03-30 23:00", "2024-03-31 22:00"),  # 23 hours
        ("2024-10-27", BERLIN, "2024-10-26 22:00", "2024-10-27 23:00"),  # 25 hours
        ("2024-10-27 02:30+02:00", BERLIN, "2024-10-27 00:30", "2024-10-27 00:30"),
        ("2024-04-07", LORD_HOWE, "2024-04-06 13:00", "2024-04-07 13:30"),
        ("2024-03-10", HAVANA, "2024-03-10 05:00", "2024-03-11 04:00"),  # begins at 01:00
        ("2024-11-03", HAVANA, "2024-11-03 04:00", "2024-11-04 05:00"),  # midnight comes twice: the first
    ],
)
def test_a_day_is_the_whole_day_of_the_site_and_a_time_is_itself(
    text: str, zone: ZoneInfo, first: str, end: str
) -> None:
    assert (first_instant(text, zone), end_instant(text, zone)) == (utc(first), utc(end))


@pytest.mark.parametrize(
    ("text", "zone", "written"),
    [
        ("2024-10-27 02:30", BERLIN, ("2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00")),
        ("2024-04-07 01:45", LORD_HOWE, ("2024-04-07T01:45+11:00", "2024-04-07T01:45+10:30")),
        ("2024-03-31 02:30", BERLIN, ("does not exist", "2024-03-31T03:30+02:00")),
        ("2024-10-06 02:10", LORD_HOWE, ("does not exist", "2024-10-06T02:40+11:00")),
    ],
)
def test_a_time_that_comes_twice_or_never_is_refused_with_what_to_write(
    text: str, zone: ZoneInfo, written: tuple[str, str]
) -> None:
    for read in (first_instant, end_instant):
        with pytest.raises(NotATime) as refused:
            read(text, zone)
        assert text in str(refused.value)
        for part in written:
            assert part in str(refused.value)
    for form in written:
        if form.startswith("2024"):  # what it says to write is taken
            assert first_instant(form, zone) == datetime.fromisoformat(form)


@pytest.mark.parametrize("text", ["yesterday", "", "26.08.2024", "2024-13-01", "16:33", "9999-12-31", "0001-01-01"])
def test_what_is_no_time_is_refused_with_what_to_write(text: str) -> None:
    read = first_instant if text.startswith("0001") else end_instant
    with pytest.raises(NotATime, match=r"not a day or a time; write 2024-08-26, "):
        read(text, SEOUL)
