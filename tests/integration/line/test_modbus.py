"""Modbus meters, played by pymodbus's own server: over ptys and TCP, with dead units, noise and pulled plugs."""

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bus import Server, Wire, listening
from meter import RunningProducer, rows
from ports import free_port
from waiting import wait_for

from cli.line import run as line_command

Start = Callable[..., RunningProducer]

REGISTERS = """
[line]
protocol = "modbus"
[line.modbus]
poll_seconds = 0.2
timeout_seconds = 0.3
[[line.modbus.registers]]
sensor = "main"
channel = "flow"
unit = 1
type = "float32"
measure = "L/s"
[[line.modbus.registers]]
sensor = "main"
channel = "pressure"
unit = 1
address = 2
scale = 0.1
measure = "kPa"
[[line.modbus.registers]]
sensor = "count"
channel = "total"
unit = 2
address = 100
type = "uint32"
word_order = "little"
scale = 0.001
measure = "L"
rolls_over_at = 1e9
"""
DEAD = """
[[line.modbus.registers]]
sensor = "dead"
channel = "flow"
unit = 3
"""


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "line")
    wire.deaf = {3}
    server = Server(wire.far)
    yield wire
    server.close()
    wire.close()


@pytest.fixture
def start(tmp_path: Path, running: list[RunningProducer]) -> Start:
    def run(line: Path | str, registers: str, **environ: str) -> RunningProducer:
        config = tmp_path / "hydrolog.toml"
        config.write_text(registers)
        running.append(RunningProducer(tmp_path / "data", line, HYDROLOG_CONFIG=str(config), **environ))
        return running[-1]

    return run


def shortly_before_a_minutes_end(seconds: float) -> str:
    """A clock that reaches the end of a minute in so many real seconds."""
    return f"1.0 {time.time()!r} {time.time() // 60 * 60 + 60 - seconds!r}"


def flow_so_far(producer: RunningProducer, sensor: str) -> tuple[float, int]:
    """The mean of the open minute's flow, and of how many readings."""
    found = re.search(rf'"{sensor}": \[([0-9.e+-]+), (\d+)', producer.open_minute())
    return (float(found[1]) / max(int(found[2]), 1), int(found[2])) if found else (0.0, 0)


def test_meters_on_a_bus_become_rows(start: Start, wire: Wire) -> None:
    clock = shortly_before_a_minutes_end(12)
    producer = start(wire.link, REGISTERS, HYDROLOG_CLOCK=clock, HYDROLOG_LINE__LATENESS_SECONDS="1")
    producer.took(1)

    def well_filled() -> list[int]:
        """The first minute, or the next one where the start took nearly all of the first, once both sensors have it."""
        counted = {row.minute for row in rows(producer.data) if row.sensor == "count"}
        filled = [row.minute for row in rows(producer.data) if row.sensor == "main" and row.samples >= 5]
        return [minute for minute in filled if minute in counted]

    wait_for(well_filled, "a minute's row")
    found = {row.sensor: row for row in rows(producer.data) if row.minute == well_filled()[0]}
    assert (found["main"].flow, found["main"].pressure) == (9.0, 4.11)
    assert found["count"].flow == pytest.approx(36.0, rel=0.2)
    assert found["count"].pressure is None
    memory = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{producer.process.pid}/status").read_text())
    assert memory
    assert int(memory[1]) < 60 * 1024
    assert producer.health()["problem"] == ""
    assert producer.stop() == 0


def test_a_dead_unit_is_named_and_holds_nobody_up(start: Start, wire: Wire) -> None:
    producer = start(wire.link, REGISTERS + DEAD)
    wait_for(lambda: "unit 3 does not answer" in producer.health()["problem"], "the dead unit to be named")
    before_s = time.monotonic()
    before = producer.health()["counters"]
    producer.took(before["readings"] + 20)
    timeouts = producer.health()["counters"]["frames_refused"]["timeout"] - before["frames_refused"]["timeout"]
    took_s = time.monotonic() - before_s
    assert timeouts <= took_s * 0.1 / 0.3 + 5  # asked for a tenth of the time at most
    assert producer.stop() == 0


def test_refusals_and_values_that_are_none_are_said(start: Start, wire: Wire) -> None:
    wrong = REGISTERS + '[[line.modbus.registers]]\nsensor = "a"\nchannel = "flow"\naddress = 50\n'
    wrong += '[[line.modbus.registers]]\nsensor = "b"\nchannel = "flow"\naddress = 10\ntype = "float32"\n'
    producer = start(wire.link, wrong)
    wait_for(lambda: "register 50: it has no such address" in producer.health()["problem"], "the wrong address")
    wait_for(lambda: "register 10: its value is impossible" in producer.health()["problem"], "the wrong value")
    assert flow_so_far(producer, "b") == (0.0, 0)
    assert producer.stop() == 0


def test_a_disturbed_wire_makes_no_wrong_value(start: Start, wire: Wire) -> None:
    chance = random.Random(4)

    def disturb(chunk: bytes) -> bytes:
        fate = chance.random()
        if fate < 0.3:
            place = chance.randrange(len(chunk))
            return chunk[:place] + bytes([chunk[place] ^ 1 << chance.randrange(8)]) + chunk[place + 1 :]
        if fate < 0.5:
            return chance.randbytes(5) + chunk
        return b"" if fate < 0.55 else chunk

    wire.disturb = disturb
    producer = start(wire.link, REGISTERS)
    producer.took(30)
    wait_for(lambda: producer.health()["counters"]["frames_refused"].get("checksum", 0) >= 3, "the checksums")
    wire.disturb = bytes
    producer.took(producer.health()["counters"]["readings"] + 10)
    wait_for(lambda: producer.health()["problem"] == "", "all to be well again")
    wait_for(lambda: flow_so_far(producer, "main")[1] > 3, "the open minute")
    assert flow_so_far(producer, "main")[0] == pytest.approx(9.0)
    assert producer.stop() == 0


def test_a_pulled_plug_is_found_again(start: Start, wire: Wire) -> None:
    producer = start(wire.link, REGISTERS)
    producer.took(10)
    held = os.open(wire.link.readlink(), os.O_RDWR | os.O_NOCTTY)  # so that its name is not given again
    wire.unplug()
    wait_for(lambda: "no such device" in producer.health()["problem"], "the reason")
    before = producer.health()["counters"]["readings"]
    wire.plug()
    producer.took(before + 2)
    os.close(held)
    assert producer.stop() == 0


@pytest.mark.parametrize("framing", ["rtu", "tcp"])
def test_meters_behind_a_serial_server_or_a_gateway_are_polled(start: Start, framing: str) -> None:
    port = free_port()
    producer = start(f"socket://127.0.0.1:{port}", REGISTERS, HYDROLOG_LINE__MODBUS__FRAMING=framing)
    wait_for(lambda: "refused" in producer.health()["problem"], "the missing server to be said")
    for readings in (10, 20):
        server = Server(str(port), framing)
        listening(port)
        producer.took(readings)
        server.close()
    wait_for(lambda: flow_so_far(producer, "main")[1] > 0, "the open minute")
    assert flow_so_far(producer, "main")[0] == pytest.approx(9.0)
    assert producer.stop() == 0


def test_the_wrong_framing_is_no_wrong_value(start: Start) -> None:
    port = free_port()
    server = Server(str(port), "tcp")
    listening(port)
    producer = start(f"socket://127.0.0.1:{port}", REGISTERS)
    wait_for(lambda: "unit 1 does not answer" in producer.health()["problem"], "the silence to be said")
    assert producer.health()["counters"]["readings"] == 0
    assert producer.stop() == 0
    server.close()


def test_line_test_shows_what_was_asked_and_what_came(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f"{REGISTERS}{DEAD}".replace("[line]\n", f'[line]\nurl = "{wire.link}"\n'))
    assert line_command(["test", "--config", str(config), "--seconds", "3"]) == 0
    said = capsys.readouterr().out
    assert "asked    unit 1, holding 0: 01 03 00 00 00 02 c4 0b" in said
    assert "value    main flow 9 m3/h" in said
    assert "reading  sensor main  flow 9 m3/h  pressure 4.11 bar" in said
    assert "refused  timeout: no answer within 0.3 s" in said
