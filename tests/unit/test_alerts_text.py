"""The words of a message: what, where, since when, its name; nothing that could shape a page or a terminal."""

import unicodedata
from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from consumer.alerts.events import AlertEvent
from consumer.alerts.pending import Queue
from consumer.alerts.text import REASON_LENGTH, Message, compose, plain

SEOUL = ZoneInfo("Asia/Seoul")
T0 = 28_000_000  # 2023-03-28 19:40 in Seoul
LEAK = AlertEvent("001", "flow", "PREDICT", "LEAK", "leak", T0 - 60, T0, "flow has been 2.1 m3/h over forecast")
FAULT = AlertEvent("002", "pressure", "SYSTEM", "SYS-STUCK", "fault", T0, T0, "4.11 bar unchanged for 90 min")


def message(*events: AlertEvent, told: tuple[str, ...] = (), held_since_s: float | None = None) -> Message:
    queue = Queue({event.id: event for event in events}, told=dict.fromkeys(told), held_since_s=held_since_s)
    return compose(queue, "site-1", SEOUL, 6)


def test_a_leak_says_what_where_since_when_and_its_name() -> None:
    said = message(LEAK)
    assert said.title == "hydrolog site-1: LEAK at sensor 001 (flow)"
    assert said.colour == "failure"
    assert said.body.splitlines()[:2] == [
        "LEAK at sensor 001 (flow) since 2023-03-28 18:40: flow has been 2.1 m3/h over forecast",
        "(001/flow/LEAK/20230328T1040Z)",
    ]


def test_several_events_are_one_message_the_worst_first() -> None:
    said = message(FAULT, LEAK)
    assert said.title == "hydrolog site-1: 1 LEAK, 1 FAULT"
    assert said.body.index("001/flow/LEAK") < said.body.index("002/pressure/SYS-STUCK")


def test_the_end_of_what_was_told_and_of_what_was_not() -> None:
    ended = replace(LEAK, cleared=T0 + 30, cleared_reason="flow is back")
    said = message(ended, told=(LEAK.id,))
    assert said.title == "hydrolog site-1: over: LEAK at sensor 001 (flow)"
    assert said.colour == "success"
    assert "OVER: LEAK at sensor 001 (flow) of 2023-03-28 18:40, until 2023-03-28 20:10: flow is back" in said.body
    assert "was up from 2023-03-28 18:40 to 2023-03-28 20:10" in message(ended).body


def test_a_summary_says_that_it_is_one() -> None:
    assert "A summary of what came since 2023-03-28 19:40" in message(LEAK, held_since_s=T0 * 60.0).body


def test_an_alarm_of_the_box_names_its_part() -> None:
    said = message(AlertEvent("", "line", "BOX", "BOX-LINE", "fault", T0, T0, "no row from any sensor"))
    assert said.title == "hydrolog site-1: FAULT of the box (line)"


@given(st.text(max_size=600))
def test_no_text_brings_control_characters_or_lines_into_a_message(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= REASON_LENGTH
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    events = message(replace(LEAK, reason=text, code=text), replace(FAULT, sensor=text))
    assert len(events.body.splitlines()) == len(message(LEAK, FAULT).body.splitlines())
