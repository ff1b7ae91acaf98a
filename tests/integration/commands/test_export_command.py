"""`hydrolog export`: which rows, in which form, and what it says when there are none."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import neighbour
import psycopg
import pytest
from command_site import Configure
from export_site import fill, minutes, register, told

from cli.export_rows import KINDS, ExportSpan, Source
from common import settings

NOON = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)  # in Seoul
Connection = psycopg.Connection[Any]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def site(config: Configure, connection: Connection) -> str:
    """Two registered sensors with three minutes each; the path of the settings."""
    register(connection, "001", "002")
    fill(
        connection,
        "001",
        [(NOON, 8.02, 4.11), (NOON + timedelta(minutes=1), None, 0.1), (NOON.replace(minute=2), 0, -0.0)],
    )
    fill(connection, "002", [(NOON + timedelta(minutes=n), 1e-7 * 10**n, 1 / 3) for n in range(3)])
    neighbour.moves_in(connection)
    return str(config())


def test_minutes_of_one_sensor_have_the_form_that_load_takes(site: str, capfd: Capture) -> None:
    code, out, err = told(capfd, "export", "001", "--config", site)
    assert (code, err) == (0, "")
    assert out == (
        "time,flow,pressure\n"
        "2024-08-26T12:00:00+09:00,8.02,4.11\n"
        "2024-08-26T12:01:00+09:00,,0.1\n"
        "2024-08-26T12:02:00+09:00,0,-0\n"
    )


@pytest.mark.parametrize("named", [["001", "002"], ["001", "002", "001"], []])
def test_several_sensors_are_one_table_with_the_point_in_front(named: list[str], site: str, capfd: Capture) -> None:
    code, out, _ = told(capfd, "export", *named, "--config", site)
    lines = out.splitlines()
    assert (code, lines[0], len(lines)) == (0, "site,sensor,time,flow,pressure", 7)
    assert [line.split(",")[:2] for line in lines[1:]] == [["site-1", "001"]] * 3 + [["site-1", "002"]] * 3
    assert lines[4] == "site-1,002,2024-08-26T12:00:00+09:00,1e-07,0.3333333333333333"  # not a digit less


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (["--from", "2024-08-26 12:01"], ["12:01", "12:02"]),
        (["--to", "2024-08-26 12:01"], ["12:00"]),
        (["--from", "2024-08-26T03:01Z", "--to", "2024-08-26T14:02+11:00"], ["12:01"]),
        (["--from", "2024-08-26", "--to", "2024-08-26"], ["12:00", "12:01", "12:02"]),
    ],
)
def test_a_span_has_its_first_minute_and_not_its_end(
    span: list[str], expected: list[str], site: str, capfd: Capture
) -> None:
    code, out, _ = told(capfd, "export", "001", *span, "--config", site)
    assert (code, [line[11:16] for line in out.splitlines()[1:]]) == (0, expected)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["001", "--from", "2024-08-27", "--to", "2024-08-26"], "--from 2024-08-27 is not before --to 2024-08-26"),
        (["001", "--from", "2024-08-26 12:00", "--to", "2024-08-26T03:00Z"], "the span is empty"),
        (["001", "--from", "26.8.2024"], "'26.8.2024' is not a day or a time; write 2024-08-26"),
        (["../001"], "'../001' is not a sensor id"),
        (["\udcff"], "is not a sensor id"),
        (["001", "--of", "years"], "invalid choice: 'years'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(words: list[str], said: str, site: str, capfd: Capture) -> None:
    code, out, err = told(capfd, "export", *words, "--config", site)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["01"], "01 is not known; registered: 001, 002 (see: hydrolog sensors)\n"),
        (["001", "01"], "01 is not known; registered: 001, 002 (see: hydrolog sensors)\n"),
        (
            ["001", "--from", "2024-08-27"],
            "001 has no minutes in this span; it has some from 2024-08-26 12:00+09:00 to 2024-08-26 12:02+09:00\n",
        ),
        (["--to", "2023-01-01"], "no minutes in this span of 001, 002\n"),
        (["001", "--of", "findings"], "001 has no findings yet\n"),
    ],
)
def test_what_is_not_there_is_one_line_and_no_rows(words: list[str], said: str, site: str, capfd: Capture) -> None:
    assert told(capfd, "export", *words, "--config", site) == (1, "", said)


def test_a_sensor_without_rows_in_the_span_is_named_beside_the_others(
    site: str, connection: Connection, capfd: Capture
) -> None:
    register(connection, "003")
    code, out, err = told(capfd, "export", "--config", site)
    assert (code, out.count("\n"), err) == (0, 7, "003 has no minutes yet\n")


def test_without_any_sensor_it_says_how_to_register_one(config: Configure, capfd: Capture) -> None:
    code, out, err = told(capfd, "export", "--config", str(config()))
    assert (code, out) == (1, "")
    assert "hydrolog sensors add ID" in err


def test_rows_of_a_sensor_that_is_not_registered_are_there_and_it_is_said(
    site: str, connection: Connection, capfd: Capture
) -> None:
    """A removed sensor has rows in both tables; the archive's own counts where both have a minute."""
    archived = [(NOON + timedelta(minutes=n), 1.0 + n, None) for n in (1, 2)]
    fill(connection, "009", archived)
    apart = [(NOON + timedelta(minutes=n), 5.0 + n, None) for n in (3, 2, 0)]
    fill(connection, "009", apart, table="UNREGISTERED_VAL_TB")
    code, out, err = told(capfd, "export", "009", "--config", site)
    assert [line.split(",")[1] for line in out.splitlines()[1:]] == ["5", "2", "3", "8"]
    assert (code, err) == (0, "009 is not registered: its rows are kept apart until: hydrolog sensors add 009\n")
    _, out, _ = told(capfd, "export", "009", "--of", "hours", "--config", site)
    assert out.splitlines()[1] == "2024-08-26T12:00:00+09:00,4.5,,4,0"
    fill(connection, "010", archived, table="UNREGISTERED_VAL_TB")
    assert told(capfd, "export", "010", "--config", site)[1].count("\n") == 3


def test_years_come_in_pieces_without_a_gap_or_a_repeat(site: str, connection: Connection, capfd: Capture) -> None:
    """One minute an hour, over many months and a long silence."""
    register(connection, "year")
    rows = minutes(datetime(2021, 12, 31, 22, 0, tzinfo=UTC), 2000)
    spread = [(NOON.replace(year=2022, month=1, day=1) + timedelta(hours=n), *rows[n][1:]) for n in range(2000)]
    spread.append((datetime(2024, 12, 31, 23, 59, tzinfo=UTC), 1.0, 1.0))
    fill(connection, "year", spread)
    _, out, _ = told(capfd, "export", "year", "--config", site)
    found = [datetime.fromisoformat(line.split(",")[0]) for line in out.splitlines()[1:]]
    assert found == [row[0] for row in spread]
    with closing(Source(settings.load(Path(site)), KINDS["minutes"], with_sensor=False, guard="")) as source:
        pieces = [piece.count(b"\n") for piece in source.pieces("year", ExportSpan())]
    assert (sum(pieces), len(pieces)) == (2001, 4)
    assert max(pieces) <= 29 * 24  # so memory does not grow with the years


def test_hours_are_means_of_what_can_be_trusted(config: Configure, connection: Connection, capfd: Capture) -> None:
    register(connection, "001")
    fill(connection, "001", [(NOON + timedelta(minutes=n), 8.0 + n % 3, 4.0) for n in range(60)])
    fill(connection, "001", [(NOON + timedelta(minutes=60 + n), 2.0, None) for n in range(3)])
    fill(connection, "001", [(NOON + timedelta(minutes=63), 9999.0, 3.5)], flags="R000")
    path = str(config())
    assert told(capfd, "export", "001", "--of", "hours", "--config", path)[1] == (
        "time,flow,pressure,flow_minutes,pressure_minutes\n"
        "2024-08-26T12:00:00+09:00,9,4,60,60\n"
        "2024-08-26T13:00:00+09:00,2,3.5,3,1\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        (
            "Europe/Berlin",
            datetime(2024, 10, 26, 23, 0, tzinfo=UTC),
            ["01:00:00+02:00", "02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"],
        ),
        (
            "Europe/Berlin",
            datetime(2024, 3, 31, 0, 0, tzinfo=UTC),
            ["01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00", "05:00:00+02:00"],
        ),
        (
            "Australia/Lord_Howe",  # back by half an hour: its hour has sixty minutes, and then thirty more
            datetime(2024, 4, 6, 13, 0, tzinfo=UTC),
            ["00:00:00+11:00", "01:00:00+11:00", "01:00:00+10:30", "02:00:00+10:30", "03:00:00+10:30"],
        ),
        ("Asia/Kolkata", datetime(2024, 4, 6, 13, 30, tzinfo=UTC), [f"{n}:00:00+05:30" for n in (19, 20, 21, 22)]),
    ],
)
def test_an_hour_that_the_clock_shows_twice_is_two(
    change: tuple[str, datetime, list[str]], config: Configure, connection: Connection, capfd: Capture
) -> None:
    zone, first, expected = change
    register(connection, "001")
    fill(connection, "001", minutes(first, 240))
    words = ["export", "001", "--of", "hours", "--config", str(config(site=f'timezone = "{zone}"'))]
    lines = told(capfd, *words)[1].splitlines()[1:]
    assert [line.split(",")[0][11:] for line in lines] == expected
    counts = [int(line.split(",")[3]) for line in lines]
    assert (sum(counts), max(counts)) == (240, 60)


def test_findings_nights_and_forecasts(site: str, connection: Connection, capfd: Capture) -> None:
    connection.execute(
        "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'NIGHT', 'L', 'LEAK', 12.5, '누수, \"12.5 m3/h\"')", [NOON]
    )
    connection.execute(
        "INSERT INTO PRED_VAL_TB VALUES ('001', %s, %s, 8, 4.5, 7, 9, 4, 5, 'lstm-1')",
        [NOON, NOON + timedelta(hours=1)],
    )
    connection.execute(
        "INSERT INTO NIGHT_REPORT_TB (sensor, night, hour_start, hour_flow, hour_minutes, good_minutes, "
        "faulty_minutes, percentile_nights, n1, pressure_hours) "
        "VALUES ('001', '2024-08-26', %s, 2.5, 60, 300, 0, 7, 1, 24)",
        [datetime(2024, 8, 25, 17, 10, tzinfo=UTC)],
    )
    neighbour.moves_in(connection)
    assert told(capfd, "export", "001", "--of", "findings", "--config", site)[1] == (
        "\ufefftime,channel,method,code,severity,value,reason,incident\n"  # the mark: this is UTF-8
        '2024-08-26T12:00:00+09:00,flow,NIGHT,L,LEAK,12.5,"누수, ""12.5 m3/h""",\n'
    )
    assert told(capfd, "export", "001", "--of", "forecasts", "--config", site)[1].splitlines()[1] == (
        "2024-08-26T13:00:00+09:00,2024-08-26T12:00:00+09:00,8,7,9,4.5,4,5,lstm-1"
    )
    nights = ["export", "001", "002", "--of", "nights", "--config", site]
    code, out, err = told(capfd, *nights, "--from", "2024-08-26", "--to", "2024-08-26")
    assert (code, err) == (0, "002 has no nights yet\n")
    assert out.splitlines()[1].startswith("site-1,001,2024-08-26,2024-08-26T02:10:00+09:00,2.5,,")
    assert told(capfd, *nights, "--from", "2024-08-27")[0] == 1
    assert told(capfd, *nights, "--to", "2024-08-25")[0] == 1


@pytest.mark.parametrize("start", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_no_text_is_a_formula_and_none_breaks_a_line(
    start: str, site: str, connection: Connection, capfd: Capture
) -> None:
    reason = f"{start}\x1b[2J\n2024,x"
    connection.execute(
        "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'NIGHT', 'L', 'LEAK', -1, %s)", [NOON, reason]
    )
    _, out, _ = told(capfd, "export", "001", "--of", "findings", "--config", site)
    (line,) = out.splitlines()[1:]
    values, _, shown = line.partition(",-1,")  # a negative number stays one
    assert values.endswith("LEAK")
    assert shown.lstrip('"').startswith("'")
    assert "\x1b" not in out


def test_the_servers_own_settings_do_not_change_the_form(
    config: Configure, connection: Connection, capfd: Capture
) -> None:
    """As if the utility's administrator had set another style for this role."""
    register(connection, "001")
    fill(connection, "001", [(NOON, 0.1 + 0.2, 1 / 3)])
    name = connection.info.dbname
    for setting in ("datestyle = 'German'", "extra_float_digits = 0", "standard_conforming_strings = off"):
        connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
    _, out, _ = told(capfd, "export", "001", "--config", str(config()))
    assert out.splitlines()[1] == "2024-08-26T12:00:00+09:00,0.30000000000000004,0.3333333333333333"
