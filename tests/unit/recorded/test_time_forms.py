"""Texts of times by one declared form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.recorded.guess_times import forms, settle
from common.file_times import EXACT, CellRefused, TimeForm

EPOCH = datetime(1970, 1, 1)
moments = st.datetimes(datetime(1970, 1, 2), datetime(2068, 1, 1)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
FORMS = [
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%y %H:%M",
    "%Y%m%d%H%M%S",
    "%Y년 %m월 %d일 %H시 %M분",
    "%d-%b-%Y %H:%M",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H시 %M분 %S초",
    "%y%j%H%M",
]


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@example(moment=datetime(2000, 1, 1, 0, 24), form="%d/%m/%Y %H:%M:%S")  # not the end of the day
@example(moment=datetime(2000, 1, 1, 0, 24), form="%Y%m%d%H%M%S")
@example(moment=datetime(2000, 1, 24, 0, 0), form="%Y%m%d%H%M%S")
@given(moment=moments, form=st.sampled_from(FORMS))
def test_what_a_form_writes_it_reads(moment: datetime, form: str) -> None:
    assert TimeForm(form).read([moment.strftime(form)]) == [us(moment)]


@given(moment=moments, form=st.sampled_from(FORMS))
def test_the_form_of_a_time_is_among_its_candidates(moment: datetime, form: str) -> None:
    if "%j" not in form:
        assert form in forms(moment.strftime(form), "")


@given(hour=st.integers(0, 24 * 365 * 60))
def test_a_date_and_an_hour_are_a_time(hour: int) -> None:
    moment = EPOCH + timedelta(hours=hour)
    assert TimeForm("%Y%m%d%H").read([f"{moment:%Y%m%d%H}"]) == [us(moment)]
    if moment.hour == 0 and hour:
        assert TimeForm("%Y%m%d%H").read([f"{moment - timedelta(1):%Y%m%d}24"]) == [us(moment)]
    assert forms(f"{moment:%Y%m%d%H}", "") == ["%Y%m%d%H"]


@given(at_s=st.integers(1_000_000_000, 1_999_999_999), ms=st.integers(0, 999))
def test_counts_since_1970_are_exact(at_s: int, ms: int) -> None:
    exact = (at_s * 1000 + ms) * 1000 + EXACT
    assert TimeForm("unix").read([f"{at_s}.{ms:03}"]) == TimeForm("unix-ms").read([f"{at_s}{ms:03}"]) == [exact]
    assert forms(f"{at_s}{ms:03}", "") == ["unix-ms"]


@given(moment=moments, mark=st.sampled_from(" T"), seconds=st.sampled_from(["", ":07", ":07.250", ":07,25"]))
def test_iso_times_in_all_their_spellings(moment: datetime, mark: str, seconds: str) -> None:
    more = {"": 0, ":07": 7_000_000}.get(seconds, 7_250_000)
    assert TimeForm("iso").read([f"{moment:%Y-%m-%d}{mark}{moment:%H:%M}{seconds}"]) == [us(moment) + more]


@given(moment=moments, minutes=st.integers(-14 * 60, 14 * 60))
def test_a_time_with_an_offset_is_exact(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    exact = us(aware.astimezone(UTC).replace(tzinfo=None)) + EXACT
    assert TimeForm("iso").read([aware.isoformat()]) == [exact]
    assert TimeForm("%d/%m/%Y %H:%M %z").read([aware.strftime("%d/%m/%Y %H:%M %z")]) == [exact]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "infinity"),
        ("iso", "now"),
        ("iso", "2024-02-30 10:00"),
        ("iso", "2024-08-26"),
        ("iso", "2024-08-26 24:01"),
        ("iso", "2024-08-26 10:60"),
        ("iso", "2024/08/26 10:00"),
        ("iso", "२०२४-08-26 10:00"),
        ("iso", "2024-08-26 10:00 Seoul"),
        ("%d/%m/%Y %H:%M", "08/26/2024 10:00"),
        ("%d/%m/%Y %H:%M", "26/08/2024"),
        ("%d/%m/%Y %H:%M", ""),
        ("unix", "1724657580000"),
        ("unix", "-1724657580"),
        ("unix-ms", "2024-08-26 10:00"),
        ("%Y%m%d%H", "2024082625"),
    ],
)
def test_what_is_no_time_of_the_form_is_refused(form: str, text: str) -> None:
    with pytest.raises(CellRefused):
        TimeForm(form).read([text])


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2024-08-26 24:00:00"),
        ("%d/%m/%Y %H:%M", "26/08/2024 24:00"),
        ("%Y%m%d%H%M", "202408270000"),
        ("%Y%m%d%H%M%S", "20240826240000"),
        ("%y%m%d%H%M", "2408262400"),
        ("%H:%M %d.%m.%Y", "24:00 26.08.2024"),
        ("%Y-%m-%d %p %I:%M", "2024-08-27 오전 12:00"),
        ("%m/%d/%Y %I:%M %p", "8/27/2024 12:00 a.m."),
    ],
)
def test_midnight_has_many_names(form: str, text: str) -> None:
    assert TimeForm(form).read([text]) == [us(datetime(2024, 8, 27))]


@pytest.mark.parametrize("text", ["2024-08-26 24:01", "2024-13-24 24:00", "24:00", "2024-24-24 10:00"])
def test_only_midnight_has_the_hour_24(text: str) -> None:
    with pytest.raises(CellRefused):
        TimeForm("%Y-%m-%d %H:%M").read([text])


def test_a_24_that_is_no_hour_stays() -> None:
    assert TimeForm("%y%m%d%H%M").read(["2412242400"]) == [us(datetime(2024, 12, 25))]


def test_a_date_and_a_time_of_day_in_two_columns() -> None:
    want = [us(datetime(2024, 8, 26, 10)), us(datetime(2024, 8, 27))]
    assert TimeForm("%d/%m/%Y %H:%M:%S").read_apart(["26/08/2024"] * 2, ["10:00:00", "24:00:00"]) == want
    assert TimeForm("iso").read_apart(["2024-08-26 00:00:00", "2024-08-26"], ["10:00", "24:00"]) == want
    assert TimeForm("%Y년 %m월 %d일 %H시").read_apart(["2024년 8월 26일"], ["10시"]) == want[:1]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024. 8. 26. 오후 3:07", "%Y. %m. %d. %p %I:%M"),
        ("2024년 8월 26일 15:07:00", "%Y년 %m월 %d일 %H:%M:%S"),
        ("26-Aug-2024 03:07 PM", "%d-%b-%Y %I:%M %p"),
        ("20240826 1507", ""),
        ("20240826 15:07", "%Y%m%d %H:%M"),
        ("2024/08/26 15:07+09:00", "%Y/%m/%d %H:%M%z"),
        ("2024-08-26T15:07Z", "iso"),
        ("2024-08-26", ""),
        ("15:07", ""),
    ],
)
def test_the_form_of_what_people_write(text: str, form: str) -> None:
    assert forms(text, "")[:1] == [form] * bool(form)
    if form:
        (time,) = TimeForm(form).read([text])
        offset = 9 * 3_600_000_000 if "+" in text else 0
        assert time in (us(datetime(2024, 8, 26, 15, 7)), us(datetime(2024, 8, 26, 15, 7)) - offset + EXACT)


def settled(*texts: str) -> tuple[str | None, str]:
    return settle(forms(texts[0], ""), [(i, text, None) for i, text in enumerate(texts, 2)])


def test_day_and_month_are_never_guessed() -> None:
    form, reason = settled("01/03/2024 00:00", "02/03/2024 00:00", "12/03/2024 00:00")
    assert form is None
    assert 'time = "%d/%m/%Y %H:%M" or time = "%m/%d/%Y %H:%M"' in reason


def test_a_day_beyond_the_twelfth_settles_the_order_if_the_days_then_follow_each_other() -> None:
    assert settled("11/03/2024 00:00", "12/03/2024 00:00", "13/03/2024 00:00") == ("%d/%m/%Y %H:%M", "")
    assert settled("03/13/2024 00:00", "03/12/2024 00:00") == ("%m/%d/%Y %H:%M", "")  # newest first
    form, reason = settled("11/03/2024 00:00", "13/03/2024 00:00", "12/04/2024 00:00", "01/02/2024 00:00")
    assert form is None
    assert "not certain" in reason


def test_two_digit_years_are_not_certain_either() -> None:
    form, reason = settled("26.08.24 10:00", "27.08.24 10:00")  # or 2026-08-24
    assert form is None
    assert 'time = "%d.%m.%y %H:%M" or time = "%y.%m.%d %H:%M"' in reason


def test_a_change_of_the_form_is_named() -> None:
    form, reason = settled("2024-08-26 10:00", "26/08/2024 10:01")
    assert form is None
    assert "row 3: '26/08/2024 10:01' is not a time of the form iso" in reason


def test_one_digit_hours_are_no_iso_times() -> None:
    assert settled("2024-10-27 10:00", "2024-10-28 1:00") == ("%Y-%m-%d %H:%M", "")
