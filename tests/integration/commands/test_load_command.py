"""`hydrolog load`: what it takes at once, what it asks about, and what it says."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure

from cli.__main__ import main

Connection = psycopg.Connection[Any]
Capture = pytest.CaptureFixture[str]
PLAIN = "time,flow,pressure\n2024-08-26 10:00,8,4\n"
OTHER = "일시;유량(L/s);수압(kPa)\n2024-08-26 10:00;2,23;411\n2024-08-26 10:01;2,24;412\n합계;4,47;\n"


@pytest.fixture
def load(config: Configure, connection: Connection, tmp_path: Path, capfd: Capture) -> Any:
    """Loads a file of this text; returns exit code, standard output and error."""
    connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
    settings = config(site='timezone = "Asia/Seoul"')

    def run(content: bytes, *options: str, name: str = "old.csv") -> tuple[int, str, str]:
        path = tmp_path / name
        path.write_bytes(content)
        code = main(["load", f"001={path}", "--config", str(settings), *options])
        return (code, *capfd.readouterr())

    return run


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    text = "to_char(time AT TIME ZONE 'UTC', 'MM-DD HH24:MI')"
    return connection.execute(f"SELECT {text}, flow, pressure FROM REAL_VAL_TB ORDER BY time".encode()).fetchall()


def test_what_a_file_says_cannot_reach_a_terminal(load: Any) -> None:
    code, out, err = load("time;\x1b]0;evil\x07Q;p\u202ex\n2024-08-26 10:00;8,1;4,1\n".encode(), "--yes")
    assert code == 1
    assert "no column is named flow or pressure" in err
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)


def test_the_plain_form_loads_without_a_question(load: Any, connection: Connection) -> None:
    code, out, err = load(PLAIN.encode())
    assert (code, out) == (0, "")
    assert "001: 1 rows from old.csv\n" in err
    assert stored(connection) == [("08-26 01:00", 8.0, 4.0)]
    code, out, err = load(PLAIN.encode())
    assert "001: 0 rows from old.csv (1 existed already)\n" in err


def test_fault_codes_are_said(load: Any, connection: Connection) -> None:
    code, _, err = load(b"time,flow,pressure\n2024-08-26 10:00,8,4\n2024-08-26 10:01,9999,4\n")
    assert (code, stored(connection)[1][1]) == (0, 9999.0)
    assert "1 values such as -999 or 9999 look like fault codes" in " ".join(err.split())
    code, _, err = load("일시,유량,수압\n2024-08-26 11:00,8,4\n2024-08-26 11:01,9999,4\n".encode(), "--yes")
    assert (code, stored(connection)[3][1]) == (0, None)
    assert "1 fault codes such as -999 or 9999 left out" in " ".join(err.split())


def test_a_guess_is_shown_and_not_loaded_without_yes(load: Any, connection: Connection) -> None:
    code, out, err = load(OTHER.encode("cp949"))
    assert code == 1
    assert 'encoding = "cp949"' in out
    assert 'flow_column = "유량(L/s)"' in out
    assert "  2024-08-26T10:00:00+09:00         8.028          4.11\n" in out
    assert "not loaded. If the guess is right, repeat the command with --yes" in err
    assert stored(connection) == []


def test_yes_takes_the_guess(load: Any, connection: Connection) -> None:
    code, _, err = load(OTHER.encode("cp949"), "--yes")
    assert code == 0
    assert "001: 2 rows from old.csv (1 with totals left out)" in err
    assert stored(connection) == [("08-26 01:00", 8.028, 4.11), ("08-26 01:01", 8.064, 4.12)]


@pytest.mark.parametrize(("answer", "rows"), [("y\n", 2), ("n\n", 0), ("\n", 0), ("", 0)])
def test_at_a_terminal_the_operator_is_asked(
    load: Any, connection: Connection, monkeypatch: pytest.MonkeyPatch, answer: str, rows: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: answer, raising=False)
    code, out, _ = load(OTHER.encode("cp949"))
    assert "Load it so? [y/N]" in out
    assert (code, len(stored(connection))) == (0 if rows else 1, rows)


def test_a_saved_guess_is_a_description(load: Any, connection: Connection, tmp_path: Path) -> None:
    saved = tmp_path / "old.toml"
    code, out, _ = load(OTHER.encode("cp949"), "--save-description", str(saved))
    assert code == 0
    assert f"--describe {saved}" in out
    assert stored(connection) == []
    assert load(OTHER.encode("cp949"), "--describe", str(saved))[0] == 0
    assert len(stored(connection)) == 2


def test_an_ambiguous_date_is_not_taken_even_with_yes(load: Any, connection: Connection, tmp_path: Path) -> None:
    text = b"time,flow,pressure\n01/03/2024 00:00,8,4\n02/03/2024 00:00,8,4\n"
    saved = tmp_path / "old.toml"
    code, _, err = load(text, "--yes", "--save-description", str(saved))
    assert code == 1
    assert 'write time = "%d/%m/%Y %H:%M" or time = "%m/%d/%Y %H:%M"' in err
    assert stored(connection) == []
    saved.write_text(saved.read_text().replace('time = "iso"', 'time = "%d/%m/%Y %H:%M"'))
    assert load(text, "--describe", str(saved))[0] == 0
    assert [row[0] for row in stored(connection)] == ["02-29 15:00", "03-01 15:00"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--save-description", "a.toml", "--describe", "b.toml"), "no --describe"),
        (("--describe", "nowhere.toml"), "cannot read nowhere.toml"),
    ],
)
def test_wrong_usage(load: Any, options: tuple[str, ...], problem: str) -> None:
    code, _, err = load(PLAIN.encode(), *options)
    assert code == 2
    assert problem in err


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (1, ""),
        (15, "The rows are 15 minutes apart. They count as history for forecasts and nights."),
        (60, "The rows are 60 minutes apart. They count as history"),
        (360, "The rows are 6 hours apart: too far for forecasts, nights and criteria"),
        (7, "The rows are 7 minutes apart: too far for forecasts, nights and criteria, or not a part of an hour."),
    ],
)
def test_the_step_is_said_with_what_it_means(load: Any, minutes: int, words: str) -> None:
    times = [(i * minutes // 1440 + 1, i * minutes // 60 % 24, i * minutes % 60) for i in range(6)]
    lines = [f"2024-08-{day:02d} {hour:02d}:{minute:02d},8,4" for day, hour, minute in times]
    code, _, err = load(("time,flow,pressure\n" + "\n".join(lines)).encode())
    assert code == 0
    assert words in err
    assert (words == "") is ("apart" not in err)


def test_irregular_rows_are_said_to_be_minutes(load: Any) -> None:
    lines = [f"2024-08-26 {hour:02d}:{hour * hour % 60:02d},8,4" for hour in range(10)]
    _, _, err = load(("time,flow,pressure\n" + "\n".join(lines)).encode())
    assert "no regular distance" in err


def test_rows_at_times_that_spring_skips_are_said_with_what_they_mean(load: Any, tmp_path: Path) -> None:
    described = tmp_path / "d.toml"
    described.write_text('zone = "Europe/Rome"\nflow_column = "flow"')
    text = b"time,flow\n2024-03-31 01:59,8\n2024-03-31 02:00,8\n2024-03-31 03:00,8\n"
    code, _, err = load(text, "--describe", str(described))
    assert code == 0
    assert "001: 2 rows from old.csv (1 at times skipped in spring)\n" in err
    assert 'zone = "+01:00"' in err


def test_what_was_left_out_is_said(load: Any) -> None:
    text = b"time,flow,quality\n2024-08-26 10:00:07,8,good\n2024-08-26 10:01:07,8,bad\n"
    _, _, err = load(text, "--yes")
    assert "(1 without values: their quality is not good, seconds counted into their minute)" in err


def test_a_file_that_is_no_table_and_one_that_is_cut_off(load: Any) -> None:
    for content, name in ((b"hello\n", "a.csv"), (b"PK", "a.xlsx"), (b"\x1f\x8b\x08", "a.csv.gz"), (b"", "a.csv")):
        code, _, err = load(content, "--yes", name=name)
        assert code == 1
        assert name in err
        assert "Traceback" not in err
