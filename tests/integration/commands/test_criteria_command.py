"""Criteria from a real database: rows in, a preview, a version on disk, shown and compared."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from archive_rows import store
from outlier_site import START, history

from cli import criteria as command
from cli import shell
from common import database
from common.clock import FixedClock, minute_start
from common.point import Point
from common.settings import Settings
from outliers import criteria as stored
from outliers.learn.archive import read_history, read_rows

DAYS = 70
MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="module")
def seventy_days(filled_url: str) -> None:
    """A sensor with seventy days of rows; for two hours its meter showed nonsense, which was flagged."""
    rows = history(DAYS)
    nonsense = slice(20 * 1440, 20 * 1440 + 120)
    rows.flow[nonsense] = 400.0
    store(
        filled_url,
        rows,
        "INSERT INTO SENSOR_TB (sensor, flow_max) VALUES ('001', 500)",
        lambda _, flow: "R000" if flow == 400.0 else "0000",
    )


@pytest.fixture
def site(
    seventy_days: None, database_url: str, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    settings = settings_for(database__url=database_url, site__timezone="UTC")
    end = minute_start(START + DAYS * 1440)
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(end))
    for name, value in (("DATABASE__URL", database_url), ("SITE__TIMEZONE", "UTC")):
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(settings.paths.data))
    return settings


def test_criteria_are_learnt_previewed_taken_shown_and_compared(
    site: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.paths.data / "criteria"
    assert command.run(["rebuild"]) == 0
    said = capsys.readouterr().out
    assert "over the last 30 days they would have raised" in said
    assert "nothing was changed" in said
    assert stored.load(folder, "001") is None

    assert command.run(["rebuild", "--take", "--sensor", "001"]) == 0
    taken = stored.load(folder, "001")
    assert taken is not None and taken.version == 1 and taken.use is not None
    assert taken.flow.high == 500
    assert taken.found is not None and taken.found.day_m3h > 0
    assert taken.clean_weeks == pytest.approx(DAYS / 7 - 120 / 10080, abs=0.01)
    assert max(max(day) for day in taken.use.profile_m3h) < 100
    assert (taken.first, taken.last) == ("2022-01-10", "2022-03-20")

    assert command.run(["rebuild", "--take", "--alarms-per-month", "0.05"]) == 0
    assert "the present ones: " in capsys.readouterr().out
    assert command.run(["compare", "--sensor", "001"]) == 0
    assert "LEAK scores" in capsys.readouterr().out
    assert command.run(["show"]) == 0
    assert "001: 9 leaks of 10 are found: " in capsys.readouterr().out


def test_a_short_archive_is_refused_with_its_weeks(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(site.database.url, autocommit=True) as connection:
        cut = minute_start(START + 20 * 1440)
        connection.execute("DELETE FROM REAL_VAL_TB WHERE time < %s", (cut,))
    assert command.run(["rebuild", "--take"]) == 1
    assert "only 7.1 clean weeks" in capsys.readouterr().out
    assert stored.load(site.paths.data / "criteria", "001") is None


def test_comparing_what_is_not_there_is_bad_usage(site: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["compare", "--sensor", "001"]) == 2
    assert "two are needed" in capsys.readouterr().err


def test_the_rows_come_with_their_minutes(site: Settings) -> None:
    connection = database.Database(site, "test")
    with connection.transaction() as cursor:
        read = read_history(cursor, Point("site-1", "001"), minute_start(START + 1440), minute_start(START + 2880))
    connection.close()
    whole = history(DAYS)
    assert read.first == START + 1440
    assert np.array_equal(read.flow, whole.flow[1440:2880])


def test_a_leak_and_the_day_before_it_was_raised_are_not_learnt_from(site: Settings) -> None:
    """It flowed already; the levels of those hours must not pass for usual."""
    raised, cleared = minute_start(START + 4 * 1440), minute_start(START + 5 * 1440)
    with psycopg.connect(site.database.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE REAL_VAL_TB SET flow_flags = '0L00' WHERE time >= %s AND time < %s", (raised, cleared)
        )
    reader = database.Database(site, "test")
    with reader.transaction() as cursor:
        read = read_history(cursor, Point("site-1", "001"), minute_start(START), minute_start(START + 7 * 1440))
        rows = read_rows(cursor, Point("site-1", "001"), minute_start(START), minute_start(START + 7 * 1440))
    reader.close()
    left_out = np.isnan(read.flow) & np.isfinite(rows.flow)
    assert np.flatnonzero(left_out).tolist() == list(range(3 * 1440, 5 * 1440))


def test_the_preview_judges_what_came_also_what_was_flagged_then(
    site: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A leak that the last criteria told of must be there for the new ones to find, and not be a gap."""
    first = minute_start(START + 60 * 1440)
    with psycopg.connect(site.database.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE REAL_VAL_TB SET flow = flow + 20, pressure = pressure - 0.4, flow_flags = '00L0'"
            " WHERE time >= %s AND time < %s",
            (first, first + timedelta(hours=6)),
        )
    assert command.run(["rebuild"]) == 0
    said = capsys.readouterr().out
    assert "11 Mar 00:52 LEAK flow 19 m3/h above its forecast" in said
    assert "SYS-MISS" not in said


def test_the_knob_of_the_settings_is_what_criteria_are_learnt_with(
    site: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.paths.data / "criteria"
    assert command.run(["rebuild", "--take"]) == 0
    monkeypatch.setenv("HYDROLOG_OUTLIERS__ALARMS_PER_MONTH", "0.02")
    assert command.run(["rebuild", "--take"]) == 0
    assert "false LEAKs wanted a month" in capsys.readouterr().out
    usual, seldom = (stored.from_text(path.read_text()) for _, path in stored.versions(folder, "001"))
    assert (usual.alarms_per_month, seldom.alarms_per_month) == (0.3, 0.02)
    assert usual.use is not None and seldom.use is not None
    assert seldom.use.step_leak > usual.use.step_leak


def test_planned_work_is_kept_out_of_what_is_learnt_and_named_when_it_is_wrong(
    site: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("001 2022-02-01 00:00 2022-02-03 00:00 bypass\nsoon\n")
    assert command.run(["rebuild", "--take"]) == 0
    assert "planned.txt line 2" in capsys.readouterr().out
    taken = stored.load(folder, "001")
    assert taken is not None
    assert taken.clean_weeks == pytest.approx(DAYS / 7 - (120 + 2 * 1440) / 10080, abs=0.01)


def test_rows_of_an_instrument_that_was_replaced_are_not_learnt_from(
    site: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(site.database.url, autocommit=True) as connection:
        connection.execute("UPDATE SENSOR_TB SET replaced_at = %s", (minute_start(START + 20 * 1440 + 90),))
    assert command.run(["rebuild", "--take"]) == 1
    assert "only 7.1 clean weeks" in capsys.readouterr().out


def test_a_clock_between_two_minutes_reads_whole_minutes(site: Settings) -> None:
    connection = database.Database(site, "test")
    with connection.transaction() as cursor:
        late = timedelta(seconds=42)
        read = read_rows(cursor, Point("site-1", "001"), minute_start(START) + late, minute_start(START + 60) + late)
    connection.close()
    assert (read.first, len(read.flow), np.isfinite(read.flow).sum()) == (START, 60, 60)
