"""Descriptions guessed from files as utilities have them."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import small_workbook
from hypothesis import given
from hypothesis import strategies as st

from cli.recorded import table
from cli.recorded.description import Description
from cli.recorded.guess import Guess, guess
from cli.recorded.plain import is_plain
from cli.recorded.problems import HistoryRefused
from cli.recorded.reader import Reader


def guessed(tmp_path: Path, text: str, encoding: str = "utf-8") -> Guess:
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode(encoding))
    return guess(path)


@pytest.mark.parametrize(
    ("names", "flow", "pressure"),
    [
        ("time,flow_lps,pressure_kpa", "L/s", "kPa"),
        ("일시,유량 L/s,압력 MPa", "L/s", "MPa"),
        ("time,Q inlet,p outlet", "m3/h", "bar"),
        ("time,flow_m3_h,pressure_1", "m3/h", "bar"),
    ],
)
def test_units_behind_the_name(tmp_path: Path, names: str, flow: str, pressure: str) -> None:
    names = names.replace("Q inlet", "flow inlet").replace("p outlet", "pressure outlet")
    found = guessed(tmp_path, f"{names}\n2024-08-26 10:00,8,4\n").description
    assert (found.flow_measure, found.pressure_measure) == (flow, pressure)


def test_a_korean_excel(tmp_path: Path) -> None:
    text = (
        "배수지 유량 보고서\n\n일시,순시유량(㎥/h),적산유량(㎥),압력(㎏f/㎠)\n"
        '2024-08-26 10:00,"1,208.5",100,4.1\n2024-08-26 10:01,8.1,101,4.2\n합계,16.1,,\n'
    )
    found = guessed(tmp_path, text, "cp949")
    assert (found.lacks, found.notes) == ([], [])
    assert found.description == Description(
        encoding="cp949",
        header_row=3,
        first_row=4,
        thousands=",",
        time_column="일시",
        flow_column="순시유량(㎥/h)",
        pressure_column="압력(㎏f/㎠)",
        pressure_measure="kgf/cm2",
    )


def test_a_counter_of_its_own(tmp_path: Path) -> None:
    found = guessed(tmp_path, "날짜;시각;적산(톤)\n2024.08.26;10:00;100,5\n2024.08.27;10:15;101\n")
    assert found.lacks == []
    assert found.description == Description(
        separator=";",
        decimal=",",
        time="%Y.%m.%d %H:%M",
        time_column="날짜",
        clock_column="시각",
        total_column="적산(톤)",
    )


def test_a_logger_s_table_with_a_row_of_units(tmp_path: Path) -> None:
    text = (
        '"TOA5","north","CR300"\n"TIMESTAMP","RECORD","Flow_Avg","Press_Avg"\n"TS","RN","L/s","kPa"\n'
        '"","","Avg","Avg"\n"2024-08-26 10:00:00",1,2.23,411\n'
    )
    found = guessed(tmp_path, text)
    assert (found.lacks, found.notes) == ([], [])
    assert found.description == Description(
        header_row=2,
        first_row=5,
        time_column="TIMESTAMP",
        flow_column="Flow_Avg",
        flow_measure="L/s",
        pressure_column="Press_Avg",
        pressure_measure="kPa",
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_from_a_spreadsheet(tmp_path: Path, encoding: str) -> None:
    found = guessed(tmp_path, "time\tflow\tpressure\r\n26.08.2024 10:00\t8,02\t4,11\r\n", encoding)
    assert found.lacks == []
    assert found.description == Description(
        encoding=encoding,
        separator="\t",
        decimal=",",
        time="%d.%m.%Y %H:%M",
        flow_column="flow",
        pressure_column="pressure",
    )
    assert [note[:12] for note in found.notes] == ["no unit of f", "no unit of p"]


def test_latin_1_is_not_taken_for_korean(tmp_path: Path) -> None:
    found = guessed(tmp_path, "fecha;caudal (m³/h);presión (bar)\n2024-08-26 10:00;8,1;4,1\n", "latin-1")
    assert (found.lacks, found.keys["encoding"], found.keys["pressure_column"]) == ([], "latin-1", "presión (bar)")


def test_quality_words(tmp_path: Path) -> None:
    found = guessed(tmp_path, "time,flow,quality\n2024-08-26 10:00,8,Good\n2024-08-26 10:01,8,Bad\n")
    assert (found.lacks, found.keys["good"]) == ([], ("Good",))
    found = guessed(tmp_path, "time,flow,quality\n2024-08-26 10:00,8,A\n2024-08-26 10:01,8,B\n")
    assert found.lacks == ['column "quality" has "A", "B"; write good = ["…"], those of values that count']


@pytest.mark.parametrize(
    ("text", "lack"),
    [
        (
            "Timestamp;PUMP_1;p227\n2018-01-01 00:00;31,5;41,1\n",
            'flow_column or pressure_column = "…", one of "Timestamp"',
        ),
        ("time,flow a,flow b\n2024-08-26 10:00,8,4\n", 'flow_column = "…", one of "flow a", "flow b"'),
        ("time,flow (furlongs)\n2024-08-26 10:00,8\n", "'furlongs' of column \"flow (furlongs)\" is no known unit"),
        ("time,flow\n01/03/2024 10:00,8\n", "the order of day and month is not certain"),
        ('time,flow\n2024-08-26 10:00,"1,208"\n', "may have a decimal comma or thousands"),
        ("made time,read time,flow\n2024-08-26 10:00,2024-08-26 11:00,8\n", "time_column"),
        ("2024-08-26 10:00,8,4\n", "flow_column"),
    ],
)
def test_what_a_file_does_not_say_is_asked_for(tmp_path: Path, text: str, lack: str) -> None:
    assert lack in "\n".join(guessed(tmp_path, text).lacks)


@pytest.mark.parametrize(
    ("first", "second", "form"),
    [
        ("2024-08-26 13시 05분 07초", "2024-08-26 13시 6분 07초", "%Y-%m-%d %H시 %M분 %S초"),
        ("2024년 8월 26일 오후 1시 5분", "2024년 8월 26일 오후 1시 6분", "%Y년 %m월 %d일 %p %I시 %M분"),
        ("2024082613", "2024082614", "%Y%m%d%H"),
        ("1724657580", "1724657640", "unix"),
        ("1724657580000", "1724657640000", "unix-ms"),
    ],
)
def test_times_with_words_and_times_that_are_numbers(tmp_path: Path, first: str, second: str, form: str) -> None:
    found = guessed(tmp_path, f"time,flow\n{first},8.02\n{second},8.03\n")
    assert found.description == Description(time=form, flow_column="flow")
    assert not found.lacks


def test_a_counter_that_looks_like_a_time_is_none_beside_one(tmp_path: Path) -> None:
    for counter in ("2012112213", "1724657580", "1724657580000"):
        found = guessed(tmp_path, f"time,total\n2024-08-26 10:00,{counter}\n2024-08-26 10:01,{counter}\n")
        assert found.description == Description(total_column="total")


def test_a_time_of_day_in_korean_words_in_a_column_of_its_own(tmp_path: Path) -> None:
    found = guessed(tmp_path, "일자,시각,유량\n2024-08-26,13시 05분,8\n2024-08-26,13시 6분,8\n")
    wanted = Description(time="%Y-%m-%d %H시 %M분", time_column="일자", clock_column="시각", flow_column="유량")
    assert found.description == wanted


@pytest.mark.parametrize("text", ["", "hello\n", "time,flow,pressure\n", "a,b\n1,2\n", "2024-08-26 10:00\n"])
def test_a_file_without_times_and_values_is_no_record(tmp_path: Path, text: str) -> None:
    with pytest.raises(HistoryRefused, match="a date and a number"):
        guessed(tmp_path, text)


def test_what_is_sure_is_kept_in_an_incomplete_guess(tmp_path: Path) -> None:
    found = guessed(tmp_path, "Timestamp;PUMP_1;p227\n2018-01-01 00:00;31,5;41,1\n2018-01-01 00:05;31,6;41,2\n")
    assert found.description == Description(separator=";", decimal=",", time_column="Timestamp")


def test_a_workbook_with_date_and_time_in_two_columns(tmp_path: Path) -> None:
    rows = [
        small_workbook.texts(1, "측정일자", "시간", "유량[㎥/h]"),
        '<row r="2"><c s="1"><v>45530</v></c><c s="3"><v>0.4166666666666667</v></c><c><v>8.02</v></c></row>',
    ]
    found = guess(small_workbook.write(tmp_path / "a.xlsx", {"s": rows}))
    assert found.lacks == []
    assert found.description == Description(time_column="측정일자", clock_column="시간", flow_column="유량[㎥/h]")


def test_other_sheets_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    rows = [small_workbook.texts(1, "time", "flow (m3/h)"), small_workbook.texts(2, "2024-08-26 10:00", "8")]
    found = guess(small_workbook.write(tmp_path / "a.xlsx", {"May": rows, "June": rows}))
    assert found.notes == ["the first of the sheets May, June is taken; for another one write sheet"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("time,flow,pressure\n2024-08-26 10:00,8,4\n", True),
        ('\ufefftime,flow,pressure\n"2024-08-26T10:00:00.000Z",8,4\n', True),
        ("time,flow,pressure\n", True),
        ("time,flow,pressure\ninfinity,8,4\n", True),  # refused by its place
        ("time,flow,pressure\n2024/08/26 10:00,8,4\n", False),
        ("time,flow,pressure\n2024-08-26 9:00,8,4\n", False),
        ("time,pressure,flow\n2024-08-26 10:00,8,4\n", False),
        ("time;flow;pressure\n2024-08-26 10:00;8;4\n", False),
        ("time,flow,pressure,quality\n2024-08-26 10:00,8,4,192\n", False),
    ],
)
def test_what_needs_no_description(tmp_path: Path, text: str, plain: bool) -> None:
    path = tmp_path / "f.csv"
    path.write_text(text, "utf-8")
    assert is_plain(path) is plain


cells = st.sampled_from(
    [
        "time",
        "flow",
        "압력(bar)",
        "26/08/2024",
        "2024-08-26 10:00",
        "2024. 8. 26. 오전 10:00",
        "10:00",
        "8,02",
        "1.208,5",
        "-",
    ]
) | st.text(max_size=4)
tables = st.lists(st.lists(cells, max_size=5), max_size=8).map(lambda rows: "\n".join(";".join(row) for row in rows))


@given(
    content=st.binary(max_size=60) | tables.map(lambda text: text.encode("utf-8", "replace")),
    ending=st.sampled_from(["csv", "xlsx"]),
)
def test_any_file_is_guessed_or_refused(content: bytes, ending: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / f"f.{ending}"
    path.write_bytes(content)
    try:
        is_plain(path)
        found = guess(path)
        if not found.lacks:
            with table.rows(path, found.description) as (rows, _):
                list(
                    Reader(path, found.description, ZoneInfo("Asia/Seoul"), datetime(2025, 1, 1, tzinfo=UTC)).pieces(
                        rows
                    )
                )
    except HistoryRefused as refused:
        assert str(path) in str(refused)
