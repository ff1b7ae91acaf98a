"""`hydrolog line scan` and `meters`: a line of unknown speed, and settings that a producer takes."""

import json
import os
import select
import struct
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bus import Server, listening
from ports import free_port
from pymodbus.framer.rtu import FramerRTU

from cli import scan_modbus
from cli.line import run
from cli.line_meters import descriptions
from common.settings import load
from producer.ascii import frame_of
from producer.protocols import check_meters

RATES = {termios.B9600: 9600, termios.B19200: 19200, termios.B4800: 4800}


class Rated:
    """The far end of a port that is only understood at one speed; at others its bytes are others.

    A pty keeps the speed that was set, although it means nothing to it; parities it does not keep.
    """

    def __init__(self, link: Path, rate: int, says: Callable[[], bytes], answer: bool = False) -> None:
        self.asked: list[bytes] = []
        self._rate, self._says, self._answers = rate, says, answer
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        link.symlink_to(os.ttyname(theirs))
        self._theirs = theirs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _right(self) -> bool:
        return RATES.get(termios.tcgetattr(self._theirs)[4]) == self._rate

    def _run(self) -> None:
        while not self._stop.is_set():
            if select.select([self._ours], [], [], 0.02)[0]:
                self.asked.append(os.read(self._ours, 256))
                if not self._answers or not self._right():
                    continue
            elif self._answers:
                continue
            said = self._says()
            os.write(self._ours, said if self._right() else bytes(byte ^ 0x95 for byte in said))

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Rated]]:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setattr(scan_modbus, "TIMEOUT_S", 0.1)
    monkeypatch.setattr(scan_modbus, "WINDOW", 16)
    there: list[Rated] = []

    def make(*how: object, **more: object) -> Rated:
        there.append(Rated(tmp_path / "line", *how, **more))  # type: ignore[arg-type]
        return there[-1]

    yield make
    for one in there:
        one.close()


def scan(place: Path | str, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    """Exit code, what was said, and the settings in it."""
    code = run(["scan", "--url", str(place), "--seconds", "0.5", *more])
    said = capsys.readouterr().out
    return code, said, said[said.index("\n[line]") + 1 :] if "\n[line]" in said else ""


def taken(settings: str, tmp_path: Path) -> dict[str, object]:
    """The printed settings, as a producer reads them."""
    config = tmp_path / "hydrolog.toml"
    config.write_text(settings, "utf-8")
    line = load(config, {}).line
    check_meters(line)
    return {"url": line.url, "baudrate": line.baudrate, "mode": line.mode, "protocol": line.protocol, "line": line}


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_meter_that_sends_text_is_found_at_its_speed(
    line: Callable[..., Rated], tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    meter = line(4800, f"12;8.02;4.11{end}".encode)
    code, said, settings = scan(tmp_path / "line", capsys)
    assert code == 0, said
    assert "not readable" in said and "12;8.02;4.11" in said
    found = taken(settings.replace('["ignore", "ignore", "ignore"]', '["ignore", "flow", "pressure"]'), tmp_path)
    assert (found["baudrate"], found["mode"], found["protocol"]) == (4800, "8N1", "described")
    assert f"end = {json.dumps(end)}\n" in settings
    assert not meter.asked


def test_our_own_frames_need_no_description(
    line: Callable[..., Rated], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line(9600, lambda: frame_of(b"001,,8.02,4.11"))
    code, _, settings = scan(tmp_path / "line", capsys)
    assert (code, taken(settings, tmp_path)["protocol"]) == (0, "ascii")


def test_seven_bits_with_parity_are_seen_at_once(
    line: Callable[..., Rated], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"FLOW 8.02 PRES 4.11\r\n"
    line(9600, lambda: bytes(byte | (byte.bit_count() % 2) << 7 for byte in text))
    code, _, settings = scan(tmp_path / "line", capsys)
    assert (code, 'mode = "7E1"' in settings) == (0, True)


def test_modbus_units_are_found_and_only_read(
    line: Callable[..., Rated], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units 3 and 200 at 19200 baud: a float at 4 with its low word first, and no address past 5."""
    registers = [0, 0, 7, 0, *reversed(struct.unpack(">HH", struct.pack(">f", 8.02)))]

    def answer() -> bytes:
        request = meter.asked[-1]
        unit, function, first, count = struct.unpack(">BBHH", request[:6])
        if unit not in (3, 200):
            return b""
        if function == 4 or first + count > len(registers):
            body = bytes((unit, function | 0x80, 2))
        else:
            body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *registers[first : first + count])
        return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")

    monkeypatch.setattr(scan_modbus, "ALL_UNITS", (*range(1, 5), 200))
    meter = line(19200, answer, answer=True)
    code, said, settings = scan(tmp_path / "line", capsys)
    assert code == 0, said
    assert "nothing came by itself" in said and "unit 3: 6 holding registers" in said and "Unit 200 answers" in said
    assert 'as float32: 8.02 with word_order = "little"' in said
    found = taken(settings[: settings.index("  unit 200")], tmp_path)
    assert (found["baudrate"], found["mode"]) == (19200, "8N1")
    (register,) = found["line"].modbus.registers  # type: ignore[attr-defined]
    assert (register.unit, register.address, register.type, register.word_order) == (3, 4, "float32", "little")
    assert {request[1] for request in meter.asked} == {3, 4}  # it never writes


def test_it_only_listens_if_told_so(
    line: Callable[..., Rated], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = line(9600, bytes, answer=True)
    code, said, _ = scan(tmp_path / "line", capsys, "--listen")
    assert (code, meter.asked) == (1, [])
    assert "Nothing was found" in said and "A and B" in said


def test_a_modbus_tcp_server_is_found_without_speeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_modbus, "TIMEOUT_TCP_S", 0.3)  # of units that are not there
    monkeypatch.setattr(scan_modbus, "WINDOW", 16)
    port = free_port()
    server = Server(str(port), "tcp")
    try:
        listening(port)
        code, said, settings = scan(f"socket://127.0.0.1:{port}", capsys)
    finally:
        server.close()
    assert code == 0, said
    assert "baud" not in settings and "9600" not in said
    (register,) = taken(settings.split("  unit ")[0], tmp_path)["line"].modbus.registers  # type: ignore[attr-defined]
    assert (register.unit, register.address, register.type, register.word_order) == (1, 0, "float32", "big")
    assert 'framing = "tcp"' in settings


def test_a_unit_that_only_the_gateway_speaks_for_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        1: None,
        2: scan_modbus.UnitAnswer([], 11),
        3: scan_modbus.UnitAnswer([], 2),
        4: scan_modbus.UnitAnswer([0, 7], 0),
    }
    monkeypatch.setattr(scan_modbus, "ask", lambda _client, number, *_what: answers[number])
    client: scan_modbus.Client = object()  # type: ignore[assignment]
    assert scan_modbus.units(client, answers) == [3, 4]


def test_a_port_that_cannot_be_opened_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = scan(tmp_path / "absent", capsys)
    assert code == 1
    assert "there is no such device" in said and "Nothing was found" not in said


@pytest.mark.parametrize(("name", "text"), descriptions().items())
def test_a_known_meter_is_settings_with_its_source(name: str, text: str, tmp_path: Path) -> None:
    found = taken(text, tmp_path)
    assert found["protocol"] == "modbus"
    first, second = text.splitlines()[:2]
    assert first.startswith("# ") and len(first) < 100
    assert second.startswith("# Source: ") and name == name.lower()


def test_the_list_of_meters_leads_to_the_settings_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["meters"]) == 0
    said = capsys.readouterr().out
    assert "tuf-2000  " in said.replace("tuf-2000 ", "tuf-2000  ") and "hydrolog line meters NAME" in said
    assert run(["meters", "tuf-2000"]) == 0
    assert capsys.readouterr().out == descriptions()["tuf-2000"]
