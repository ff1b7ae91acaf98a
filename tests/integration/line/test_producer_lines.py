"""The lines that a producer can be given: a wrong baud rate, TCP, RFC 2217, described meters, and what is no line."""

import os
import random
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from line_site import Start, seconds
from meter import DEADLINE_S, Cable, RunningProducer, closed, rows
from rfc2217_server import SerialServer
from waiting import wait_for

from common.sums import SUMS
from producer.ascii import encode, frame_of


def test_noise_at_a_wrong_baud_rate_is_said_to_be(cable: Cable, start: Start) -> None:
    producer = start()
    noise = random.Random(2)

    def named() -> bool:
        cable.send(noise.randbytes(100))
        return "is the baud rate really 9600?" in producer.health()["problem"]

    wait_for(named, "the baud rate to be doubted")


def test_a_line_over_tcp_is_read_and_connected_anew(tmp_path: Path, minute: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        gateway.settimeout(DEADLINE_S)
        producer = RunningProducer(tmp_path / "data", f"socket://127.0.0.1:{gateway.getsockname()[1]}")
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


def test_a_meter_that_writes_another_zone_has_its_rows_at_their_time(
    cable: Cable, start: Start, tmp_path: Path, minute: int
) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text('[[line.sensors]]\nsensor = "far"\nzone = "UTC"\n')
    producer = start(HYDROLOG_CONFIG=str(config))
    for second in (minute * 60, minute * 60 + 90):
        for sensor, zone in (("far", ZoneInfo("UTC")), ("here", cable.zone)):
            time = datetime.fromtimestamp(second, zone).replace(tzinfo=None)  # says no offset
            cable.send(frame_of(f"{sensor},{time.isoformat()},8,4".encode()))
    wait_for(lambda: len(rows(producer.data)) >= 2, "both rows")
    assert {(row.sensor, row.minute) for row in rows(producer.data)} >= {("far", minute), ("here", minute)}
    producer.took(4)
    assert producer.stop() == 0


def read_in_two_connections(server: SerialServer, producer: RunningProducer, minute: int) -> None:
    """Half a minute's readings over each."""
    for part in (seconds(minute, 0, 30), seconds(minute, 30, 60)):
        server.accept()
        wait_for(lambda: producer.health()["counters"].get("port") == "silent", "the negotiation to end")
        assert server.port.baudrate == 19_200
        for second in part:
            server.send(encode("001", float(second), 8.0, 4.0, ZoneInfo("Asia/Seoul")))
        producer.took(part.stop - minute * 60)
        server.hang_up()


def test_a_line_over_rfc2217_is_read_at_its_baud_rate_and_connected_anew(tmp_path: Path, minute: int) -> None:
    server = SerialServer()
    producer = RunningProducer(tmp_path / "data", server.url, HYDROLOG_LINE__BAUDRATE="19200")
    read_in_two_connections(server, producer, minute)
    server.accept()
    wait_for(lambda: producer.health()["counters"].get("port") == "silent", "the last connection")
    server.send(encode("001", minute * 60.0 + 90, 8.0, 4.0, ZoneInfo("Asia/Seoul")))
    assert [row.samples for row in closed(producer.data, minute)] == [60]
    assert producer.stop() == 0
    server.close()


def test_a_serial_server_that_never_answers_one_option_is_read(tmp_path: Path, minute: int) -> None:
    server = SerialServer(answers_control=False)
    producer = RunningProducer(tmp_path / "data", server.url, HYDROLOG_LINE__BAUDRATE="19200")
    server.accept()
    server.left()  # it waited in vain for an answer
    read_in_two_connections(server, producer, minute)
    assert producer.stop() == 0
    server.close()


def test_a_gateway_that_does_not_answer_holds_up_no_minute(tmp_path: Path, minute: int) -> None:
    with ExitStack() as sockets:
        gateway = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        gateway.settimeout(DEADLINE_S)
        address = gateway.getsockname()
        url = f"socket://127.0.0.1:{address[1]}"
        producer = RunningProducer(tmp_path / "data", url, HYDROLOG_LINE__LATENESS_SECONDS="1")
        connection = sockets.enter_context(gateway.accept()[0])
        half = (encode("001", float(second), 8.0, 4.0, ZoneInfo("Asia/Seoul")) for second in seconds(minute, 0, 30))
        connection.sendall(b"".join(half))
        fill_the_queue(gateway, sockets)
        connection.close()
        wait_for(lambda: "no answer yet" in producer.health()["problem"], "the attempt that lasts")
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
        for body in (f"{second};8.5;411", f"{second};9.5;4x1"):
            cable.send(b"%s*%s\r\n" % (body.encode(), SUMS["crc16"].text(body.encode())))
        cable.send(b"%d;1;1*0000\r\n" % second)
    last = b"%d;8;400" % (minute * 60 + 90)
    cable.send(b"%s*%s\r\n" % (last, SUMS["crc16"].text(last)))
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
        timeout=DEADLINE_S,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"{key}: ")
    assert word in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
