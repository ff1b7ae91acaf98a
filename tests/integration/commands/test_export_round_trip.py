"""What `export` writes, `load` takes back: an empty database then exports the same bytes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure
from export_site import Minute, fill, register, told
from hypothesis import given
from hypothesis import strategies as st

Connection = psycopg.Connection[Any]
Capture = pytest.CaptureFixture[str]

# A zone, and an instant at which its clock changes.
CHANGES = [
    ("Europe/Berlin", datetime(2024, 10, 27, 1, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2024, 3, 31, 1, 0, tzinfo=UTC)),
    ("Asia/Seoul", datetime(2024, 8, 25, 15, 0, tzinfo=UTC)),  # none, but midnight
    ("Australia/Lord_Howe", datetime(2024, 4, 6, 15, 0, tzinfo=UTC)),  # by half an hour
    ("Australia/Lord_Howe", datetime(2024, 10, 5, 15, 30, tzinfo=UTC)),
    ("America/St_Johns", datetime(2024, 11, 3, 4, 30, tzinfo=UTC)),  # west, and half an hour
]
values = st.none() | st.floats(-1e12, 1e12) | st.integers(-10_000, 10_000).map(lambda thousandths: thousandths / 1000)
rows_around = st.dictionaries(st.integers(-150, 150), st.tuples(values, values), min_size=1, max_size=40)


def around(change: datetime, rows: dict[int, tuple[float | None, float | None]]) -> list[Minute]:
    return [(change + timedelta(minutes=minute), *rows[minute]) for minute in sorted(rows)]


def empty(connection: Connection) -> None:
    connection.execute("TRUNCATE REAL_VAL_TB, UNREGISTERED_VAL_TB")


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_was_loaded_is_exported_to_the_same_bytes(
    change: tuple[str, datetime], config: Configure, connection: Connection, capfd: Capture
) -> None:
    path = config(site=f'timezone = "{change[0]}"')
    register(connection, "001")
    suffix = ".csv.gz" if change[0] == "Asia/Seoul" else ".csv"
    first, again = path.with_name(f"first{suffix}"), path.with_name(f"again{suffix}")

    @given(rows_around)
    def check(rows: dict[int, tuple[float | None, float | None]]) -> None:
        empty(connection)
        fill(connection, "001", around(change[1], rows))
        stored = connection.execute("SELECT time, flow, pressure FROM REAL_VAL_TB ORDER BY time").fetchall()
        assert told(capfd, "export", "001", "--output", str(first), "--config", str(path))[0] == 0
        empty(connection)
        assert told(capfd, "load", f"001={first}", "--config", str(path))[0] == 0
        assert connection.execute("SELECT time, flow, pressure FROM REAL_VAL_TB ORDER BY time").fetchall() == stored
        assert told(capfd, "export", "001", "--output", str(again), "--config", str(path))[0] == 0
        assert again.read_bytes() == first.read_bytes()

    check()


def test_a_folder_gets_a_file_of_each_sensor_that_load_takes(
    config: Configure, connection: Connection, capfd: Capture, tmp_path: Path
) -> None:
    path, folder = config(), tmp_path / "out"
    folder.mkdir()
    register(connection, "001", "a:b.c", "none")
    change = CHANGES[2][1]
    fill(connection, "001", around(change, {0: (1.5, 2.0), 1: (None, 0.1)}))
    fill(connection, "a:b.c", around(change, {0: (3.0, None)}))
    code, out, err = told(capfd, "export", "--output", str(folder), "--config", str(path))
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "none has no minutes yet",
        f"001: 2 minutes in {folder}/001.csv",
        f"a:b.c: 1 minutes in {folder}/a:b.c.csv",
    ]
    written = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(written) == {"001.csv", "a:b.c.csv"}
    empty(connection)
    pairs = [f"{name.removesuffix('.csv')}={folder / name}" for name in written]
    assert told(capfd, "load", *pairs, "--config", str(path))[0] == 0
    assert told(capfd, "export", "001", "a:b.c", "--output", str(folder), "--config", str(path))[0] == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == written
