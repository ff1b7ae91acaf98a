"""Described files: the values that come out, and what is refused by file, row and column."""

import gzip
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.recorded import table
from cli.recorded.description import PLAIN, TOTALS, Description, read_description, to_toml
from cli.recorded.problems import HistoryRefused
from cli.recorded.reader import Reader, is_total
from cli.recorded.table import LONGEST_LINE
from common.errors import SettingsError
from producer.plausible import USUAL_CODES

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2025, 1, 1, tzinfo=UTC)
START = "2024-08-26 10:00"


def read(path: Path, described: Description = PLAIN) -> tuple[Reader, list[tuple[str, float | None, float | None]]]:
    """The reader, and (UTC time, flow, pressure) of each row."""
    reader = Reader(path, described, SEOUL, NOW)
    out: list[tuple[str, float | None, float | None]] = []
    with table.rows(path, described) as (rows, _):
        for piece in reader.pieces(rows):
            for at, *values in zip(piece.at, piece.flow, piece.pressure, strict=True):
                time = datetime(1970, 1, 1) + timedelta(microseconds=int(at))
                flow, pressure = (None if math.isnan(value) else float(value) for value in values)
                out.append((f"{time:%Y-%m-%d %H:%M}", flow, pressure))
    return reader, out


def wrote(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_plain_form(tmp_path: Path) -> None:
    path = wrote(tmp_path, f'time,flow,pressure\n{START},8.02,4.11\n"2024-08-26 10:01:00.000","1e1",\n\n')
    assert read(path)[1] == [("2024-08-26 01:00", 8.02, 4.11), ("2024-08-26 01:01", 10.0, None)]


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("infinity,8,4", "row 2, column 'time'", "write the form"),
        ("26/08/2024 10:00,8,4", "row 2, column 'time'", 'time = "%d/%m/%Y %H:%M"'),
        (f"{START},8,4\n2024-13-26 10:01,8,4", "row 3, column 'time'", "write the form"),
        ("2099-08-26 10:00,8,4", "row 2, column 'time'", "in the future"),
        ("1969-08-26 10:00,8,4", "row 2, column 'time'", "before 1970"),
        ("0001-01-01 10:00,8,4", "row 2, column 'time'", "before 1970"),
        ("0001-01-01 00:00+23:59,8,4", "row 2, column 'time'", "before 1970"),
        ("9999-12-31 23:59-23:59,8,4", "row 2, column 'time'", "in the future"),
        (f'{START},"8,02",4', "row 2, column 'flow'", 'write decimal = ","'),
        (f"{START},8,02", "row 2, column 'pressure'", "follows a decimal comma"),
        (f"{START},8,02,4,11", "row 2, column '4'", "commas are decimal marks"),
        (f"{START},8", "row 2, column 'pressure'", "is missing"),
        (f"{START},8,4\n{START},8,bad", "row 3, column 'pressure'", "no_value"),
        (f"{START},8,1_0", "row 2, column 'pressure'", "not a number"),
        (f"{START},8,٤", "row 2, column 'pressure'", "not a number"),
        (f"{START},8,1e13", "row 2, column 'pressure'", "out of range"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(tmp_path: Path, text: str, place: str, advice: str) -> None:
    path = wrote(tmp_path, f"time,flow,pressure\n{text}\n")
    with pytest.raises(HistoryRefused) as refusal:
        read(path)
    assert str(refusal.value).startswith(f"{path}, {place}: ")
    assert advice in str(refusal.value)


def test_two_minutes_ahead_are_believed_and_three_are_not(tmp_path: Path) -> None:
    assert len(read(wrote(tmp_path, "time,flow,pressure\n2025-01-01T00:02Z,1,1\n"))[1]) == 1
    with pytest.raises(HistoryRefused, match="in the future"):
        read(wrote(tmp_path, "time,flow,pressure\n2025-01-01T00:03Z,1,1\n"))


def test_a_utility_s_export(tmp_path: Path) -> None:
    lines = [
        "Export north",
        "",
        "Zeit;Q (L/s);p;Status",
        ";L/s;kPa;",
        "26.08.2024 10:00;2,23;1.411,5;ok",
        "26.08.2024 10:15;9999;411;ok",
        "26.08.2024 10:30;x;1;Fehler",
        "Summe;11;;",
        "Total: 4;;;",
    ]
    described = Description(
        separator=";",
        decimal=",",
        thousands=".",
        header_row=3,
        first_row=5,
        time="%d.%m.%Y %H:%M",
        zone="+02:00",
        time_column="zeit",
        flow_column="2",
        flow_measure="L/s",
        pressure_column="p",
        pressure_measure="kPa",
        quality_column="Status",
        good=("OK",),
        no_value=("9999",),
        skip=("Summe",),
    )
    reader, rows = read(wrote(tmp_path, "\n".join(lines)), described)
    assert rows == [
        ("2024-08-26 08:00", 8.028, 14.115),
        ("2024-08-26 08:15", None, 4.11),
        ("2024-08-26 08:30", None, None),
    ]
    assert (reader.read, reader.left_out, reader.bad) == (3, 2, 1)


def test_a_column_that_is_not_there_or_twice_is_named(tmp_path: Path) -> None:
    path = wrote(tmp_path, f"time,Q,Q\n{START},1,2\n")
    with pytest.raises(HistoryRefused, match=r"no column 'flow' \(flow_column\); the columns are time, Q, Q"):
        read(path)
    with pytest.raises(HistoryRefused, match="columns 2 and 3 are both named 'Q'"):
        read(path, Description(flow_column="Q"))
    assert read(path, Description(flow_column="3"))[1] == [("2024-08-26 01:00", 2.0, None)]


def test_another_encoding_and_an_empty_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryRefused, match="write its encoding"):
        read(wrote(tmp_path, "일시,유량\n", "cp949"))
    with pytest.raises(HistoryRefused, match='write encoding = "utf-16"'):
        read(wrote(tmp_path, "time,flow,pressure\n", "utf-16-le"))
    with pytest.raises(HistoryRefused, match="no values"):
        read(wrote(tmp_path, ""))


def test_a_code_counts_in_every_spelling_of_its_number(tmp_path: Path) -> None:
    path = wrote(tmp_path, f"time,flow\n{START},9999.0\n{START},+9999\n{START},9998\n")
    rows = read(path, Description(flow_column="flow", no_value=("9999",)))[1]
    assert [row[1] for row in rows] == [None, None, 9998.0]


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "value"),
    [
        *(("1,234.5", ".", ",", 1234.5), ("1.234,5", ",", ".", 1234.5), ("1,234,567", ".", ",", 1234567.0)),
        *(("1.234,567", ".", ",", None), ("1,234,5", ".", ",", None), ("1.234.5", ",", ".", None)),
        *(("1 234,5", ",", " ", 1234.5), ("1\u00a0234,5", ",", " ", 1234.5), ("1\u202f234,5", ",", " ", 1234.5)),
        *(("8.020", ".", ",", 8.02), ("1,23", ".", ",", None)),
    ],
)
def test_marks_between_thousands(tmp_path: Path, text: str, decimal: str, thousands: str, value: float | None) -> None:
    path = wrote(tmp_path, f"time;flow\n{START};{text}\n")
    described = Description(flow_column="flow", separator=";", decimal=decimal, thousands=thousands)
    if value is not None:
        assert read(path, described)[1][0][1] == value
        return
    with pytest.raises(HistoryRefused, match="row 2, column 'flow'"):
        read(path, described)


def test_the_usual_fault_codes_are_no_values(tmp_path: Path) -> None:
    flows = ["-999", "8", "9999", "", "9.5", "6000", "9999", "65535"]
    lines = "".join(f"2024-08-26 10:{minute:02d},{flow},4\n" for minute, flow in enumerate(flows))
    path = wrote(tmp_path, f"time,flow,pressure\n{lines}")
    reader, rows = read(path, Description(flow_column="flow", pressure_column="pressure"))
    assert [row[1] for row in rows] == [None, 8.0, None, None, 9.5, 6000.0, 9999.0, None]  # of a large main: measured
    assert reader.codes == 3
    reader, rows = read(path)  # as it was exported
    assert [row[1] for row in rows] == [-999.0, 8.0, 9999.0, None, 9.5, 6000.0, 9999.0, 65535.0]
    assert reader.codes == 3
    described = Description(flow_column="flow", flow_measure="L/s", pressure_column="pressure", pressure_measure="kPa")
    reader, rows = read(wrote(tmp_path, f"time,flow,pressure\n{START},9999,-999\n"), described)
    assert (rows[0][1:], reader.codes) == ((None, None), 2)
    counter = Description(total_column="flow")
    assert read(wrote(tmp_path, f"time,flow,pressure\n{START},9999,4\n"), counter)[1][0][1] == 9999.0


@pytest.mark.parametrize("cell", ["#DIV/0!", "#VALUE!", "#REF!", "-nan", "NaN", "inf"])
def test_what_is_no_value_in_every_file(tmp_path: Path, cell: str) -> None:
    assert read(wrote(tmp_path, f"time,flow,pressure\n{START},{cell},4\n"))[1][0][1] is None


def test_a_damaged_compressed_file_says_so(tmp_path: Path) -> None:
    lines = "".join(f"2024-08-26 10:{minute:02d},{minute * 7919 % 1009},4\n" for minute in range(60))
    packed = bytearray(gzip.compress(f"time,flow,pressure\n{lines}".encode()))
    packed[60:90] = b"\xff" * 30
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(EOFError, match="the compressed file is damaged"):
        read(path)


def test_a_line_that_does_not_end_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"time,flow,pressure\n" + b"," * (LONGEST_LINE + 1)))
    with pytest.raises(HistoryRefused, match="a line has more than"):
        read(path)


@pytest.mark.parametrize(
    ("cell", "total"),
    [
        *(("Total:", True), ("합계 (m3)", True), ("SUM", True), ("Summer", False), ("Totals", False)),
        *(("합 계", True), ("최 대 값", True), ("일계", True), ("합계량", False), ("Sum of day", True)),
    ],
)
def test_words_of_totals(cell: str, total: bool) -> None:
    assert is_total(cell, TOTALS) is total


def test_a_row_below_empty_lines_is_named_by_its_number(tmp_path: Path) -> None:
    path = wrote(tmp_path, f"time,flow,pressure\n\n\n{START},8,4\n\nbroken,8,4\n")
    with pytest.raises(HistoryRefused, match="row 6, column 'time'"):
        read(path)


def test_a_row_far_down_is_named_by_its_number(tmp_path: Path) -> None:
    start = datetime(2024, 1, 1)
    lines = [f"{start + timedelta(minutes=i):%Y-%m-%d %H:%M},1,1" for i in range(45_000)]
    lines[41_000] = "Total,,"
    lines[44_000] = "2024-02-30 10:00,1,1"
    with pytest.raises(HistoryRefused, match="row 44002, column 'time'"):
        read(wrote(tmp_path, "time,flow,pressure\n" + "\n".join(lines)))


numbers = (
    st.floats(-1e6, 1e6)
    .map(lambda value: round(value, 3))
    .filter(lambda value: value == -999 or value not in USUAL_CODES)
)
descriptions = st.builds(
    Description,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp949"]),
    separator=st.sampled_from([";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    time=st.sampled_from(["iso", "%d/%m/%Y %H:%M", "%m/%d/%y %I:%M %p", "%Y%m%d%H%M%S", "%Y년 %m월 %d일 %H:%M"]),
    zone=st.sampled_from(["", "UTC", "+05:30", "-03:30", "Asia/Tokyo"]),
    time_column=st.just("일시"),
    flow_column=st.sampled_from(["유량", "2"]),
    pressure_column=st.sampled_from(["압력", ""]),
    no_value=st.just(("결측", "-999")),
)


@given(described=descriptions, values=st.lists(st.tuples(numbers | st.none(), numbers), min_size=1, max_size=20))
def test_what_a_description_writes_it_reads(
    described: Description, values: list[tuple[float | None, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    zone = {"": "+0900", "Asia/Tokyo": "+0900", "UTC": "+0000"}.get(described.zone, described.zone)
    start = datetime.strptime(f"2024-08-26 10:00 {zone}", "%Y-%m-%d %H:%M %z")
    form = "%Y-%m-%d %H:%M" if described.time == "iso" else described.time
    lines, want = [described.separator.join(("일시", "유량", "압력"))], []
    for i, (flow, pressure) in enumerate(values):
        time = start + timedelta(minutes=i)
        texts = ["결측" if flow is None else str(flow), str(pressure)]
        if described.decimal == ",":
            texts = [text.replace(".", ",") for text in texts]
        lines.append(described.separator.join((time.strftime(form), *texts)))
        given_pressure = pressure if described.pressure_column and pressure != -999 else None
        want.append((f"{time.astimezone(UTC):%Y-%m-%d %H:%M}", None if flow == -999 else flow, given_pressure))
    folder = tmp_path_factory.mktemp("written")
    (folder / "d.toml").write_text(to_toml(described), "utf-8")
    assert read_description(folder / "d.toml") == described
    assert read(wrote(folder, "\n".join(lines), described.encoding), described)[1] == want


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no column with values"),
        ('flow_colum = "Q"', "unknown key"),
        ('flow_column = "Q"\ntotal_column = "V"', "keep one"),
        ('flow_column = "Q"\nquality_column = "S"', "belong together"),
        ('total_column = "V"\nstamp = "end"', "is not for a counter"),
        ('flow_column = "Q"\nthousands = "."', "are both"),
        ('flow_column = "Q"\ntime = "unix"\nclock_column = "C"', 'not for time = "unix"'),
        ('flow_column = "Q"\ntime = "%Y-%m-%d"', "time: must be"),
        ('flow_column = "Q"\nheader_row = 2', "must come after"),
        ('flow_column = "Q"\ntime = "%d/%m %H:%M"', "time: must be"),
        ('flow_column = "Q"\nzone = "KST+9"', "zone: must be"),
        ('flow_column = "Q"\nencoding = "ansi?"', "encoding: must be"),
        ('flow_column = "Q"\nencoding = "base64"', "encoding: must be"),
        ('flow_column = "Q"\nflow_measure = "cfs"', "flow_measure: must be one of"),
        ("flow_column = Q", "is not TOML"),
        ("x = " + "[" * 5000, "is not TOML"),
        ('encoding = "a\\u0000"', "must be an encoding"),
    ],
)
def test_a_wrong_description_is_refused_by_its_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=problem) as refusal:
        read_description(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("form", "text", "at"),
    [
        ("%Y%m%d%H", "2024082613", "2024-08-26 04:00"),
        ("%y%j%H%M", "242391305", "2024-08-26 04:05"),
        ("%Y-%m-%d %H시 %M분 %S초", "2024-08-26 13시 05분 07초", "2024-08-26 04:05"),
        ("unix", "1724645107", "2024-08-26 04:05"),
        ("unix-ms", "1724645107250", "2024-08-26 04:05"),
    ],
)
def test_times_that_a_description_may_declare(tmp_path: Path, form: str, text: str, at: str) -> None:
    described = tmp_path / "d.toml"
    described.write_text(f'time = "{form}"\nflow_column = "Q"\n', "utf-8")
    path = wrote(tmp_path, f"time,Q\n{text},8.02\n")
    assert read(path, read_description(described))[1] == [(at, 8.02, None)]


def test_repeated_texts_are_not_kept_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.memo.MOST_REMEMBERED", 3)
    lines = [f"2024-08-{i + 1:02d} 10:{i:02d},{i},{i / 10}" for i in range(20)]
    rows = read(wrote(tmp_path, "time,flow,pressure\n" + "\n".join(lines)))[1]
    assert np.allclose([row[1] or 0 for row in rows], range(20))
