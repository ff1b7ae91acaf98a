"""The demo's judge: each kind of trouble must be seen, and only that."""

from pathlib import Path

import pytest

from demo.folder import PATIENCE_S, DemoFolder, DemoState
from demo.report import DemoResult
from demo.tally import MinuteValue, compare, read_truth
from log.mark import Mark, store

SENT = {(minute, "001"): MinuteValue(20.0 + minute, 3.5, 60) for minute in range(10)}


def test_what_arrived_as_it_was_sent_is_good() -> None:
    result = compare(SENT, SENT.items(), set())
    assert (result.minutes_sent, result.readings_sent, result.readings_read) == (10, 600, 600)
    assert not (result.lost or result.repeated or result.wrong or result.unknown or result.readings_lost)


def test_a_missing_minute_is_lost_unless_it_waits() -> None:
    rows = [row for row in SENT.items() if row[0] != (4, "001")]
    assert compare(SENT, rows, set()).lost == [(4, "001")]
    assert compare(SENT, rows, {(4, "001")}).lost == []


def test_a_minute_that_came_twice_is_repeated() -> None:
    assert compare(SENT, [*SENT.items(), ((4, "001"), SENT[4, "001"])], set()).repeated == [(4, "001")]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (MinuteValue(24.0006, 3.5, 60), False),  # a row's rounding
        (MinuteValue(24.002, 3.5, 60), True),
        (MinuteValue(24.0, 3.503, 60), True),
        (MinuteValue(None, 3.5, 60), True),
        (MinuteValue(24.1, 3.5, 45), False),  # readings are missing: the mean of the others strays a little
        (MinuteValue(24.2, 3.5, 45), True),
        (MinuteValue(24.0, 3.5, 61), True),  # a reading too many
    ],
)
def test_a_value_out_of_place_is_seen(value: MinuteValue, wrong: bool) -> None:
    result = compare(SENT, (SENT | {(4, "001"): value}).items(), set())
    assert result.wrong == ([(4, "001")] if wrong else [])
    assert result.readings_lost == max(60 - value.readings, 0)


def test_a_row_that_nobody_sent_is_seen() -> None:
    assert compare(SENT, (SENT | {(4, "002"): MinuteValue(1.0, 1.0, 60)}).items(), set()).unknown == [(4, "002")]


def test_around_a_kill_of_the_simulator_there_is_no_truth_to_compare_with() -> None:
    rows = [row for row in SENT.items() if row[0][0] != 4]
    extra = ((5, "002"), MinuteValue(1.0, 1.0, 60))
    result = compare(SENT, [*rows, extra], set(), [[3, 6]])
    assert not (result.lost or result.unknown)
    assert result.minutes_sent == 6


def test_a_minute_that_a_restart_cut_in_two_is_one() -> None:
    truth = read_truth(
        [
            "minute\tsensor\tflow\tpressure\treadings\tlate\n",
            "2023-07-06T21:45:00+02:00\t001\t30.0000\t\t20\t0\n",
            "2023-07-06T21:45:00+02:00\t001\t33.0000\t3.5000\t40\t0\n",
            "2023-07-06T21:46:00+02:00\t0",
        ]
    )
    assert list(truth.values()) == [MinuteValue(32.0, 3.5, 60)]


def test_the_result_is_good_only_without_a_complaint() -> None:
    values = {"rows_lost": 0, "rows_repeated": 0, "rows_wrong": 0, "rows_received": 9, "processes": {"producer": "ok"}}
    assert DemoResult(values).good
    assert not DemoResult(values | {"rows_received": 0}).good
    for key in ("rows_lost", "rows_repeated", "rows_wrong"):
        assert not DemoResult(values | {key: 1}).good
    assert DemoResult(values | {"processes": {"producer": "never started"}}).complaints == ["producer: never started"]


def test_the_site_never_goes_back_in_time(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.make()
    assert folder.resume_s(DemoState(site_s=6000.0)) == 6000.0
    store(folder.data, Mark(200, 5, "x"))
    assert folder.resume_s(DemoState(site_s=6000.0)) == 201 * 60
    killed = DemoState(site_s=18_000.0, running=True, speed=60.0)
    assert folder.resume_s(killed) > 18_000.0
    assert killed.gaps is not None
    assert killed.gaps[0][0] * 60 < 18_000 < killed.gaps[0][1] * 60


@pytest.mark.parametrize("speed", [1.0, 60.0, 600.0])
def test_the_settings_of_every_speed_are_valid_and_private(speed: float, tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.make()
    port = folder.write_settings(zone="Europe/Rome", speed=speed, wanted_port=None)
    settings = folder.settings()
    assert settings.receiver.port == port
    assert settings.server.url == f"http://127.0.0.1:{port}/v1/batches"
    assert settings.night.grace_seconds >= min(PATIENCE_S * speed, 3600.0)
    assert Path(settings.server.token_file).stat().st_mode & 0o777 == 0o600
