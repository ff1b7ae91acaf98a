"""`hydrolog line test` with options instead of settings, and beside other programs at the port."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bus import Server, Wire, listening
from meter import Cable
from ports import free_port

from cli import scan_modbus
from cli.line import run
from cli.line_door import WHY
from common.errors import SettingsError
from producer.ascii import frame_of

REGISTERS = """
[line]
protocol = "modbus"
[line.modbus]
poll_seconds = 0.2
timeout_seconds = 0.3
[[line.modbus.registers]]
sensor = "main"
channel = "flow"
unit = {unit}
type = "float32"
measure = "L/s"
"""
OPENS = """
import fcntl, os, sys
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if len(sys.argv) > 2:
    fcntl.flock(port, fcntl.LOCK_EX)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "line")
    server = Server(wire.far)
    yield wire
    server.close()
    wire.close()


@pytest.fixture
def reader() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Other programs that open a port."""
    there: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", OPENS, *words]
        there.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert there[-1].stdout and there[-1].stdout.readline() == b"open\n"
        return there[-1]

    yield start
    for process in there:
        process.communicate(b"")


def settings(tmp_path: Path, text: str) -> str:
    config = tmp_path / "hydrolog.toml"
    config.write_text(text)
    return str(config)


def test_options_go_before_the_settings_and_need_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cable = Cable(tmp_path / "line")
    cable.read("001", [int(time.time())])
    words = ["--url", str(cable.link), "--baud", "4800", "--mode", "8n2", "--protocol", "ascii", "--seconds", "1"]
    assert run(["test", *words]) == 0
    assert f"listening to {cable.link} at 4800 baud, 8N2, ascii, for 1 s" in capsys.readouterr().out
    config = settings(tmp_path, '[line]\nurl = "/dev/absent"\nbaudrate = 1200\nprotocol = "modbus"\n')
    before = Path(config).read_bytes()
    cable.read("001", [int(time.time())])
    assert run(["test", "--config", config, *words]) == 0
    assert "4800 baud" in capsys.readouterr().out
    assert Path(config).read_bytes() == before
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--mode 9X1", "--mode: must be data bits, parity and stop bits"),
        ("--baud 7", "--baud: must be between 50 and"),
        ("--protocol mbus", "--protocol: must be one of ascii, described, modbus, is 'mbus'"),
        ("--url socket://10.0.0.7:4001 --baud 9600", "--baud: socket://10.0.0.7:4001 is on the network"),
        ("--url socket://10.0.0.7:4001 --mode 8N1", "--mode: socket://10.0.0.7:4001 is on the network"),
        ("--unit 3", '--unit: is for Modbus, and the protocol is "ascii": add --protocol modbus'),
        ("--protocol modbus", "--unit: is missing: the settings name no registers"),
        ("--protocol modbus --unit 300", "--unit: must be between 1 and 247, is 300"),
        ("--protocol described", "line.format.fields: names neither flow nor pressure"),
        ("--url nonsense://x", "line.url: unknown kind 'nonsense'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        run(["test", "--seconds", "1", *words.split()])
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


@pytest.mark.parametrize("words", ["--seconds 0", "--seconds nan", "--seconds inf", "--seconds x", "--baud x"])
def test_numbers_that_are_none_are_wrong_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["test", *words.split()])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_unit_is_asked_alone_or_instead_of_the_one_in_the_settings(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    both = REGISTERS.format(unit=1) + '[[line.modbus.registers]]\nsensor = "dead"\nchannel = "flow"\nunit = 7\n'
    words = ["test", "--seconds", "3", "--url", str(wire.link), "--config"]
    assert run([*words, settings(tmp_path, both), "--unit", "1"]) == 0
    said = capsys.readouterr().out
    assert "value    main flow 9 m3/h" in said and "unit 7" not in said
    assert run([*words, settings(tmp_path, REGISTERS.format(unit=9)), "--unit", "1"]) == 0
    assert "asked    unit 1, holding 0" in capsys.readouterr().out
    with pytest.raises(SettingsError, match="--unit: the settings have no registers of unit 3, only of 1, 7"):
        run([*words, settings(tmp_path, both), "--unit", "3"])


def test_a_unit_without_registers_in_the_settings_shows_its_own(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_modbus, "WINDOW", 4)
    words = ["test", "--url", str(wire.link), "--protocol", "modbus", "--unit"]
    assert run([*words, "1", "--seconds", "60"]) == 0
    said = capsys.readouterr().out
    assert "as float32: 2.5" in said and "[[line.modbus.registers]]" in said and "unit 2" not in said
    wire.deaf = {9}
    assert run([*words, "9", "--seconds", "0.5"]) == 1
    assert "unit 9 does not answer at 9600 8N1" in capsys.readouterr().out.splitlines()[-1]
    assert run(["test", "--url", str(tmp_path / "absent"), "--protocol", "modbus", "--unit", "1"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("there is no such device")


def test_a_unit_on_the_network_is_asked_in_both_framings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_modbus, "WINDOW", 4)
    port = free_port()
    server = Server(str(port), "rtu")
    try:
        listening(port)
        assert run(["test", "--url", f"socket://127.0.0.1:{port}", "--protocol", "modbus", "--unit", "1"]) == 0
    finally:
        server.close()
    said = capsys.readouterr().out
    assert "as Modbus TCP and RTU, for" in said and "as float32: 2.5" in said and "framing" not in said


@pytest.mark.parametrize(
    ("more", "reason"),
    [("flow_no_value = [2.5]", "flow-no-value"), ("flow_limits = [0, 8]", "flow-limit")],
)
def test_a_polled_value_that_would_not_be_stored_is_not_good(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str], more: str, reason: str
) -> None:
    config = settings(tmp_path, REGISTERS.format(unit=1).replace("[line]\n", f"[line]\n{more}\n"))
    assert run(["test", "--url", str(wire.link), "--config", config, "--seconds", "2"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"  refused  {reason}: {WHY[reason]}" in lines
    assert ", 0 good readings, " in lines[-2]
    assert lines[-1].startswith(f"no reading of sensor main would be stored: {WHY[reason]}")


def test_polled_readings_wait_for_a_right_clock_as_in_the_producer(
    tmp_path: Path, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    """A box that starts in the past, behind its last closed minute."""
    from log.mark import Mark, store

    (tmp_path / "data").mkdir()
    store(tmp_path / "data", Mark(int(time.time() // 60) + 600, 5, "log"))
    config = settings(tmp_path, REGISTERS.format(unit=1))
    assert run(["test", "--url", str(wire.link), "--config", config, "--seconds", "2"]) == 1
    said = "no reading of sensor main would be stored: the clock is earlier than the last closed minute"
    assert said in capsys.readouterr().out.splitlines()[-1]


def test_readings_without_any_value_and_single_bad_channels_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cable = Cable(tmp_path / "line")
    cable.send(frame_of(b"a,,,") + frame_of(b"b,,9999,4.1"))
    assert run(["test", "--url", str(cable.link), "--seconds", "1"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "no reading of sensor a would be stored: the meter sends neither a flow nor a pressure" in last
    assert "no flow of sensor b would be stored: the flow is a fault code" in last and "pressure of" not in last


def test_a_meters_own_zone_counts_in_the_test_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cable = Cable(tmp_path / "line")
    config = settings(tmp_path, '[[line.sensors]]\nsensor = "far"\nzone = "UTC"\n')
    now = datetime.now(UTC)
    cable.send(b"".join(frame_of(f"{name},{now:%Y-%m-%dT%H:%M:%S},8,4".encode()) for name in ("far", "here")))
    assert run(["test", "--url", str(cable.link), "--config", config, "--seconds", "1"]) == 0
    said = capsys.readouterr().out
    assert f"sensor far  flow 8 m3/h  pressure 4 bar  {now.astimezone(cable.zone):%Y-%m-%dT%H:%M:%S}+09:00" in said
    assert f"sensor here  flow 8 m3/h  pressure 4 bar  {now:%Y-%m-%dT%H:%M:%S}+09:00" in said


def test_another_program_at_the_port_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reader: Callable[..., subprocess.Popen[bytes]]
) -> None:
    cable = Cable(tmp_path / "line")
    other = reader(str(cable.link))
    assert run(["test", "--url", str(cable.link), "--seconds", "0.5"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"(process {other.pid}): each gets only a part of the bytes; end that program" in last
    other.communicate(b"")
    locker = reader(str(cable.link), "lock")
    assert run(["test", "--url", str(cable.link), "--seconds", "0.5"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{cable.link}: another program has it open; ") and f"(process {locker.pid})" in last
    assert "nothing came" not in last
    assert run(["scan", "--url", str(cable.link), "--seconds", "0.5"]) == 1
    assert f"(process {locker.pid})" in capsys.readouterr().out.splitlines()[-1]
