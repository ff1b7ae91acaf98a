"""Meters that are asked in text, through the real producer: over a pseudo-terminal, a serial server, a pulled cable."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter import Cable, RunningProducer
from text_meter import TextMeters
from waiting import wait_for

from cli.line import run as line_command

SETTINGS = """
[line]
protocol = "described"
[line.format]
separator = ";"
fields = ["flow", "pressure"]
[line.ask]
poll_seconds = 0.4
timeout_seconds = 0.3
meters = [{ text = "?01\\r", sensor = "inlet" }, { text = "?02\\r", sensor = "outlet" }]
"""
ANSWERS = {b"?01\r": b"8.02;4.11\r\n", b"?02\r": b"7.95;3.9\r\n"}


@pytest.fixture
def meters() -> Iterator[TextMeters]:
    made = TextMeters(ANSWERS)
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path, running: list[RunningProducer]) -> Callable[[Path | str], RunningProducer]:
    def run(line: Path | str) -> RunningProducer:
        config = tmp_path / "hydrolog.toml"
        config.write_text(SETTINGS)
        running.append(RunningProducer(tmp_path / "data", line, HYDROLOG_CONFIG=str(config)))
        return running[-1]

    return run


def test_a_meter_that_falls_silent_is_named_and_comes_back(
    tmp_path: Path, meters: TextMeters, start: Callable[[Path | str], RunningProducer]
) -> None:
    cable = Cable(tmp_path / "line")
    meters.on_cable(cable)
    producer = start(cable.link)
    producer.took(8)
    assert producer.health()["problem"] == ""
    meters.deaf = {b"?02\r"}
    producer.said("meters_wrong")
    wait_for(lambda: "does not answer within 0.3 s (sensor outlet)" in producer.health()["problem"], "the meter's name")
    before = producer.health()["counters"]
    assert before["registers_refused"] == {"sensor outlet, asked '?02\\r'": before["frames_refused"]["timeout"]}
    producer.took(before["readings"] + 5)
    meters.deaf = set()
    wait_for(lambda: producer.health()["problem"] == "", "no problem")
    opened = producer.open_minute()
    assert "inlet" in opened
    assert "outlet" in opened


def test_a_pulled_cable(tmp_path: Path, meters: TextMeters, start: Callable[[Path | str], RunningProducer]) -> None:
    cable = Cable(tmp_path / "line")
    meters.on_cable(cable)
    producer = start(cable.link)
    producer.took(4)
    meters.close()
    cable.unplug()
    producer.said("port_closed")
    taken = producer.health()["counters"]["readings"]
    cable.plug()
    meters.on_cable(cable)
    producer.took(taken + 6)


@pytest.mark.parametrize("close_after_each", [False, True])
def test_a_serial_server(
    meters: TextMeters, start: Callable[[Path | str], RunningProducer], *, close_after_each: bool
) -> None:
    producer = start(meters.on_port(close_after_each=close_after_each))
    producer.took(8)
    assert producer.health()["problem"] == ""
    assert producer.health()["counters"]["frames_refused"] == {}


def test_the_line_command_asks(
    tmp_path: Path, meters: TextMeters, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(SETTINGS)
    cable = Cable(tmp_path / "line")
    meters._echo = True
    meters.deaf = {b"?02\r"}
    meters.on_cable(cable)
    monkeypatch.setenv("HYDROLOG_LINE__URL", str(cable.link))
    assert line_command(["test", "--config", str(config), "--seconds", "3"]) == 0
    said = capsys.readouterr().out
    assert "  asked    b'?01\\r'" in said
    assert "  came     b'?01\\r8.02;4.11\\r\\n'" in said
    assert "reading  sensor inlet  flow 8.02 m3/h  pressure 4.11 bar" in said
    assert "refused  timeout: sensor outlet, asked '?02\\r': does not answer" in said
    assert said.rstrip().endswith("the meter asked '?02\\r' does not answer within 0.3 s (sensor outlet)")
