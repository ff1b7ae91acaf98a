"""A leak at a zone and at its meters: one is told, whichever comes first, and none is hidden."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from found import T, all_stand, down, up
from hypothesis import given
from hypothesis import strategies as some

from common.clock import minute_start
from common.messages import words
from common.settings import Settings
from common.settings_alerts import Person
from common.zones import read_zones
from consumer.alerts.news import News, Said
from consumer.alerts.pending import Queue
from incidents import book, reading
from incidents.book import Book
from incidents.incident import sensor_of
from incidents.one_leak import SAME_MIN
from incidents.one_trouble import OUTLASTS_MIN
from incidents.sentences import told
from log.mark import Mark
from outliers.findings import Finding
from situation.judge import judge
from situation.snapshot import Snapshot

UTC = ZoneInfo("UTC")
ZONES = read_zones({"zone_a": "001 + 002 - 003", "zone_b": "003 + 004"}, ())


def booked(*found: Finding) -> Book:
    made = Book("demo", zones=ZONES)
    made.on_findings(found)
    return made


def leads(made: Book) -> dict[str, str]:
    """Of each point with a leak, the point at which it is told."""
    at = {one.id: one.sensor for one in made.incidents}
    return {one.sensor: at.get(one.joined, one.sensor) for one in made.incidents if one.kind == "leak"}


def test_the_second_point_joins_the_first() -> None:
    assert leads(booked(up("LEAK", T), up("LEAK", T + 60, sensor="zone_a"))) == {"001": "001", "zone_a": "001"}
    third = booked(up("LEAK", T, sensor="zone_a"), up("LEAK", T + 9), up("LEAK", T + 60, sensor="002"))
    assert leads(third) == dict.fromkeys(("zone_a", "001", "002"), "zone_a")
    assert leads(booked(up("LEAK", T), up("LEAK", T + 9, sensor="zone_a"), up("LEAK", T + 60, sensor="002"))) == (
        dict.fromkeys(("001", "zone_a", "002"), "001")
    )


def test_what_lies_beyond_an_outlet_or_a_day_away_is_another_leak() -> None:
    beyond = booked(up("LEAK", T), up("LEAK", T, sensor="003"), up("LEAK", T + 9, sensor="zone_b"))
    assert leads(beyond) == {"001": "001", "003": "003", "zone_b": "003"}
    assert leads(booked(up("LEAK", T, sensor="003"), up("LEAK", T, sensor="zone_a"))) == {
        "003": "003",
        "zone_a": "zone_a",
    }
    later = T + SAME_MIN + 1
    assert leads(booked(up("LEAK", T), up("LEAK", later, sensor="zone_a"))) == {"001": "001", "zone_a": "zone_a"}
    ended = booked(up("LEAK", T), down("LEAK", T + 60), up("LEAK", T + 90, sensor="zone_a"))
    assert leads(ended) == {"001": "001", "zone_a": "zone_a"}
    assert leads(booked(up("SYS-STUCK", T), up("LEAK", T, sensor="zone_a"))) == {"zone_a": "zone_a"}


def test_a_leak_is_not_hidden_behind_a_watch() -> None:
    made = booked(up("PRE-STEP", T), up("PRE-STEP", T + 5, sensor="zone_a"))
    assert leads(made) == {"001": "001", "zone_a": "001"}
    made.on_findings([up("LEAK", T + 60, T, sensor="zone_a")])
    assert leads(made) == {"001": "zone_a", "zone_a": "zone_a"}
    made.on_findings([up("LEAK", T + 70, T)])
    assert leads(made) == {"001": "zone_a", "zone_a": "zone_a"}


def test_what_outlasts_the_leak_that_was_told_is_told_itself() -> None:
    made = booked(up("LEAK", T), up("LEAK", T + 60, sensor="zone_a"), down("LEAK", T + 100))
    assert not made.look(all_stand, T + 99 + OUTLASTS_MIN)
    assert leads(made) == {"001": "001", "zone_a": "001"}
    assert made.look(all_stand, T + 100 + OUTLASTS_MIN)
    assert leads(made) == {"001": "001", "zone_a": "zone_a"}
    meter = booked(
        up("LEAK", T), up("LEAK", T, sensor="zone_a"), down("LEAK", T + 300, "meter"), up("SYS-METER", T + 300)
    )
    assert meter.look(all_stand, T + 301)
    assert leads(meter) == {"zone_a": "zone_a"}


steps = some.lists(
    some.tuples(
        some.sampled_from(["001", "002", "003", "zone_a", "zone_b"]),
        some.sampled_from(["PRE-STEP", "LEAK", "LEAK", "SYS-METER", "end"]),
        some.integers(1, 300),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_comes_each_leak_that_is_up_is_told_once_or_leads_to_one_that_is(
    happenings: list[tuple[str, str, int]],
) -> None:
    made, minute = Book("demo", zones=ZONES), T
    for sensor, code, later in happenings:
        minute += later
        found = [down(each, minute, sensor=sensor) for each in ("PRE-STEP", "LEAK", "SYS-METER")]
        made.on_findings(found if code == "end" else [up(code, minute, sensor=sensor)])
        made.look(all_stand, minute)
        by_id = {one.id: one for one in made.incidents}
        for one in made.incidents:
            if one.ended is not None or not one.joined:
                continue
            leading = by_id[one.joined]
            assert not leading.joined
            assert leading.kind == "leak"
            assert leading.ended is None or minute - leading.ended < OUTLASTS_MIN
            assert not (one.severity == "leak" and leading.ended is None and leading.severity == "watch")


def test_an_id_tells_its_sensor() -> None:
    made = booked(*(up("LEAK", T, sensor=sensor) for sensor in ("001", "a-b", "x.-1:2"))).incidents
    assert [sensor_of(one.id) for one in made] == ["001", "a-b", "x.-1:2"]
    assert sensor_of("something") == "something"


def test_one_leak_is_told_once_by_the_verdict_and_the_alerts_and_shown_at_both_points(
    settings_for: Callable[..., Settings],
) -> None:
    chosen = settings_for()
    book.store(chosen.paths.data, booked(up("LEAK", T), up("LEAK", T + 60, sensor="zone_a")))
    look = Snapshot(
        minute_start(T + 61),
        mark=Mark(T + 60, 2, "log", {"001": T + 60, "zone_a": T + 60}),
        incidents=reading.load(chosen.paths.data, T + 61),
    )
    found = judge(look, chosen)
    assert [each.subject for each in found.verdict.problems if each.code == "leak"] == ["001"]
    assert {sensor: each.code for sensor, each in found.sensors.items()} == {"001": "leak", "zone_a": "leak"}
    queue, known, person = Queue(), look.incidents.known, Person("kim", kinds=("leak", "watch"))
    assert [item.id for item in queue.items(known, person, T + 61)] == [known[1].incident.id]
    queue.said[known[0].incident.id] = Said("leak", "watch", T)  # it was told, and then a worse one came
    assert len(queue.items(known, person, T + 61)) == 1
    known[0].incident.ended = T + 61
    assert {item.news for item in queue.items(known, person, T + 61)} == {News.RAISED, News.OVER}
    said = {each.incident.sensor: told(each, "", words("en"), ZoneInfo("UTC"), T + 61).what for each in known}
    assert "one leak with the one at 001" in said["zone_a"]
    assert "one leak" not in said["001"]
