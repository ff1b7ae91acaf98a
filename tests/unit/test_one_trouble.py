"""Signs of different kinds: what is one trouble, and what is a trouble of its own."""

from itertools import permutations
from zoneinfo import ZoneInfo

from found import LOW, T, all_stand, booked, down, up

from common.messages import words
from incidents import sentences
from incidents.book import Book
from incidents.incident import Before, Size
from incidents.life import Life
from incidents.one_trouble import OUTLASTS_MIN
from incidents.reading import Known
from outliers.findings import End

UTC = ZoneInfo("UTC")


def test_flow_and_pressure_that_fall_together_are_one_outage_in_any_order() -> None:
    falls = [
        up("SUP-STEP", T, numbers={"away_bar": -0.4}),
        up("FLOW-LOW", T + 20, numbers=LOW),
        up("GAUGE-LOW", T + 25, numbers=LOW),
    ]
    for order in permutations(falls, 2):
        channels = {one.channel for one in order}
        found = booked(*order)
        if channels == {"flow", "pressure"}:
            (one,) = found
            assert (one.kind, one.severity, one.outage) == ("supply", "fault", True)
    (one,) = booked(*falls, down("FLOW-LOW", T + 300), down("GAUGE-LOW", T + 300), down("SUP-STEP", T + 340))
    assert (one.ended, one.outage, one.leading.code) == (T + 340, True, "SUP-STEP")
    high = up("GAUGE-LOW", T, numbers={"value": 20.0, "limit": 16.0})
    assert [each.kind for each in booked(high, falls[1])] == ["fault", "fault"]


def test_two_instruments_that_fall_silent_together_are_one_trouble() -> None:
    missing = [up("FLOW-MISS", T + 8, T), up("GAUGE-MISS", T + 9, T + 1)]
    for order in permutations(missing):
        (one,) = booked(*order)
        told = [sentences.told(Known(one, Life()), "A", words(each), UTC, T + 60) for each in ("en", "ko")]
        assert told[0].what.startswith("Flow meter and pressure gauge: ")
        assert told[1].what.startswith("유량계·수압계: ")
        assert all(len(each.why) == 1 for each in told)
    back = [down("FLOW-MISS", T + 60), down("GAUGE-MISS", T + 61)]
    (one,) = booked(*missing, *back, up("FLOW-MISS", T + 100, T + 92), up("GAUGE-MISS", T + 100, T + 92))
    assert (one.returned, len(one.up)) == (1, 2)
    (one,) = booked(*missing, back[0])
    told_one = sentences.told(Known(one, Life()), "A", words("en"), UTC, T + 70)
    assert told_one.what.startswith("Pressure gauge: ")
    assert len(booked(missing[0], up("GAUGE-MISS", T + 300, T + 292))) == 2


def test_a_wrong_moment_does_not_give_its_name_to_a_trouble_of_days() -> None:
    drift, spike = up("SYS-DRIFT", T), [up("SYS-SPIKE", T + 900), down("SYS-SPIKE", T + 900)]
    (one,) = booked(drift, *spike, down("SYS-DRIFT", T + 5000))
    assert one.leading.code == "SYS-DRIFT"


def test_an_instrument_that_stays_wrong_after_an_outage_is_a_fault_of_its_own() -> None:
    found = [up("GAUGE-LOW", T, numbers=LOW), up("FLOW-LOW", T + 1, numbers=LOW), down("GAUGE-LOW", T + 60)]
    made = Book("demo")
    made.on_findings(found)
    made.look(all_stand, T + 60 + OUTLASTS_MIN - 1)
    assert len(made.incidents) == 1
    assert made.look(all_stand, T + 60 + OUTLASTS_MIN)
    outage, fault = made.incidents
    assert (outage.kind, outage.ended, outage.before) == ("supply", T + 60, [Before("fault", T + 1)])
    assert (fault.kind, fault.channel, fault.ended, fault.began) == ("fault", "flow", None, T + 1)
    made.on_findings([down("FLOW-LOW", T + 290)])
    assert (outage.ended, fault.ended) == (T + 60, T + 290)


def test_a_step_of_the_pressure_is_a_sign_of_what_explains_it() -> None:
    back = up("SUP-STEP", T + 60, numbers={"away_bar": 0.3})
    drifted = up("SYS-DRIFT", T, numbers={"away_bar": -0.1})
    assert [one.kind for one in booked(drifted, back)] == ["fault"]
    assert [one.kind for one in booked(up("SYS-DRIFT", T, numbers={"away_bar": 0.1}), back)] == ["fault", "supply"]
    assert [one.kind for one in booked(up("SYS-METER", T - 5000), back)] == ["fault"]
    (leak,) = booked(up("LEAK", T + 50, T), back)
    assert (leak.kind, leak.severity, leak.leading.code) == ("leak", "leak", "LEAK")
    (turned,) = booked(up("LEAK", T + 50, T), back, down("LEAK", T + 90, End.METER), up("SYS-METER", T + 90))
    assert (turned.kind, turned.severity, turned.leading.code) == ("fault", "fault", "SYS-METER")
    (leak,) = booked(up("LEAK", T + 50, T), back, down("LEAK", T + 90))
    assert (leak.ended, leak.severity) == (None, "watch")
    assert len(booked(up("LEAK", T - 5000), back)) == 2


def test_a_leak_that_turned_out_to_be_the_meter_is_told_as_that_after_its_end() -> None:
    found = [up("LEAK", T), down("LEAK", T + 90, End.METER), up("SYS-METER", T + 90)]
    (one,) = booked(*found, down("SYS-METER", T + 900, End.GOOD))
    assert (one.severity, one.leading.code, one.ended) == ("fault", "SYS-METER", T + 900)


def test_a_leak_that_grows_has_lost_what_leaked_at_each_time() -> None:
    made = Book("demo")
    made.on_findings([up("LEAK", T)])
    (leak,) = made.incidents
    for hours in range(11):
        made.on_size(leak, Size(T + 60 * hours, float(hours), 0.1))
    assert leak.volume_m3 == 55.0
    made.on_findings([down("LEAK", T + 600), up("LEAK", T + 800)])  # it has come back
    made.on_size(leak, Size(T + 860, 2.0, 0.1))
    assert leak.volume_m3 == 57.0
