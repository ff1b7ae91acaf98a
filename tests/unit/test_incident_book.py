"""The book: one trouble at one point is one incident, whatever is found, in any order, however the box is killed."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from found import LOW, RULES, T, all_stand, booked, down, up
from hypothesis import given
from hypothesis import strategies as some

from common.folder import INCIDENTS_FILE
from incidents import book, reading
from incidents.book import GONE, KEEP_ENDED, MOST_SIGNS, RETURN_MIN, Book
from incidents.incident import Before, Size
from outliers.findings import CLEAR, RAISE, End


def test_a_leak_is_one_incident_from_its_first_watch_to_its_end() -> None:
    (one,) = booked(
        up("PRE-STEP", T + 4, T, numbers={"rise_m3h": 9.1}),
        down("PRE-STEP", T + 52, End.LEAK),
        up("LEAK", T + 52, T, numbers={"rise_m3h": 9.4}),
        up("NGT-JUMP", T + 600, T + 300),
        up("LEAK-MORE", T + 700, T + 640),
        down("LEAK-MORE", T + 900),
        down("NGT-JUMP", T + 2000),
        down("LEAK", T + 2000, End.FELL),
    )
    assert (one.id, one.began, one.raised, one.ended) == ("001-20240826T0030Z-leak", T, T + 4, T + 2000)
    assert [sign.code for sign in one.signs] == ["PRE-STEP", "LEAK", "NGT-JUMP", "LEAK-MORE"]
    assert (one.returned, one.severity, one.leading.end) == (0, "leak", "usual")


def test_a_fault_of_the_meter_that_explains_a_leak_turns_it_into_one_with_its_history() -> None:
    (one,) = booked(
        up("LEAK", T + 52, T),
        down("LEAK", T + 300, End.METER),
        up("SYS-METER", T + 300, T - 5, numbers={"scale_share": 0.3}),
    )
    assert (one.kind, one.before, one.ended, one.leading.code) == (
        "fault",
        [Before("leak", T + 300)],
        None,
        "SYS-METER",
    )
    assert (one.size, one.volume_m3) == (None, None)
    (leak, fault) = booked(up("LEAK", T, T), down("LEAK", T + 300), up("SYS-METER", T + 301))
    assert (leak.kind, fault.kind) == ("leak", "fault")
    # A fault of that meter is known already: the leak has ended in it.
    found = [up("SYS-STUCK", T), up("LEAK", T, T), down("LEAK", T + 300, End.METER), up("SYS-METER", T + 300)]
    assert [(one.kind, one.ended is None) for one in booked(*found)] == [("fault", True), ("leak", False)]


def test_a_raise_from_long_before_the_end_is_no_return() -> None:
    """The clock was set back in between."""
    assert len(booked(up("LEAK", T), down("LEAK", T + 100), up("LEAK", T - 90_000))) == 2


def test_what_loggers_show_of_its_newest_leak_is_that_of_now_and_the_rest_stays() -> None:
    whole = Book("demo")
    numbers = {"rise_m3h": 9.4}
    whole.on_findings([up("LEAK", T + 52, T, numbers=numbers), up("NGT-JUMP", T + 600, T + 300)])
    (one,) = whole.incidents
    one.signs[0].notes = ["pressure-agrees", "loggers-unknown"]
    whole.on_loggers(one, ["loggers-agree", "logger-most"], {"loggers_share": 0.9, "beyond_bar": 0.1}, "103")
    leak, night = one.signs
    assert (leak.notes, leak.point) == (["pressure-agrees", "loggers-agree", "logger-most"], "103")
    assert leak.numbers == {**numbers, "loggers_share": 0.9, "beyond_bar": 0.1} and not night.notes
    whole.on_loggers(one, ["loggers-unknown"], {}, "")
    assert (leak.notes, leak.numbers, leak.point) == (["pressure-agrees", "loggers-unknown"], numbers, "")
    whole.on_findings([down("LEAK", T + 900)])
    whole.on_loggers(one, ["loggers-agree"], {}, "103")
    assert leak.notes == ["pressure-agrees", "loggers-unknown"] and not night.notes


@pytest.mark.parametrize("code", ["LEAK", "SYS-STUCK", "SUP-STEP"])
def test_a_trouble_that_is_soon_back_is_the_same_and_later_another(code: str) -> None:
    patience = RETURN_MIN[RULES[code][2]]
    first = [up(code, T), down(code, T + 100)]
    (same,) = booked(*first, up(code, T + 100 + patience))
    assert (same.returned, same.ended) == (1, None)
    assert len(booked(*first, up(code, T + 101 + patience))) == 2


def test_what_began_soon_after_the_end_is_the_same_however_late_it_was_found() -> None:
    """A leak that was called over too early, as after a gap, is found again by its hours, many hours later."""
    patience = RETURN_MIN["leak"]
    first = [up("LEAK", T), down("LEAK", T + 100)]
    (same,) = booked(*first, up("NGT-JUMP", T + 100 + 2 * patience, T + 160))
    assert (same.returned, same.ended) == (1, None)
    assert len(booked(*first, up("NGT-JUMP", T + 2000, T + 101 + patience))) == 2
    assert len(booked(*first, up("NGT-JUMP", T + 2000, T + 99 - patience))) == 2  # long before: not its return


def test_points_and_channels_are_apart() -> None:
    found = booked(
        up("SYS-STUCK", T), up("SYS-MISS", T), up("LEAK", T), up("LEAK", T, sensor="002"), up("SUP-STEP", T + 999)
    )
    assert len({one.id for one in found}) == 5
    assert sorted((one.sensor, one.kind, one.channel) for one in found) == [
        ("001", "fault", "flow"),
        ("001", "fault", "pressure"),
        ("001", "leak", "flow"),
        ("001", "supply", "pressure"),
        ("002", "leak", "flow"),
    ]


def test_what_comes_again_after_a_kill_changes_nothing() -> None:
    found = [up("PRE-STEP", T + 4, T), down("PRE-STEP", T + 52, End.LEAK), up("LEAK", T + 52, T)]
    made = Book("demo")
    assert made.on_findings(found)
    before = msgspec.json.encode(made.incidents)
    assert not made.on_findings([found[0], found[2]])
    assert not made.on_findings([up("LEAK", T + 55, T - 2)])  # the detector had forgotten it, and found it anew
    assert msgspec.json.encode(made.incidents) == before


def test_a_sign_that_its_detector_does_not_know_is_ended() -> None:
    made = Book("demo")
    made.on_findings([up("PRE-STEP", T), up("SYS-STUCK", T), up("SYS-MISS", T, sensor="away")])
    known = {"001": {("SYS-STUCK", "flow")}}
    assert made.look(known.get, T + 10)
    assert not made.look(known.get, T + 20)
    step, stuck, away = made.incidents
    assert (step.ended, step.signs[0].end, stuck.ended, away.ended) == (T + 10, GONE, None, None)


def test_planned_work_that_is_outlasted_stays_one_incident() -> None:
    (one,) = booked(
        up("PRE-STEP", T, severity="planned", work="flushing"),
        down("PRE-STEP", T + 60, End.PLAN_OVER),
        up("PRE-STEP", T + 60, T, work="flushing"),
    )
    assert (one.severity, one.ended, one.signs[0].work) == ("watch", None, "flushing")


def test_a_size_tells_the_volume_and_a_sure_one_the_largest() -> None:
    made = Book("demo")
    made.on_findings([up("LEAK", T + 52, T)])
    leak = made.open_leaks()["001"]
    made.on_size(leak, Size(T + 60, 17.4, 8.0))
    assert (leak.largest_m3h, leak.volume_m3) == (None, 17.4)
    made.on_size(leak, Size(T + 600, 9.3, 1.0))
    made.on_size(leak, Size(T + 1200, 8.0, 1.0))
    assert (leak.largest_m3h, leak.volume_m3) == (
        9.3,
        181.1,
    )  # 1 h of the first size, 9 h of the second, 10 h of the third


def test_rows_of_a_false_time_take_their_incidents_along() -> None:
    made = Book("demo")
    made.on_findings([up("LEAK", T), down("LEAK", T + 900), up("SYS-STUCK", T + 800)])
    made.forget_after(T + 500)
    (leak,) = made.incidents
    assert (leak.kind, leak.ended) == ("leak", None)


def test_a_damaged_file_is_set_aside_and_made_anew_from_what_stands(tmp_path: Path) -> None:
    (tmp_path / INCIDENTS_FILE).write_text('{"incidents": [')
    standing = [up("SYS-STUCK", T), down("SYS-STUCK", T + 9), up("LEAK", T)]
    made, problem = book.load(tmp_path, "demo", standing)
    assert "JSON" in problem or "truncated" in problem
    assert [one.kind for one in made.incidents] == ["leak"]
    assert (tmp_path / f"{INCIDENTS_FILE}.bad").exists()
    book.store(tmp_path, made)
    again, problem = book.load(tmp_path, "demo", [])
    assert (again.incidents, problem) == (made.incidents, "")


def test_what_nobody_can_tell_in_a_file_stops_no_finding(tmp_path: Path) -> None:
    made = Book("demo")
    made.on_findings([up("LEAK", T), up("SYS-STUCK", T)])
    made.incidents[1].signs.clear()
    book.store(tmp_path, made)
    kept, problem = book.load(tmp_path, "demo", [])
    assert ([one.kind for one in kept.incidents], "1 incidents cannot be read" in problem) == (["leak"], True)
    assert (tmp_path / f"{INCIDENTS_FILE}.bad").exists()
    assert kept.on_findings([up("SYS-STUCK", T + 9)])


def test_the_file_keeps_what_is_up_and_the_newest_others(tmp_path: Path) -> None:
    made = Book("demo")
    made.on_findings([up("LEAK", T)])
    for number in range(KEEP_ENDED + 5):
        minute = T + 200 * number
        made.on_findings([up("SYS-STUCK", minute), down("SYS-STUCK", minute + 1)])
    book.store(tmp_path, made)
    known = reading.load(tmp_path, T).known
    assert len(known) == KEEP_ENDED + 1
    assert known[0].incident.kind == "leak"
    assert known[-1].incident.raised == T + 200 * 5


codes = some.sampled_from(sorted(RULES))
moves = some.lists(
    some.tuples(codes, some.sampled_from([RAISE, CLEAR]), some.integers(-500, 2000), some.sampled_from(["001", "002"])),
    max_size=120,
)


@given(moves)
def test_any_order_of_findings_makes_a_sound_book(found: list[tuple[str, str, int, str]]) -> None:
    """Also minutes that run backwards, as after a clock was set."""
    made = Book("demo")
    for code, state, place, sensor in found:
        measured = LOW | {"away_bar": -0.4 if place % 2 else 0.4}
        raised = up(code, T + place, T + place - 30, sensor, numbers=measured)
        one = raised if state == RAISE else down(code, T + place, sensor=sensor)
        made.on_findings([one])
        made.on_findings([one])
        made.look(all_stand, T + place)
    assert len({one.id for one in made.incidents}) == len(made.incidents)
    for incident in made.incidents:
        assert incident.signs
        assert len(incident.signs) <= MOST_SIGNS
        assert incident.minutes(T) >= 0
        assert (incident.ended is None) == bool(incident.up)
        assert all(sign.ended is None or sign.ended >= sign.raised for sign in incident.signs)
    ups = sorted((one.sensor, one.kind, "" if one.kind == "leak" else one.channel) for one in made.incidents if one.up)
    assert all(first != second for first, second in pairwise(ups))
