"""`hydrolog simulate` and the real producer, over TCP and on a Modbus bus: the rows are the truth beside it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter import RunningProducer, closed, rows
from waiting import wait_for

from common.row import Row

MODBUS = """
[line]
protocol = "modbus"
[line.modbus]
poll_seconds = 0.5
timeout_seconds = 0.3
registers = [
    { sensor = "D001", channel = "flow", unit = 1, address = 0, type = "float32" },
    { sensor = "D001", channel = "pressure", unit = 1, address = 2, type = "float32", function = "input" },
    { sensor = "D002", channel = "total", unit = 2, address = 4, type = "uint32", measure = "L", rolls_over_at = 1e9 },
]
"""

SOON = {"HYDROLOG_LINE__LATENESS_SECONDS": "5"}  # the meters go on, so a pause of the machine must last that long


@pytest.fixture
def clock() -> tuple[int, str]:
    """A minute, and the clock that begins 20 real seconds before its end: time for both programs to start."""
    minute = int(time.time() // 60)
    return minute, f"1.0 {time.time()!r} {minute * 60.0 + 40!r}"


class Simulation:
    """The real command; `url` is where it plays."""

    def __init__(self, folder: Path, clock: str, *arguments: str) -> None:
        self.truth = folder / "truth.tsv"
        command = [sys.executable, "-m", "cli", "simulate", "--district", "1", "--sensors", "2"]
        self.process = subprocess.Popen(
            [*command, "--truth", str(self.truth), *arguments],
            env={**os.environ, "HYDROLOG_CLOCK": clock},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().partition("url=")[2].strip()

    def stop(self) -> dict[str, list[str]]:
        """End it; the truth about the first minute, by sensor."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(120) == 0
        lines = [line.split("\t") for line in self.truth.read_text().splitlines()[1:]]
        return {line[1]: line[2:] for line in lines if line[0] == lines[0][0]}


@pytest.fixture
def simulate(tmp_path: Path, clock: tuple[int, str]) -> Iterator[Callable[..., Simulation]]:
    started: list[Simulation] = []

    def run(*arguments: str) -> Simulation:
        started.append(Simulation(tmp_path, clock[1], *arguments))
        return started[-1]

    yield run
    for simulation in started:
        if simulation.process.poll() is None:
            simulation.stop()
        assert simulation.process.stdout
        simulation.process.stdout.close()


Simulate = Callable[..., Simulation]


def rows_of(producer: RunningProducer, minute: int) -> dict[str, Row]:
    """Both sensors' rows of the minute, the producer having ended well."""
    closed(producer.data, minute)
    wait_for(lambda: len([row for row in rows(producer.data) if row.minute == minute]) == 2, "both rows")
    assert producer.stop() == 0
    return {row.sensor: row for row in rows(producer.data) if row.minute == minute}


def test_a_district_on_a_tcp_port_becomes_its_rows(tmp_path: Path, simulate: Simulate, clock: tuple[int, str]) -> None:
    simulation = simulate("--tcp", "0", "--noise", "0.1", "--bad-checksums", "0.1")
    assert simulation.url.startswith("socket://127.0.0.1:")
    producer = RunningProducer(tmp_path / "data", simulation.url, **SOON, HYDROLOG_CLOCK=clock[1])
    producer.took(1)
    found = rows_of(producer, clock[0])
    truth = simulation.stop()
    assert set(found) == set(truth) == {"D001", "D002"}
    for sensor, (flow, pressure, readings, _late) in truth.items():
        assert found[sensor].samples == int(readings)
        assert found[sensor].flow == pytest.approx(float(flow), abs=2e-3)
        assert found[sensor].pressure == pytest.approx(float(pressure), abs=2e-3)
    header = "start\tend\tsensor\tkind\tsize\n"
    assert (tmp_path / "truth.events.tsv").read_text().startswith(header)


@pytest.mark.parametrize("place", ["--tcp", "--link"])
def test_a_district_on_a_modbus_bus_becomes_its_rows(
    tmp_path: Path, simulate: Simulate, clock: tuple[int, str], place: str
) -> None:
    where = "0" if place == "--tcp" else str(tmp_path / "bus")
    simulation = simulate("--modbus", place, where, "--noise", "0.1", "--bad-checksums", "0.1")
    config = tmp_path / "hydrolog.toml"
    config.write_text(MODBUS)
    producer = RunningProducer(
        tmp_path / "data", simulation.url, **SOON, HYDROLOG_CONFIG=str(config), HYDROLOG_CLOCK=clock[1]
    )
    producer.took(1)
    found = rows_of(producer, clock[0])
    truth = simulation.stop()
    assert found["D001"].flow == pytest.approx(float(truth["D001"][0]), rel=0.01)
    assert found["D001"].pressure == pytest.approx(float(truth["D001"][1]), rel=0.01)
    # Its counter moves once a second and is looked at each half second, sometimes not at all.
    assert found["D002"].flow == pytest.approx(float(truth["D002"][0]), rel=0.6)
    assert found["D002"].pressure is None
