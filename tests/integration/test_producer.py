"""The real producer on a real pseudo-terminal: noise, cables, kills, stops, silence, strange ids."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from meter import DEADLINE_S, Cable, RunningProducer, closed, rows, wait_until
from rfc2217_server import SerialServer

from common.log import open_log
from common.mark import load as load_mark
from producer.ascii import encode, frame_of
from producer.described import checksum_text

Start = Callable[..., RunningProducer]


@pytest.fixture
def start(tmp_path: Path, cable: Cable) -> Iterator[Start]:
    started: list[RunningProducer] = []

    def run(data: str = "data", **environ: str) -> RunningProducer:
        started.append(RunningProducer(tmp_path / data, cable.link, **environ))
        started[-1].said("port_open" if data == "data" else "port_closed")
        return started[-1]

    yield run
    for producer in started:
        if producer.process.poll() is None:
            producer.stop()


@pytest.fixture
def minute() -> int:
    """A minute that is over, so that nobody waits for a clock; its own readings are believed all the same."""
    return int(time.time() // 60) - 10


# Where a test pauses in mid-minute, the pause must not count as the end of the minute.
PATIENT = {"HYDROLOG_LINE__LATENESS_SECONDS": "20"}


def seconds(minute: int, first: int = 0, end: int = 60) -> range:
    return range(minute * 60 + first, minute * 60 + end)


def test_noise_costs_no_reading_and_makes_no_row(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    noise = random.Random(1)
    for second in seconds(minute):
        cable.send(noise.randbytes(noise.randint(0, 200)))
        cable.read("001", [second], flow=8.0 + second % 2)
        cable.send(b"$001,2024-08-26T16")
    century_s = minute * 60.0 + 75 * 365 * 86_400
    cable.send(encode("001", century_s, 1.0, 1.0, cable.zone))
    cable.send(encode("001", minute * 60.0 + 1200 + 600, 1.0, 1.0, cable.zone))
    cable.send(frame_of(b"001,,nan,inf"))
    cable.read("001", seconds(minute + 1, 1, 2))
    found = closed(producer.data, minute)
    assert [(row.sensor, row.flow, row.pressure, row.samples) for row in found] == [("001", 8.5, 4.0, 60)]
    wait_until(lambda: producer.health()["counters"].get("rows_appended", 0) >= 1, "the health file to catch up")
    refused = producer.health()["counters"]["frames_refused"]
    assert refused["future"] == 2
    assert refused["number"] == 1
    assert refused["noise"] + refused["checksum"] >= 60


def test_a_pulled_cable_is_found_again_under_another_name(cable: Cable, start: Start, minute: int) -> None:
    producer = start(**PATIENT)
    cable.read("001", seconds(minute, 0, 30))
    producer.took(30)
    old_name = cable.link.readlink()
    keep_the_name = os.open(old_name, os.O_RDWR | os.O_NOCTTY)
    cable.unplug()
    producer.said("port_closed")
    wait_until(lambda: "no such device" in producer.health()["problem"], "the reason in the health file")
    cable.plug()
    cable.read("001", seconds(minute, 30, 60))
    cable.read("001", seconds(minute + 1, 20, 21))
    assert [row.samples for row in closed(producer.data, minute)] == [60]
    assert cable.link.readlink() != old_name
    wait_until(lambda: producer.health()["problem"] == "", "health to be good again")
    os.close(keep_the_name)


def test_a_kill_repeats_no_minute_even_after_a_reset_and_loses_no_open_one(
    cable: Cable, start: Start, minute: int
) -> None:
    first = start(**PATIENT)
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 0, 40))
    closed(first.data, minute)
    wait_until(lambda: '"001": [320.0, 40' in first.open_minute(), "the open minute")
    wait_until(lambda: (mark := load_mark(first.data)) and mark.closed_through == minute, "the mark")
    first.stop(signal.SIGKILL)
    consume_everything(first.data)
    assert rows(first.data) == []  # the log was reset: only the mark remembers
    second = start(**PATIENT)
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 40, 60))
    cable.read("001", seconds(minute + 2, 20, 21))
    found = closed(second.data, minute + 1)
    assert [(row.minute, row.samples) for row in found] == [(minute + 1, 60)]
    wait_until(lambda: second.health()["counters"].get("late") == 60, "the late readings to be counted")


def test_a_kill_between_append_and_mark_repeats_no_minute(cable: Cable, start: Start, minute: int) -> None:
    first = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 1, 2))
    closed(first.data, minute)
    first.stop(signal.SIGKILL)
    (first.data / "producer.mark").unlink(missing_ok=True)
    second = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 2, 3))
    cable.read("001", seconds(minute + 2, 1, 2))
    assert [row.minute for row in closed(second.data, minute + 1)] == [minute, minute + 1]


def test_a_stop_in_mid_minute_and_in_mid_frame_costs_no_reading(cable: Cable, start: Start, minute: int) -> None:
    first = start(**PATIENT)
    cable.read("001", seconds(minute, 0, 30))
    half = encode("001", minute * 60.0 + 30, 8.0, 4.0, cable.zone)
    first.took(30)
    cable.send(half[:20])
    wait_until(lambda: half[:20].decode() in first.open_minute(), "the half frame")
    assert first.stop() == 0
    cable.send(half[20:])
    cable.read("001", seconds(minute, 31, 45))  # while nobody listens
    second = start(**PATIENT)
    cable.read("001", seconds(minute, 45, 60))
    cable.read("001", seconds(minute + 1, 20, 21))
    assert [(row.minute, row.samples) for row in closed(second.data, minute)] == [(minute, 60)]


def test_silence_closes_the_last_minute(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    cable.read("001", seconds(minute, 0, 10))
    assert [(row.minute, row.samples) for row in closed(producer.data, minute)] == [(minute, 10)]


def test_strange_ids_are_refused_counted_and_never_echoed(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    ids = [b"\x1b[2J\x1b]0;x\x07", b"a\tb", b"a\x00b", b"x'; DROP TABLE sensor_tb;--", b"=cmd|'/C calc'!A0"]
    ids += [b"../../etc/passwd", b"<script>alert(1)</script>", "\u202eevil".encode(), b"A" * 10_000]
    for sensor in ids:
        cable.send(frame_of(sensor + b",,1,2"))
    cable.read("001", seconds(minute, 0, 1))
    cable.read("001", seconds(minute + 1, 1, 2))
    assert {row.sensor for row in closed(producer.data, minute)} == {"001"}
    wait_until(lambda: producer.health()["counters"]["frames_refused"].get("sensor") == len(ids) - 1, "the count")
    producer.stop()
    everything = producer.output + (producer.data / "health" / "producer.json").read_bytes()
    assert b"\x1b" not in everything
    assert b"passwd" not in everything
    assert b"script" not in everything


def test_several_sensors_close_in_one_append(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    for sensor in ("003", "001", "002"):
        cable.read(sensor, seconds(minute, 0, 5))
    cable.read("001", seconds(minute + 1, 1, 2))
    assert [row.sensor for row in closed(producer.data, minute)] == ["001", "002", "003"]
    wait_until(lambda: (mark := load_mark(producer.data)) and mark.end_offset == 3, "the mark")
    mark = load_mark(producer.data)
    assert mark
    assert mark.sensors == {"001": minute, "002": minute, "003": minute}


def test_a_port_is_not_shared(cable: Cable, start: Start, minute: int) -> None:
    first = start()
    second = start("other")
    wait_until(lambda: "another program" in second.health()["problem"], "the reason")
    first.stop()
    cable.read("001", seconds(minute, 0, 5))
    second.took(5)


def test_noise_at_a_wrong_baud_rate_is_said_to_be(cable: Cable, start: Start) -> None:
    producer = start()
    noise = random.Random(2)

    def named() -> bool:
        cable.send(noise.randbytes(100))
        return "is the baud rate really 9600?" in producer.health()["problem"]

    wait_until(named, "the baud rate to be doubted")


def test_a_line_over_tcp_is_read_and_connected_anew(tmp_path: Path, minute: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        gateway.settimeout(DEADLINE_S)
        producer = RunningProducer(tmp_path / "data", f"socket://127.0.0.1:{gateway.getsockname()[1]}", **PATIENT)
        for part in (range(30), range(30, 60)):
            connection, _ = gateway.accept()
            for second in part:
                connection.sendall(encode("001", minute * 60.0 + second, 8.0, 4.0, ZoneInfo("Asia/Seoul")))
            producer.took(part.stop)
            connection.close()
        connection, _ = gateway.accept()
        connection.sendall(encode("001", minute * 60.0 + 90, 8.0, 4.0, ZoneInfo("Asia/Seoul")))
        assert [row.samples for row in closed(producer.data, minute)] == [60]
        assert producer.stop() == 0
        connection.close()


def test_a_line_over_rfc2217_is_read_at_its_baud_rate_and_connected_anew(tmp_path: Path, minute: int) -> None:
    server = SerialServer()
    producer = RunningProducer(tmp_path / "data", server.url, HYDROLOG_LINE__BAUDRATE="19200", **PATIENT)
    for part in (seconds(minute, 0, 30), seconds(minute, 30, 60)):
        server.accept()
        wait_until(lambda: producer.health()["counters"].get("port") == "silent", "the negotiation to end")
        assert server.port.baudrate == 19_200
        for second in part:
            server.send(encode("001", float(second), 8.0, 4.0, ZoneInfo("Asia/Seoul")))
        producer.took(part.stop - minute * 60)
        server.hang_up()
    server.accept()
    wait_until(lambda: producer.health()["counters"].get("port") == "silent", "the last connection")
    server.send(encode("001", minute * 60.0 + 90, 8.0, 4.0, ZoneInfo("Asia/Seoul")))
    assert [row.samples for row in closed(producer.data, minute)] == [60]
    assert producer.stop() == 0
    server.close()


def test_a_gateway_that_does_not_answer_holds_up_no_minute(tmp_path: Path, minute: int) -> None:
    with ExitStack() as sockets:
        gateway = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        gateway.settimeout(DEADLINE_S)
        address = gateway.getsockname()
        producer = RunningProducer(tmp_path / "data", f"socket://127.0.0.1:{address[1]}")
        connection = sockets.enter_context(gateway.accept()[0])
        for second in seconds(minute, 0, 30):
            connection.sendall(encode("001", float(second), 8.0, 4.0, ZoneInfo("Asia/Seoul")))
        fill_the_queue(gateway, sockets)
        connection.close()
        wait_until(lambda: "no answer yet" in producer.health()["problem"], "the attempt that lasts")
        assert [(row.minute, row.samples) for row in closed(producer.data, minute)] == [(minute, 30)]
        assert producer.stop() == 0


def fill_the_queue(server: socket.socket, sockets: ExitStack) -> None:
    """Let nobody in any more: connect until the kernel drops what comes next, as a gateway without power would."""
    while True:
        waiting = sockets.enter_context(socket.socket())
        waiting.settimeout(0.2)
        try:
            waiting.connect(server.getsockname())
        except TimeoutError:
            return


def test_a_described_line_becomes_rows(cable: Cable, start: Start, minute: int) -> None:
    producer = start(
        HYDROLOG_LINE__PROTOCOL="described",
        HYDROLOG_LINE__FORMAT__FIELDS="time,flow,pressure",
        HYDROLOG_LINE__FORMAT__SEPARATOR=";",
        HYDROLOG_LINE__FORMAT__TIME="unix",
        HYDROLOG_LINE__FORMAT__SENSOR="main",
        HYDROLOG_LINE__FORMAT__PRESSURE_MEASURE="kPa",
        HYDROLOG_LINE__FORMAT__CHECKSUM="crc16",
    )
    for second in seconds(minute):
        for body in (f"{second};8.5;411", f"{second};9.5;nan"):
            cable.send(b"%s*%s\r\n" % (body.encode(), checksum_text("crc16", body.encode())))
        cable.send(b"%d;1;1*0000\r\n" % second)
    body = b"%d;8;400" % (minute * 60 + 90)
    cable.send(b"%s*%s\r\n" % (body, checksum_text("crc16", body)))
    found = [row for row in closed(producer.data, minute) if row.minute == minute]
    # The line's very first frame may have been a piece of one.
    assert [(row.sensor, row.flow, row.pressure, row.samples) for row in found] == [("main", 8.5, 4.11, 59)]


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("line.url", "", "is empty"),
        ("line.url", "ftp://x", "unknown kind"),
        ("line.modbus.registers", "", "there are none"),
    ],
)
def test_a_line_that_cannot_be_one_ends_with_the_key(tmp_path: Path, key: str, value: str, word: str) -> None:
    modbus = key == "line.modbus.registers"
    variable = "HYDROLOG_LINE__PROTOCOL" if modbus else "HYDROLOG_" + key.upper().replace(".", "__")
    value = "modbus" if modbus else value
    answer = subprocess.run(
        [sys.executable, "-m", "producer"],
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(tmp_path / "data"), variable: value},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{key}: ")
    assert word in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def consume_everything(data: Path) -> None:
    """Let every group take all rows, and reset the log."""
    groups = ("archive", "server")
    log = open_log("file", data, groups)
    for name in groups:
        group = log.group(name)
        group.commit(log.end_offset)
        group.close()
    log.trim()
    log.close()
