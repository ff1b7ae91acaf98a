"""The simulator: a minute's readings mean the recorded value, recordings go round in whole weeks, the truth is true."""

import random
from array import array
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.simulate import run as simulate
from common.errors import FrameRefused, SettingsError
from producer.ascii import parse
from producer.district import District
from producer.line_faults import FaultOptions, Faults
from producer.recording import WEEK_MIN, Recording, load, local_minute
from producer.simulator import Meter, Replayed, Simulator, Truth, spread

ROME = ZoneInfo("Europe/Rome")
START_S = datetime(2024, 8, 26, 14, 33, tzinfo=UTC).timestamp()


class Line:
    """Takes frames at once; `full` keeps them waiting."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.waiting = 0

    def send(self, frame: bytes, sent: Callable[[], None]) -> None:
        self.frames.append(frame)
        sent()

    def flush(self) -> None: ...


def recording(values: list[float]) -> Recording:
    first = local_minute(datetime(2023, 1, 2))
    return Recording(first, array("d", values), array("d", [4.0] * len(values)))


@given(st.integers(-1_000_000, 1_000_000).map(lambda thousandths: thousandths / 1000), st.integers())
def test_a_minutes_readings_mean_its_value(value: float, seed: int) -> None:
    readings = spread(value, random.Random(seed))
    assert len(readings) == 60
    assert sum(reading for reading in readings if reading is not None) / 60 == pytest.approx(value, abs=1e-6)


def test_a_recording_goes_round_in_whole_weeks_on_the_sites_wall_clock() -> None:
    values = [float(minute) for minute in range(WEEK_MIN + 500)]
    source = Replayed(recording(values), ROME)
    for weeks, minute in ((0, 0), (0, WEEK_MIN + 499), (1, 500), (83, 77), (-3, 5)):
        wall = datetime.fromtimestamp((local_minute(datetime(2023, 1, 2)) + weeks * WEEK_MIN + minute) * 60, UTC)
        utc_minute = int(wall.replace(tzinfo=ROME).timestamp() // 60)
        assert source.at(utc_minute) == (float(minute), 4.0)


def test_what_is_missing_in_the_recording_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,flow,pressure\n2023-01-02 00:00,1,\n2023-01-02 00:01,,\n2023-01-02 00:03,3,4\n")
    found = load(path)
    first = local_minute(datetime(2023, 1, 2))
    assert [found.at(first + minute) for minute in range(4)] == [(1.0, None), (None, None), (None, None), (3.0, 4.0)]
    meter = Meter("001", Replayed(found, ZoneInfo("UTC")), seed=1)
    assert meter.reading((first + 1) * 60) is None
    reading = meter.reading(first * 60)
    assert reading is not None
    assert reading.pressure is None


@pytest.mark.parametrize("text", ["", "time,flow\nx,1\n", "time,flow,pressure\n2023-01-02 00:00,one,1\n"])
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"a\.csv"):
        load(path)


@pytest.mark.parametrize(
    "options", [FaultOptions(), FaultOptions(noise=0.3, bad_checksums=0.1), FaultOptions(late=0.2)]
)
def test_the_truth_is_what_the_frames_say(tmp_path: Path, options: FaultOptions) -> None:
    line = Line()
    meters = [Meter(sensor, Replayed(recording([5.0, 6.5]), ROME), seed=1) for sensor in ("001", "002")]
    truth = Truth(tmp_path / "truth.tsv", ROME)
    simulator = Simulator(meters, line, truth, Faults(options, seed=7), ROME)  # type: ignore[arg-type]
    simulator.play(START_S)
    for second in range(0, 400, 7):
        simulator.play(START_S + second)
    truth.close()
    sent: dict[tuple[int, str], list[float | None]] = defaultdict(list)
    for frame in line.frames:
        if frame.startswith(b"$00") and frame.endswith(b"\r\n"):
            try:
                reading = parse(frame.rstrip(), ROME, START_S)
            except FrameRefused:  # the faults' own frames
                continue
            if reading.time_s is not None and reading.time_s < START_S + 400 and reading.flow != 12.5:
                sent[int(reading.time_s // 60), reading.sensor].append(reading.flow)
    lines = [line.split("\t") for line in (tmp_path / "truth.tsv").read_text().splitlines()[1:]]
    assert len(lines) == len(sent) == 14
    for minute, sensor, flow, _pressure, readings, _late in lines:
        values = sent[int(datetime.fromisoformat(minute).timestamp() // 60), sensor]
        assert int(readings) == len(values)
        assert float(flow) == pytest.approx(sum(value for value in values if value is not None) / len(values), abs=1e-3)


@pytest.mark.parametrize("arguments", [["--replay", "bad id=x.csv"], ["--replay", "001=/no/such/file.csv"], []])
def test_wrong_use_is_said_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SettingsError, match="--replay"):
        simulate(["--link", str(tmp_path / "line"), *arguments])


def test_a_made_up_district_lives_like_a_district_and_tells_the_same_story_twice() -> None:
    first, again, other = (District(seed, "D001", ROME) for seed in (1, 1, 2))
    start = int(START_S // 60)
    span = range(start, start + 7 * 1440, 7)
    assert [first.at(minute) for minute in span] == [again.at(minute) for minute in span]
    assert [first.at(minute) for minute in span] != [other.at(minute) for minute in span]
    by_hour: dict[int, list[float]] = defaultdict(list)
    for minute in span:
        flow, pressure = first.at(minute)
        if flow is not None and pressure is not None:
            by_hour[datetime.fromtimestamp(minute * 60, ROME).hour].append(flow)
            assert 0 <= pressure < 8
    means = {hour: sum(flows) / len(flows) for hour, flows in by_hour.items()}
    assert means[3] < 0.6 * first.mean_m3h < means[8]


def test_a_districts_year_has_leaks_bursts_and_faults() -> None:
    district = District(1, "D001", ROME)
    kinds = {event.kind for minute in range(0, 365 * 1440, 20) for event in district.events(minute)}
    assert kinds == {"leak", "burst", "stuck", "dropout", "flushing", "valve"}
