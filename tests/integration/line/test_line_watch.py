"""`hydrolog line test` beside a running producer: it shows what that one reads, and takes nothing from it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from line_site import Start, seconds
from meter import Cable, closed
from waiting import wait_for

from cli.line import run
from cli.line_watch import LineWatch
from common import roles
from common.folder import ROLES_FOLDER
from common.row import Row
from common.settings import load


@contextmanager
def sending(send: Callable[[], None]) -> Iterator[None]:
    """A meter that sends five times a second."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(0.2):
            send()

    meter = threading.Thread(target=repeat)
    meter.start()
    try:
        yield
    finally:
        stop.set()
        meter.join()


@pytest.fixture(autouse=True)
def _site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cable: Cable) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HYDROLOG_LINE__URL", str(cable.link))


def test_it_shows_what_the_producer_reads(
    start: Start, cable: Cable, minute: int, capsys: pytest.CaptureFixture[str]
) -> None:
    producer = start()
    cable.read("001", seconds(minute), flow=8.02)
    cable.read("001", seconds(minute + 1, 30, 40), flow=8.02)
    closed(producer.data, minute)
    producer.took(70)
    before = producer.health()["counters"]["readings"]

    def send() -> None:
        cable.read("001", [int(time.time())], flow=8.02)
        cable.read("fast", [int(time.time()) + 180])

    with sending(send):
        assert run(["test", "--seconds", "4", "--baud", "19200"]) == 0
    said = capsys.readouterr().out
    assert f"the producer (process {producer.process.pid}) reads {cable.link}" in said
    assert "so --baud cannot be tried now: stop the service" in said
    assert "8.02 m3/h" in said
    assert "refused  future: the meter's clock is ahead" in said
    assert "readings a second, in each sensor's newest minute: 001 " in said
    last = said.splitlines()[-1]
    assert " readings in 4 s, refused: " in last and last.endswith(" future")
    assert producer.health()["counters"]["readings"] > before + 9  # it has lost none to the test
    assert producer.stop() == 0


@pytest.mark.parametrize(
    ("value", "ahead_s", "said"),
    [(8.0, 180, "future: the meter's clock is ahead"), (9999.0, 0, "-no-value: the ")],
)
def test_what_the_producer_refuses_is_not_good(
    start: Start, cable: Cable, capsys: pytest.CaptureFixture[str], *, value: float, ahead_s: int, said: str
) -> None:
    start()
    with sending(lambda: cable.read("001", [int(time.time()) + ahead_s], flow=value, pressure=value)):
        assert run(["test", "--seconds", "3"]) == 1
    assert "no value is stored: " in (last := capsys.readouterr().out.splitlines()[-1]) and said in last


@pytest.mark.parametrize(
    ("refused", "rows", "good"),
    [
        ({}, [], True),
        ({"flow-limit": 9}, [], True),
        ({"flow-limit": 10}, [], False),
        ({"flow-limit": 10}, [(8.0, None)], False),  # a row from before the limit
        ({"flow-limit": 10}, [(None, 4.1)], True),
        ({}, [(None, None)], False),  # a meter that sends no values
        ({"flow-limit": 5, "flow-no-value": 5, "pressure-limit": 10}, [(8.0, 4.1)], False),
    ],
)
def test_readings_are_good_only_with_values(
    refused: dict[str, int], rows: list[tuple[float | None, float | None]], good: bool
) -> None:
    seen = LineWatch(load(None, {}), 1)
    seen.readings, seen.refused = 10, Counter(refused)
    seen.rows = {str(number): Row(5, str(number), *values, 60, "0000", "000") for number, values in enumerate(rows)}
    assert seen.good is good


def test_silence_is_named_and_so_is_what_the_producer_says(
    start: Start, cable: Cable, capsys: pytest.CaptureFixture[str]
) -> None:
    producer = start()
    cable.read("001", [int(time.time())])
    producer.took(1)
    wait_for(lambda: producer.health()["problem"] == "", "the line to be reading")
    assert run(["test", "--seconds", "2"]) == 1
    assert "no reading within 2 s: a meter that sends once a minute" in capsys.readouterr().out.splitlines()[-1]
    cable.unplug()
    wait_for(lambda: producer.health()["problem"], "the missing port")
    assert run(["test", "--seconds", "1"]) == 1
    assert "the producer says: " in capsys.readouterr().out.splitlines()[-1]
    cable.plug()


def test_a_producer_that_hangs_is_said(start: Start, cable: Cable, capsys: pytest.CaptureFixture[str]) -> None:
    producer = start()
    cable.read("001", [int(time.time())])
    producer.took(1)
    producer.process.send_signal(signal.SIGSTOP)
    try:
        assert run(["test", "--seconds", "6"]) == 1
    finally:
        producer.process.send_signal(signal.SIGCONT)
    assert "the producer has reported nothing new for 6 s: it hangs" in capsys.readouterr().out.splitlines()[-1]


def test_a_producer_that_ends_meanwhile_is_said(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    producer = start()
    stopper = threading.Timer(1.0, producer.stop)
    stopper.start()
    assert run(["test", "--seconds", "30"]) == 1
    stopper.join()
    assert "the producer has ended meanwhile" in capsys.readouterr().out.splitlines()[-1]


def test_another_port_is_tested_beside_the_producer(
    start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    other = Cable(tmp_path / "other")
    other.read("007", [int(time.time())])
    assert run(["test", "--seconds", "1", "--url", str(other.link)]) == 0
    said = capsys.readouterr().out
    assert "sensor 007" in said and "the producer" not in said


def test_ctrl_c_ends_it_with_what_was_seen(start: Start, cable: Cable, tmp_path: Path) -> None:
    producer = start()
    words = [sys.executable, "-m", "cli", "line", "test", "--seconds", "600"]
    with (tmp_path / "said").open("wb") as file, sending(lambda: cable.read("001", [int(time.time())])):
        watcher = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, env={**os.environ})
        wait_for(lambda: b"  taken    " in (tmp_path / "said").read_bytes(), "the first readings")
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(30) == 0
    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said and said.splitlines()[-1].endswith("refused: none")
    assert producer.stop() == 0


def test_whoever_holds_a_role_is_known_without_touching_its_lock(start: Start) -> None:
    producer = start()
    folder = producer.data / ROLES_FOLDER
    assert roles.holder(folder, "producer") == producer.process.pid
    assert producer.stop() == 0
    assert roles.holder(folder, "producer") is None
    (folder / "producer.lock").write_text(f"{os.getpid()}\n")  # a number that another process has got meanwhile
    assert roles.holder(folder, "producer") is None
    (folder / "producer.lock").write_bytes(b"\xff")
    assert roles.holder(folder, "producer") is None
