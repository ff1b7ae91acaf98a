"""Which incidents stand before the charts of a page, and where the others are."""

from zoneinfo import ZoneInfo

from common.messages import words
from incidents.incident import Incident, Sign
from incidents.life import Life
from incidents.reading import Incidents, Known
from server.incident_list import before_charts, shown

MINUTE = 28_745_000


def known(sensor: str, up: int, over: int, severity: str = "leak") -> list[Known]:
    """So many incidents of a sensor, those that are up first."""

    def one(number: int, ended: int | None) -> Known:
        sign = Sign("LEAK", "PREDICT", "flow", severity, MINUTE - 90, MINUTE - 60, ended)
        name = f"{sensor}-{number}"
        return Known(Incident(name, "s", sensor, "leak", MINUTE - 90, MINUTE - 60, ended, signs=[sign]), Life())

    return [one(number, None if number < up else MINUTE) for number in range(up + over)]


def on_page(each: list[Known], sensor: str = "") -> tuple[list[str], str]:
    """The ids, and the link to the others."""
    found = shown(Incidents(tuple(each)), {}, words("en"), ZoneInfo("Asia/Seoul"), MINUTE, sensor=sensor)
    part = before_charts(found, sensor)
    return [incident["id"] for incident in part["incidents"]], part["more"]


def test_all_that_are_up_are_shown_however_many() -> None:
    ids, more = on_page(known("001", up=9, over=3))
    assert (len(ids), more) == (9, "incidents")


def test_of_those_that_are_over_a_few_are_shown() -> None:
    assert on_page(known("001", up=1, over=30)) == ([f"001-{number}" for number in range(5)], "incidents")
    assert on_page(known("001", up=1, over=2))[1] == ""


def test_a_sensor_shows_its_own_and_links_to_its_own() -> None:
    each = [*known("001", up=1, over=1), *known("A 2", up=0, over=8)]
    assert on_page(each, "001") == (["001-0", "001-1"], "")
    ids, more = on_page(each, "A 2")
    assert (len(ids), more) == (5, "incidents?sensor=A%202")


def test_the_worst_stands_first_however_many_others_came_after_it() -> None:
    """When the line to a hundred meters fails, the leak of last night is still the first line."""
    each = [*known("002", up=100, over=0, severity="fault"), *known("003", up=1, over=0, severity="watch")]
    each += [*known("001", up=1, over=1)]
    assert on_page(each)[0][:2] == ["001-0", "002-0"]
    assert on_page(each, "003")[0] == ["003-0"]
    assert on_page(each, "001")[0] == ["001-0", "001-1"]
