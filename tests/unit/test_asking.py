"""Meters that are asked in text: each answer belongs to its question, or to nobody."""

import pytest
from asked_line import FLOW, STEP_S, AskedLine, line_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from common.errors import SettingsError
from common.meters import Format, TextMeter
from common.settings import LineSettings
from producer.ascii import Reading
from producer.asking_checks import check_questions

TWO = (("?01\r", "a"), ("?02\r", "b"))
THREE = (*TWO, ("?03\r", "c"))
VALUES = {b"?01\r": b"1.5\r", b"?02\r": b"2.5\r", b"?03\r": b"3.5\r"}
OWN = {"a": 1.5, "b": 2.5, "c": 3.5}
NAMED = Format(fields=("sensor", "flow"), end="\r\n")
NAMED_VALUES = {b"?01\r": b"a,1.5\r\n", b"?02\r": b"b,2.5\r\n", b"?03\r": b"c,3.5\r\n"}
TIMEOUT_S = 0.5


def answers(sent: bytes) -> bytes:
    return VALUES[sent]


def without(*silent: bytes) -> AskedLine:
    line = AskedLine(line_settings(*THREE, timeout_seconds=TIMEOUT_S), answers)
    line.answer = lambda sent: b"" if sent in silent else VALUES[sent]
    return line


def test_one_meter_is_asked_in_each_poll() -> None:
    line = AskedLine(line_settings(("DQD\r", "inlet"), poll_seconds=5.0), lambda _sent: b"8.02\r")
    assert line.run(25.0) == [Reading("inlet", None, 8.02, None)] * 5
    assert [sent for _, sent in line.asked] == [b"DQD\r"] * 5
    assert [round(after - before, 1) for (before, _), (after, _) in zip(line.asked, line.asked[1:], strict=False)] == [
        5.0
    ] * 4
    assert line.asking.problem == ""
    assert not line.refused


def test_several_meters_are_asked_in_turn() -> None:
    line = AskedLine(line_settings(*THREE), answers)
    assert [(reading.sensor, reading.flow) for reading in line.run(10.0)] == [*OWN.items()] * 2


def test_a_silent_meter_is_named_and_costs_the_others_nothing() -> None:
    line = without(b"?02\r")
    line.run(30.0)
    assert line.asking.problem == "the meter asked '?02\\r' does not answer within 0.5 s (sensor b)"
    assert line.told[-1].place == "sensor b, asked '?02\\r'"
    before = len(line.asked)
    readings = line.run(100.0)
    assert [reading.sensor for reading in readings].count("a") == 20
    assert [reading.sensor for reading in readings].count("c") == 20
    assert all(reading.flow == OWN[reading.sensor] for reading in readings)
    asked = [sent for _, sent in line.asked[before:]].count(b"?02\r")
    assert 0 < asked * 3 * TIMEOUT_S <= 100 * 0.11
    line.answer = answers
    line.run(20.0)
    assert line.asking.problem == ""
    assert {reading.sensor for reading in line.run(5.0)} == set(OWN)


@pytest.mark.parametrize("late_s", [TIMEOUT_S + STEP_S * number for number in range(1, 48, 3)])
@pytest.mark.parametrize("dead", [b"", b"?02\r"])
def test_a_late_answer_is_never_the_next_meters(late_s: float, dead: bytes) -> None:
    line = without(dead)

    def slow(sent: bytes) -> bytes:
        if sent == b"?01\r":
            line.coming.append((line.now_s + late_s, b"1.5\r"))
            return b""
        return b"" if sent == dead else VALUES[sent]

    line.answer = slow
    readings = line.run(20.0)
    assert all(reading.flow == OWN[reading.sensor] for reading in readings)
    assert "c" in {reading.sensor for reading in readings}
    assert ("b" in {reading.sensor for reading in readings}) is not bool(dead)
    assert line.refused["late-answer"]
    assert line.refused["timeout"]


def test_a_meter_whose_answer_was_dropped_is_asked_again_in_the_same_round() -> None:
    line = without(b"?01\r")
    assert {reading.sensor for reading in line.run(4.9)} == {"b", "c"}
    assert [sent for _, sent in line.asked].count(b"?02\r") == 2
    assert line.refused["late-answer"] == 1


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.02, 3 * TIMEOUT_S - 2 * STEP_S), st.booleans()), min_size=1, max_size=12))
def test_no_delay_gives_a_sensor_anothers_value(delays: list[tuple[float, bool]]) -> None:
    line = without()
    turns = 0

    def slow(sent: bytes) -> bytes:
        nonlocal turns
        turns += 1
        after_s, lost = delays[turns % len(delays)]
        if not lost:
            line.coming.append((line.now_s + after_s, VALUES[sent]))
        return b""

    line.answer = slow
    assert all(reading.flow == OWN[reading.sensor] for reading in line.run(60.0))


def test_an_answer_that_names_its_sensor_is_known_when_it_is_late() -> None:
    line = AskedLine(line_settings(*THREE, form=NAMED, timeout_seconds=TIMEOUT_S), lambda sent: NAMED_VALUES[sent])

    def slow(sent: bytes) -> bytes:
        if sent == b"?01\r":
            line.coming.append((line.now_s + 2.2 * TIMEOUT_S, NAMED_VALUES[sent]))
            return b""
        return NAMED_VALUES[sent]

    line.answer = slow
    readings = line.run(5.0)
    assert [(reading.sensor, reading.flow) for reading in readings] == [("b", 2.5), ("c", 3.5)]
    assert line.refused == {"timeout": 1, "late-answer": 1}


def test_a_meter_that_answers_for_another_is_named() -> None:
    line = AskedLine(line_settings(TWO[0], form=NAMED), lambda _sent: b"b,2.5\r\n")
    assert line.run(20.0) == []
    assert line.asking.problem == (
        "the meter asked '?01\\r' does not answer, but sensor b does in its place (sensor a)"
    )


def test_the_answers_of_two_meters_to_one_question_are_nobodys() -> None:
    line = AskedLine(line_settings(*TWO), lambda sent: VALUES[b"?01\r"] + VALUES[b"?02\r"] if sent == b"?01\r" else b"")
    assert line.run(20.0) == []
    assert line.refused["late-answer"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_the_echo_of_our_question_is_no_answer(end: str, piece: int) -> None:
    form = Format(fields=("flow",), end=end)
    line = AskedLine(line_settings(("?01" + end, "a"), form=form, timeout_seconds=TIMEOUT_S), lambda _sent: b"")

    def echoing(sent: bytes) -> bytes:
        said = sent + answer
        line.coming += [
            (line.now_s + 0.02 + number * 0.04, said[place : place + piece])
            for number, place in enumerate(range(0, len(said), piece))
        ]
        return b""

    line.answer, answer = echoing, b"7.25" + end.encode()
    assert line.run(5.0) == [Reading("a", None, 7.25, None)]
    assert not line.refused
    answer = b""
    assert line.run(15.0) == []
    assert line.asking.problem == f"the meter asked {'?01' + end!r} does not answer within 0.5 s (sensor a)"
    assert set(line.refused) == {"timeout"}


def test_a_terminals_echo_ends_with_a_new_line_of_its_own() -> None:
    form = Format(pattern=r"(?P<flow>[-+0-9.E]+)(?P<flow_measure>.*)")
    line = AskedLine(line_settings(("DQD\r", "a"), form=form), lambda sent: sent + b"\n+1.234500E+01m3/h\r\n")
    assert line.run(5.0) == [Reading("a", None, 12.345, None)]


def test_an_answer_of_several_lines_is_one_reading() -> None:
    form = Format(pattern=r"Q (?P<flow>[0-9.]+) m3/h|P (?P<pressure>[0-9.]+) bar")
    said = b"METER 5 READY\r\nQ 8.02 m3/h\r\nP 4.11 bar\r\n"
    line = AskedLine(line_settings(("?\r", "a"), form=form), lambda _sent: said)
    assert line.run(5.0) == [Reading("a", None, 8.02, 4.11)]
    assert not line.refused


def test_a_readout_between_start_and_check_byte() -> None:
    body = (
        b"".join(b"1-1:9.%d.0(0000000)\r\n" % n for n in range(100))
        + b"1-1:8.0.0(0012345.6*m3)\r\n1-1:2.7.0(008.02*m3/h)\r\n!\r\n\x03"
    )
    check = 0
    for byte in body:
        check ^= byte
    form = Format(
        start="\x02",
        end="\x03",
        checksum="bcc",
        pattern=r"(?s).*2\.7\.0\((?P<flow>[0-9.]+)\*(?P<flow_measure>[^)]+)\).*",
    )
    said = b"/ABC5METER\r\n\x02" + body + bytes([check])
    line = AskedLine(line_settings(("/?!\r\n", "a"), form=form), lambda _sent: said)
    assert line.run(5.0) == [Reading("a", None, 8.02, None)]


def test_frames_of_one_length_begin_behind_the_question() -> None:
    form = Format(end="", length=8, pattern=r"(?P<flow>\d{4})(?P<pressure>\d{4})", flow_scale=0.01, pressure_scale=0.01)
    line = AskedLine(line_settings(("?\r", "a"), form=form), lambda sent: sent + b"08020411")
    assert line.run(10.0) == [Reading("a", None, 8.02, 4.11)] * 2


def test_a_slow_answer_is_waited_for_while_it_comes() -> None:
    line = AskedLine(line_settings(*TWO, timeout_seconds=0.2), lambda _sent: b"")

    def slow(sent: bytes) -> bytes:
        line.coming += [(line.now_s + 0.1 * (n + 1), bytes([byte])) for n, byte in enumerate(b"000" + VALUES[sent])]
        return b""

    line.answer = slow
    assert [(reading.sensor, reading.flow) for reading in line.run(5.0)] == [("a", 1.5), ("b", 2.5)]


def test_a_line_that_is_never_quiet_holds_nobody_up_for_ever() -> None:
    line = AskedLine(line_settings(*TWO, timeout_seconds=0.2), answers)
    line.run(10.0, {0.02 * number: b"x" for number in range(110)})
    assert {sent for _, sent in line.asked} == set(VALUES) - {b"?03\r"}


def test_a_damaged_answer_is_asked_for_again() -> None:
    line = AskedLine(line_settings(*TWO), answers)
    line.run(5.0)
    said = iter([b"1.x5\r"])
    line.answer = lambda sent: next(said, VALUES[sent])
    assert {reading.sensor for reading in line.run(5.0)} == {"a", "b"}
    assert line.refused["number"] == 1


def test_a_pause_is_kept() -> None:
    line = AskedLine(line_settings(*TWO, pause_seconds=0.7), answers)
    line.run(4.0)
    (first_s, _), (second_s, _) = line.asked
    assert second_s - first_s >= 0.7 + line.after_s


def test_a_reopened_line_goes_on() -> None:
    line = AskedLine(line_settings(*TWO), answers)
    line.run(0.04)
    line.asking.restart(sent=False)
    assert line.asking.ask(line.now_s) == b"?01\r"  # it was never sent
    line.asking.restart(sent=True)
    line.coming.clear()
    assert {reading.sensor for reading in line.run(9.0)} == {"a", "b"}
    assert line.refused["closed"] == 1


def test_a_server_that_closes_behind_each_answer_has_answered() -> None:
    line = AskedLine(line_settings(TWO[0]), answers)
    line.asking.ask(0.0)
    assert line.asking.take(b"1.5\r", 0.1)
    line.asking.restart(sent=True)
    assert line.asking.readings == [Reading("a", None, 1.5, None)]


@pytest.mark.parametrize(
    ("meters", "form", "key", "word"),
    [
        ([("", "a")], FLOW, "line.ask.meters[1].text", "is missing"),
        ([("?\r", "a"), ("?\r", "b")], FLOW, "line.ask.meters[2].text", "asked already"),
        ([("?\r", "")], FLOW, "line.ask.meters[1].sensor", "is missing"),
        ([("01", "a")], FLOW, "line.ask.meters[1].text", "looks like a part of an answer"),
        ([("?\r", "a")], Format(), "line.format.fields", "neither flow nor pressure"),
    ],
)
def test_impossible_questions_are_refused(meters: list[tuple[str, str]], form: Format, key: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word) as refused:
        check_questions(line_settings(*meters, form=form))
    assert refused.value.key == key


def test_questions_need_described_answers_and_time() -> None:
    ask = line_settings(("?\r", "a")).ask
    with pytest.raises(SettingsError, match='protocol = "described"'):
        check_questions(LineSettings(protocol="modbus", ask=ask))
    many = [(f"?{number}\r", "a") for number in range(100)]
    with pytest.raises(SettingsError, match=r"takes at least 10\.\d s.*write at least 16"):
        check_questions(line_settings(*many))
    check_questions(line_settings(*many, poll_seconds=16.0))


def test_a_meter_has_a_place_without_a_sensor() -> None:
    line = AskedLine(line_settings(("?01\r", ""), form=NAMED), lambda _sent: b"")
    line.run(15.0)
    assert line.told[0].place == "asked '?01\\r'"
    assert line.asking.problem == "the meter asked '?01\\r' does not answer within 1 s"
    assert TextMeter("?", "").sensor == ""
