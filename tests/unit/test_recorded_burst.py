"""The burst in the demo's recording: one incident of its size, from its beginning to its repair and not before."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from common.clock import minute_of
from demo.recordings import ZONE, shipped
from incidents.book import Book
from incidents.incident import Incident, Size
from outliers.criteria import Criteria, initial
from outliers.learn.build import History, build
from outliers.watch.detector import Detector

ROME, HOUR = ZoneInfo(ZONE), 60
BEGINS, ENDS, TRUTH_M3H = "2023-07-07 15:07", "2023-07-08 13:31", 9.3
AGES_H = (1, 2, 10, 20)


def recorded(name: str) -> History:
    with gzip.open(shipped() / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        rows = [*csv.reader(file)][1:]
    flow, pressure = (np.array([float(row[place] or "nan") for row in rows]) for place in (1, 2))
    return History(at(rows[0][0]), flow, pressure)


def at(local: str) -> int:
    return minute_of(datetime.fromisoformat(local).replace(tzinfo=ROME))


def played(rows: History) -> Iterator[tuple[int, float | None, float | None]]:
    """The recording until a day after the repair."""
    for place in range(at(ENDS) + 24 * HOUR - rows.first):
        flow, pressure = float(rows.flow[place]), float(rows.pressure[place])
        yield rows.first + place, None if np.isnan(flow) else flow, None if np.isnan(pressure) else pressure


@pytest.fixture(scope="module")
def learnt() -> Criteria:
    return replace(build(recorded("001.history"), ROME, initial("001")), version=1)


@pytest.fixture(scope="module")
def course(learnt: Criteria) -> dict[int, Incident]:
    """The only incident at each minute of the recording's first three days."""
    detector, book = Detector("001", learnt, ROME), Book("demo")
    found = {}
    for minute, flow, pressure in played(recorded("001.replay")):
        book.on_findings(detector.step(minute, flow, pressure).findings)
        for incident in book.open_leaks().values():
            if minute % 10 == 0 and (now := detector.leak_now()) is not None:
                book.on_size(incident, Size(minute, *now))
        for incident in book.incidents:
            found[minute] = replace_of(incident)
    assert len(book.incidents) == 1
    return found


def replace_of(incident: Incident) -> Incident:
    """As it is now: the book goes on with it."""
    return Incident(**{name: getattr(incident, name) for name in incident.__struct_fields__})


def test_it_is_up_until_it_is_repaired(course: dict[int, Incident]) -> None:
    begins, ends = at(BEGINS), at(ENDS)
    assert min(course) - begins < 30
    assert all(course[minute].ended is None for minute in range(begins + HOUR, ends))
    over = course[max(course)]
    assert over.ended is not None and over.over_told is not None
    assert abs(over.ended - ends) <= 1.5 * HOUR
    assert over.ended < over.over_told <= ends + 7 * HOUR
    assert over.volume_m3 == pytest.approx(TRUTH_M3H * (ends - begins) / HOUR, rel=0.15)


@pytest.mark.parametrize("gap_h", [3.0, 10.5, 12.0, 13.5, 21.0])
def test_an_hour_without_rows_does_not_end_it(learnt: Criteria, gap_h: float) -> None:
    detector, begins, ends = Detector("001", learnt, ROME), at(BEGINS), at(ENDS)
    gap = range(int(begins + gap_h * HOUR), int(begins + (gap_h + 1) * HOUR))
    rows = (row for row in played(recorded("001.replay")) if row[0] not in gap)
    found = [one for row in rows for one in detector.step(*row).findings if one.code == "LEAK"]
    raised, cleared = found
    assert raised.minute < gap[0] and (raised.state, cleared.state) == ("raise", "clear")
    assert ends <= cleared.minute <= ends + 7 * HOUR


@pytest.mark.parametrize("age_h", AGES_H)
def test_it_is_told_with_its_size(course: dict[int, Incident], age_h: int) -> None:
    size = course[at(BEGINS) + age_h * HOUR + 10].size
    assert size is not None
    assert abs(size.flow_m3h - TRUTH_M3H) <= 2 * size.error_m3h
    assert size.error_m3h < (0.8 if age_h < 10 else 0.25) * TRUTH_M3H
