"""What an operator of the made-up district reads of a recorded trouble: judged and booked as the producer does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from trouble_recordings import HOUR, Recording

from common import verdict_words
from common.clock import minute_start
from common.folder import CRITERIA_FOLDER
from common.messages import LANGUAGES, words
from common.verdict import verdict
from common.zones import NO_ZONES
from incidents import reading
from incidents.incident import Incident
from incidents.sentences import Told, told
from outliers import calendar
from outliers.criteria import Criteria
from outliers.learn.build import History
from outliers.watch.detector import Detector
from outliers.watch.planned import Planned
from producer.incident_keeper import IncidentKeeper
from situation.judge import of_incidents
from situation.rows import SensorRow, Stored
from situation.snapshot import Snapshot

NAME = "연산3 소블록"
DAY = 24 * HOUR
ZONE = ZoneInfo("UTC")  # where the made-up district lives


@dataclass(frozen=True)
class Read:
    """What is read at one minute: the verdict, its lines, and the incidents, those that are up first."""

    minute: int
    incidents: tuple[Incident, ...]
    kind: str
    lines: dict[str, list[str]]
    told: dict[str, list[Told]]


@dataclass(frozen=True)
class Course:
    """What is read an hour after the first sign, at the trouble's largest, and a day after its end."""

    hour_after: Read
    largest: Read
    day_after: Read


def watched(data: Path, learnt: Criteria, recording: Recording, *, planned: str = "", settled: int = DAY) -> Course:
    """The whole recording, minute by minute. `planned`: a line of the calendar; `settled`: minutes after the end."""
    (data / CRITERIA_FOLDER).mkdir()
    (data / CRITERIA_FOLDER / calendar.PLANNED).write_text(planned, encoding="utf-8")
    works = calendar.load(data, ZONE).at("001")
    detector, muted, keeper = Detector("001", learnt, ZONE), Planned(), IncidentKeeper(data, "demo", [], NO_ZONES)
    found, hour_after = dict[int, Read](), 0
    for minute, flow, pressure in minutes(recording.rows):
        findings = muted.step(minute, detector.step(minute, flow, pressure), works).findings
        if findings:
            hour_after = hour_after or minute + HOUR
            keeper.take(findings)
        keeper.look(minute, {"001": detector}, {}, lambda _sensor: None)
        if minute in (hour_after, recording.largest, recording.end + settled):
            found[minute] = read(data, minute)
    return Course(found[hour_after], found[recording.largest], found[recording.end + settled])


def minutes(rows: History) -> Iterator[tuple[int, float, float]]:
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        yield rows.first + place, flow, pressure


def read(data: Path, minute: int) -> Read:
    known = reading.load(data, minute)
    assert known.problem == ""
    look = Snapshot(minute_start(minute), incidents=known)
    whole = verdict(of_incidents(look, Stored({"001": SensorRow(None, NAME)})))
    return Read(
        minute,
        tuple(each.incident for each in known.known),
        whole.kind,
        {language: [str(verdict_words.said(each, language)) for each in whole.problems] for language in LANGUAGES},
        {language: [told(each, NAME, words(language), ZONE, minute) for each in known.known] for language in LANGUAGES},
    )
