"""Recorded minutes into a real Postgres: all of them, once, at the right instants."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from cli import history
from cli.history import load_file
from cli.load_files import NotLoaded, load_files
from cli.recorded import reader
from cli.recorded.description import PLAIN, Description
from cli.recorded.problems import HistoryRefused
from common.point import Point

ROME = ZoneInfo("Europe/Rome")


def _rows(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT time, flow, pressure, samples, flow_flags FROM REAL_VAL_TB WHERE sensor = '001' ORDER BY time"
    ).fetchall()


def _write(path: Path, start: datetime, minutes: int) -> Path:
    """A wall-clock file of a UTC stretch: flow counts the minutes."""
    lines = ["time,flow,pressure"]
    for i in range(minutes):
        lines.append(f"{(start + timedelta(minutes=i)).astimezone(ROME):%Y-%m-%d %H:%M},{i},3.5")
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_every_minute_lands_at_its_instant_across_months_and_the_autumn_change(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PIECE_ROWS", 170)  # many pieces: borders must not matter
    monkeypatch.setattr(history, "PAGES", 3)
    start = datetime(2023, 10, 28, 12, 0, tzinfo=UTC)
    path = _write(tmp_path / "a.csv.gz", start, 5000)  # into November
    seen: list[tuple[int, int]] = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        loaded = load_file(connection, Point("site-1", "001"), path, ROME, lambda *step: seen.append(step))
        assert (loaded.read, loaded.added, loaded.skipped) == (5000, 5000, 0)
        rows = _rows(connection)
        assert [(row[0], row[1]) for row in rows] == [(start + timedelta(minutes=i), float(i)) for i in range(5000)]
        assert seen == sorted(seen)
        assert seen[-1] == (path.stat().st_size, 5000)
        assert load_file(connection, Point("site-1", "001"), path, ROME).added == 0
        assert _rows(connection) == rows


def test_what_is_there_already_stays_as_it_is(database_url: str, tmp_path: Path) -> None:
    start = datetime(2023, 7, 1, tzinfo=UTC)
    path = _write(tmp_path / "a.csv", start, 10)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT real_val_partition(%s)", [start])
        connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, flow, samples, log_id, log_offset) "
            "VALUES ('001', %s, 99, 60, 'x', 7)",
            [start + timedelta(minutes=4)],
        )
        assert load_file(connection, Point("site-1", "001"), path, ROME).added == 9
        assert [row[1] for row in _rows(connection)] == [0, 1, 2, 3, 99, 5, 6, 7, 8, 9]


def test_no_value_stays_no_value(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,flow,pressure\n2023-07-01 00:00,,\n2023-07-01 00:01,NaN,3.5\n2023-07-01 00:02,0,-0.1")
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert load_file(connection, Point("site-1", "001"), path, ROME).read == 3
        assert [row[1:4] for row in _rows(connection)] == [(None, None, 0), (None, 3.5, 1), (0.0, -0.1, 1)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b,c\n", "no column 'time'"),
        ("", "no values"),
        ("time,flow,pressure\n2023-07-01 00:00,1,2\n2023-07-01 00:01,one,2\n", "one"),
        ("time,flow,pressure\n2023-07-01 00:00,1\n", "'pressure': is missing"),
        ("time,flow,pressure\n2023-07-01 00:00,1,2\n31.12.2023x,1,2\n", "row 3, column 'time'"),
        ("time,flow,pressure\n2023-07-01 00:00,1,2\ninfinity,1,2\n", "row 3, column 'time'"),
        ("time,flow,pressure\n2023-07-01 00:00,1,2\n2099-07-01 00:00,1,2\n", "row 3.* future"),
        (
            "time,flow,pressure\n2023-07-01 00:01,1,2\n2023-07-01 00:00,1,2\n2023-07-01 00:01,3,2\n",
            r"rows 2 and 4: both are 2023-07-01 00:01:00, with different values \(flow 1 and 3\)",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(
    text: str, problem: str, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)
    with psycopg.connect(database_url, autocommit=True) as connection:
        with pytest.raises(HistoryRefused, match=problem) as refusal:
            load_file(connection, Point("site-1", "001"), path, ROME)
        assert str(path) in str(refusal.value)
        assert _rows(connection) == []


def test_an_unregistered_sensor_and_a_cut_off_file_are_named(database_url: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv.gz", datetime(2023, 7, 1, tzinfo=UTC), 100)
    with pytest.raises(NotLoaded, match="not registered: 001"):
        load_files(database_url, "site-1", [("001", path, PLAIN)], ROME)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
    assert load_files(database_url, "site-1", [("001", path, PLAIN)], ROME)[0].added == 100
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(NotLoaded, match=r"a\.csv\.gz"):
        load_files(database_url, "site-1", [("001", path, PLAIN)], ROME)


def test_a_failure_while_writing_leaves_nothing_of_the_file(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGES", 1)
    path = _write(tmp_path / "a.csv", datetime(2023, 7, 1, tzinfo=UTC), 1000)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT real_val_partition('2023-07-01Z')")
        connection.execute("ALTER TABLE REAL_VAL_TB ADD CHECK (flow <> 900)")
        with pytest.raises(psycopg.errors.CheckViolation):
            load_file(connection, Point("site-1", "001"), path, ROME)
        assert _rows(connection) == []


@pytest.mark.parametrize(
    "spelling",
    [
        ("{:%Y-%m-%d %H:%M}", "iso"),
        ("{:%Y-%m-%d %H:%M:%S.000}", "iso"),
        ('"{:%Y-%m-%d %H:%M}"', "iso"),
        ("{:%Y/%m/%d %H:%M}", "%Y/%m/%d %H:%M"),
        ("{0:%Y-%m-%d} {0.hour}:{0.minute}", "%Y-%m-%d %H:%M"),
        ("{:%d.%m.%Y %H:%M:07}", "%d.%m.%Y %H:%M:%S"),
    ],
)
def test_the_repeated_hour_in_every_spelling(spelling: tuple[str, str], database_url: str, tmp_path: Path) -> None:
    start = datetime(2024, 10, 26, 22, 0, tzinfo=UTC)
    times = [start + timedelta(minutes=i) for i in range(0, 240, 30)]
    lines = [f"{spelling[0].format(time.astimezone(ROME))},{i},4" for i, time in enumerate(times)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,flow,pressure", *lines]))
    with psycopg.connect(database_url, autocommit=True) as connection:
        described = Description(time=spelling[1], flow_column="flow", pressure_column="pressure")
        assert load_file(connection, Point("site-1", "001"), path, ROME, described=described).added == 8
        assert [row[:2] for row in _rows(connection)] == [(time, float(i)) for i, time in enumerate(times)]


def test_readings_of_a_minute_become_their_mean(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"2023-07-01 00:0{i // 6}:{i % 6}7,{i},{'' if i == 7 else 4}" for i in range(18)]
    path.write_text("\n".join(["time,flow,pressure", *lines, lines[3]]))
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert load_file(connection, Point("site-1", "001"), path, ROME).added == 3
        assert [row[1:4] for row in _rows(connection)] == [(2.5, 4.0, 6), (8.5, 4.0, 6), (14.5, 4.0, 6)]


def test_a_row_that_is_there_twice_counts_once(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,flow,pressure\n2023-07-01 00:00,1,\n2023-07-01 00:01,2,\n2023-07-01 00:00,1,\n")
    with psycopg.connect(database_url, autocommit=True) as connection:
        loaded = load_file(connection, Point("site-1", "001"), path, ROME)
        assert (loaded.read, loaded.added, loaded.repeated) == (3, 2, 1)
        assert [row[1:4] for row in _rows(connection)] == [(1.0, None, 1), (2.0, None, 1)]


def test_a_counter_becomes_the_flow_until_its_next_reading(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    readings = [
        "00:00,100",
        "00:15,102",
        "00:30,102.5",
        "00:45,3",
        "01:00,4",
        "01:30,9",
        "01:45,",
        "02:00,9000",
        "02:15,9001",
        "02:30,99001",
    ]
    path.write_text("\n".join(["time,V", *(f"2023-07-01 {reading}" for reading in readings)]))
    described = Description(total_column="V", total_measure="m3", most_m3h=1000)
    with psycopg.connect(database_url, autocommit=True) as connection:
        loaded = load_file(connection, Point("site-1", "001"), path, ROME, described=described)
        assert (loaded.added, loaded.steps.minutes) == (10, 15)
        flows = [row[1] for row in _rows(connection)]
        # a reset, a gap of half an hour, no reading, and an exchanged counter give no flow
        assert flows == [8.0, 2.0, None, 4.0, None, None, None, 4.0, None, None]


@pytest.mark.parametrize("step", [1, 15, 60, 360])
def test_a_time_at_the_end_of_its_step_is_moved_to_the_start(step: int, database_url: str, tmp_path: Path) -> None:
    start = datetime(2023, 6, 30, 22, tzinfo=UTC) - timedelta(
        minutes=2 * step
    )  # the first row lies in the month before
    ends = [start + timedelta(minutes=step * (i + 1)) for i in range(6)]
    path = tmp_path / "a.csv"
    path.write_text("time,Q\n" + "".join(f"{end.astimezone(ROME):%Y-%m-%d %H:%M},{i}\n" for i, end in enumerate(ends)))
    described = Description(flow_column="Q", stamp="end")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for added in (6, 0):  # loading it again changes nothing
            assert load_file(connection, Point("site-1", "001"), path, ROME, described=described).added == added
        wanted = [(start + timedelta(minutes=step * i), float(i)) for i in range(6)]
        assert [row[:2] for row in _rows(connection)] == wanted


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["00:00:00", "00:00:10", "00:00:20", "00:00:30", "00:00:40"], "lie less than a minute apart"),
        (["00:00:00", "00:07:00", "00:09:00", "00:30:00", "00:31:00"], "have no regular distance"),
    ],
)
def test_ends_of_steps_of_no_clear_length_are_refused(
    times: list[str], said: str, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,Q\n" + "".join(f"2023-07-01 {time},{i}\n" for i, time in enumerate(times)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        with pytest.raises(HistoryRefused, match=rf"a\.csv: stamp = \"end\", but the rows {said}"):
            described = Description(flow_column="Q", stamp="end")
            load_file(connection, Point("site-1", "001"), path, ROME, described=described)
        assert _rows(connection) == []
