"""Modbus meters with habits: servers that close, registers that never answer, a second master on the line."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bus import Wire
from meter import RunningProducer
from modbus_meters import TcpMeter, WireMeter
from waiting import wait_for

from cli.line import run as line_command

Start = Callable[..., RunningProducer]
POLL_S = 1.0

SETTINGS = f"""
[line]
protocol = "modbus"
[line.modbus]
poll_seconds = {POLL_S}
timeout_seconds = 0.4
[[line.modbus.registers]]
sensor = "a"
channel = "flow"
type = "float32"
[[line.modbus.registers]]
sensor = "a"
channel = "pressure"
address = 2
type = "float32"
"""


@pytest.fixture
def start(tmp_path: Path, running: list[RunningProducer]) -> Start:
    def run(line: Path | str, **environ: str) -> RunningProducer:
        config = tmp_path / "hydrolog.toml"
        config.write_text(SETTINGS)
        running.append(RunningProducer(tmp_path / "data", line, HYDROLOG_CONFIG=str(config), **environ))
        return running[-1]

    return run


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "line")
    yield wire
    wire.close()


def so_far(producer: RunningProducer) -> tuple[float, int, float, int]:
    """The open minute's sums: flow and how many, pressure and how many."""
    found = re.search(r'"a": \[([0-9.]+), (\d+), ([0-9.]+), (\d+)', producer.open_minute())
    return (float(found[1]), int(found[2]), float(found[3]), int(found[4])) if found else (0.0, 0, 0.0, 0)


def both_right(producer: RunningProducer) -> None:
    wait_for(lambda: so_far(producer)[1] > 0, "the open minute")
    flow, flows, pressure, pressures = so_far(producer)
    assert flow / flows == pytest.approx(8.02)
    assert pressure / pressures == pytest.approx(4.11)


@pytest.mark.parametrize("habit", ["after each answer", "when idle"])
def test_a_server_that_closes_gives_whole_readings_and_is_asked_no_more_than_the_rounds_have(
    start: Start, habit: str
) -> None:
    meter = TcpMeter(close_after=1) if habit == "after each answer" else TcpMeter(idle_s=0.3)
    producer = start(meter.url, HYDROLOG_LINE__MODBUS__FRAMING="tcp")
    producer.took(8)
    before_s, before = time.monotonic(), (len(meter.asked), meter.connections)
    problems = set()
    for readings in range(9, 14):
        producer.took(readings)
        problems.add(producer.health()["problem"])
    rounds = (time.monotonic() - before_s) / POLL_S
    assert problems == {""}
    assert b"port_closed" not in producer.output
    assert len(meter.asked) - before[0] <= rounds + 2  # both registers in one request
    assert meter.connections - before[1] <= rounds + 2
    both_right(producer)
    assert producer.stop() == 0
    meter.close()


def test_a_server_that_closed_and_has_gone_is_said(start: Start) -> None:
    meter = TcpMeter(close_after=1)
    producer = start(meter.url, HYDROLOG_LINE__MODBUS__FRAMING="tcp")
    producer.took(3)
    meter.close()
    wait_for(lambda: "connection refused" in producer.health()["problem"], "the missing server")
    assert producer.stop() == 0


def test_a_register_that_never_answers_is_named(start: Start, wire: Wire) -> None:
    meter = WireMeter(wire.far, ignores=(2,))
    producer = start(wire.link)
    wait_for(lambda: "register 2" in producer.health()["problem"], "the silent register")
    assert "sensor a pressure, unit 1, holding register 2: does not answer" in producer.health()["problem"]
    assert list(producer.health()["counters"]["registers_refused"]) == ["sensor a pressure, unit 1, holding register 2"]
    before, before_s = producer.health()["counters"]["readings"], time.monotonic()
    producer.took(before + 6)
    assert time.monotonic() - before_s < 3 * 6 * POLL_S  # each round has the other one
    assert producer.stop() == 0
    meter.close()


def test_a_second_master_is_named_and_nothing_of_it_is_taken(start: Start, wire: Wire) -> None:
    meter = WireMeter(wire.far, others_every=3)
    producer = start(wire.link)
    wait_for(lambda: "second master" in producer.health()["problem"], "the second master")
    assert "asks unit 1, holding register 10 to 11" in producer.health()["problem"]
    producer.took(10)
    both_right(producer)
    assert producer.health()["counters"]["frames_refused"]["second-master"] >= 2
    assert producer.stop() == 0
    meter.close()


def line_test(tmp_path: Path, url: Path | str, settings: str, seconds: float) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(settings.replace("[line]\n", f'[line]\nurl = "{url}"\n'))
    line_command(["test", "--config", str(config), "--seconds", str(seconds)])


def test_line_test_shows_an_impossible_number_as_other_orders_read_it(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = WireMeter(wire.far)
    line_test(tmp_path, wire.link, SETTINGS.replace('type = "float32"', 'type = "float32"\nword_order = "little"'), 3)
    meter.close()
    said = capsys.readouterr().out
    assert re.search(r"number   a flow: 1\.\d+e\+11 m3/h as set", said)
    assert 'or       a flow 8.02 m3/h with word_order = "big"' in said
    assert "its value is impossible" in said.splitlines()[-1]
    assert "of the lines 'or' above, write the keys" in said.splitlines()[-1]
    assert "baud" not in said.splitlines()[-1]


def test_line_test_says_that_answers_come_too_late(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = WireMeter(wire.far, late_s=0.6)
    line_test(tmp_path, wire.link, SETTINGS, 4)
    meter.close()
    assert "only after timeout_seconds = 0.4 was over: make it longer" in capsys.readouterr().out.splitlines()[-1]


def test_line_test_reads_a_server_that_closes_after_each_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = TcpMeter(close_after=1)
    line_test(tmp_path, meter.url, SETTINGS.replace("[line.modbus]", '[line.modbus]\nframing = "tcp"'), 4)
    meter.close()
    said = capsys.readouterr().out
    assert "reading  sensor a  flow 8.02 m3/h  pressure 4.11 bar" in said
    assert "baud" not in said
    assert "refused: none" in said.splitlines()[-1]
