"""`hydrolog line test` on a real pseudo-terminal: what it understood, and why not."""

import threading
import time
from pathlib import Path

import pytest
from meter import Cable

from cli.line import run
from producer.ascii import frame_of


@pytest.fixture(autouse=True)
def _site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("HYDROLOG_LINE__URL", str(tmp_path / "line"))


def test_it_shows_readings_and_reasons_without_echoing_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cable = Cable(tmp_path / "line")
    cable.read("001", [int(time.time())], flow=8.02, pressure=4.11)
    cable.send(frame_of(b"\x1b[2J,,1,2") + frame_of(b"002,,,3.5"))
    assert run(["test", "--seconds", "2"]) == 0
    said = capsys.readouterr().out
    assert "sensor 001  flow 8.02 m3/h  pressure 4.11 bar" in said
    assert "sensor 002  flow none m3/h  pressure 3.5 bar  no time, counts as now" in said
    assert "refused: 1 sensor" in said
    assert "\x1b" not in said


def test_it_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "--seconds", "0.5"]) == 1
    assert "there is no such device" in capsys.readouterr().out
    cable = Cable(tmp_path / "line")
    assert run(["test", "--seconds", "0.3"]) == 1
    assert "nothing came" in capsys.readouterr().out
    cable.send(bytes(range(128, 256)) * 4)
    assert run(["test", "--seconds", "2"]) == 1
    assert "is the baud rate really 9600" in capsys.readouterr().out


def test_it_shows_how_a_described_line_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text("""
[line]
protocol = "described"
[line.format]
pattern = '(?P<sensor>[A-Z]+) Q=(?P<flow>[0-9.]+)'
flow_measure = "L/s"
""")
    cable = Cable(tmp_path / "line")
    cable.send(b"half a li\r\nMAIN Q=2.5\r\nMAIN Q=\x1b[2J\r\n")
    assert run(["test", "--config", str(config), "--seconds", "2"]) == 0
    said = capsys.readouterr().out
    assert "alf a li" in said
    assert "frame    b'MAIN Q=2.5'" in said
    assert "frame    b'h" not in said
    assert "reading  sensor MAIN  flow 9 m3/h  pressure none bar  no time, counts as now" in said
    assert "refused  fields: " in said
    assert "\x1b" not in said


def test_readings_that_the_producer_refuses_are_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A meter that is three minutes fast: the test goes through the producer's own door."""
    cable = Cable(tmp_path / "line")
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.2):
            cable.read("001", [int(time.time()) + 180])

    sender = threading.Thread(target=send)
    sender.start()
    code = run(["test", "--seconds", "4"])
    stop.set()
    sender.join()
    said = capsys.readouterr().out
    assert code == 1
    assert "refused  future: the meter's clock is ahead" in said
    assert "the clock of meter 001 is 3 min fast: none of its readings is taken" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("end", "sent", "said"),
    [
        ('"\\r\\n"', b"\r", 'write end = "\\r"'),
        ('"\\r\\n"', b"\n", 'write end = "\\n"'),
        ('"\\r\\n"', b"\x03", 'write end = "\\u0003"'),
    ],
)
def test_a_line_end_that_never_comes_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str, sent: bytes, said: str
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(
        f'[line]\nprotocol = "described"\n[line.format]\nfields = ["sensor", "flow", "pressure"]\nend = {end}\n'
    )
    Cable(tmp_path / "line").send((b"01,8.02,4.11" + sent) * 9)
    assert run(["test", "--config", str(config), "--seconds", "1"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert said in last and "baud" not in last


def test_a_fault_code_is_shown_as_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cable = Cable(tmp_path / "line")
    cable.read("001", [int(time.time())], flow=9999.0, pressure=4.11)
    assert run(["test", "--seconds", "1"]) == 0
    assert "flow-no-value: the flow is a fault code" in capsys.readouterr().out
