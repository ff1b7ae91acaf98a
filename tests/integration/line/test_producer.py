"""The real producer on a real pseudo-terminal: noise, cables, kills, stops, silence, strange ids."""

import os
import random
import signal

import pytest
from line_site import Start, consume_everything, seconds
from meter import Cable, closed, rows
from waiting import wait_for

from log.mark import load as load_mark
from producer.ascii import encode, frame_of


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
    cable.read("001", seconds(minute + 1, 20, 21))
    found = closed(producer.data, minute)
    assert [(row.sensor, row.flow, row.pressure, row.samples) for row in found] == [("001", 8.5, 4.0, 60)]
    wait_for(lambda: producer.health()["counters"].get("rows_appended", 0) >= 1, "the health file to catch up")
    refused = producer.health()["counters"]["frames_refused"]
    assert refused["future"] == 2
    assert refused["number"] == 1
    assert refused["noise"] + refused["checksum"] >= 60


def test_a_fault_at_the_port_is_flagged_in_the_row_of_its_channel(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    cable.read("001", seconds(minute), pressure=99.0)
    cable.read("002", seconds(minute), flow=99_999.0)
    cable.read("001", seconds(minute + 1, 20, 21))
    cable.read("002", seconds(minute + 1, 20, 21))
    found = {row.sensor: (row.flow_flags, row.pressure_flags) for row in closed(producer.data, minute)}
    assert found == {"001": ("0000", "R00"), "002": ("M000", "000")}  # a display full of nines is no flow


def test_a_pulled_cable_is_found_again_under_another_name(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    cable.read("001", seconds(minute, 0, 30))
    producer.took(30)
    old_name = cable.link.readlink()
    keep_the_name = os.open(old_name, os.O_RDWR | os.O_NOCTTY)
    cable.unplug()
    producer.said("port_closed")
    wait_for(lambda: "no such device" in producer.health()["problem"], "the reason in the health file")
    cable.plug()
    cable.read("001", seconds(minute, 30, 60))
    cable.read("001", seconds(minute + 1, 20, 21))
    assert [row.samples for row in closed(producer.data, minute)] == [60]
    assert cable.link.readlink() != old_name
    wait_for(lambda: producer.health()["problem"] == "", "health to be good again")
    os.close(keep_the_name)


def test_a_kill_repeats_no_minute_even_after_a_reset_and_loses_no_open_one(
    cable: Cable, start: Start, minute: int
) -> None:
    first = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 0, 40))
    closed(first.data, minute)
    wait_for(lambda: '"001": [320.0, 40' in first.open_minute(), "the open minute")
    wait_for(lambda: (mark := load_mark(first.data)) and mark.closed_through == minute, "the mark")
    first.stop(signal.SIGKILL)
    consume_everything(first.data)
    assert rows(first.data) == []  # the log was reset: only the mark remembers
    second = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 40, 60))
    cable.read("001", seconds(minute + 2, 20, 21))
    found = closed(second.data, minute + 1)
    assert [(row.minute, row.samples) for row in found] == [(minute + 1, 60)]
    wait_for(lambda: second.health()["counters"].get("late") == 60, "the late readings to be counted")


def test_a_kill_between_append_and_mark_repeats_no_minute(cable: Cable, start: Start, minute: int) -> None:
    first = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 20, 21))
    closed(first.data, minute)
    first.stop(signal.SIGKILL)
    (first.data / "producer.mark").unlink(missing_ok=True)
    second = start()
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1, 21, 22))
    cable.read("001", seconds(minute + 2, 20, 21))
    assert [row.minute for row in closed(second.data, minute + 1)] == [minute, minute + 1]


@pytest.mark.parametrize("damage", [b"", b"junk"])
def test_a_lost_mark_and_a_reset_log_repeat_no_minute(cable: Cable, start: Start, minute: int, damage: bytes) -> None:
    first = start(HYDROLOG_LINE__LATENESS_SECONDS="1")
    cable.read("001", seconds(minute))
    closed(first.data, minute)  # by silence: no byte comes behind it
    wait_for(lambda: f'"closed_through": {minute}' in first.open_minute(), "the closed minute to be noted")
    wait_for(lambda: load_mark(first.data), "the mark")
    first.stop(signal.SIGKILL)
    consume_everything(first.data)
    (first.data / "producer.mark").write_bytes(damage)
    second = start(HYDROLOG_LINE__LATENESS_SECONDS="1")
    cable.read("001", seconds(minute))
    cable.read("001", seconds(minute + 1))
    assert [row.minute for row in closed(second.data, minute + 1)] == [minute + 1]


def test_a_stop_in_mid_minute_and_in_mid_frame_costs_no_reading(cable: Cable, start: Start, minute: int) -> None:
    first = start()
    cable.read("001", seconds(minute, 0, 30))
    half = encode("001", minute * 60.0 + 30, 8.0, 4.0, cable.zone)
    first.took(30)
    cable.send(half[:20])
    wait_for(lambda: half[:20].decode() in first.open_minute(), "the half frame")
    assert first.stop() == 0
    cable.send(half[20:])
    cable.read("001", seconds(minute, 31, 45))  # while nobody listens
    second = start()
    cable.read("001", seconds(minute, 45, 60))
    cable.read("001", seconds(minute + 1, 20, 21))
    assert [(row.minute, row.samples) for row in closed(second.data, minute)] == [(minute, 60)]


def test_silence_closes_the_last_minute(cable: Cable, start: Start, minute: int) -> None:
    producer = start(HYDROLOG_LINE__LATENESS_SECONDS="1")
    cable.send(b"".join(encode("001", float(second), 8.0, 4.0, cable.zone) for second in seconds(minute, 0, 10)))
    assert [(row.minute, row.samples) for row in closed(producer.data, minute)] == [(minute, 10)]


def test_strange_ids_are_refused_counted_and_never_echoed(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    ids = [b"\x1b[2J\x1b]0;x\x07", b"a\tb", b"a\x00b", b"x'; DROP TABLE sensor_tb;--", b"=cmd|'/C calc'!A0"]
    ids += [b"../../etc/passwd", b"<script>alert(1)</script>", "\u202eevil".encode(), b"A" * 10_000]
    for sensor in ids:
        cable.send(frame_of(sensor + b",,1,2"))
    cable.read("001", seconds(minute, 0, 1))
    cable.read("001", seconds(minute + 1, 20, 21))
    assert {row.sensor for row in closed(producer.data, minute)} == {"001"}
    wait_for(lambda: producer.health()["counters"]["frames_refused"].get("sensor") == len(ids) - 1, "the count")
    producer.stop()
    everything = producer.output + (producer.data / "health" / "producer.json").read_bytes()
    assert b"\x1b" not in everything
    assert b"passwd" not in everything
    assert b"script" not in everything


def test_several_sensors_close_each_by_its_own_readings(cable: Cable, start: Start, minute: int) -> None:
    producer = start()
    for sensor in ("003", "001", "002"):
        cable.read(sensor, seconds(minute, 0, 5))
    for sensor in ("003", "001", "002"):
        cable.read(sensor, seconds(minute + 1, 20, 21))
    wait_for(lambda: {row.sensor for row in rows(producer.data)} == {"001", "002", "003"}, "their rows")
    wait_for(lambda: (mark := load_mark(producer.data)) and mark.end_offset == 3, "the mark")
    mark = load_mark(producer.data)
    assert mark
    assert mark.sensors == {"001": minute, "002": minute, "003": minute}


def test_a_port_is_not_shared(cable: Cable, start: Start, minute: int) -> None:
    first = start()
    second = start("other")
    wait_for(lambda: "another program" in second.health()["problem"], "the reason")
    first.stop()
    cable.read("001", seconds(minute, 0, 5))
    second.took(5)


def test_a_kill_between_the_meters_of_a_zone_costs_no_minute_of_it_and_repeats_none(
    cable: Cable, start: Start, minute: int
) -> None:
    zones = {"HYDROLOG_ZONES__ZONE_A": "001 - 002", "HYDROLOG_LINE__LATENESS_SECONDS": "20"}
    first = start(**zones)
    cable.read("zone_a", seconds(minute, 0, 3))  # no meter may have its name
    cable.read("002", seconds(minute, 0, 30), flow=3.0)  # whose clock is slow
    cable.read("001", seconds(minute, 0, 60))
    cable.read("001", seconds(minute + 1, 20, 21))
    wait_for(lambda: (mark := load_mark(first.data)) and mark.sensors == {"001": minute}, "the faster meter's mark")
    first.stop(signal.SIGKILL)
    consume_everything(first.data)
    assert rows(first.data) == []  # the log was reset: it no longer tells the faster meter's flow
    second = start(**zones)
    cable.read("002", seconds(minute, 30, 60), flow=3.0)
    cable.read("002", seconds(minute + 1, 20, 21), flow=3.0)
    wait_for(lambda: len(rows(second.data)) == 2, "the slower meter's row, and the zone's")
    assert [(row.minute, row.sensor, row.flow, row.pressure, row.samples) for row in rows(second.data)] == [
        (minute, "002", 3.0, 4.0, 60),
        (minute, "zone_a", 5.0, None, 60),
    ]
    wait_for(lambda: (mark := load_mark(second.data)) and "zone_a" in mark.sensors, "the zone in the mark")
